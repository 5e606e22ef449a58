"""The school's pages of lunch: set-up, dishes of a week, the day's count, the month's settlement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.api import (
    FieldError,
    Invalid,
    KehouError,
    NotFound,
    Pager,
    Panel,
    TenantContext,
    UnitOfWork,
    access,
    page,
    redirect,
    today,
)
from core.api import gettext as _
from core.api.enrollment import state_title
from core.api.formats import class_name, joined, money_exact
from core.api.forms import Form
from core.api.people import StudentView, class_ids_taught, room_choices, staff_choices, student
from core.api.sheets import download, workbook
from core.api.terms import current_term, term_title
from plugins.meals import days, service
from plugins.meals.models import Lunch
from plugins.meals.schemas import ALLERGENS, BODIES, FORMALITIES, SETTLEMENTS, DayForm, LunchForm

MOST = 60
"""So many children are shown in one list; a larger school sees one class at a time."""
ROWS = 50
WORDS: dict[str, Any] = {
    "allergens": ALLERGENS,
    "formalities": FORMALITIES,
    "bodies": BODIES,
    "settlements": SETTLEMENTS,
}


@get("/t/{tenant:str}/desk/meals", opt=access("meals.write"))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The term's lunch at a glance: today's count, the week's dishes, the caterer."""
    term = await current_term(uow)
    view = await service.lunch(uow, term.id)
    if view is None:
        return await page(request, "meals/index.html", uow, lunch=None, term=term_title(term.code))
    week = _week(today())
    return await page(
        request,
        "meals/index.html",
        uow,
        lunch=view,
        term=term_title(term.code),
        state=state_title(view.item),
        price=await service.price_on(uow, view.row, max(today(), term.starts_on)),
        count=await days.count(uow, view.row, today()),
        open=await days.is_open(uow, today()),
        week=week,
        dishes=await days.dishes_between(uow, week[0], week[-1]),
        formality_names=[str(FORMALITIES[code]) for code in view.row.formalities],
        **WORDS,
    )


