"""Progress of long jobs: what people see as a bar."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork


async def start(uow: UnitOfWork, run: UUID) -> None:
    await _set(uow, run, state="running", started_at=func.coalesce(JobRun.started_at, func.now()))


async def write(uow: UnitOfWork, run: UUID, *, done: int, total: int, note: str, result: dict[str, Any]) -> None:
    values: dict[str, Any] = {"done": done, "total": total, "note": note}
    if result:
        values["result"] = JobRun.result.op("||")(result)
    await _set(uow, run, **values)


async def finish(uow: UnitOfWork, run: UUID) -> None:
    await _set(uow, run, state="finished", finished_at=func.now())


async def fail(uow: UnitOfWork, run: UUID, why: str) -> None:
    await _set(uow, run, state="failed", note=why, finished_at=func.now())


async def latest(uow: UnitOfWork, job: str) -> JobRun | None:
    """The newest run of a job in this tenant."""
    query = select(JobRun).where(JobRun.job == job).order_by(JobRun.created_at.desc(), JobRun.id.desc()).limit(1)
    return (await uow.session.execute(query)).scalar_one_or_none()


async def _set(uow: UnitOfWork, run: UUID, **values: Any) -> None:
    await uow.session.execute(update(JobRun).where(JobRun.id == run).values(updated_at=func.now(), **values))
