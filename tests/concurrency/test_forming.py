"""The worker that forms groups is killed in mid-solve: the run begins anew by itself and ends in one result."""

from __future__ import annotations

import os
import signal
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core.db.kernel_tables import AuditEntry, JobRun, Outbox
from core.enrollment.forming import service
from core.enrollment.forming.models import CareGroup, CareGroupMember, FormingRun
from core.enrollment.forming.solver import propose
from tests.concurrency.test_kill_workers import LEASE, Station, house, station, valkey
from tests.support.forming import bed, wrong
from tests.support.lessons import MONDAY, at
from tests.support.world import World

__all__ = ["house", "station", "valkey"]


@pytest.mark.req("R-167")
async def test_a_worker_killed_in_mid_solve_leaves_one_result(station: Station) -> None:
    (station.folder / "solve.hold").touch()
    with at(MONDAY, 9):
        made = await bed(World(station.house), pack=None, slug="forming", plugins=())
        station.school = made.school
        run_id = await made.make()
        async with station.house.unit(await made.office()) as uow:
            await service.solve(uow, run_id)

    async def bar() -> JobRun:
        async with station.house.unit(made.school.ctx) as uow:
            row = await uow.get(FormingRun, run_id)
            assert row.job_id is not None
            return await uow.get(JobRun, row.job_id)

    async def state() -> str:
        async with station.house.unit(made.school.ctx) as uow:
            return (await uow.get(FormingRun, run_id)).state

    async def under_way() -> bool:
        return (await bar()).done > 0

    station.start("relay", "worker")
    await station.until(lambda: station.began("solve"))
    await station.until(under_way)
    shown = await bar()
    # While it is held: the bar says how far it is, no more; nothing is half written.
    assert shown.state == "running" and 0 < shown.done < shown.total
    assert await state() == "solving" and await made.groups(run_id) == []
    os.kill(station.pid("worker"), signal.SIGKILL)
    (station.folder / "solve.hold").unlink()

    async def proposed() -> bool:
        return await state() == "proposed"

    took = await station.until(proposed)
    assert took < LEASE + 40  # the lease, a process that starts anew, and the solver once more
    await station.until(station.all_done)
    done = await bar()
    assert (done.state, done.done) == ("finished", done.total) and done.total > 0
    with at(MONDAY, 9):
        found = await made.look(run_id)
    assert wrong(found.problem, found.proposal) == []
    again = propose(found.problem)
    assert [sorted(g.children) for g in again.groups] == [sorted(g.children) for g in found.proposal.groups]
    async with station.house.unit(made.school.ctx) as uow:
        job = (await uow.session.execute(select(Outbox).where(Outbox.name == "forming.solve"))).scalar_one()
        assert job.done_at is not None and job.dead_at is None and job.attempts >= 1
        moved = select(func.count()).where(AuditEntry.action == "forming_run.propose")
        assert (await uow.session.execute(moved)).scalar_one() == 1
        members = select(func.count(), func.count(CareGroupMember.student_id.distinct()))
        assert (await uow.session.execute(members)).one() == (25, 25)
        groups = (await uow.session.execute(select(CareGroup.run_id).distinct())).scalars().all()
        assert groups == [UUID(str(run_id))]
