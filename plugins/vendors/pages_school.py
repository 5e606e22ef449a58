"""The school's pages: the bureau's list, courses offered, how each vendor does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import Form, NotFound, TenantContext, UnitOfWork, access, gettext, page, redirect, today
from core.api.enrollment import Objected, offerings_by_id, state_title
from core.api.lessons import rating_words
from core.api.people import room_choices
from core.api.policy import METHODS, SANCTIONS
from core.api.switches import change_settings, plugin_settings
from core.api.terms import current_term
from plugins.vendors import checks, evaluation, letters, school_service
from plugins.vendors.models import Listed, Proposal, Score
from plugins.vendors.schemas import ApproveForm, BudgetForm, FindingForm, RejectForm
from plugins.vendors.scoring import TITLES, verify
from plugins.vendors.states import AGENCY, AGENCY_KINDS, CASE_STATES, GROUNDS, OUTCOMES, PROPOSAL
from plugins.vendors.terms import Terms

_ = gettext
READ, REVIEW = "vendors.read", "vendors.review"


@get("/t/{tenant:str}/desk/vendors", opt=access(READ))
async def show_vendors(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Courses that wait for review, and the bureau's list."""
    return await _vendors_page(request, uow)


async def _vendors_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, budget: Form[BudgetForm] | None = None
) -> Response[str]:
    known = (await plugin_settings(uow, "vendors", checks.VendorSettings)).total_cost_fen
    term = await current_term(uow)
    found = await school_service.proposals(uow)
    listed = await school_service.the_list(uow)
    return await page(
        request,
        "vendors/s_list.html",
        uow,
        proposals=[(row, letters.CourseContent.model_validate(row.content)) for row in found],
        on_menu=await offerings_by_id(uow, [p.offering_id for p in found if p.offering_id]),
        state_title=state_title,
        listed=[(row, await evaluation.latest(uow, row.vendor_id, term.id)) for row in listed],
        states=PROPOSAL,
        agency=AGENCY,
        kinds_of=AGENCY_KINDS,
        budget=Form.blank(BudgetForm, {"total_cost_fen": known or None}) if budget is None else budget,
        percent=await checks.agency_percent(uow, term.id),
        subject=None,
        status=200 if budget is None else 422,
    )


@post("/t/{tenant:str}/desk/vendors/ask", opt=access(REVIEW), status_code=200)
async def ask_list(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[Any]:
    """Ask the bureau for its list."""
    await school_service.ask_list(uow)
    return redirect(f"/t/{ctx.slug}/desk/vendors", flash=_("已向教育局索取名单，稍后刷新"))


@post("/t/{tenant:str}/desk/vendors/score", opt=access(REVIEW), status_code=200)
async def score_now(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[Any]:
    """Have the scores computed now."""
    await uow.enqueue("vendors.score", {})
    return redirect(f"/t/{ctx.slug}/desk/vendors", flash=_("正在重算评分，稍后刷新"))


@post("/t/{tenant:str}/desk/vendors/budget", opt=access(REVIEW), status_code=200)
async def save_budget(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """The whole cost of the service this term: the basis of the cap."""
    form = await Form.from_request(BudgetForm, request)
    if not form:
        return await _vendors_page(request, uow, form)
    total = form.value.total_cost_fen
    try:
        await checks.refuse_total(uow, (await current_term(uow)).id, total)
    except Objected as refused:
        first = refused.objections[0]
        form.add_error("total_cost_fen", f"{first.message}（{first.clause}）")
        return await _vendors_page(request, uow, form)
    await change_settings(uow, "vendors", checks.VendorSettings(total_cost_fen=total))
    return redirect(f"/t/{ctx.slug}/desk/vendors", flash=_("已保存"))


@get("/t/{tenant:str}/desk/vendors/courses/{proposal_id:uuid}", opt=access(READ))
async def show_proposal(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], proposal_id: FromPath[UUID]
) -> Response[str]:
    """One offered course with everything that speaks against it, clause by clause."""
    return await _proposal_page(request, uow, proposal_id)


async def _proposal_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    proposal_id: UUID,
    *,
    form: Form[ApproveForm] | None = None,
    reject: Form[RejectForm] | None = None,
    status: int = 200,
) -> Response[str]:
    row = await uow.get(Proposal, proposal_id)
    content = letters.CourseContent.model_validate(row.content)
    form = form if form is not None else Form.blank(ApproveForm)
    form.choose("room", await room_choices(uow))
    waits = row.state == "school_review"
    return await page(
        request,
        "vendors/s_course.html",
        uow,
        status=status,
        row=row,
        content=content,
        listed=await checks.listed(uow, row.vendor_id),
        objections=form.objections or (await school_service.check(uow, row) if waits else []),
        form=form,
        reject=reject if reject is not None else Form.blank(RejectForm),
        may_review=waits and uow.ctx.may(REVIEW),
        states=PROPOSAL,
        agency=AGENCY,
        methods=METHODS.labels,
        subject=row.id,
    )


@post("/t/{tenant:str}/desk/vendors/courses/{proposal_id:uuid}/approve", opt=access(REVIEW), status_code=200)
async def approve(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    proposal_id: FromPath[UUID],
) -> Response[Any]:
    """Accept the course: external teacher registered, item on the menu."""
    form = await Form.from_request(ApproveForm, request)
    if form:
        given = form.value
        terms = Terms(
            room_id=given.room,
            special_need=given.special_need,
            method=given.method,
            publicized_on=given.publicized_on,
            filed_on=given.filed_on,
            cost_fen=given.cost_fen,
            paid=given.paid,
            reason=given.reason,
            selected_by=given.selected_by,
            selection_on=given.selection_on,
            selection_number=given.selection_number,
            selection_posted_on=given.selection_posted_on,
            reviewed_by=tuple(given.reviewed_by),
            review_number=given.review_number,
        )
        async with form.attempt(uow):
            await school_service.approve(uow, proposal_id, terms)
            return redirect(f"/t/{ctx.slug}/desk/vendors", flash=_("已通过，课程进入本学期菜单，等待发布"))
    return await _proposal_page(request, uow, proposal_id, form=form, status=422)


@post("/t/{tenant:str}/desk/vendors/courses/{proposal_id:uuid}/reject", opt=access(REVIEW), status_code=200)
async def reject(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    proposal_id: FromPath[UUID],
) -> Response[Any]:
    form = await Form.from_request(RejectForm, request)
    if not form:
        return await _proposal_page(request, uow, proposal_id, reject=form, status=422)
    await school_service.reject(uow, proposal_id, form.value.reason)
    return redirect(f"/t/{ctx.slug}/desk/vendors", flash=_("已退回机构，并说明了理由"))


@get("/t/{tenant:str}/desk/vendors/{vendor_id:uuid}", opt=access(READ))
async def show_vendor(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], vendor_id: FromPath[UUID]
) -> Response[str]:
    """One vendor here: its score explained, what families wrote, findings, its teachers, reviews."""
    return await _vendor_page(request, uow, vendor_id, Form.blank(FindingForm, {"found_on": today()}))


