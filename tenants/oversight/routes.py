"""The bureau's JSON: the queue of plans, one plan, decisions, the board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.errors import FieldError, Invalid
from core.base.text import lazy_gettext as _l
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.web.access import access
from tenants.oversight import service
from tenants.oversight.figures import board, terms_known
from tenants.oversight.models import ReceivedPlan
from tenants.oversight.states import FILING, READ, REVIEW

BASE = "/api/t/{tenant:str}/bureau"


def _as_json(row: ReceivedPlan) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "school_id": str(row.school_id),
        "school": row.school_name,
        "term": row.term_code,
        "version": row.version,
        "round": row.round,
        "state": row.state,
        "state_title": FILING.title(row.state),
        "mode": row.mode,
        "number": row.number,
        "reason": row.reason,
        "content": row.content,
        "objections": row.findings,
        "reasons": row.reasons,
        "pack": row.pack,
        "revision": row.revision,
        "paper_sha256": row.paper_sha256,
    }


@get(BASE + "/plans", opt=access(READ))
async def get_plans(
    uow: NamedDependency[UnitOfWork], show: FromQuery[str] = "", q: FromQuery[str] = "", offset: FromQuery[int] = 0
) -> dict[str, Any]:
    """Plans received: those that wait first."""
    total, rows = await service.listed(uow, state=show, q=q, offset=max(0, offset), size=100)
    listed = [
        {
            "id": str(row.id),
            "school": row.school_name,
            "term": row.term_code,
            "version": row.version,
            "round": row.round,
            "state": row.state,
            "number": row.number,
            "received_at": row.created_at.isoformat(),
        }
        for row in rows
    ]
    return {"total": total, "waiting": await service.waiting(uow), "plans": listed}


@get(BASE + "/plans/{filing_id:uuid}", opt=access(READ))
async def get_plan(uow: NamedDependency[UnitOfWork], filing_id: FromPath[UUID]) -> dict[str, Any]:
    """One plan with the bureau's own findings."""
    return _as_json(await uow.get(ReceivedPlan, filing_id))


@post(BASE + "/plans/{filing_id:uuid}/pass", opt=access(REVIEW), status_code=200)
async def post_pass(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], filing_id: FromPath[UUID]
) -> dict[str, Any]:
    """Pass a plan, with an Idempotency-Key; it gets its filing number."""

    async def act() -> Mapping[str, Any]:
        return {"number": (await service.pass_plan(uow, filing_id)).number}

    key = request.headers.get("idempotency-key")
    await once(uow, "filing.pass", key, {"filing": filing_id}, act)
    return _as_json(await uow.get(ReceivedPlan, filing_id))


@post(BASE + "/plans/{filing_id:uuid}/return", opt=access(REVIEW), status_code=200)
async def post_return(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], filing_id: FromPath[UUID]
) -> dict[str, Any]:
    """{"reason"} → back to the school."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Invalid(fields=[FieldError("", _l("请发送正确的 JSON"))])
    await service.return_plan(uow, filing_id, str(body.get("reason", "")))
    return _as_json(await uow.get(ReceivedPlan, filing_id))


@get(BASE + "/figures", opt=access(READ))
async def get_schools(uow: NamedDependency[UnitOfWork], term: FromQuery[str] = "") -> dict[str, Any]:
    """The board: each school with its newest figures, counts only."""
    terms = await terms_known(uow)
    chosen = term or (terms[0] if terms else "")
    lines = [
        {
            "id": str(line.id),
            "slug": line.slug,
            "name": line.name,
            "plan": line.plan_state,
            "as_of": line.as_of.isoformat() if line.as_of else None,
            "figures": line.figures.model_dump(mode="json") if line.figures else None,
        }
        for line in await board(uow, chosen)
    ]
    return {"term": chosen, "terms": terms, "schools": lines}


HANDLERS = (get_plans, get_plan, post_pass, post_return, get_schools)
