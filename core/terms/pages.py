"""The office's pages of terms and the school calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel, Field

from core.base import clock
from core.base.context import TenantContext
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.terms import service
from core.terms.models import CalendarDay, Term
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import Form
from core.web.i18n import weekday
from core.web.page import page, redirect

VIEW, WRITE = "terms.view", "terms.write"


def _weekdays() -> list[tuple[int, str]]:
    return [(day, weekday(day)) for day in range(1, 8)]


def _years() -> list[tuple[int, str]]:
    now = clock.today().year
    return [(year, f"{year}–{year + 1}") for year in range(now - 1, now + 2)]


class NewTerm(BaseModel):
    """A term of a school year."""

    year: Annotated[int, Field(ge=2000, le=2100), Ui(_l("学年"), options=_years, kind="select")]
    number: Annotated[
        int,  # a form sends text, which Literal[1, 2] would not take
        Field(ge=1, le=2),
        Ui(_l("学期"), options=[(1, _l("第一学期")), (2, _l("第二学期"))], kind="select"),
    ]
    starts_on: Annotated[date, Ui(_l("开始日期"), help=_l("学生上课的第一天"))]
    ends_on: Annotated[date, Ui(_l("结束日期"), help=_l("学生上课的最后一天"))]


class TermDates(BaseModel):
    """The ends of a term."""

    starts_on: Annotated[date, Ui(_l("开始日期"))]
    ends_on: Annotated[date, Ui(_l("结束日期"))]


class NewDays(BaseModel):
    """Days that differ from their weekday."""

    kind: Annotated[
        Literal["holiday", "make_up"],
        Ui(_l("类别"), options=[("holiday", _l("放假")), ("make_up", _l("调休上课"))], kind="seg"),
    ] = "holiday"
    first: Annotated[date, Ui(_l("日期"))]
    last: Annotated[date | None, Ui(_l("到哪一天"), help=_l("只有一天的，可以不填"))] = None
    runs_weekday: Annotated[
        int | None,
        Field(ge=1, le=7),
        Ui(_l("按星期几的课表"), options=_weekdays, kind="select", help=_l("调休上课才要填")),
    ] = None
    name: Annotated[str, Field(max_length=40), Ui(_l("名称"), placeholder=_l("例如：国庆节"))] = ""


@get("/t/{tenant:str}/desk/terms", opt=access(VIEW))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """All terms."""
    return await _index(request, uow)


async def _index(request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[NewTerm] | None = None) -> Response[str]:
    rows = await service.terms(uow)
    today = clock.today()
    shown = [(row, service.term_title(row.code), row.starts_on <= today <= row.ends_on) for row in rows]
    return await page(
        request,
        "terms/index.html",
        uow,
        terms=shown,
        form=Form.blank(NewTerm) if form is None else form,
        status=200 if form is None else 422,
    )


@post("/t/{tenant:str}/desk/terms", opt=access(WRITE), status_code=200)
async def create(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """A new term; the same school year and number again is the same term."""
    form = await Form.from_request(NewTerm, request)
    if form:
        given = form.value
        code = f"{given.year}-{given.year + 1}-{given.number}"
        if code in {row.code for row in await service.terms(uow)}:
            form.add_error("number", _("这个学期已经建立"))
            return await _index(request, uow, form)
        async with form.attempt(uow):
            await service.refuse_overlap(uow, given.starts_on, given.ends_on)
            term = await service.open_term(uow, code, given.starts_on, given.ends_on)
            return redirect(f"/t/{ctx.slug}/desk/terms/{term.id}", flash=_("已建立，请补上放假和调休"))
    return await _index(request, uow, form)


@get("/t/{tenant:str}/desk/terms/{term_id:uuid}", opt=access(VIEW))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], term_id: FromPath[UUID]
) -> Response[str]:
    """One term with its calendar."""
    return await _term_page(request, uow, term_id)


async def _term_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    term_id: UUID,
    *,
    dates: Form[TermDates] | None = None,
    days: Form[NewDays] | None = None,
) -> Response[str]:
    term = await uow.get(Term, term_id)
    run = await service.service_days(uow, term_id, range(1, 6))
    special = await service.special_days(uow, term_id)
    moved = {row.day: row.runs_weekday for row in special if row.kind == "make_up"}
    per_day = Counter(moved.get(day) or day.isoweekday() for day in run)
    return await page(
        request,
        "terms/show.html",
        uow,
        status=200 if dates is None and days is None else 422,
        term=term,
        name=service.term_title(term.code),
        runs=_runs(special),
        total=len(run),
        per_day=[(weekday(number), per_day[number]) for number in range(1, 6)],
        dates_form=Form.blank(TermDates, {"starts_on": term.starts_on, "ends_on": term.ends_on})
        if dates is None
        else dates,
        days_form=Form.blank(NewDays) if days is None else days,
    )


def _runs(days: Sequence[CalendarDay]) -> list[tuple[CalendarDay, CalendarDay]]:
    """(first, last) of each run of holidays of one name; a make-up day stands alone."""
    found: list[tuple[CalendarDay, CalendarDay]] = []
    for row in days:
        if found and row.kind == "holiday":
            first, last = found[-1]
            if (last.kind, last.name, last.day + timedelta(days=1)) == (row.kind, row.name, row.day):
                found[-1] = (first, row)
                continue
        found.append((row, row))
    return found


@post("/t/{tenant:str}/desk/terms/{term_id:uuid}", opt=access(WRITE), status_code=200)
async def move(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    term_id: FromPath[UUID],
) -> Response[Any]:
    """Change the ends of a term."""
    form = await Form.from_request(TermDates, request)
    if form:
        async with form.attempt(uow):
            await service.set_dates(uow, term_id, form.value.starts_on, form.value.ends_on)
            return redirect(f"/t/{ctx.slug}/desk/terms/{term_id}", flash=_("已保存"))
    return await _term_page(request, uow, term_id, dates=form)


@post("/t/{tenant:str}/desk/terms/{term_id:uuid}/days", opt=access(WRITE), status_code=200)
async def add_days(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    term_id: FromPath[UUID],
) -> Response[Any]:
    """Holidays or a make-up day."""
    form = await Form.from_request(NewDays, request)
    if form:
        given = form.value
        make_up = given.kind == "make_up"
        if make_up and given.runs_weekday is None:
            form.add_error("runs_weekday", _("请选择按星期几的课表上课"))
        if make_up and given.last not in (None, given.first):
            form.add_error("last", _("调休上课请一天一天添加"))
        if given.last is not None and given.last < given.first:
            form.add_error("last", _("要在开始日期之后"))
    if form:
        given = form.value
        weekday_run = given.runs_weekday if given.kind == "make_up" else None
        async with form.attempt(uow):
            await service.add_days(
                uow, term_id, given.first, given.last or given.first, runs_weekday=weekday_run, name=given.name
            )
            return redirect(f"/t/{ctx.slug}/desk/terms/{term_id}", flash=_("已添加"))
    return await _term_page(request, uow, term_id, days=form)


@post("/t/{tenant:str}/desk/terms/{term_id:uuid}/days/{day_id:uuid}/remove", opt=access(WRITE), status_code=200)
async def remove_day(
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    term_id: FromPath[UUID],
    day_id: FromPath[UUID],
    last: FromQuery[date | None] = None,
) -> Response[Any]:
    """The day, or the whole run of days up to `last`, is ordinary again."""
    await service.remove_days(uow, term_id, day_id, last)
    return redirect(f"/t/{ctx.slug}/desk/terms/{term_id}", flash=_("已删去"))


@get("/api/t/{tenant:str}/desk/terms", opt=access(VIEW))
async def api_terms(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Terms with their special days."""
    listed = [
        {
            "id": term.id,
            "code": term.code,
            "starts_on": term.starts_on,
            "ends_on": term.ends_on,
            "days": [
                {"day": row.day, "kind": row.kind, "runs_weekday": row.runs_weekday, "name": row.name}
                for row in await service.special_days(uow, term.id)
            ],
        }
        for term in await service.terms(uow)
    ]
    return {"terms": listed}


HANDLERS = (index, create, show, move, add_days, remove_day, api_terms)
