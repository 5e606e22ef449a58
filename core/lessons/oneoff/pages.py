"""Asking care for one day on the guardian's phone, and answering it on the class teacher's."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel, Field

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.lessons.oneoff import places, service
from core.lessons.oneoff.states import ONE_OFF, TONES
from core.people.service import StudentView, my_children, student
from core.policy import service as policy
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import Form
from core.web.i18n import class_name, fdate, time_range
from core.web.markup import Pager
from core.web.page import page, redirect

FAMILY = access("lesson.family", face="home")
TEACHER = access("application.review", service.OVERSEE, face="teach")


class AskForm(BaseModel):
    """Care for one day."""

    child: Annotated[UUID, Ui(_l("孩子"), kind="hidden")]
    lesson: Annotated[UUID, Ui(_l("哪一天"), kind="radio")]
    words: Annotated[
        str,
        Field(max_length=200),
        Ui(
            _l("想告诉老师的（选填）"),
            kind="textarea",
            help=_l("班主任、课后服务办公室、校长和孩子的家长会看到"),
        ),
    ] = ""


class RefuseForm(BaseModel):
    reason: Annotated[str, Field(max_length=300), Ui(_l("理由（家长会看到）"), kind="textarea")] = ""


async def _form(uow: UnitOfWork, form: Form[AskForm], child: StudentView) -> int:
    """Give the form its days; returns how many there are."""
    found = await service.possible(uow, child)
    form.choose(
        "lesson",
        [
            (
                c.lesson_id,
                f"{fdate(c.day, 'day')} {time_range(c.starts_at, c.ends_at)} {c.title}"
                + (" " + _("（当天已满，由班主任答复）") if c.left == 0 else ""),
            )
            for c in found
        ],
    )
    return len(found)


@get("/t/{tenant:str}/home/one-off", opt=FAMILY)
async def ask_form(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The coming days' care, to ask for one of them; and what was asked."""
    return await _ask_page(request, uow, child, None)


async def _ask_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    child_id: UUID | None,
    form: Form[AskForm] | None,
    status: int = 200,
) -> Response[str]:
    children = await my_children(uow)
    child = next((c for c in children if child_id in (None, c.id)), None)
    if child is None:
        raise NotFound()
    form = Form.blank(AskForm, {"child": child.id}) if form is None else form
    asked = await service.of_children(uow, [child.id])
    views = await enrollment.offerings_by_id(uow, {row.offering_id for row in asked})
    return await page(
        request,
        "lessons/oneoff/ask.html",
        uow,
        status=status,
        child=child,
        children=children,
        form=form,
        days=await _form(uow, form, child),
        asked=asked,
        titles={id_: view.title for id_, view in views.items()},
        called_off=await service.called_off(uow, asked),
        machine=ONE_OFF,
        tones=TONES,
    )


