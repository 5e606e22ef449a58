"""An item moved to other weekdays (R-098): everything that holds its days goes along in the same transaction.

Who takes an item whole follows it: enrolments end and begin anew, so that what was stays as it was, and is billed so;
places, application lines, the waiting list and baskets take the new days. Days that families chose themselves are
theirs: the school cannot take one away over their heads.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text, update

from core.base import clock
from core.base.errors import Busy
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.errors import DaysChosen, FamiliesClash
from core.enrollment.models import ApplicationItem, Basket, Enrolment, SeatClaim
from core.enrollment.states import ENROLMENT
from core.enrollment.views import OfferingDraft, OfferingView
from core.enrollment.waiting import gate
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import LIVE
from core.terms.service import timetable_days

TURN: Final = "enrollment.turn"
"""The job that offers agreements anew where they say other days (core.enrollment.jobs)."""

_DAYS = text("""
select student_id, weekdays from seat_claim
 where tenant_id = :t and offering_id = :o and released_at is null and (held_until is null or held_until > now())
union select student_id, weekdays from enrolment where tenant_id = :t and offering_id = :o and state = 'enrolled'
union select student_id, weekdays from waiting_entry
 where tenant_id = :t and offering_id = :o and state in ('waiting', 'blocked', 'offered')""")
_CLASHES = text("""
select distinct mine.student_id, other.title
  from seat_claim mine
  join seat_claim theirs on theirs.tenant_id = mine.tenant_id and theirs.student_id = mine.student_id
   and theirs.term_id = mine.term_id and theirs.offering_id <> mine.offering_id and theirs.released_at is null
   and (theirs.held_until is null or theirs.held_until > now())
  join offering_period a on a.tenant_id = mine.tenant_id and a.offering_id = mine.offering_id
   and a.weekday = any (mine.weekdays)
  join offering_period b on b.tenant_id = mine.tenant_id and b.offering_id = theirs.offering_id
   and b.weekday = any (theirs.weekdays) and b.weekday = a.weekday
   and a.starts_at < b.ends_at and b.starts_at < a.ends_at
   and daterange(a.valid_from, a.valid_to, '[]') && daterange(b.valid_from, b.valid_to, '[]')
  join offering other on other.tenant_id = mine.tenant_id and other.id = theirs.offering_id
 where mine.tenant_id = :t and mine.offering_id = :o and mine.released_at is null
   and (mine.held_until is null or mine.held_until > now())
 order by other.title""")


def moves(before: OfferingView, draft: OfferingDraft) -> bool:
    """Whether the change touches weekdays."""
    return weekdays_of(draft) != before.weekdays or draft.any_days != before.any_days


def weekdays_of(draft: OfferingDraft) -> tuple[int, ...]:
    return tuple(sorted({p.weekday for p in draft.periods}))


async def hold(uow: UnitOfWork, offering_id: UUID) -> set[UUID]:
    """Lock the children who hold days of an offering, before any row of it is locked; returns them."""
    children = set(await _days_held(uow, offering_id))
    await seats.hold_children(uow, children)
    return children


async def refuse(uow: UnitOfWork, before: OfferingView, draft: OfferingDraft, held: Collection[UUID]) -> None:
    """Raises DaysChosen: days that families chose themselves would change; Busy: a child came while the lock was
    waited for, so nothing was done. The caller holds the offering's row."""
    found = await _days_held(uow, before.id)
    if not found.keys() <= set(held):
        raise Busy()
    if not before.any_days:
        return
    after = set(weekdays_of(draft))
    touched = [
        child
        for child, chosen in found.items()
        if any(not set(days) <= after or (not draft.any_days and set(days) != after) for days in chosen)
    ]
    if touched:
        raise DaysChosen(title=before.title, n=len(touched))


async def clashes(uow: UnitOfWork, offering_id: UUID) -> dict[UUID, str]:
    """Children whose place in the offering is at the time of another of their places, with that one's title."""
    rows = await uow.session.execute(_CLASHES, {"t": uow.ctx.tenant_id, "o": offering_id})
    return {row[0]: row[1] for row in rows.all()}


