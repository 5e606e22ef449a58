"""The service plan as JSON: the same deeds as on the pages, for clients and for the walkthrough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.errors import FieldError, Invalid, NotFound
from core.base.text import lazy_gettext as _l
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.enrollment import plan_filing, plan_service
from core.enrollment.plan_check import Finding
from core.enrollment.plan_models import ServicePlan
from core.enrollment.plan_schemas import PlanContent, read_content
from core.enrollment.plan_service import Checked
from core.enrollment.plan_states import ADOPT, PLAN, READ, WRITE
from core.terms.models import Term
from core.terms.service import current_term
from core.web.access import access

BASE = "/api/t/{tenant:str}/desk/plan"
KEY_HEADER = "idempotency-key"


async def _json(request: Request[Any, Any, Any]) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise Invalid(fields=[FieldError("", _l("请发送正确的 JSON"))]) from None
    if not isinstance(body, dict):
        raise Invalid(fields=[FieldError("", _l("请发送正确的 JSON"))])
    return body


async def _answer(uow: UnitOfWork, plan: ServicePlan) -> dict[str, Any]:
    checked = await plan_service.check(uow, plan)
    return _as_json(checked, plan_filing.filing_mode(uow, checked.term))


def _as_json(checked: Checked, mode: str) -> dict[str, Any]:
    plan = checked.plan
    return {
        "id": str(plan.id),
        "term": checked.term.code,
        "state": plan.state,
        "state_title": PLAN.title(plan.state),
        "version": plan.version,
        "shown_version": plan.shown_version,
        "round": plan.round,
        "filing": mode,
        "filing_number": plan.filing_number,
        "content": checked.version.content,
        "reasons": checked.version.reasons,
        "objections": [_finding(f, checked.version.reasons) for f in checked.findings],
        "blocks": len(checked.blocks),
        "reasons_owed": [f.key for f in checked.owed],
        "pack": checked.pack,
        "revision": checked.revision,
    }


def _finding(finding: Finding, reasons: Mapping[str, Any]) -> dict[str, Any]:
    objection = finding.objection
    return {
        "section": finding.section,
        "key": finding.key,
        "code": objection.code,
        "message": str(objection.message),
        "force": objection.force,
        "clause": objection.clause,
        "quote": objection.quote,
        "source": str(objection.source),
        "reason": str(reasons.get(finding.key, "")),
    }


async def _term(uow: UnitOfWork, term: UUID | None) -> Term:
    return await uow.get(Term, term) if term else await current_term(uow)


async def _plan(uow: UnitOfWork, term: UUID | None) -> ServicePlan:
    found = await plan_service.plan_of(uow, (await _term(uow, term)).id)
    if found is None:
        raise NotFound()
    return found


@get(BASE, opt=access(READ, WRITE, ADOPT))
async def get_plan(uow: NamedDependency[UnitOfWork], term: FromQuery[UUID | None] = None) -> dict[str, Any]:
    """The plan of a term (the current one) with every objection: section, message, force, clause, quote."""
    return await _answer(uow, await _plan(uow, term))


@put(BASE, opt=access(WRITE))
async def put_plan(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], term: FromQuery[UUID | None] = None
) -> dict[str, Any]:
    """{"content": {…}, "based_on": version} → saved as a new version, begun where there is none; checked."""
    body = await _json(request)
    content = read_content(body.get("content"))
    plan = await plan_service.begin(uow, (await _term(uow, term)).id, content)
    based_on = body.get("based_on")
    await plan_service.save(uow, plan.id, content, based_on=based_on if isinstance(based_on, int) else None)
    return await _answer(uow, plan)


@post(BASE + "/reasons", opt=access(WRITE), status_code=200)
async def post_reasons(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], term: FromQuery[UUID | None] = None
) -> dict[str, Any]:
    """{"reasons": {key: text}} → why warnings may stand."""
    given = (await _json(request)).get("reasons")
    if not isinstance(given, dict):
        raise Invalid(fields=[FieldError("reasons", _l("请填写此项"))])
    plan = await _plan(uow, term)
    await plan_service.give_reasons(uow, plan.id, {str(k): str(v) for k, v in given.items()})
    return await _answer(uow, plan)


@post(BASE + "/{plan_id:uuid}/{step:str}", opt=access(WRITE, ADOPT), status_code=200)
async def post_step(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    plan_id: FromPath[UUID],
    step: FromPath[str],
) -> dict[str, Any]:
    """One step of the plan's life: adopt, reopen, submit (with Idempotency-Key), publish, amend ({"reason"})."""
    if step == "adopt":
        await plan_service.adopt(uow, plan_id)
    elif step == "reopen":
        await plan_service.reopen(uow, plan_id)
    elif step == "publish":
        await plan_filing.publish(uow, plan_id)
    elif step == "amend":
        await plan_service.amend(uow, plan_id, str((await _json(request)).get("reason", "")))
    elif step == "submit":

        async def act() -> Mapping[str, Any]:
            return {"round": (await plan_filing.submit(uow, plan_id)).round}

        await once(uow, "plan.submit", request.headers.get(KEY_HEADER), {"plan": plan_id}, act)
    else:
        raise NotFound()
    return await _answer(uow, await uow.get(ServicePlan, plan_id))


@get("/api/t/{tenant:str}/home/plan", opt=access())
async def get_shown(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """The plan that families may see."""
    term = await current_term(uow)
    found = await plan_service.shown_plan(uow, term.id)
    if found is None:
        raise NotFound()
    plan, version = found
    content = PlanContent.model_validate(version.content)
    return {
        "term": term.code,
        "state": plan.state,
        "version": version.number,
        "filing_number": plan.filing_number,
        "content": content.data(),
    }


HANDLERS = (get_plan, put_plan, post_reasons, post_step, get_shown)
