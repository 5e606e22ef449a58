"""A fee that changes after publication: each family touched hears what it means for its own child, in yuan (R-098).

The sum is what is still to come: the child's own days from the change to the end of the term, by the calendar. What has
been billed already stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.base import clock
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment.views import OfferingView
from core.notices import service as notices
from core.people.service import students_by_id
from core.terms.models import Term
from core.terms.service import timetable_days


@dataclass(frozen=True, slots=True)
class Price:
    """A posted price: fen per `unit` (lesson, meal, month or term); `grades` empty: for all."""

    fen: int
    unit: str
    grades: tuple[int, ...] = ()

    @classmethod
    def of(cls, price: UnitPrice | None) -> Price | None:
        return cls(int(price.fen), price.unit, tuple(price.grades)) if price else None

    @classmethod
    def read(cls, told: Mapping[str, Any] | None) -> Price | None:
        return cls(int(told["fen"]), str(told["unit"]), tuple(told.get("grades") or ())) if told else None

    def total(self, grade: int, days: list[date]) -> int:
        """Fen for a child of a grade on these days; a price by the month counts months, one by the term is one."""
        if (self.grades and grade not in self.grades) or not days:
            return 0
        quantity = {"term": 1, "month": len({(d.year, d.month) for d in days})}.get(self.unit, len(days))
        return self.fen * quantity


@dataclass(frozen=True, slots=True)
class Coming:
    """A child with its place: the weekdays it comes (none said: all), and between which days."""

    student_id: UUID
    weekdays: frozenset[int]
    first: date
    last: date


async def tell(
    uow: UnitOfWork, view: OfferingView, old: Price | None, new: Price | None, since: date, source: str
) -> int:
    """Tell every guardian of a child with a place what the change means for that child. Returns how many children."""
    term = await uow.get(Term, view.term_id)
    first = max(since, clock.today(), term.starts_on)
    dated = {day: wd for day, wd in (await timetable_days(uow, term.id)).items() if day >= first}
    places = await _places(uow, view, term)
    children = await students_by_id(uow, [place.student_id for place in places])
    families = await notices.guardians_of(uow, list(children))
    what = [["price", _shown(old), _shown(new)]]
    letters: dict[str, list[notices.Letter]] = {}
    told = 0
    for place in places:
        child = children[place.student_id]
        days = [
            day
            for day, weekday in dated.items()
            if place.first <= day <= place.last
            and weekday in (place.weekdays or set(view.weekdays))
            and any(p.weekday == weekday and p.runs_on(day) for p in view.periods)
        ]
        before = old.total(child.grade, days) if old else 0
        after = new.total(child.grade, days) if new else 0
        if not before and not after:
            continue
        kind = "fee.more" if after > before else "fee.less" if after < before else "fee.same"
        facts = {
            "child": child.name,
            "course": view.title,
            "starts": first,
            "what": what,
            "n": str(len(days)),
            "old_total": before,
            "new_total": after,
            "amount": abs(after - before),
        }
        path = f"home/menu/{view.id}?child={child.id}"
        letters.setdefault(kind, []).extend(
            notices.Letter(account, facts, path=path, source=f"{source}/{view.id}/{child.id}")
            for account in families.get(child.id, [])
        )
        told += 1
    for kind, some in letters.items():
        await notices.tell_each(uow, kind, some)
    if told:
        await uow.audit("offering.fee_told", "offering", view.id, children=told, source=source)
    return told


def _shown(price: Price | None) -> list[Any] | None:
    return [price.fen, price.unit] if price else None


async def _places(uow: UnitOfWork, view: OfferingView, term: Term) -> list[Coming]:
    """Children who take part, and those who hold a place that is not yet settled."""
    rows = await uow.session.execute(
        text("""
        select distinct on (student_id) student_id, weekdays, starts_on, ends_on from (
          select student_id, weekdays, starts_on, ends_on, 0 as rank from enrolment
           where tenant_id = :t and offering_id = :o and state = 'enrolled'
          union all
          select student_id, weekdays, null, null, 1 from seat_claim
           where tenant_id = :t and offering_id = :o and released_at is null
             and (held_until is null or held_until > now())) x
         order by student_id, rank"""),
        {"t": uow.ctx.tenant_id, "o": view.id},
    )
    return [
        Coming(
            row.student_id, frozenset(row.weekdays or ()), row.starts_on or term.starts_on, row.ends_on or term.ends_on
        )
        for row in rows.all()
    ]
