"""The family's pages of lunch: the week's dishes, cancelling a day, bans, and what was eaten in a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.api import KehouError, NotFound, TenantContext, UnitOfWork, access, page, redirect, today
from core.api import gettext as _
from core.api.forms import Form
from core.api.people import StudentView, my_child, my_children
from core.api.terms import current_term
from plugins.meals import days, service
from plugins.meals.models import Lunch
from plugins.meals.pages import WORDS, read_month
from plugins.meals.schemas import ALLERGENS, BanForm

AHEAD = 14
"""Days shown to a family."""


@dataclass(frozen=True, slots=True)
class MealDay:
    """One coming day of a child's lunch. `open`: it may still be changed. `clash`: flags that the dishes contain."""

    day: date
    dishes: tuple[tuple[str, tuple[str, ...]], ...]
    clash: tuple[str, ...]
    cancelled: bool
    open: bool

    @property
    def clash_words(self) -> list[str]:
        return [str(ALLERGENS[code]) for code in self.clash]


@get("/t/{tenant:str}/home/meals", opt=access("meals.order"))
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[str] = ""
) -> Response[str]:
    """The coming days of one child."""
    children = await my_children(uow)
    one = next((c for c in children if str(c.id) == child), children[0] if children else None)
    term = await current_term(uow)
    lunch = await service.lunch(uow, term.id)
    coming: list[MealDay] = []
    flags: tuple[str, ...] = ()
    if one is not None:
        flags = (await days.flags_of(uow, [one.id])).get(one.id, ())
        if lunch is not None:
            coming = await _coming(uow, lunch.row, one, flags)
    return await page(
        request,
        "meals/family.html",
        uow,
        child=one,
        children=children,
        lunch=lunch,
        coming=coming,
        flags=flags,
        price=await service.price_on(uow, lunch.row, max(today(), term.starts_on)) if lunch else None,
        **WORDS,
    )


async def _coming(uow: UnitOfWork, lunch: Lunch, child: StudentView, flags: tuple[str, ...]) -> list[MealDay]:
    first, last = today(), today() + timedelta(days=AHEAD)
    dishes = await days.dishes_between(uow, first, last)
    return [
        MealDay(
            day=one.day,
            dishes=dishes.get(one.day, ()),
            clash=tuple(f for f in flags if any(f in codes for _name, codes in dishes.get(one.day, ()))),
            cancelled=one.cancelled,
            open=one.open,
        )
        for one in await days.coming(uow, lunch, child.id, first, last)
    ]


@post("/t/{tenant:str}/home/meals/{student_id:uuid}/days/{day:date}", opt=access("meals.order"), status_code=200)
async def change_day(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
    day: FromPath[date],
) -> Response[Any]:
    """Cancel a day (`eat`=no) or take the cancelling back (`eat`=yes); twice is once."""
    child = await my_child(uow, student_id)
    lunch = await days.lunch_of(uow, (await current_term(uow)).id)
    if lunch is None:
        raise NotFound()
    eat = str((await request.form()).get("eat", "no")) == "yes"
    here = f"/t/{ctx.slug}/home/meals?child={child.id}"
    try:
        if eat:
            await days.take_back(uow, child.id, day)
        else:
            await days.cancel(uow, lunch, child.id, day)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("这一天照常用餐") if eat else _("已取消，这一天不计费"))


@get("/t/{tenant:str}/home/meals/{student_id:uuid}/bans", opt=access("meals.order"))
async def bans(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[str]:
    """What the child may not eat."""
    child = await my_child(uow, student_id)
    flags = (await days.flags_of(uow, [child.id])).get(child.id, ())
    form = Form.blank(BanForm, {"flags": list(flags), "words": await service.words_of(uow, child.id)})
    return await _ban_page(request, uow, ctx, child, form)


@post("/t/{tenant:str}/home/meals/{student_id:uuid}/bans", opt=access("meals.order"), status_code=200)
async def save_bans(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Write what the child may not eat."""
    child = await my_child(uow, student_id)
    form = await Form.from_request(BanForm, request)
    if not form:
        return await _ban_page(request, uow, ctx, child, form, status=422)
    await service.put_ban(uow, child.id, form.value)
    return redirect(f"/t/{ctx.slug}/home/meals?child={child.id}", flash=_("已保存"))


async def _ban_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    ctx: TenantContext,
    child: StudentView,
    form: Form[BanForm],
    *,
    status: int = 200,
) -> Response[str]:
    back = f"/t/{ctx.slug}/home/meals?child={child.id}"
    return await page(request, "meals/bans.html", uow, child=child, form=form, back=back, status=status, **WORDS)


@get("/t/{tenant:str}/home/meals/{student_id:uuid}/months", opt=access("meals.order"))
async def month(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
    month: FromQuery[str] = "",
) -> Response[str]:
    """What the child ate in a month and what that comes to (R-273)."""
    child = await my_child(uow, student_id)
    first = read_month(month)
    lunch = await service.lunch(uow, (await current_term(uow)).id)
    lines = await service.month(uow, lunch.row if lunch else None, first, student_id=child.id)
    return await page(
        request,
        "meals/month.html",
        uow,
        child=child,
        lunch=lunch,
        line=lines[0] if lines else None,
        first=first,
        earlier=(first - timedelta(days=1)).replace(day=1),
        later=service.after(first),
        back=f"/t/{ctx.slug}/home/meals?child={child.id}",
        **WORDS,
    )


HANDLERS = [index, change_day, bans, save_bans, month]
