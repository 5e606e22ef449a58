"""A child's week as its family plans by it: what, where, with whom, from when until when, and the days off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

from sqlalchemy import select

from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.views import EARLY_GRADES
from core.lessons.leave import lessons_of_child
from core.lessons.models import LeaveRequest
from core.people.service import StudentView
from core.terms import service as terms
from core.terms.models import CalendarDay
from core.web.i18n import weekday

IN_SCHOOL = ("morning", "noon")
"""Windows after which the child stays at school."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One lesson of a day. `until` is when this child is done; `state` as of core.lessons.states.LESSON."""

    title: str
    window: str
    starts_at: time
    until: time
    room: str
    teacher: str
    state: str
    leave: str


@dataclass(frozen=True, slots=True)
class Day:
    """One date. `note` says why it is another day than usual: a holiday, a make-up day, outside the term."""

    day: date
    note: str
    entries: Sequence[Entry]

    @property
    def over(self) -> time | None:
        """When the child can be collected; None where nothing after school takes place."""
        ends = [e.until for e in self.entries if e.window not in IN_SCHOOL and e.state != "cancelled" and not e.leave]
        return max(ends, default=None)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


async def week_of(uow: UnitOfWork, child: StudentView, monday: date) -> list[Day]:
    """The seven days from a Monday on; a weekend without lessons is left out."""
    sunday = monday + timedelta(days=6)
    lessons = await lessons_of_child(uow, child.id, monday, sunday, cancelled=True)
    rows = (
        await uow.session.execute(
            select(LeaveRequest).where(
                LeaveRequest.student_id == child.id,
                LeaveRequest.day.between(monday, sunday),
                LeaveRequest.withdrawn_at.is_(None),
            )
        )
    ).scalars()
    leaves = list(rows)
    notes = await _notes(uow, monday, sunday)
    days = [monday + timedelta(days=n) for n in range(7)]
    found = [
        Day(day, notes.get(day, ""), [_entry(row, child, leaves) for row in lessons if row.day == day]) for day in days
    ]
    return [d for d in found if d.day.weekday() < 5 or d.entries]


def _entry(row: Any, child: StudentView, leaves: Sequence[LeaveRequest]) -> Entry:
    early = row.early_ends_at if child.grade in EARLY_GRADES else None
    asked = [x for x in leaves if x.day == row.day and x.offering_id in (None, row.offering_id)]
    return Entry(
        title=row.title,
        window=row.time_window,
        starts_at=row.starts_at,
        until=min(early, row.ends_at) if early else row.ends_at,
        room=row.room or "",
        teacher=row.teacher or "",
        state=row.state,
        leave=asked[0].reason if asked else "",
    )


async def _notes(uow: UnitOfWork, first: date, last: date) -> dict[date, str]:
    """Days that are not what their weekday says, by the school's calendar."""
    rows = (await uow.session.execute(select(CalendarDay).where(CalendarDay.day.between(first, last)))).scalars()
    notes: dict[date, str] = {}
    for row in rows:
        if row.kind == "make_up" and row.runs_weekday:
            notes[row.day] = _("按%(day)s的课表", day=weekday(row.runs_weekday))
        else:
            notes[row.day] = _("放假：%(name)s", name=row.name) if row.name else _("放假")
    try:
        term = await terms.term_between(uow, first, last)
    except terms.NoTerm:
        return {first + timedelta(days=n): _("不在学期内") for n in range(7)}
    outside = [first + timedelta(days=n) for n in range(7)]
    return {day: _("不在学期内") for day in outside if not term.starts_on <= day <= term.ends_on} | notes
