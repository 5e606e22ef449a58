"""The job that arranges: read, solve, write. Nothing is written before the answer is whole, so a job that was killed
begins anew and, as the same problem has the same answer, ends where it would have ended."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import Range

from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.delivery import Delivery, GiveUp
from core.db.uow import UnitOfWork
from core.enrollment.forming.gather import problem_of
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun, as_slots
from core.enrollment.forming.problem import Course, Problem, Proposal, spans_of
from core.enrollment.forming.solver import propose
from core.enrollment.forming.states import FORMING
from core.enrollment.forming.words import group_title
from core.terms.models import Term

JOB: Final = "forming.solve"


async def run(job: Delivery) -> None:
    """The job "forming.solve"; payload {run, try}. Arranges once, however often it runs."""
    run_id = UUID(job.payload["run"])
    async with job.unit() as uow:
        row = await uow.get(FormingRun, run_id)
        if row.state != "solving" or row.tries != int(job.payload["try"]):
            return
        problem, _views = await problem_of(uow, row)
    await job.progress(0, 1, _("正在编班"))
    try:
        proposal = await _solve(job, problem)
    except ImportError as exc:
        async with job.unit() as uow:
            row = await uow.get(FormingRun, run_id, lock=True)
            row.stopped = _("这台服务器没有装好编排程序，请联系技术支持")
            await FORMING.transition(uow, row, "stop")
        raise GiveUp(str(exc)) from exc
    async with job.unit() as uow:
        row = await uow.get(FormingRun, run_id, lock=True)
        if row.state == "solving" and row.tries == int(job.payload["try"]):
            await keep(uow, row, problem, proposal)
            await FORMING.transition(uow, row, "propose")
    await job.progress(1, 1, _("编排完成"))


async def _solve(job: Delivery, problem: Problem) -> Proposal:
    """Solve in a thread; the bar follows from here."""
    at = [0, 1]

    def told(done: int, total: int) -> None:
        at[:] = [done, total]

    work = asyncio.create_task(asyncio.to_thread(propose, problem, told))
    shown = 0
    while not work.done():
        await asyncio.wait({work}, timeout=1)
        if at[0] > shown:
            shown = at[0]
            await job.progress(shown, at[1], _("正在编班"))
    return await work


async def clear(uow: UnitOfWork, row: FormingRun) -> None:
    """Take down a run's arrangement that is not in force."""
    await uow.session.execute(delete(CareGroupDuty).where(CareGroupDuty.run_id == row.id))
    await uow.session.execute(delete(CareGroup).where(CareGroup.run_id == row.id))


async def valid_for(uow: UnitOfWork, row: FormingRun) -> Range[date]:
    term = await uow.get(Term, row.term_id)
    return Range(row.starts_on, term.ends_on, bounds="[]")


async def keep(uow: UnitOfWork, row: FormingRun, problem: Problem, proposal: Proposal) -> None:
    """Write an arrangement in place of the run's earlier one."""
    await clear(uow, row)
    valid = await valid_for(uow, row)
    common = {"tenant_id": uow.ctx.tenant_id, "board": row.id, "valid": valid}
    courses = {course.key: course for course in problem.courses}
    ids = [new_id() for _group in proposal.groups]
    groups, members = [], []
    for id_, group in zip(ids, proposal.groups, strict=True):
        course = courses[group.course]
        groups.append(
            {
                **common,
                "id": id_,
                "run_id": row.id,
                "offering_id": UUID(group.course),
                "number": group.number,
                "title": group_title(group, proposal.groups),
                "bucket": group.bucket,
                "room_id": UUID(group.room) if group.room else None,
                "slots": as_slots(spans_of(course)),
            }
        )
        members += [{**common, "group_id": id_, **line} for line in member_lines(course, group.children)]
    duties = [
        {
            **common,
            "id": new_id(),
            "run_id": row.id,
            "group_id": None if duty.group is None else ids[duty.group],
            "staff_id": UUID(duty.person),
            "role": duty.role,
            "weekday": duty.day,
            "week": duty.week,
            "slots": as_slots([duty.span]),
        }
        for duty in proposal.duties
    ]
    for table, lines in ((CareGroup, groups), (CareGroupMember, members), (CareGroupDuty, duties)):
        if lines:
            await uow.session.execute(insert(table), lines)


def member_lines(course: Course, children: tuple[str, ...]) -> list[dict[str, object]]:
    days = {child.key: child.days for child in course.children}
    return [
        {"id": new_id(), "student_id": UUID(key), "slots": as_slots(spans_of(course, days[key]))}
        for key in sorted(children)
    ]


async def groups_of(uow: UnitOfWork, run_id: UUID) -> list[CareGroup]:
    query = select(CareGroup).where(CareGroup.run_id == run_id).order_by(CareGroup.offering_id, CareGroup.number)
    return list((await uow.session.execute(query)).scalars())
