"""The school's approval of applications: a list, bulk approval after a look, one application with its clauses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.house import House
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment import application_rules, menu_service, review
from core.enrollment.basket import items_of
from core.enrollment.models import Application
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.pages_teach import other_options
from core.enrollment.schemas import Reason, RefuseForm
from core.enrollment.states import APPLICATION
from core.enrollment.words import SAY
from core.people.service import student
from core.policy.vocab_people import FORMS
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

READ = access("application.read", "application.approve", face="desk")
APPROVE = access("application.approve", face="desk")
SIZE = 50


def _states_to_decide(uow: UnitOfWork) -> tuple[str, ...]:
    """What waits for the school: what the class teacher passed on, or all where there is no such step."""
    return ("class_reviewed",) if review.chain_of(uow).by_class else ("submitted",)


@get("/t/{tenant:str}/desk/applications", opt=READ)
async def listing(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    page_number: FromQuery[int] = 1,
) -> Response[str]:
    """Applications by state; those that wait for the school first."""
    term = await current_term(uow)
    counts = await menu_service.counts(uow, term.id)
    deciding = _states_to_decide(uow)
    state = show if show in APPLICATION.states else deciding[0]
    pager = Pager(counts.by_state.get(state, 0), max(1, page_number), SIZE, {"show": state}, "page_number")
    rows, _total = await review.queue(uow, term.id, (state,), limit=SIZE, offset=pager.offset)
    shown = ("submitted", "class_reviewed", "steered", "agreement_pending", "enrolled", "refused", "withdrawn")
    return await page(
        request,
        "enrollment/desk_applications.html",
        uow,
        rows=rows,
        pager=pager,
        state=state,
        titles={s: APPLICATION.title(s) for s in APPLICATION.states},
        tabs_by_state=[
            (f"{APPLICATION.title(s)} {counts.by_state.get(s, 0)}", f"?show={s}", s == state, 0) for s in shown
        ],
        bulk=state in deciding and uow.ctx.may("application.approve"),
        counts=counts,
        subject={"term_id": term.id},
    )


@post("/t/{tenant:str}/desk/applications/review", opt=APPROVE, status_code=200)
async def look_first(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Before many are approved: each with its items and with what speaks against it."""
    ids = _ids((await request.form()).getall("id", []))
    if not ids:
        return redirect(f"/t/{ctx.slug}/desk/applications", flash=_("请先勾选申请"), level="warn")
    seen = []
    for id_ in ids:
        row = await uow.get(Application, id_)
        child = await student(uow, row.student_id)
        items = [i for i in await items_of(uow, row.id) if i.state == "chosen"]
        views = await offerings_by_id(uow, {i.offering_id for i in items})
        found = await application_rules.objections_to(uow, await application_rules.application_view(uow, row, child))
        seen.append((row, child, [views[i.offering_id].title for i in items], found))
    return await page(
        request,
        "enrollment/desk_bulk.html",
        uow,
        seen=seen,
        clear=[row.id for row, _c, _i, found in seen if not any(o.blocks for o in found)],
        warned=any(found for _r, _c, _i, found in seen),
        key=str(new_id()),
    )


@post("/t/{tenant:str}/desk/applications/approve", opt=APPROVE, status_code=200)
async def approve_many(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    sent = await request.form()
    done, left = await review.approve_many(uow, _ids(sent.getall("id", [])), reason=str(sent.get("reason") or "")[:300])
    text = ngettext("已核准 %(num)s 份申请", "已核准 %(num)s 份申请", done)
    if left:
        text += _("；") + ngettext("%(num)s 份没有通过检查", "%(num)s 份没有通过检查", len(left))
    return redirect(f"/t/{ctx.slug}/desk/applications", flash=text, level="warn" if left else "ok")


def _ids(given: list[Any]) -> list[UUID]:
    found: list[UUID] = []
    for text in given[: 4 * SIZE]:
        try:
            found.append(UUID(str(text)))
        except ValueError:
            continue
    return list(dict.fromkeys(found))


@get("/t/{tenant:str}/desk/applications/{application_id:uuid}", opt=READ)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], application_id: FromPath[UUID]
) -> Response[str]:
    """One application: items, objections with clauses, history, and the decision."""
    return await _one_page(request, uow, application_id, Form.blank(RefuseForm))


