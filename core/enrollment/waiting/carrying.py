"""What a term's closing does to its lists: they end, or, where the school says so, come again in the next term."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from core.base import clock
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.models import Menu, Offering, SeatClaim
from core.enrollment.offerings_service import offering
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.enrollment.waiting import gate
from core.enrollment.waiting.lists import CARRIED, live, rule_of
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import LIVE
from core.enrollment.waiting.units import ORDER, in_order
from core.notices import service as notices
from core.people.models import Student
from core.people.service import students_by_id
from core.terms.models import Term

CARRY: Final = "waiting.carry"
"""The job that carries a list into the next term."""
CHUNK: Final = 300
WRONG_DAYS: Final = "wrong_days"
"""Why an entry is blocked, as claim_seats says it: the offering has no such days."""
AGO: Final = timedelta(days=400)
"""Lists of terms that ended before that have been carried or ended long ago."""


async def end_lists(uow: UnitOfWork, term: Term) -> int:
    """End, or keep for the next term, the next entries of a term that is closing; how many, 0 when none is left."""
    query = select(WaitingEntry).where(WaitingEntry.term_id == term.id, WaitingEntry.state.in_(LIVE))
    found = (await uow.session.execute(query.order_by(WaitingEntry.id).limit(CHUNK))).scalars().all()
    if not found:
        return 0
    await seats.hold_children(uow, {row.student_id for row in found})
    ids = [row.id for row in found]
    again = query.where(WaitingEntry.id.in_(ids)).with_for_update().execution_options(populate_existing=True)
    event = "carry" if (await rule_of(uow, term.id)).carry else "end"
    rows = (await uow.session.execute(again)).scalars().all()
    for entry in sorted(rows, key=lambda row: row.offering_id.bytes):  # the order in which rows of places are locked
        offered = entry.state == "offered"
        await gate.move(uow, entry, event, reason="term_over")
        if offered:
            await seats.release(uow, entry.student_id, [entry.offering_id], "lapsed")
    return len(found)


async def menu_published(delivery: Delivery) -> None:
    """A menu is there: lists kept from last term go on in it."""
    await look(delivery.uow)


async def run(delivery: Delivery) -> None:
    """The job "waiting.carry"; payload {offering} of the term that is over. Part after part, each in its own
    transaction: a whole school's children are never locked at once."""
    if await carry_chunk(delivery.uow, UUID(delivery.payload["offering"])):
        await delivery.uow.enqueue(CARRY, delivery.payload)


async def look(uow: UnitOfWork) -> None:
    """Have every list carried on, or ended, of which that can be said now; the rest waits for the next term."""
    recent = select(Term.id).where(Term.ends_on > clock.today() - AGO)
    query = select(WaitingEntry.offering_id).where(WaitingEntry.term_id.in_(recent), *_kept()).distinct()
    for old in (await uow.session.execute(query.order_by(WaitingEntry.offering_id))).scalars().all():
        target, over = await _following(uow, old)
        if target is not None or over:
            await uow.enqueue(CARRY, {"offering": old})


def _kept() -> tuple[ColumnElement[bool], ...]:
    """Entries that were carried out of their term and stand on no list yet."""
    later = aliased(WaitingEntry)
    again = exists().where(later.tenant_id == WaitingEntry.tenant_id, later.carried_from == WaitingEntry.id)
    return (WaitingEntry.state == "carried", ~again)


async def carry_chunk(uow: UnitOfWork, old: UUID) -> bool:
    """Put the next who waited when their term closed on the list of the offering that continues it, or end their
    waiting where the next term has begun without one; whether there may be more.

    That is the offering of the next term with the same title, kind and maker. They keep their order among themselves,
    wait together as before, and come before those who join later; who was put ahead last term is not put ahead again.
    Who waited for days that the new one does not have gets no offer until the family has chosen others.
    """
    await uow.hold(f"waiting.carry/{old}")
    query = select(WaitingEntry).where(WaitingEntry.offering_id == old, *_kept()).order_by(*ORDER)
    first = (await uow.session.execute(query.limit(CHUNK))).scalars().all()
    units = {row.unit for row in first if row.unit is not None}
    mates = (await uow.session.execute(query.where(WaitingEntry.unit.in_(units)))).scalars().all() if units else ()
    waited = in_order(list({row.id: row for row in (*first, *mates)}.values()))  # no unit is cut in two
    target, over = await _following(uow, old)
    if not waited or (target is None and not over):
        return False
    await seats.hold_children(uow, {row.student_id for row in waited})
    gone = await _gone(uow, [row.student_id for row in waited])
    here = [row for row in waited if row.student_id not in gone]
    carried = await _carry(uow, here, target) if target is not None else set()
    # Each is carried or ended, so that nobody asks about it again.
    for row in waited:
        if row.id not in carried:
            why = "child_left" if row.student_id in gone else "not_continued" if target is None else "has_place"
            await gate.move(uow, row, "end", reason=why)
    if target is None:
        await _tell(uow, await offering(uow, old), here, "waiting.ended")
    return len(first) == CHUNK


