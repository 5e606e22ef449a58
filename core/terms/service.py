"""Terms, teaching days, and the dates on which a weekday's timetable runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import KehouError
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.terms.models import CalendarDay, Term


class NoTerm(KehouError):
    code = "no_term"
    status = 409
    text = _l("还没有建立学期，请先在「学期与校历」里建立")


def term_title(code: str) -> str:
    """ "2026-2027-1" as people say it: 2026–2027 学年第一学期."""
    first, _, rest = code.partition("-")
    second, _, number = rest.partition("-")
    words = {"1": _l("第一学期"), "2": _l("第二学期")}
    return str(_l("%(first)s–%(second)s 学年%(term)s")) % {
        "first": first,
        "second": second,
        "term": str(words.get(number, number)),
    }


async def current_term(uow: UnitOfWork) -> Term:
    """The open term of today, else the next one to begin, else the last. Raises NoTerm."""
    today = clock.today()
    terms = (await uow.session.execute(select(Term).order_by(Term.starts_on))).scalars().all()
    running = [t for t in terms if t.starts_on <= today <= t.ends_on]
    coming = [t for t in terms if t.starts_on > today]
    for group in (running, coming, terms[-1:]):
        if group:
            return group[0]
    raise NoTerm()


async def open_term(uow: UnitOfWork, code: str, starts_on: date, ends_on: date) -> Term:
    """Create the term, or return the one with this code."""
    known = (await uow.session.execute(select(Term).where(Term.code == code))).scalar_one_or_none()
    if known is not None:
        return known
    term = Term(code=code, starts_on=starts_on, ends_on=ends_on)
    uow.session.add(term)
    await uow.session.flush()
    await uow.audit("term.open", "term", term.id, code=code)
    return term


async def timetable_days(uow: UnitOfWork, term_id: UUID) -> dict[date, int]:
    """Every date of the term with the weekday (1 Monday … 7) whose timetable runs on it; holidays are left out."""
    term = await uow.get(Term, term_id)
    rows = (await uow.session.execute(select(CalendarDay).where(CalendarDay.term_id == term_id))).scalars().all()
    special = {row.day: row for row in rows}
    days: dict[date, int] = {}
    day = term.starts_on
    while day <= term.ends_on:
        known = special.get(day)
        if known is None:
            days[day] = day.isoweekday()
        elif known.kind == "make_up" and known.runs_weekday:
            days[day] = known.runs_weekday
        day += timedelta(days=1)
    return days


async def service_days(uow: UnitOfWork, term_id: UUID, weekdays: Collection[int]) -> list[date]:
    """Dates of the term on which the timetable of one of `weekdays` (1 Monday … 7) runs."""
    return [day for day, weekday in (await timetable_days(uow, term_id)).items() if weekday in weekdays]
