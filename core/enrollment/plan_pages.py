"""Pages of the service plan: the school's desk, and what families see."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from pydantic import BaseModel, Field
from sqlalchemy import select

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.correspondence import overseer
from core.db.idempotency import once
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment import plan_filing, plan_service
from core.enrollment.plan_models import PlanFiling, ServicePlan
from core.enrollment.plan_outline import SectionView, outline
from core.enrollment.plan_schemas import WHOLE, PlanContent
from core.enrollment.plan_states import ADOPT, EDITABLE, PLAN, READ, WRITE, tone
from core.terms.models import Term
from core.terms.service import NoTerm, current_term, term_title
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import KEY, Form
from core.web.markup import Step
from core.web.page import page, redirect

MAY = (READ, WRITE, ADOPT)
BASE = "/t/{tenant:str}/desk/plan"


class Why(BaseModel):
    """Why a plan in force is amended."""

    reason: Annotated[str, Field(min_length=1, max_length=2000), Ui(_l("修订原因"), kind="textarea", rows=2)]


# ---- the plan -----------------------------------------------------------------------------------------------


@get(BASE, opt=access(*MAY))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], term: FromQuery[UUID | None] = None
) -> Response[str]:
    """The plan of a term with its objections beside each section; where there is none yet, the way to begin."""
    try:
        chosen = await uow.get(Term, term) if term else await current_term(uow)
    except NoTerm:
        return await page(request, "enrollment/plan_none.html", uow, term=None, terms=[])
    plan = await plan_service.plan_of(uow, chosen.id)
    named = await _terms(uow)
    if plan is None:
        return await page(
            request, "enrollment/plan_none.html", uow, term=chosen, term_name=term_title(chosen.code), terms=named
        )
    return await _plan_page(request, uow, plan, named)


async def _terms(uow: UnitOfWork) -> list[tuple[Term, str]]:
    """All terms with their names, the newest first."""
    found = (await uow.session.execute(select(Term).order_by(Term.starts_on.desc()))).scalars()
    return [(t, term_title(t.code)) for t in found]


async def _plan_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    plan: ServicePlan,
    terms: list[Any],
    status: int = 200,
    amend: Form[Why] | None = None,
) -> Response[str]:
    checked = await plan_service.check(uow, plan)
    filings = await plan_service.filings_of(uow, plan)
    above = await overseer(uow)
    return await page(
        request,
        "enrollment/plan.html",
        uow,
        status=status,
        subject=plan_service.view(plan, checked.version),
        plan=plan,
        checked=checked,
        term_name=term_title(checked.term.code),
        terms=terms,
        sections=outline(checked.content),
        whole=checked.at(WHOLE),
        state=PLAN.title(plan.state),
        tone=tone(plan.state),
        mode=plan_filing.filing_mode(uow, checked.term),
        bureau=above.name if above else "",
        editable=plan.state in EDITABLE and uow.ctx.may(WRITE),
        may={name: uow.ctx.may(name) for name in MAY},
        steps=_steps(plan, filings, plan_filing.filing_mode(uow, checked.term)),
        filings=filings,
        versions=await plan_service.versions_of(uow, plan),
        moves=await history(uow, PLAN, plan.id),
        machine=PLAN,
        form_key=Form.blank(Why).key,
        amend=Form.blank(Why) if amend is None else amend,
    )


_WAY = {
    "draft": _l("起草并按规定检查"),
    "adopted_by_school": _l("校长审定"),
    "submitted": _l("报送教育局"),
    "filed": _l("备案"),
    "published": _l("向家长公示"),
    "in_force": _l("实施"),
}
_PLACE = {"returned": "submitted", "amended": "draft", "closed": "in_force"}


def _steps(plan: ServicePlan, filings: list[PlanFiling], mode: str) -> list[Step]:
    """The way of the plan; a scheme without filing leaves those stations out."""
    way = [s for s in _WAY if mode != "none" or s not in ("submitted", "filed")]
    here = _PLACE.get(plan.state, plan.state)
    at = way.index(here) if here in way else 0
    over = plan.state in ("in_force", "closed")
    steps = []
    for place, state in enumerate(way):
        reached = "done" if place < at or (over and place == at) else "now" if place == at else "todo"
        note, kind = "", ""
        if state == "adopted_by_school" and plan.adopted_by and place <= at:
            note = plan.adopted_by
        if state == "submitted" and filings and place <= at:
            note = _("第 %(n)s 次，%(to)s", n=filings[0].round, to=filings[0].bureau_name)
            if plan.state == "returned":
                note, kind = _("已退回，请按意见修改"), "bad"
        if state == "filed" and plan.filing_number and place <= at:
            note = plan.filing_number
        steps.append(Step(str(_WAY[state]), reached, note, "bad" if kind else ""))  # type: ignore[arg-type]
    return steps


@post(BASE, opt=access(WRITE), status_code=200)
async def begin(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Redirect:
    """Begin the plan of a term."""
    sent = await request.form()
    try:
        term_id = UUID(str(sent.get("term", "")))
    except ValueError:
        raise NotFound() from None
    plan = await plan_service.begin(uow, term_id)
    return redirect(f"/t/{ctx.slug}/desk/plan?term={plan.term_id}", flash=_("方案已建立，请逐节填写"))


# ---- steps --------------------------------------------------------------------------------------------------


async def _tried(uow: UnitOfWork, deed: Awaitable[Any], path: str, done: str) -> Redirect:
    """Do it, and say so; a refusal is said on the page where the objections stand, and nothing is half done."""
    try:
        async with uow.session.begin_nested():
            await deed
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(path, flash=refused.message, level="bad")
    return redirect(path, flash=done)


async def _path(uow: UnitOfWork, plan_id: UUID) -> str:
    plan = await uow.get(ServicePlan, plan_id)
    return f"/t/{uow.ctx.slug}/desk/plan?term={plan.term_id}"


@post(BASE + "/{plan_id:uuid}/reasons", opt=access(WRITE), status_code=200)
async def reasons(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID]
) -> Redirect:
    """Write down why warnings may stand."""
    sent = await request.form()
    given = {name.removeprefix("why."): str(value) for name, value in sent.items() if name.startswith("why.")}
    path = await _path(uow, plan_id)
    return await _tried(uow, plan_service.give_reasons(uow, plan_id, given), path + "#check", _("理由已保存"))


@post(BASE + "/{plan_id:uuid}/adopt", opt=access(ADOPT), status_code=200)
async def adopt(uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID]) -> Redirect:
    """The principal adopts the plan."""
    return await _tried(uow, plan_service.adopt(uow, plan_id), await _path(uow, plan_id), _("方案已审定"))


@post(BASE + "/{plan_id:uuid}/reopen", opt=access(WRITE), status_code=200)
async def reopen(uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID]) -> Redirect:
    """Back into the draft, before it is sent."""
    return await _tried(uow, plan_service.reopen(uow, plan_id), await _path(uow, plan_id), _("可以继续修改了"))


@post(BASE + "/{plan_id:uuid}/submit", opt=access(WRITE), status_code=200)
async def submit(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID]
) -> Redirect:
    """Send it to the bureau; the same form sent twice sends once."""
    sent = await request.form()

    async def act() -> Mapping[str, Any]:
        return {"round": (await plan_filing.submit(uow, plan_id)).round}

    deed = once(uow, "plan.submit", str(sent.get(KEY, "")), {"plan": plan_id}, act)
    return await _tried(uow, deed, await _path(uow, plan_id), _("方案已报送，等待教育局审核"))


@post(BASE + "/{plan_id:uuid}/publish", opt=access(WRITE), status_code=200)
async def publish(uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID]) -> Redirect:
    """Show it to families and on the board."""
    done = _("方案已在公示栏公示，家长可以查看")
    return await _tried(uow, plan_filing.publish(uow, plan_id), await _path(uow, plan_id), done)


@post(BASE + "/{plan_id:uuid}/amend", opt=access(WRITE), status_code=200)
async def amend(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID]
) -> Response[Any]:
    """Begin to amend a plan that is in force."""
    form = await Form.from_request(Why, request)
    if not form:
        plan = await uow.get(ServicePlan, plan_id)
        return await _plan_page(request, uow, plan, await _terms(uow), status=422, amend=form)
    deed = plan_service.amend(uow, plan_id, form.value.reason)
    return await _tried(uow, deed, await _path(uow, plan_id), _("可以修订了，家长看到的仍是实施中的版本"))


# ---- papers and versions ------------------------------------------------------------------------------------


@get(BASE + "/{plan_id:uuid}/paper", opt=access(*MAY))
async def paper(
    uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID], round_: FromQuery[int | None] = None
) -> Response[bytes]:
    """The paper as it was filed in a round, or as it would be filed now."""
    plan = await uow.get(ServicePlan, plan_id)
    if round_ is None:
        checked = await plan_service.check(uow, plan)
        return pdf_answer(await plan_filing.preview(uow, checked), "plan.pdf")
    filing = next((f for f in await plan_service.filings_of(uow, plan) if f.round == round_), None)
    if filing is None:
        raise NotFound()
    return pdf_answer(filing.paper, f"plan-{round_}.pdf")


def pdf_answer(content: bytes, name: str) -> Response[bytes]:
    """A PDF shown in the browser."""
    headers = {"content-disposition": f'inline; filename="{name}"', "cache-control": "private, no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


@get(BASE + "/{plan_id:uuid}/versions/{number:int}", opt=access(*MAY))
async def old_version(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], plan_id: FromPath[UUID], number: FromPath[int]
) -> Response[str]:
    """An earlier version as it was, with the objections that stood when it was adopted."""
    plan = await uow.get(ServicePlan, plan_id)
    version = await plan_service.version_of(uow, plan, number)
    term = await uow.get(Term, plan.term_id)
    return await page(
        request,
        "enrollment/plan_version.html",
        uow,
        plan=plan,
        version=version,
        sections=[s for s in outline(PlanContent.model_validate(version.content)) if s.said],
        term_name=term_title(term.code),
    )


# ---- families -----------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/home/plan", opt=access(face="home"))
async def home(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The published plan, for families (R-038)."""
    shown, sections, term_name, phone = None, list[SectionView](), "", ""
    try:
        term = await current_term(uow)
    except NoTerm:
        term = None
    if term is not None:
        term_name = term_title(term.code)
        found = await plan_service.shown_plan(uow, term.id)
        if found is not None:
            content = PlanContent.model_validate(found[1].content)
            shown, phone = found[0], content.basis.phone
            sections = [s for s in outline(content) if s.said and s.key != "basis"]
    return await page(
        request, "enrollment/plan_home.html", uow, plan=shown, sections=sections, term_name=term_name, phone=phone
    )


HANDLERS = (
    show,
    begin,
    reasons,
    adopt,
    reopen,
    submit,
    publish,
    amend,
    paper,
    old_version,
    home,
)
