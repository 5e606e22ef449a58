"""Staff: own duties and wishes, and who teaches or leads (office). Families: which group, room and teacher."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy import func, select

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.forming import wishes
from core.enrollment.forming.in_force import child_lines, staff_lines
from core.enrollment.forming.models import DutyWish
from core.enrollment.forming.problem import week_of
from core.enrollment.forming.schemas import PostForm, WishForm
from core.enrollment.forming.states import MANAGE
from core.enrollment.forming.words import people_line, role
from core.people.external import POST as EXTERNAL
from core.people.models import Staff
from core.people.service import me_as_staff, my_children
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import weekdays
from core.web.markup import Pager
from core.web.page import page, redirect

SIZE = 30
SERVE = "forming.serve"


@get("/t/{tenant:str}/teach/rota", opt=access(SERVE, face="teach"))
async def rota(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The acting person's duties of the week, and the own wishes."""
    me = await me_as_staff(uow)
    wish = await wishes.wish_of(uow, me.id) if me else None
    initial = {"cannot": wish.cannot, "rather_not": wish.rather_not, "most": wish.most} if wish else {}
    return await _rota_page(request, uow, Form.blank(WishForm, initial))


async def _rota_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[WishForm], status: int = 200
) -> Response[str]:
    me = await me_as_staff(uow)
    return await page(
        request,
        "enrollment/forming/rota.html",
        uow,
        status=status,
        form=form,
        known=me is not None,
        lines=await staff_lines(uow, me.id, clock.today()) if me else [],
        role=role,
        now=week_of(clock.today()),
        subject=None,
    )


@post("/t/{tenant:str}/teach/rota", opt=access(SERVE, face="teach"), status_code=200)
async def save_wish(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Keep the own wishes for the next forming."""
    form = await Form.from_request(WishForm, request)
    if not form:
        return await _rota_page(request, uow, form, 422)
    sent = form.value
    await wishes.save_mine(uow, sent.cannot, sent.rather_not, sent.most)
    return redirect(f"/t/{ctx.slug}/teach/rota", flash=_("已保存，下次编排时照顾"))


@get("/t/{tenant:str}/desk/forming/people", opt=access(MANAGE, face="desk"))
async def people(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """Who teaches groups, who leads days, and what everybody wishes."""
    own = (Staff.left_at.is_(None), Staff.post != EXTERNAL)
    total = (await uow.session.execute(select(func.count(Staff.id)).where(*own))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, param="at")
    query = (
        select(Staff, DutyWish)
        .outerjoin(DutyWish, (DutyWish.tenant_id == Staff.tenant_id) & (DutyWish.staff_id == Staff.id))
        .where(*own)
        .order_by(Staff.name_sort, Staff.id)
    )
    rows = (await uow.session.execute(query.offset(pager.offset).limit(SIZE))).all()
    return await page(
        request,
        "enrollment/forming/people.html",
        uow,
        rows=[(s, w, wishes.teaches(s, w), wishes.leads(s, w)) for s, w in rows],
        pager=pager,
        weekdays=weekdays,
    )


@post("/t/{tenant:str}/desk/forming/people/{staff_id:uuid}", opt=access(MANAGE, face="desk"), status_code=200)
async def set_post(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    staff_id: FromPath[UUID],
) -> Response[Any]:
    """Say whether somebody teaches groups and may lead a day."""
    form = await Form.from_request(PostForm, request)
    if not form:
        raise NotFound()
    await wishes.set_post(uow, staff_id, teaches=form.value.teaches, leads=form.value.leads)
    at = str((await request.form()).get("at", ""))
    return redirect(f"/t/{ctx.slug}/desk/forming/people" + (f"?at={at}" if at.isdigit() else ""), flash=_("已保存"))


@get("/t/{tenant:str}/home/groups", opt=access("enrollment.apply", face="home"))
async def groups(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Each child's groups: when, where, with whom."""
    children = await my_children(uow)
    lines = await child_lines(uow, [child.id for child in children], clock.today())
    return await page(
        request,
        "enrollment/forming/home.html",
        uow,
        cards=[(child, [line for line in lines if line.student_id == child.id]) for child in children],
        people_line=people_line,
        weekdays=weekdays,
        subject=None,
    )


HANDLERS = (rota, save_wish, people, set_post, groups)