async def _gone(uow: UnitOfWork, children: Collection[UUID]) -> set[UUID]:
    query = select(Student.id).where(Student.id.in_(children), Student.left_at.is_not(None))
    return set((await uow.session.execute(query)).scalars())


async def _following(uow: UnitOfWork, offering_id: UUID) -> tuple[UUID | None, bool]:
    """The offering of the next term that continues this one, once it is on the menu; and whether none will any more:
    the next term has begun with its menu, or is over."""
    old = await uow.get(Offering, offering_id)
    term = await uow.get(Term, old.term_id)
    following = select(Term).where(Term.starts_on > term.starts_on).order_by(Term.starts_on).limit(1)
    next_term = (await uow.session.execute(following)).scalar_one_or_none()
    if next_term is None:
        return None, False
    query = select(Offering.id).where(
        Offering.term_id == next_term.id,
        Offering.title == old.title,
        Offering.kind == old.kind,
        Offering.plugin.is_not_distinct_from(old.plugin),
        Offering.state.in_(ON_MENU),
        Offering.capacity.is_not(None),
    )
    target = (await uow.session.execute(query.order_by(Offering.id).limit(1))).scalar_one_or_none()
    menu = select(Menu.id).where(Menu.term_id == next_term.id, Menu.state != "draft")
    begun = next_term.starts_on <= clock.today() and (await uow.session.execute(menu)).first() is not None
    return target, begun or next_term.ends_on < clock.today()


async def _carry(uow: UnitOfWork, waited: Sequence[WaitingEntry], target: UUID) -> set[UUID | None]:
    """Returns the ids of those who stand on the new list now; whoever has a place there, or waits already, does not."""
    await seats.hold_offering(uow, target)
    view = await offering(uow, target)
    query = select(SeatClaim.student_id).where(SeatClaim.offering_id == target, SeatClaim.released_at.is_(None))
    there = set((await uow.session.execute(query)).scalars())
    there |= {row.student_id for row in await live(uow, target)}
    last = select(WaitingEntry.number).where(WaitingEntry.offering_id == target, WaitingEntry.tier == CARRIED)
    number = (await uow.session.execute(last.order_by(WaitingEntry.number.desc()).limit(1))).scalar_one_or_none() or 0
    made: list[WaitingEntry] = []
    for old in waited:
        if old.student_id in there:
            continue
        number += 1
        # Never a day that nobody chose. What comes only as a whole is offered as such, and may be refused.
        kept = [day for day in old.weekdays if day in view.weekdays] or list(old.weekdays)
        made.append(
            WaitingEntry(
                term_id=view.term_id,
                offering_id=target,
                student_id=old.student_id,
                state="waiting",
                weekdays=kept if view.any_days else list(view.weekdays),
                giving_up=[],
                cls=old.cls,
                tier=CARRIED,
                number=number,
                unit=old.unit,
                carried_from=old.id,
                joined_by=old.joined_by,
            )
        )
    uow.session.add_all(made)
    await uow.session.flush()
    for entry in made:
        unit = {"unit": entry.unit} if entry.unit else {}
        gate.note(uow, entry, "join", facts={"cls": entry.cls, "tier": CARRIED, "number": entry.number, **unit})
    await uow.session.flush()
    dayless = [entry for entry in made if not set(entry.weekdays) <= set(view.weekdays)]
    for entry in dayless:
        entry.why = WRONG_DAYS
        await gate.move(uow, entry, "block", facts={"why": entry.why})
    await _tell(uow, view, [entry for entry in made if not entry.why], "waiting.carried")
    await _tell(uow, view, dayless, "waiting.dayless")
    if made:
        await gate.ask_the_list(uow, target)
    return {entry.carried_from for entry in made}


async def _tell(uow: UnitOfWork, view: OfferingView, entries: Sequence[WaitingEntry], kind: str) -> None:
    children = await students_by_id(uow, [entry.student_id for entry in entries])
    families = await notices.guardians_of(uow, children.keys())
    letters = [
        notices.Letter(
            account,
            {"child": children[entry.student_id].name, "title": view.title},
            f"home/waiting?child={entry.student_id}",
            f"{kind}/{entry.id}",
        )
        for entry in entries
        for account in families.get(entry.student_id, [])
    ]
    await notices.tell_each(uow, kind, letters)
