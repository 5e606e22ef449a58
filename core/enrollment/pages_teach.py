"""The class teacher's queue on the phone: pass an application on, or propose another item with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import Forbidden, KehouError, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment import application_rules, menu_service, review
from core.enrollment.basket import first_overlap, items_of
from core.enrollment.draw.gate import drawn_now
from core.enrollment.errors import Objected
from core.enrollment.models import Application, ApplicationItem
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.schemas import SteerForm
from core.enrollment.states import APPLICATION
from core.enrollment.views import OfferingView
from core.enrollment.words import SAY, when_line
from core.people.service import class_ids_taught, student
from core.policy.vocab_people import FORMS
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect

REVIEWER = access("application.review", face="teach")


@get("/t/{tenant:str}/teach/review", opt=REVIEWER)
async def queue(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Applications of the own class: those that wait, then those already passed on."""
    try:
        term = await current_term(uow)
    except NoTerm:
        return await page(request, "enrollment/teach_review.html", uow, waiting=[], passed=[], total=0, titles={})
    classes = await class_ids_taught(uow)
    waiting, total = await review.queue(uow, term.id, ("submitted",), class_ids=classes, limit=100)
    passed, _n = await review.queue(
        uow,
        term.id,
        ("class_reviewed", "steered", "agreement_pending", "enrolled", "refused"),
        class_ids=classes,
        limit=100,
    )
    return await page(
        request,
        "enrollment/teach_review.html",
        uow,
        waiting=waiting,
        passed=passed,
        total=total,
        titles={state: APPLICATION.title(state) for state in APPLICATION.states},
    )


async def _of_my_class(uow: UnitOfWork, application_id: UUID) -> Application:
    row = await uow.get(Application, application_id)
    child = await student(uow, row.student_id)
    if child.class_id not in await class_ids_taught(uow):
        raise NotFound()
    return row


@get("/t/{tenant:str}/teach/review/{application_id:uuid}", opt=REVIEWER)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], application_id: FromPath[UUID]
) -> Response[str]:
    """One application: what is wanted, what speaks against it, and the two things to do."""
    return await _one_page(request, uow, application_id, Form.blank(SteerForm))


async def _one_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    application_id: UUID,
    form: Form[SteerForm],
) -> Response[str]:
    row = await _of_my_class(uow, application_id)
    child = await student(uow, row.student_id)
    items = [i for i in await items_of(uow, row.id) if i.state in ("chosen", "steered")]
    views = await offerings_by_id(uow, {i.offering_id for i in items})
    form.choose("item", [(i.id, views[i.offering_id].title) for i in items])
    form.choose("other", await other_options(uow, row.term_id, child.grade, views, items))
    found = await application_rules.objections_to(uow, await application_rules.application_view(uow, row, child))
    return await page(
        request,
        "enrollment/teach_application.html",
        uow,
        status=form.status,
        row=row,
        child=child,
        items=items,
        offerings=views,
        form=form,
        objections=found,
        confirm_need=review.need_must_be_confirmed(uow),
        papers=[(form, FORMS.label(form)) for form in review.papers_owed(uow)],
        aimed_at=review.aimed_at(uow),
        state=APPLICATION.title(row.state),
        key=str(new_id()),
        subject={"application_id": row.id, "student_id": child.id},
        **SAY,
    )


async def other_options(
    uow: UnitOfWork, term_id: UUID, grade: int, views: Mapping[UUID, OfferingView], items: Sequence[ApplicationItem]
) -> list[tuple[Any, Any]]:
    """Items that could be proposed instead of one of `items`: on the menu, for this grade, with a place free that no
    draw gives, lessons or of the kind of what was chosen, at an hour that none or one of these has."""
    chosen = {i.offering_id for i in items}
    kinds = {"care", "club", "vendor_course", *(views[id_].kind for id_ in chosen)}
    offered = [view for view in await menu_service.on_menu(uow, term_id, grade) if view.id not in chosen]
    drawn = await drawn_now(uow, [view.id for view in offered])
    taken = [(views[i.offering_id], i.weekdays) for i in items]
    return [
        (view.id, f"{view.title} {when_line(view)}".strip())
        for view in offered
        if view.kind in kinds
        and view.left != 0
        and view.id not in drawn
        and (view.any_days or sum(first_overlap(view, (), [one]) is not None for one in taken) <= 1)
    ]


@post("/t/{tenant:str}/teach/review/{application_id:uuid}/pass", opt=REVIEWER, status_code=200)
async def pass_on(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    application_id: FromPath[UUID],
) -> Response[Any]:
    """The class teacher's yes."""
    sent = await request.form()
    try:
        async with house.unit(ctx) as uow:
            row = await _of_my_class(uow, application_id)
            if row.state == "submitted":
                await review.class_review(
                    uow,
                    application_id,
                    need_confirmed=bool(sent.get("need_confirmed")),
                    papers=[str(p) for p in sent.getall("papers", [])],
                )
    except (NotFound, Forbidden):
        raise
    except KehouError as refused:
        here = f"/t/{ctx.slug}/teach/review/{application_id}"
        said = "；".join(str(o.message) for o in refused.objections) if isinstance(refused, Objected) else ""
        return redirect(here, flash=said or refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/teach/review", flash=_("已审核通过"))


@post("/t/{tenant:str}/teach/review/pass", opt=REVIEWER, status_code=200)
async def pass_many(
    request: Request[Any, Any, Any], house: NamedDependency[House], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Pass the ticked applications on, each by itself; what does not pass stays in the queue."""
    sent = await request.form()
    back = f"/t/{ctx.slug}/teach/review"
    ticked = sent.getall("id", [])
    if not ticked:
        return redirect(back, flash=_("请先勾选要通过的申请"), level="warn")
    done = 0
    for id_ in ticked:
        try:
            async with house.unit(ctx) as uow:
                await review.class_review(uow, UUID(str(id_)), need_confirmed=bool(sent.get("need_confirmed")))
            done += 1
        except (KehouError, ValueError):
            continue
    if not done:
        return redirect(back, flash=_("没有可以一起通过的申请，请逐个打开查看"), level="warn")
    return redirect(back, flash=ngettext("已通过 %(num)s 份申请", "已通过 %(num)s 份申请", done))


@post("/t/{tenant:str}/teach/review/{application_id:uuid}/steer", opt=REVIEWER, status_code=200)
async def steer(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    application_id: FromPath[UUID],
) -> Response[Any]:
    """Propose another item; the family decides."""
    form = await Form.from_request(SteerForm, request)
    if form:
        async with form.attempt(), house.unit(ctx) as uow:
            await _of_my_class(uow, application_id)
            await review.steer(uow, application_id, form.value.item, form.value.other, form.value.reason)
            return redirect(f"/t/{ctx.slug}/teach/review", flash=_("建议已发给家长"))
    async with house.unit(ctx) as uow:
        return await _one_page(request, uow, application_id, form)


async def badge(uow: UnitOfWork) -> int:
    """How many wait for the acting class teacher."""
    try:
        return await review.waiting_for_me(uow, (await current_term(uow)).id)
    except NoTerm:
        return 0


HANDLERS = (queue, one, pass_many, pass_on, steer)