async def refuse_clashes(uow: UnitOfWork, view: OfferingView, known: Collection[UUID]) -> None:
    """Raises FamiliesClash for children who would now be in two places at once; `known` were so before."""
    fresh = {child: title for child, title in (await clashes(uow, view.id)).items() if child not in known}
    for title in fresh.values():
        raise FamiliesClash(title=view.title, n=len(fresh), other=title)


async def follow(uow: UnitOfWork, before: OfferingView, after: OfferingView) -> None:
    """Move all that stands on the days of an item that is taken whole. Its new hours are written already."""
    if before.any_days or before.weekdays == after.weekdays:
        return
    days = list(after.weekdays)
    await _enrolments(uow, before, after)
    lines = update(ApplicationItem).where(
        ApplicationItem.offering_id == after.id, ApplicationItem.state.in_(("chosen", "steered"))
    )
    await uow.session.execute(lines.values(weekdays=days))
    places = update(SeatClaim).where(SeatClaim.offering_id == after.id, SeatClaim.released_at.is_(None))
    await uow.session.execute(places.values(weekdays=days))
    waiting = select(WaitingEntry).where(WaitingEntry.offering_id == after.id, WaitingEntry.state.in_(LIVE))
    for entry in (await uow.session.execute(waiting.with_for_update())).scalars():
        entry.weekdays = days
        gate.note(uow, entry, "change")
    await gate.ask_the_list(uow, after.id)
    here = str(after.id)
    baskets = select(Basket).where(Basket.term_id == after.term_id, Basket.items.contains([{"offering": here}]))
    for basket in (await uow.session.execute(baskets)).scalars():
        basket.items = [{**one, "weekdays": days} if one["offering"] == here else one for one in basket.items]
    await uow.session.flush()
    await uow.enqueue(TURN)


async def _enrolments(uow: UnitOfWork, before: OfferingView, after: OfferingView) -> None:
    first = await _first_day(uow, before, after)
    query = select(Enrolment).where(Enrolment.offering_id == after.id, Enrolment.state == "enrolled")
    rows = (await uow.session.execute(query.order_by(Enrolment.id).with_for_update())).scalars().all()
    for row in rows:
        row.weekdays = list(row.weekdays or before.weekdays)  # none stood for all of them, as they were
        row.ends_on = max(first, row.starts_on) - timedelta(days=1)
        await ENROLMENT.transition(uow, row, "withdraw", reason=_("项目改到其他日子"))
    await uow.session.flush()
    begun = [
        Enrolment(
            application_id=row.application_id,
            student_id=row.student_id,
            offering_id=row.offering_id,
            term_id=row.term_id,
            weekdays=list(after.weekdays),
            state="enrolled",
            starts_on=max(first, row.starts_on),
            replaces=row.id,
        )
        for row in rows
    ]
    uow.session.add_all(begun)
    await uow.session.flush()
    for old, new in zip(rows, begun, strict=True):
        await uow.audit("enrolment.days", "enrolment", new.id, before=old.id, weekdays=new.weekdays)
        told = {"enrolment": new.id, "before": old.id, "student": new.student_id, "offering": new.offering_id}
        await uow.emit("enrollment.changed", told)


async def _first_day(uow: UnitOfWork, before: OfferingView, after: OfferingView) -> date:
    """The first day that runs by the new timetable: today, unless a lesson of today has begun, by the old or by the
    new one; what has begun is left alone (core.lessons.planning)."""
    today, now = clock.today(), clock.school_time(clock.now()).time()
    weekday = (await timetable_days(uow, after.term_id)).get(today)
    begun = any(
        p.weekday == weekday and p.runs_on(today) and p.starts_at <= now for p in (*before.periods, *after.periods)
    )
    return today + timedelta(days=1) if begun else today


async def _days_held(uow: UnitOfWork, offering_id: UUID) -> dict[UUID, list[Sequence[int]]]:
    """The days that each child holds or waits for; a child may hold them twice over (place and enrolment)."""
    found: dict[UUID, list[Sequence[int]]] = {}
    for student_id, days in (await uow.session.execute(_DAYS, {"t": uow.ctx.tenant_id, "o": offering_id})).all():
        found.setdefault(student_id, []).append(days)
    return found
