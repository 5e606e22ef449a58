"""The school office's first page: what waits, how the school stands."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from core.api.figures import Figure
from core.base import clock
from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.people import queries
from core.people.service import me_as_staff
from core.terms.service import NoTerm, current_term, term_title
from core.web.access import access
from core.web.i18n import fdate, grade_name, money
from core.web.page import page

Todo = tuple[str, str, str, str, str]
"""Icon, tone, text, a line under it, address: as ui.todo takes it."""


@get("/t/{tenant:str}/desk", opt=access("school.overview"))
async def desk(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[str]:
    """To-dos, figures, pupils by grade."""
    counts = await queries.counts(uow)
    try:
        term = await current_term(uow)
    except NoTerm:
        term = None
    shown: list[Figure] = []
    if term is not None:
        shown = await uow.hooks.present("figures", ctx, Figure, uow=uow, term_id=term.id)
    by_grade = await queries.students_by_grade(uow)
    me = await me_as_staff(uow)
    return await page(
        request,
        "tenants/desk.html",
        uow,
        greeting=_greeting(me.name if me else ctx.actor.name),
        term=term,
        term_name=term_title(term.code) if term else "",
        week=_week(term.starts_on, term.ends_on) if term else None,
        counts=counts,
        todos=[*_setting_up(ctx, counts, has_term=term is not None), *await _waiting(uow)],
        figures=[_shown(figure) for figure in shown],
        grades=[(grade_name(grade), n, _("%(n)s 人", n=n)) for grade, n in by_grade],
        today_text=fdate(clock.today(), "full"),
    )


def _greeting(name: str) -> str:
    hour = clock.school_time(clock.now()).hour
    if hour < 11:
        return _("早上好，%(name)s", name=name)
    if hour < 14:
        return _("中午好，%(name)s", name=name)
    return _("下午好，%(name)s", name=name) if hour < 18 else _("晚上好，%(name)s", name=name)


def _week(starts_on: date, ends_on: date) -> int | None:
    """The teaching week of today (教学周), counted from the Monday of the first one; None outside the term."""
    today = clock.today()
    if not starts_on <= today <= ends_on:
        return None
    return (today - starts_on + timedelta(days=starts_on.weekday())).days // 7 + 1


def _shown(figure: Figure) -> dict[str, Any]:
    money_like = figure.unit == "fen"
    return {
        "label": str(figure.title),
        "value": money(figure.value) if money_like else f"{figure.value:,}",
        "unit": "" if money_like else str(figure.unit),
        "icon": figure.icon,
        "note": str(figure.note),
    }


def _setting_up(ctx: TenantContext, counts: queries.Counts, *, has_term: bool) -> list[Todo]:
    """What a new school does first, gravest on top."""
    base = f"/t/{ctx.slug}/desk"
    found: list[Todo] = []
    if not has_term and ctx.may("terms.write"):
        found.append(
            (
                "calendar-plus",
                "warn",
                _("建立本学期"),
                _("填好开学、放假和调休的日期，才能编方案、排课"),
                f"{base}/terms",
            )
        )
    if not counts.students and ctx.may("roster.import"):
        found.append(("table-import", "warn", _("导入花名册"), _("学生、家长、教职工一张表一次导入"), f"{base}/roster"))
    if counts.without_teacher and ctx.may("people.write"):
        text = _("%(n)s 个班还没有班主任", n=counts.without_teacher)
        found.append(("user-question", "warn", text, _("没有班主任的班，报名没有人审核"), f"{base}/classes"))
    return found


async def _waiting(uow: UnitOfWork) -> list[Todo]:
    """Everything in the office's navigation that counts something waiting."""
    found: list[tuple[int, Todo]] = []
    for owned in uow.house.registry.nav:
        item = owned.item
        if item.area != "desk" or item.badge is None or (owned.plugin and owned.plugin not in uow.ctx.plugins):
            continue
        if item.permission is not None and not uow.ctx.may(item.permission):
            continue
        if n := await item.badge(uow):
            href = f"/t/{uow.ctx.slug}/{item.path}"
            found.append((item.order, (item.icon, "info", str(item.label), _("%(n)s 项待处理", n=n), href)))
    return [todo for _order, todo in sorted(found, key=lambda pair: pair[0])]


HANDLERS = (desk,)
