"""Decisions that rules made, and why: the list, and each with the rule as it was then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.errors import NotFound
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.policy import verdicts
from core.policy.models import PolicyVerdict
from core.policy.why import Ground, explain
from core.web.access import access
from core.web.page import page

READ = "policy.decisions"
PAGE = 50
OUTCOMES = {
    "refused": (_l("不予通过"), "bad"),
    "kept": (_l("写明理由后通过"), "warn"),
    "applied": (_l("按规定执行"), "info"),
}


async def _list(
    request: Request[Any, Any, Any], uow: UnitOfWork, face: str, subject: UUID | None, before: UUID | None
) -> Response[str]:
    rows = await verdicts.listed(uow, subject_id=subject, before=before, limit=PAGE + 1)
    return await page(
        request,
        "policy/decisions.html",
        uow,
        base=f"/t/{uow.ctx.slug}/{face}/decisions",
        rows=rows[:PAGE],
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
        subject=subject,
        outcomes=OUTCOMES,
    )


async def _show(request: Request[Any, Any, Any], uow: UnitOfWork, face: str, verdict_id: UUID) -> Response[str]:
    why = await explain(uow, await _one(uow, verdict_id))
    base = f"/t/{uow.ctx.slug}/{face}/decisions"
    return await page(request, "policy/decision.html", uow, base=base, why=why, row=why.verdict, outcomes=OUTCOMES)


async def _one(uow: UnitOfWork, verdict_id: UUID) -> PolicyVerdict:
    found = [row for row in await verdicts.listed(uow, subject_id=verdict_id, limit=1) if row.id == verdict_id]
    if not found:
        raise NotFound()
    return found[0]


@get("/t/{tenant:str}/desk/decisions", opt=access(READ))
async def desk_list(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    subject: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
) -> Response[str]:
    """What rules decided in this school, newest first; of one subject with `subject`."""
    return await _list(request, uow, "desk", subject, before)


@get("/t/{tenant:str}/desk/decisions/{verdict_id:uuid}", opt=access(READ))
async def desk_show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], verdict_id: FromPath[UUID]
) -> Response[str]:
    """One decision, with the rules as they were."""
    return await _show(request, uow, "desk", verdict_id)


@get("/t/{tenant:str}/bureau/decisions", opt=access(READ))
async def bureau_list(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    subject: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
) -> Response[str]:
    """What rules decided in this bureau."""
    return await _list(request, uow, "bureau", subject, before)


@get("/t/{tenant:str}/bureau/decisions/{verdict_id:uuid}", opt=access(READ))
async def bureau_show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], verdict_id: FromPath[UUID]
) -> Response[str]:
    """One decision of the bureau, with the rules as they were."""
    return await _show(request, uow, "bureau", verdict_id)


@get("/api/t/{tenant:str}/desk/decisions", opt=access(READ))
async def api_list(
    uow: NamedDependency[UnitOfWork],
    subject: FromQuery[UUID | None] = None,
    before: FromQuery[UUID | None] = None,
) -> dict[str, Any]:
    """The same list with its grounds, for programs; `older` is the `before` of the next page, null on the last."""
    rows = await verdicts.listed(uow, subject_id=subject, before=before, limit=PAGE + 1)
    found = [await as_data(uow, row) for row in rows[:PAGE]]
    return {"decisions": found, "older": rows[PAGE - 1].id if len(rows) > PAGE else None}


async def as_data(uow: UnitOfWork, row: PolicyVerdict) -> dict[str, Any]:
    """A stored verdict and its grounds as plain data."""
    why = await explain(uow, row)
    return {
        "id": row.id,
        "at": row.at,
        "act": row.act,
        "subject_kind": row.subject_kind,
        "subject_id": row.subject_id,
        "outcome": row.outcome,
        "reason": row.reason,
        "by": row.actor_name,
        "facts": row.facts,
        "pack": row.pack_key,
        "revision": row.pack_revision,
        "grounds": [ground_data(g) for g in why.grounds],
    }


def ground_data(ground: Ground) -> dict[str, Any]:
    """One ground as plain data."""
    return {
        "rule": ground.rule,
        "title": ground.title,
        "message": ground.message,
        "force": ground.force,
        "value": ground.value,
        "clause": ground.clause,
        "quote": ground.quote,
        "document": ground.document,
        "facts": dict(ground.facts),
        "default": ground.is_default,
        "as_it_was": ground.as_it_was,
    }


HANDLERS = (desk_list, desk_show, bureau_list, bureau_show, api_list)
