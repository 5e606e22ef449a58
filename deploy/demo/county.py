"""The county itself: who is in it, under which scheme. Invented throughout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

BUREAU = ("qinghe", "青禾县教育局")
BUREAU_PACK = "anhui-ten-bans"


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """One school to be made: `pupils` in `class_size`, its people drawn from `seed`."""

    slug: str
    name: str
    pack: str
    pupils: int
    seed: int
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VendorPlan:
    """One vendor: its manager and two coaches, by name."""

    slug: str
    name: str
    manager: str
    coaches: tuple[str, ...]


_ALL = ("fees", "clubs", "vendors", "meals", "insurance", "pay", "payments_stripe")

SCHOOLS = (
    SchoolPlan("shiyan", "青禾县实验小学", "anhui-ten-bans", 1200, 101, _ALL),
    SchoolPlan("dier", "青禾县第二实验小学", "second-experimental-primary", 1000, 102, _ALL),
    # The free service charges nothing: no fees, no bought courses.
    SchoolPlan("binhe", "青禾县滨河小学", "weihai-free", 800, 103, ("fees", "clubs", "insurance", "payments_stripe")),
)

VENDORS = (
    VendorPlan("qiming", "启明艺体中心", "沈经理", ("何教练", "罗老师")),
    VendorPlan("chenxi", "晨曦科创工坊", "顾经理", ("龚老师", "侯老师")),
)

ROOMS = (
    ("艺术楼 201 舞蹈室", 40),
    ("艺术楼 301 美术室", 45),
    ("艺术楼 302 音乐室", 45),
    ("科学楼 101 科创室", 36),
    ("科学楼 201 编程室", 36),
    ("体育馆", 120),
    ("操场", 300),
    ("图书馆", 80),
    ("食堂", 400),
)


@dataclass(frozen=True, slots=True)
class TermPlan:
    """A term and its days off; `make_up` are weekend days that run another weekday's timetable (调休)."""

    code: str
    starts_on: date
    ends_on: date
    holidays: tuple[tuple[date, str], ...]
    make_up: tuple[tuple[date, int], ...]


def term_of(today: date) -> TermPlan:
    """The term that the county is in, stretched so that today is a school day in the midst of it, whatever the date:
    a weekend day teaches Thursday's timetable (调休), and today is no holiday."""
    plan = _term_near(today)
    make_up = {day: weekday for day, weekday in plan.make_up if day != today}
    if today.isoweekday() > 5:
        make_up[today] = 4
    return replace(
        plan,
        starts_on=min(plan.starts_on, today - timedelta(weeks=6)),
        ends_on=max(plan.ends_on, today + timedelta(weeks=4)),
        holidays=tuple((day, name) for day, name in plan.holidays if day != today),
        make_up=tuple(sorted(make_up.items())),
    )


def _term_near(today: date) -> TermPlan:
    """The term that runs today, or the next one to begin: autumn from 1 September, spring from the end of February."""
    if today.month >= 7 or (today.month == 1 and today.day <= 22):
        year = today.year if today.month >= 7 else today.year - 1
        national = tuple((date(year, 10, 1) + timedelta(days=n), "国庆节") for n in range(7))
        # One weekend day is taught in exchange; which one the State Council names each year.
        saturday = _weekday_after(date(year, 10, 7), 6)
        return TermPlan(
            f"{year}-{year + 1}-1",
            date(year, 9, 1),
            date(year + 1, 1, 22),
            (*national, (date(year + 1, 1, 1), "元旦")),
            ((saturday, 5),),
        )
    labour = tuple((date(today.year, 5, 1) + timedelta(days=n), "劳动节") for n in range(5))
    tomb = tuple((date(today.year, 4, 4) + timedelta(days=n), "清明节") for n in range(3))
    return TermPlan(
        f"{today.year - 1}-{today.year}-2",
        date(today.year, 2, 24),
        date(today.year, 6, 30),
        (*tomb, *labour),
        ((_weekday_after(date(today.year, 5, 5), 6), 5),),
    )


def _weekday_after(day: date, weekday: int) -> date:
    """The first `weekday` (1 Monday … 7) after `day`."""
    return day + timedelta(days=(weekday - day.isoweekday() - 1) % 7 + 1)
