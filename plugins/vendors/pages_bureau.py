"""The bureau's pages: who applies, who is on the list, how they do, and reviews that wait for a decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.api import (
    Form,
    TenantContext,
    UnitOfWork,
    access,
    gettext,
    history,
    page,
    redirect,
    today,
)
from core.api.policy import SANCTIONS
from core.api.terms import term_title
from plugins.vendors import bureau_service, exits, letters
from plugins.vendors.models import Agency, Case, ScoreReport
from plugins.vendors.schemas import AgencyForm, DecideForm, NoticeForm
from plugins.vendors.scoring import TITLES, verify
from plugins.vendors.states import AGENCY, AGENCY_KINDS, CASE, CASE_STATES, GROUNDS, OUTCOMES

_ = gettext
READ = "vendors.read_list"


@get("/t/{tenant:str}/bureau/vendors", opt=access(READ))
async def show_list(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], stand: FromQuery[str] = ""
) -> Response[str]:
    """All vendors that applied, with where they stand."""
    found = await bureau_service.agencies(uow, stand if stand in AGENCY.states else "")
    return await page(
        request,
        "vendors/b_list.html",
        uow,
        rows=found,
        stand=stand,
        states=AGENCY,
        kinds_of=AGENCY_KINDS,
        cases=[c for c in await exits.cases(uow) if c.state != "decided"],
        case_states=CASE_STATES,
        today=today(),
        subject=None,
    )


@get("/t/{tenant:str}/bureau/vendors/{agency_id:uuid}", opt=access(READ))
async def show_agency(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], agency_id: FromPath[UUID]
) -> Response[str]:
    """One vendor: application, history, scores by school, reviews."""
    return await _agency_page(request, uow, agency_id, Form.blank(AgencyForm))


async def _agency_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, agency_id: UUID, form: Form[AgencyForm], status: int = 200
) -> Response[str]:
    row = await uow.get(Agency, agency_id)
    if not form.data.get("publicity_until"):
        form.data["publicity_until"] = today() + timedelta(days=7)
    return await page(
        request,
        "vendors/b_agency.html",
        uow,
        term_title=term_title,
        status=status,
        row=row,
        application=letters.Application.model_validate(row.profile),
        states=AGENCY,
        kinds_of=AGENCY_KINDS,
        possible=[m.event for m in AGENCY.possible(row.state, uow.ctx)],
        form=form,
        moves=await history(uow, AGENCY, row.id),
        scores=await bureau_service.scores_of(uow, row.vendor_id),
        cases=[c for c in await exits.cases(uow) if c.vendor_id == row.vendor_id],
        case_states=CASE_STATES,
        today=today(),
        subject=row.vendor_id,
    )


@post("/t/{tenant:str}/bureau/vendors/{agency_id:uuid}", opt=access("vendors.vet", "vendors.list"), status_code=200)
async def decide_agency(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    agency_id: FromPath[UUID],
) -> Response[Any]:
    """One move; vendor and schools hear of it."""
    form = await Form.from_request(AgencyForm, request)
    if form:
        given = form.value
        async with form.attempt(uow):
            row = await bureau_service.decide(
                uow, agency_id, given.event, reason=given.reason, publicity_until=given.publicity_until
            )
            words = _("%(name)s：%(state)s", name=row.name, state=AGENCY.title(row.state))
            return redirect(f"/t/{ctx.slug}/bureau/vendors/{agency_id}", flash=words)
    return await _agency_page(request, uow, agency_id, form, status=422)


@get("/t/{tenant:str}/bureau/vendors/scores/{score_id:uuid}", opt=access(READ))
async def show_score(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], score_id: FromPath[UUID]
) -> Response[str]:
    row = await uow.get(ScoreReport, score_id)
    agency = await bureau_service.agency_of(uow, row.vendor_id)
    return await page(
        request,
        "vendors/score.html",
        uow,
        term_title=term_title,
        score=row,
        data=row.data,
        place=row.school_name,
        verified=verify(row.data, row.sha256),
        titles=TITLES,
        grounds=GROUNDS,
        back=f"/t/{uow.ctx.slug}/bureau/vendors" + (f"/{agency.id}" if agency else ""),
        subject=None,
    )


@get("/t/{tenant:str}/bureau/exit-reviews", opt=access(READ))
async def show_cases(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Reviews, those that wait first."""
    return await page(
        request,
        "vendors/b_cases.html",
        uow,
        cases=await exits.cases(uow),
        states=CASE_STATES,
        outcomes=OUTCOMES,
        today=today(),
        subject=None,
    )


@get("/t/{tenant:str}/bureau/exit-reviews/{case_id:uuid}", opt=access(READ))
async def show_case(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], case_id: FromPath[UUID]
) -> Response[str]:
    """One review: evidence, notice, answer, decision."""
    return await _case_page(request, uow, case_id)


async def _case_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    case_id: UUID,
    *,
    notice: Form[NoticeForm] | None = None,
    decide: Form[DecideForm] | None = None,
    status: int = 200,
) -> Response[str]:
    row = await uow.get(Case, case_id)
    decide = decide if decide is not None else Form.blank(DecideForm)
    fitting = ("dismissed",) if row.state == "opened" else ("kept", "warned", "exited")
    decide.choose("outcome", [(k, OUTCOMES[k]) for k in fitting])
    score = row.evidence.get("score")
    return await page(
        request,
        "vendors/b_case.html",
        uow,
        term_title=term_title,
        status=status,
        case=row,
        states=CASE_STATES,
        outcomes=OUTCOMES,
        sanctions=SANCTIONS.labels,
        grounds=GROUNDS,
        titles=TITLES,
        verified=verify(score, row.evidence.get("sha256", "")) if score else False,
        notice=notice if notice is not None else Form.blank(NoticeForm, {"answer_until": today() + timedelta(days=10)}),
        decide=decide,
        may_notice=uow.ctx.may("vendors.exit") and row.state == "opened",
        may_decide=uow.ctx.may("vendors.exit_decide") and row.state != "decided",
        moves=await history(uow, CASE, row.id),
        today=today(),
        subject=None,
    )


@post("/t/{tenant:str}/bureau/exit-reviews/{case_id:uuid}/notice", opt=access("vendors.exit"), status_code=200)
async def send_notice(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    case_id: FromPath[UUID],
) -> Response[Any]:
    form = await Form.from_request(NoticeForm, request)
    if form:
        async with form.attempt(uow):
            await exits.notice(uow, case_id, form.value.words, form.value.answer_until)
            return redirect(f"/t/{ctx.slug}/bureau/exit-reviews/{case_id}", flash=_("通知和全部证据已发给机构"))
    return await _case_page(request, uow, case_id, notice=form, status=422)


@post("/t/{tenant:str}/bureau/exit-reviews/{case_id:uuid}/decide", opt=access("vendors.exit_decide"), status_code=200)
async def send_decision(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    case_id: FromPath[UUID],
) -> Response[Any]:
    form = await Form.from_request(DecideForm, request)
    if form:
        async with form.attempt(uow):
            await exits.decide(uow, case_id, form.value.outcome, form.value.words)
            return redirect(f"/t/{ctx.slug}/bureau/exit-reviews/{case_id}", flash=_("决定已记录，并送达机构和学校"))
    return await _case_page(request, uow, case_id, decide=form, status=422)


HANDLERS = (show_list, show_score, show_agency, decide_agency, show_cases, show_case, send_notice, send_decision)
