"""The bar of a long job that a plugin's page shows."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class JobProgress:
    """`state` is waiting, running, finished or failed; `total` is 0 while it is not known."""

    state: str
    done: int
    total: int
    note: str


async def job_progress(uow: UnitOfWork, run: UUID | None) -> JobProgress | None:
    """How far the job is that `uow.enqueue` gave this id for; None where there is no such row."""
    row = await uow.find(JobRun, run) if run is not None else None
    return None if row is None else JobProgress(row.state, row.done, row.total, row.note)


__all__ = ["JobProgress", "job_progress"]