async def _vendor_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, vendor_id: UUID, form: Form[FindingForm], status: int = 200
) -> Response[str]:
    row: Listed | None = await checks.listed(uow, vendor_id)
    if row is None:
        raise NotFound()
    term = await current_term(uow)
    score: Score | None = await evaluation.latest(uow, vendor_id, term.id)
    return await page(
        request,
        "vendors/s_vendor.html",
        uow,
        status=status,
        row=row,
        score=score,
        data=score.data if score else None,
        verified=verify(score.data, score.sha256) if score else False,
        titles=TITLES,
        words=await rating_words(uow, vendor_id, term.id),
        findings=await school_service.findings(uow, vendor_id, term.id),
        teachers=await school_service.teachers(uow, vendor_id),
        cases=await school_service.cases(uow, vendor_id),
        case_states=CASE_STATES,
        outcomes=OUTCOMES,
        sanctions=SANCTIONS.labels,
        grounds=GROUNDS,
        agency=AGENCY,
        form=form,
        subject=vendor_id,
    )


@post("/t/{tenant:str}/desk/vendors/{vendor_id:uuid}/findings", opt=access(REVIEW), status_code=200)
async def add_finding(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    vendor_id: FromPath[UUID],
) -> Response[Any]:
    """Write down what was established; the score and, where due, a review follow."""
    form = await Form.from_request(FindingForm, request)
    if not form or await checks.listed(uow, vendor_id) is None:
        return await _vendor_page(request, uow, vendor_id, form, status=422)
    given = form.value
    await school_service.find(uow, vendor_id, given.ground, given.words, given.found_on)
    await uow.enqueue("vendors.score", {})
    return redirect(f"/t/{ctx.slug}/desk/vendors/{vendor_id}", flash=_("已记录"))


@post("/t/{tenant:str}/desk/vendors/findings/{finding_id:uuid}/drop", opt=access(REVIEW), status_code=200)
async def drop_finding(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], finding_id: FromPath[UUID]
) -> Response[Any]:
    await school_service.drop_finding(uow, finding_id)
    await uow.enqueue("vendors.score", {})
    return redirect(f"/t/{ctx.slug}/desk/vendors", flash=_("已撤销"))


HANDLERS = (
    show_vendors, ask_list, score_now, save_budget, show_proposal, approve, reject, show_vendor, add_finding,
    drop_finding,
)  # fmt: skip
