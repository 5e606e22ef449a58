"""Terms, teaching days, and the dates on which a weekday's timetable runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import Conflict, FieldError, Invalid, KehouError, NotFound
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.terms.models import CalendarDay, Term


class DayTaken(Conflict):
    code = "calendar_day_taken"
    text = _l("%(day)s 已经在校历里，请先删去再改")


class OutsideTerm(Invalid):
    code = "outside_term"
    text = _l("日期要在学期之内：%(first)s 至 %(last)s")


class TermsOverlap(Conflict):
    code = "terms_overlap"
    text = _l("日期和%(other)s重叠")


class TermClosed(Conflict):
    """Closed terms never change. Every flush looks (core/terms/frozen.py)."""

    code = "term_closed"
    text = _l("这个学期已经结账，不能再改。需要更正的，请记在本学期")


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


async def term_between(uow: UnitOfWork, first: date, last: date) -> Term:
    """The latest term that has a day from `first` to `last`. Raises NoTerm."""
    query = select(Term).where(Term.starts_on <= last, Term.ends_on >= first).order_by(Term.starts_on.desc()).limit(1)
    found = (await uow.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NoTerm()
    return found


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


def refuse_closed(term: Term) -> None:
    """Raises TermClosed for a term that is closed, or is being closed."""
    if term.state != "open":
        raise TermClosed()


async def terms(uow: UnitOfWork) -> list[Term]:
    """All terms, the newest first."""
    return list((await uow.session.execute(select(Term).order_by(Term.starts_on.desc()))).scalars().all())


async def special_days(uow: UnitOfWork, term_id: UUID) -> list[CalendarDay]:
    """Holidays and make-up days of a term, in order."""
    query = select(CalendarDay).where(CalendarDay.term_id == term_id).order_by(CalendarDay.day)
    return list((await uow.session.execute(query)).scalars().all())


async def refuse_overlap(uow: UnitOfWork, starts_on: date, ends_on: date, *, but: UUID | None = None) -> None:
    """Terms follow one another. Raises Invalid (end before start) and TermsOverlap, naming the field."""
    if ends_on <= starts_on:
        raise Invalid(fields=[FieldError("ends_on", _l("结束日期要在开始日期之后"), "order")])
    query = select(Term).where(Term.starts_on <= ends_on, Term.ends_on >= starts_on)
    for other in (await uow.session.execute(query)).scalars():
        if other.id != but:
            text = TermsOverlap.text % {"other": term_title(other.code)}
            raise TermsOverlap(fields=[FieldError("starts_on", text, "overlap")], other=term_title(other.code))


async def set_dates(uow: UnitOfWork, term_id: UUID, starts_on: date, ends_on: date) -> Term:
    """Move a term's ends.

    Raises NotFound, Invalid, TermClosed, TermsOverlap, OutsideTerm (a special day would fall outside).
    """
    term = await uow.get(Term, term_id, lock=True)
    refuse_closed(term)
    await refuse_overlap(uow, starts_on, ends_on, but=term_id)
    for row in await special_days(uow, term_id):
        if not starts_on <= row.day <= ends_on:
            text = _l("校历里的 %(day)s 会落在学期之外，请先删去") % {"day": row.day.isoformat()}
            raise Invalid(fields=[FieldError("starts_on" if row.day < starts_on else "ends_on", text, "outside")])
    before = {"starts_on": term.starts_on, "ends_on": term.ends_on}
    term.starts_on, term.ends_on = starts_on, ends_on
    await uow.audit("term.dates", "term", term_id, before=before, starts_on=starts_on, ends_on=ends_on)
    await uow.emit("term.changed", {"term_id": term_id})
    return term


async def add_days(
    uow: UnitOfWork, term_id: UUID, first: date, last: date, *, runs_weekday: int | None, name: str
) -> list[CalendarDay]:
    """Holidays from `first` to `last`, or with `runs_weekday` (1–7) make-up days that run that weekday's timetable.

    Raises NotFound, TermClosed, OutsideTerm, DayTaken.
    """
    term = await uow.get(Term, term_id, lock=True)
    refuse_closed(term)
    if not term.starts_on <= first <= last <= term.ends_on:
        limits = {"first": term.starts_on.isoformat(), "last": term.ends_on.isoformat()}
        field = "first" if not term.starts_on <= first <= term.ends_on else "last"
        raise OutsideTerm(fields=[FieldError(field, OutsideTerm.text % limits, "outside")], **limits)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    taken = (await uow.session.execute(select(CalendarDay.day).where(CalendarDay.day.in_(days)))).scalars().first()
    if taken is not None:
        day = taken.isoformat()
        raise DayTaken(fields=[FieldError("first", DayTaken.text % {"day": day}, "taken")], day=day)
    kind = "holiday" if runs_weekday is None else "make_up"
    rows = [CalendarDay(term_id=term_id, day=day, kind=kind, runs_weekday=runs_weekday, name=name) for day in days]
    uow.session.add_all(rows)
    await uow.session.flush()
    await uow.audit("calendar.add", "term", term_id, first=first, last=last, kind=kind, runs_weekday=runs_weekday)
    await uow.emit("term.changed", {"term_id": term_id})
    return rows


async def remove_days(uow: UnitOfWork, term_id: UUID, day_id: UUID, last: date | None = None) -> int:
    """The day, and those of the same kind and name up to `last`, are ordinary ones again; how many. Raises NotFound."""
    refuse_closed(await uow.get(Term, term_id))
    row = await uow.get(CalendarDay, day_id, lock=True)
    if row.term_id != term_id:
        raise NotFound()
    query = select(CalendarDay).where(
        CalendarDay.term_id == term_id,
        CalendarDay.kind == row.kind,
        CalendarDay.name == row.name,
        CalendarDay.day.between(row.day, max(last or row.day, row.day)),
    )
    rows = (await uow.session.execute(query)).scalars().all()
    for one in rows:
        await uow.session.delete(one)
    await uow.audit("calendar.remove", "term", term_id, days=[one.day for one in rows], kind=row.kind)
    await uow.emit("term.changed", {"term_id": term_id})
    return len(rows)