async def _one_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    application_id: UUID,
    form: Form[RefuseForm],
) -> Response[str]:
    row = await uow.get(Application, application_id)
    child = await student(uow, row.student_id)
    items = [i for i in await items_of(uow, row.id) if i.state != "dropped"]
    wanted = {i.offering_id for i in items} | {i.other_offering_id for i in items if i.other_offering_id}
    views = await offerings_by_id(uow, wanted)
    open_items = [i for i in items if i.state in ("chosen", "steered")]
    form.choose("item", [(i.id, views[i.offering_id].title) for i in open_items])
    form.choose(
        "other",
        await other_options(uow, row.term_id, child.grade, views, open_items),
    )
    found = form.objections or await application_rules.objections_to(
        uow, await application_rules.application_view(uow, row, child)
    )
    return await page(
        request,
        "enrollment/desk_application.html",
        uow,
        status=form.status,
        row=row,
        child=child,
        items=items,
        offerings=views,
        objections=found,
        refusal_rules=review.refusal_rules(uow),
        papers=[(form, FORMS.label(form)) for form in review.papers_owed(uow) if form not in row.papers],
        form=form,
        state=APPLICATION.title(row.state),
        titles={s: APPLICATION.title(s) for s in APPLICATION.states},
        moved=await history(uow, APPLICATION, row.id),
        may_approve=row.state in _states_to_decide(uow) and uow.ctx.may("application.approve"),
        may_refuse=row.state in ("submitted", "class_reviewed") and uow.ctx.may("application.approve"),
        key=str(new_id()),
        subject={"application_id": row.id, "student_id": child.id},
        **SAY,
    )


@post("/t/{tenant:str}/desk/applications/{application_id:uuid}/approve", opt=APPROVE, status_code=200)
async def approve(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    application_id: FromPath[UUID],
) -> Response[Any]:
    why = await Form.from_request(Reason, request)
    papers = [str(p) for p in (await request.form()).getall("papers", [])]
    form = Form.blank(RefuseForm)  # of the page that says what stands against approving
    async with form.attempt(), house.unit(ctx) as uow:
        await review.approve(uow, application_id, reason=why.value.reason if why else "", papers=papers)
        return redirect(f"/t/{ctx.slug}/desk/applications/{application_id}", flash=_("已核准，协议已发给家长"))
    async with house.unit(ctx) as uow:
        return await _one_page(request, uow, application_id, form)


@post("/t/{tenant:str}/desk/applications/{application_id:uuid}/refuse", opt=APPROVE, status_code=200)
async def refuse(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    application_id: FromPath[UUID],
) -> Response[Any]:
    """Refuse an item or all of them: with a reason, the clause and another offer."""
    form = await Form.from_request(RefuseForm, request)
    if form:
        async with form.attempt(), house.unit(ctx) as uow:
            await review.refuse(
                uow,
                application_id,
                reason=form.value.reason,
                other_offering_id=form.value.other,
                item_id=form.value.item,
                clause=str((await request.form()).get("clause") or "")[:100],
            )
            return redirect(f"/t/{ctx.slug}/desk/applications/{application_id}", flash=_("已通知家长"))
    async with house.unit(ctx) as uow:
        return await _one_page(request, uow, application_id, form)


async def badge(uow: UnitOfWork) -> int:
    """How many wait for the school."""
    try:
        term = await current_term(uow)
    except NoTerm:
        return 0
    counts = await menu_service.counts(uow, term.id)
    return sum(counts.by_state.get(state, 0) for state in _states_to_decide(uow))


HANDLERS = (listing, look_first, approve_many, one, approve, refuse)