@get("/t/{tenant:str}/desk/meals/set-up", opt=access("meals.write"))
async def set_up_form(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The form of the term's lunch: blank, or as it stands."""
    term = await current_term(uow)
    view = await service.lunch(uow, term.id)
    form = Form.blank(LunchForm, service.form_of(view) if view else None)
    return await _set_up_page(request, uow, form, view is not None)


@post("/t/{tenant:str}/desk/meals/set-up", opt=access("meals.write"), status_code=200)
async def set_up(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Put lunch on the menu, or change it."""
    form = await Form.from_request(LunchForm, request)
    term = await current_term(uow)
    view = await service.lunch(uow, term.id)
    if form:

        async def save() -> Lunch:
            if view:
                return (await service.change(uow, view.row.id, form.value)).row
            return (await service.set_up(uow, term.id, form.value)).row

        async with form.attempt(uow):
            await form.once(uow, "meals.set_up", save)
            return redirect(f"/t/{ctx.slug}/desk/meals", flash=_("已保存") if view else _("已提交内容审核"))
    return await _set_up_page(request, uow, form, view is not None, status=422)


async def _set_up_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[LunchForm],
    there: bool,
    *,
    status: int = 200,
) -> Response[str]:
    form.choose("teacher_id", await staff_choices(uow)).choose("room_id", await room_choices(uow))
    return await page(request, "meals/set_up.html", uow, form=form, there=there, status=status)


@get("/t/{tenant:str}/desk/meals/menu/{day:date}", opt=access("meals.write"))
async def menu_form(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], day: FromPath[date]
) -> Response[str]:
    """The dishes of one date."""
    text = service.write_dishes(await days.dishes_on(uow, day))
    return await page(request, "meals/menu.html", uow, form=Form.blank(DayForm, {"dishes": text}), day=day, **WORDS)


@post("/t/{tenant:str}/desk/meals/menu/{day:date}", opt=access("meals.write"), status_code=200)
async def save_menu(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    day: FromPath[date],
) -> Response[Any]:
    """Write the dishes of one date."""
    form = await Form.from_request(DayForm, request)
    if not form:
        return await page(request, "meals/menu.html", uow, form=form, day=day, status=422, **WORDS)
    await service.put_menu(uow, day, form.value.dishes)
    return redirect(f"/t/{ctx.slug}/desk/meals", flash=_("已保存"))


@get(
    ["/t/{tenant:str}/desk/meals/day/{day:date}", "/t/{tenant:str}/teach/meals/day/{day:date}"],
    opt=access("meals.write", "meals.count"),
)
async def day_page(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], day: FromPath[date]
) -> Response[str]:
    """One day for the kitchen and the counter: numbers, names with flags; to print, and to write down who ate."""
    return await _day_page(request, uow, day)


@get("/t/{tenant:str}/teach/meals", opt=access("meals.count"))
async def today_page(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Today, for the teacher at the counter."""
    return await _day_page(request, uow, today())


async def _day_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, day: date, *, error: str = "", status: int = 200
) -> Response[str]:
    term = await current_term(uow)
    view = await service.lunch(uow, term.id)
    teaching = "/teach/" in request.url.path
    counted = await days.count(uow, view.row, day) if view else None
    mine = set(await class_ids_taught(uow)) if teaching and not uow.ctx.may("meals.write") else set()
    chosen = str(request.query_params.get("class", ""))
    if counted and mine:
        diners = [diner for diner in counted.diners if diner.student.class_id in mine]
    else:
        chosen, diners = _of_class(counted, chosen)
    return await page(
        request,
        "meals/day_phone.html" if teaching else "meals/day.html",
        uow,
        lunch=view,
        day=day,
        count=counted,
        diners=diners,
        shown=chosen,
        classes=_classes(counted, chosen) if counted and chosen else [],
        own_class=bool(mine),
        open=await days.is_open(uow, day),
        until=await days.cutoff(uow, day),
        earlier=day - timedelta(days=1),
        later=day + timedelta(days=1),
        error=error,
        status=status,
        **WORDS,
    )


def _of_class(counted: days.DayCount | None, chosen: str) -> tuple[str, list[days.Diner]]:
    """The diners to show: all of a small school, else those of one class ("3-2"), the first one unless asked."""
    if counted is None or len(counted.diners) <= MOST:
        return "", list(counted.diners) if counted else []
    known = [f"{grade}-{number}" for grade, number, _n in counted.by_class]
    chosen = chosen if chosen in known else known[0]
    return chosen, [d for d in counted.diners if f"{d.student.grade}-{d.student.class_number}" == chosen]


def _classes(counted: days.DayCount, chosen: str) -> list[tuple[str, str, bool]]:
    return [
        (class_name(grade, number), f"?class={grade}-{number}", f"{grade}-{number}" == chosen)
        for grade, number, _n in counted.by_class
    ]


@post("/t/{tenant:str}/desk/meals/day/{day:date}", opt=access("meals.write"), status_code=200)
async def confirm_day(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    day: FromPath[date],
) -> Response[Any]:
    """Write down who ate: everybody on the list but those ticked as missed."""
    sent = await request.form()
    term = await current_term(uow)
    lunch = await days.lunch_of(uow, term.id)
    if lunch is None:
        raise NotFound()
    try:
        missed = {UUID(value) for value in sent.getall("missed", [])}
        delivered = int(str(sent.get("delivered") or "").strip() or -1)
        if not 0 <= delivered <= 100_000:
            raise Invalid(fields=[FieldError("delivered", _("请填写送到的份数"))])
        chosen = str(sent.get("shown") or "")
        among = None
        if chosen:
            among = {d.student.id for d in _of_class(await days.count(uow, lunch, day), chosen)[1]}
        note = str(sent.get("note") or "")[:200]
        async with uow.session.begin_nested():
            ate = await days.confirm(uow, lunch, day, missed=missed, delivered=delivered, note=note, among=among)
    except ValueError:
        return await _day_page(request, uow, day, error=_("请填写送到的份数"), status=422)
    except KehouError as refused:
        said = joined([str(f.message) for f in refused.fields]) or refused.message
        return await _day_page(request, uow, day, error=said, status=422)
    return redirect(
        f"/t/{ctx.slug}/desk/meals/day/{day}?class={quote(chosen)}", flash=_("已登记：%(ate)s 人用餐", ate=ate)
    )


@get(
    ["/t/{tenant:str}/desk/meals/bans/{student_id:uuid}", "/t/{tenant:str}/teach/meals/bans/{student_id:uuid}"],
    opt=access("meals.bans"),
)
async def ban_words(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """The family's own words on a ban, opened; the guardian sees who looked."""
    child = await student(uow, student_id)
    if not uow.ctx.may("meals.write") and child.class_id not in await class_ids_taught(uow):
        raise NotFound()
    row = await days.flags_of(uow, [student_id])
    return await page(
        request,
        "meals/ban.html",
        uow,
        child=child,
        flags=row.get(student_id, ()),
        words=await service.words_of(uow, student_id),
        back=request.url.path.partition("/bans/")[0],
        layout="_phone.html" if "/teach/" in request.url.path else "_desk.html",
        **WORDS,
    )


@get("/t/{tenant:str}/desk/meals/months", opt=access("meals.write", "finance.read", "billing.read"))
async def months(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    month: FromQuery[str] = "",
    as_file: FromQuery[bool] = False,
    page_no: FromQuery[int] = 1,
) -> Response[Any]:
    """A month's actual use by child: what families owe the caterer, or what the school's bills are held against."""
    first = read_month(month)
    term = await current_term(uow)
    view = await service.lunch(uow, term.id)
    lines = await service.month(uow, view.row if view else None, first)
    title = _("%(month)s 午餐结算单", month=f"{first:%Y-%m}")
    if as_file:
        head = [_("班级"), _("姓名"), _("用餐天数"), _("金额（元）")]
        rows = [
            (
                class_name(line.student.grade, line.student.class_number),
                line.student.name,
                len(line.days),
                "" if line.fen is None else money_exact(line.fen),
            )
            for line in lines
        ]
        await uow.audit("meals.export_month", "meals_served", None, month=f"{first:%Y-%m}", rows=len(rows))
        return download(workbook(title, head, rows), f"{title}.xlsx")
    pager = Pager(len(lines), max(1, page_no), ROWS, {"month": f"{first:%Y-%m}"}, "page_no")
    return await page(
        request,
        "meals/months.html",
        uow,
        lunch=view,
        first=first,
        lines=lines[pager.offset : pager.offset + ROWS],
        pager=pager,
        meals=sum(len(line.days) for line in lines),
        total=sum(line.fen or 0 for line in lines),
        priced=all(line.fen is not None for line in lines),
        earlier=(first - timedelta(days=1)).replace(day=1),
        later=service.after(first),
        **WORDS,
    )


def read_month(text: str) -> date:
    """A month as 2026-11; the present one where nothing readable is given."""
    try:
        return date.fromisoformat(f"{text}-01") if text else today().replace(day=1)
    except ValueError:
        return today().replace(day=1)


def _week(day: date) -> list[date]:
    """Monday to Friday of the week; from Saturday on the next one."""
    monday = day - timedelta(days=day.weekday()) + timedelta(days=7 if day.weekday() > 4 else 0)
    return [monday + timedelta(days=n) for n in range(5)]


async def panels_of(uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    """Flags on the school's page of a child; the week's dishes on the family's page of lunch; today's on its home."""
    if slot == "people/student" and isinstance(subject, StudentView):
        flags = (await days.flags_of(uow, [subject.id])).get(subject.id, ())
        data = {"flags": flags, "allergens": ALLERGENS, "student_id": subject.id, "may_read": uow.ctx.may("meals.bans")}
        return [Panel("meals/_panel.html", data)] if flags or await service.ban_of(uow, subject.id) else []
    if slot not in ("enrollment/offering", "enrollment/home") or not isinstance(subject, Mapping):
        return []
    lunch = await days.lunch_of(uow, (await current_term(uow)).id)
    if lunch is None:
        return []
    if slot == "enrollment/offering":
        if subject["offering_id"] != lunch.offering_id:
            return []
        week = _week(today())
        dishes = await days.dishes_between(uow, week[0], week[-1])
        return [Panel("meals/_week.html", {"week": week, "dishes": dishes, "lunch": lunch, **WORDS})]
    coming = await days.coming(uow, lunch, subject["student_id"], today(), today() + timedelta(days=3))
    nearest = next((day for day in coming if not day.cancelled), None)
    if nearest is None:
        return []
    data = {"day": nearest.day, "dishes": await days.dishes_on(uow, nearest.day), "student_id": subject["student_id"]}
    return [Panel("meals/_next.html", data)]


HANDLERS = [
    index, set_up_form, set_up, menu_form, save_menu, day_page, today_page, confirm_day, ban_words, months,
]  # fmt: skip