@post("/t/{tenant:str}/home/one-off", opt=FAMILY, status_code=200)
async def ask(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Ask; the class teacher hears of it."""
    form = await Form.from_request(AskForm, request)
    if form:
        async with form.attempt(uow):
            await service.ask(uow, form.value.child, form.value.lesson, form.value.words)
            return redirect(
                f"/t/{ctx.slug}/home/one-off?child={form.value.child}", flash=_("已告诉班主任，答复后会通知你")
            )
    return await _ask_page(request, uow, _uuid(form.data.get("child")), form, 422)


def _uuid(given: Any) -> UUID | None:
    try:
        return UUID(str(given)) if given else None
    except ValueError:
        raise NotFound() from None


@post("/t/{tenant:str}/home/one-off/{one_off_id:uuid}/withdraw", opt=FAMILY, status_code=200)
async def withdraw(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], one_off_id: FromPath[UUID]
) -> Response[Any]:
    back = f"/t/{ctx.slug}/home/one-off"
    try:
        await service.withdraw(uow, one_off_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back, flash=_("已取消"))


# ---- the class teacher --------------------------------------------------------------------------------------


@get("/t/{tenant:str}/teach/one-off", opt=TEACHER)
async def listing(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """What the own class's families ask for the coming days, and what was answered."""
    return await _list_page(request, uow, Form.blank(RefuseForm), at=at)


async def _list_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    refusal: Form[RefuseForm],
    refused_id: UUID | None = None,
    status: int = 200,
    at: int = 1,
) -> Response[str]:
    pager = Pager(await service.count(uow), max(1, at), service.SIZE, param="at")
    asked = await service.for_me(uow, offset=pager.offset)
    waiting = [a for a in asked if a.row.state == "requested"]
    pupils = await service.pupils(uow)
    in_charge = policy.effective(uow).get("enrolment.one_off_in_charge")
    return await page(
        request,
        "lessons/oneoff/teach.html",
        uow,
        status=status,
        waiting=waiting,
        answered=[a for a in asked if a.row.state != "requested"],
        left=await places.left(uow, [a.lesson.id for a in waiting]),
        pager=pager,
        pupils=[(c.id, f"{class_name(c.grade, c.class_number)} {c.name}") for c in pupils],
        refusal=refusal,
        refusals={a.row.id: refusal if a.row.id == refused_id else Form.blank(RefuseForm) for a in waiting},
        refused_id=refused_id,
        machine=ONE_OFF,
        tones=TONES,
        clause=in_charge.clause if in_charge.value else "",
    )


@get("/t/{tenant:str}/teach/one-off/call", opt=TEACHER)
async def call_form(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The family phoned: which day?"""
    return await _call_page(request, uow, child, None)


async def _call_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    child_id: UUID | None,
    form: Form[AskForm] | None,
    status: int = 200,
) -> Response[str]:
    if child_id is None:
        raise NotFound()
    child = await service.of_mine(uow, child_id)
    form = Form.blank(AskForm, {"child": child.id}) if form is None else form
    days = await _form(uow, form, child)
    return await page(request, "lessons/oneoff/call.html", uow, status=status, child=child, form=form, days=days)


@post("/t/{tenant:str}/teach/one-off/call", opt=TEACHER, status_code=200)
async def call(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Write the call down and take the child on."""
    form = await Form.from_request(AskForm, request)
    if form:
        async with form.attempt(uow):
            await service.log_call(uow, form.value.child, form.value.lesson, form.value.words)
            name = (await student(uow, form.value.child)).name
            return redirect(f"/t/{ctx.slug}/teach/one-off", flash=_("已安排%(name)s，当天名单里有了", name=name))
    return await _call_page(request, uow, _uuid(form.data.get("child")), form, 422)


@post("/t/{tenant:str}/teach/one-off/{one_off_id:uuid}/take-on", opt=TEACHER, status_code=200)
async def take_on(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], one_off_id: FromPath[UUID]
) -> Response[Any]:
    back = f"/t/{ctx.slug}/teach/one-off"
    try:
        await service.take_on(uow, one_off_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back, flash=_("已安排，家长会收到通知"))


@post("/t/{tenant:str}/teach/one-off/{one_off_id:uuid}/refuse", opt=TEACHER, status_code=200)
async def refuse(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    one_off_id: FromPath[UUID],
    at: FromQuery[int] = 1,
) -> Response[Any]:
    """Only with a reason. `at` is the page of the list that it was written on."""
    form = await Form.from_request(RefuseForm, request)
    if form:
        async with form.attempt(uow):
            await service.refuse(uow, one_off_id, form.value.reason)
            return redirect(f"/t/{ctx.slug}/teach/one-off", flash=_("已答复家长"))
    return await _list_page(request, uow, form, one_off_id, 422, at)


async def badge(uow: UnitOfWork) -> int:
    """Requests that wait for the acting class teacher."""
    return await service.count(uow, waiting=True)


HANDLERS = (ask_form, ask, withdraw, listing, call_form, call, take_on, refuse)
