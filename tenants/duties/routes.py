"""The JSON of duties: a school's flags and list, the bureau's boards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base import clock
from core.base.errors import NotFound
from core.db.correspondence import organisation
from core.db.uow import UnitOfWork
from core.web.access import access
from tenants.duties import report, service, watch
from tenants.duties.bans import BANS
from tenants.duties.models import Duty, Flag, SchoolFlag
from tenants.duties.states import OVERSEE, READ, late

SIZE = 100


def _flag(row: Flag | SchoolFlag) -> dict[str, Any]:
    same = ("ban", "rule", "severity", "subject", "words", "clause", "quote", "source", "state", "reason")
    return {
        **{name: getattr(row, name) for name in same},
        "id": str(row.id),
        "check": row.check_key,
        "opened_at": row.opened_at.isoformat(),
    }


@get("/api/t/{tenant:str}/desk/bans", opt=access(READ))
async def get_flags(uow: NamedDependency[UnitOfWork], offset: FromQuery[int] = 0) -> dict[str, Any]:
    """This school's flags that stand, unanswered first, a hundred at a time."""
    total, rows = await watch.listed(uow, offset=max(0, offset), size=SIZE)
    return {"total": total, "flags": [_flag(row) for row in rows]}


def _duty(row: Duty) -> dict[str, Any]:
    same = ("rule", "state", "answer", "objections", "note", "recorded_by", "evidence_sha256")
    return {
        **{name: getattr(row, name) for name in same},
        "id": str(row.id),
        "due_on": row.due_on.isoformat(),
        "done_on": row.done_on.isoformat() if row.done_on else None,
        "overdue": late(row, clock.today()),
    }


@get("/api/t/{tenant:str}/desk/duties", opt=access(READ))
async def get_duties(
    uow: NamedDependency[UnitOfWork], term: FromQuery[str] = "", offset: FromQuery[int] = 0
) -> dict[str, Any]:
    """This school's list of a term (the current one when none is named), a hundred lines at a time."""
    code = term or await service.term_code(uow)
    total, rows = await service.listed(uow, code, offset=max(0, offset), size=SIZE)
    return {"term": code, "total": total, "duties": [_duty(row) for row in rows]}


@get("/api/t/{tenant:str}/bureau/bans", opt=access(OVERSEE))
async def get_board(
    uow: NamedDependency[UnitOfWork], ban: FromQuery[int] = 0, offset: FromQuery[int] = 0
) -> dict[str, Any]:
    """Flags of all schools that stand, the oldest first, a hundred at a time; and how many there are of each ban."""
    total, rows = await report.flags(uow, ban=ban, offset=max(0, offset), size=SIZE)
    counts = await report.flags_by_ban(uow)
    return {
        "total": total,
        "by_ban": {str(number): counts.get(number, (0, 0, 0))[0] for number in BANS},
        "flags": [{**_flag(row), "school_id": str(row.school_id)} for row in rows],
    }


@get("/api/t/{tenant:str}/bureau/schools-duties/{school_id:uuid}", opt=access(OVERSEE))
async def get_school(uow: NamedDependency[UnitOfWork], school_id: FromPath[UUID]) -> dict[str, Any]:
    """How one school's list stands. A school that is not under this bureau is not found."""
    if (await organisation(uow, school_id)).parent_id != uow.ctx.tenant_id:
        raise NotFound()
    row = next((d for s, d, _many in await report.schools(uow) if s.id == school_id), None)
    if row is None:
        return {"reported": False}
    same = ("term_code", "done", "waiting", "overdue", "excused", "not_kept", "failed")
    return {"reported": True, "as_of": row.as_of.isoformat(), **{name: getattr(row, name) for name in same}}


HANDLERS = (get_flags, get_duties, get_board, get_school)
