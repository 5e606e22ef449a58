"""The office's pages about staff: the list, and one person with the ethics status (R-074, R-455)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.people import ethics, queries
from core.people.models import Staff
from core.people.schemas import EthicsForm
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import class_name
from core.web.markup import Pager
from core.web.page import page, redirect

VIEW = "people.view"
ROWS = 25
POSTS = {
    "principal": _l("校长"),
    "office": _l("课后服务办公室"),
    "finance": _l("财务"),
    "class_teacher": _l("班主任"),
    "teacher": _l("任课教师"),
    "safety": _l("安全员"),
    "health": _l("校医"),
    "canteen": _l("食堂"),
    "external": _l("外聘教师"),
    "other": _l("其他"),
}


@get("/t/{tenant:str}/desk/staff", opt=access(VIEW))
async def list_staff(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    q: FromQuery[str] = "",
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """The staff by pinyin."""
    number = max(1, page_no)
    rows, total = await queries.staff(uow, words=q[:40], offset=(number - 1) * ROWS, limit=ROWS)
    led = {c.teacher: class_name(c.grade, c.number) for c in await queries.classes(uow) if c.teacher}
    pager = Pager(total, number, ROWS, {"q": q}, param="page_no")
    return await page(request, "people/staff.html", uow, rows=rows, pager=pager, q=q, posts=POSTS, led=led)


@get("/t/{tenant:str}/desk/staff/{staff_id:uuid}", opt=access(VIEW))
async def show_staff(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], staff_id: FromPath[UUID]
) -> Response[str]:
    """One person; the ethics status for those who may know."""
    return await _staff_page(request, uow, staff_id, Form.blank(EthicsForm))


async def _staff_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, staff_id: UUID, form: Form[EthicsForm], status: int = 200
) -> Response[str]:
    row = await uow.get(Staff, staff_id)
    standing = await ethics.standing_of(uow, staff_id) if uow.ctx.may(ethics.PERMISSION) else None
    if standing is not None:
        form.choose("event", [(move.event, str(move.title)) for move in ethics.ETHICS.possible(standing.state, uow)])
    return await page(
        request,
        "people/staff_member.html",
        uow,
        status=status,
        row=row,
        posts=POSTS,
        standing=standing,
        states=ethics.ETHICS,
        bites=ethics.bites(uow),
        form=form,
        subject=staff_id,
    )


@post("/t/{tenant:str}/desk/staff/{staff_id:uuid}/ethics", opt=access(ethics.PERMISSION), status_code=200)
async def change_ethics(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    staff_id: FromPath[UUID],
) -> Response[Any]:
    """Write down a change of the ethics status, with its reason."""
    form = await Form.from_request(EthicsForm, request)
    if form:
        async with form.attempt(uow):
            await ethics.change(uow, staff_id, form.value.event, form.value.reason)
            return redirect(f"/t/{ctx.slug}/desk/staff/{staff_id}", flash=_("已记录"))
    return await _staff_page(request, uow, staff_id, form, status=422)


HANDLERS = (list_staff, show_staff, change_ethics)
