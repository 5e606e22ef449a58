"""What a term's closing does to its lists: they end, or, where the school says so, come again in the next term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import aliased

from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.models import Offering, SeatClaim
from core.enrollment.offerings_service import offering
from core.enrollment.states import ON_MENU
from core.enrollment.waiting import gate
from core.enrollment.waiting.lists import CARRIED, live, rule_of
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import LIVE
from core.enrollment.waiting.units import ORDER, in_order
from core.notices import service as notices
from core.people.models import Student
from core.people.service import students_by_id
from core.terms.models import Term

CHUNK: Final = 300


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
    """A menu is there: lists kept from last term go on in it before anybody can choose."""
    await carry_in(delivery.uow)


async def carry_in(uow: UnitOfWork) -> int:
    """Put who waited when its term closed on the list of the offering that continues it; returns how many.

    That is the offering of the next term with the same title, kind and maker. They keep their order among themselves,
    wait together as before, and come before those who join later; who was put ahead last term is not put ahead again.
    """
    later = aliased(WaitingEntry)
    query = (
        select(WaitingEntry)
        .outerjoin(later, (later.tenant_id == WaitingEntry.tenant_id) & (later.carried_from == WaitingEntry.id))
        .join(Student, (Student.tenant_id == WaitingEntry.tenant_id) & (Student.id == WaitingEntry.student_id))
        .where(WaitingEntry.state == "carried", later.id.is_(None), Student.left_at.is_(None))
        .order_by(WaitingEntry.offering_id, *ORDER)
    )
    waited: dict[UUID, list[WaitingEntry]] = {}
    for row in (await uow.session.execute(query)).scalars().all():
        waited.setdefault(row.offering_id, []).append(row)
    targets = {old: new for old in waited if (new := await _continued(uow, old)) is not None}
    if not targets:
        return 0
    await seats.hold_children(uow, {row.student_id for old in targets for row in waited[old]})
    made = 0
    for old, new in sorted(targets.items(), key=lambda pair: pair[1].bytes):
        made += await _carry(uow, in_order(waited[old]), new)
    return made


async def _continued(uow: UnitOfWork, offering_id: UUID) -> UUID | None:
    """The offering of the next term that continues this one, once it is on the menu."""
    old = await uow.get(Offering, offering_id)
    term = await uow.get(Term, old.term_id)
    following = select(Term.id).where(Term.starts_on > term.starts_on).order_by(Term.starts_on).limit(1)
    next_term = (await uow.session.execute(following)).scalar_one_or_none()
    query = select(Offering.id).where(
        Offering.term_id == next_term,
        Offering.title == old.title,
        Offering.kind == old.kind,
        Offering.plugin.is_not_distinct_from(old.plugin),
        Offering.state.in_(ON_MENU),
        Offering.capacity.is_not(None),
    )
    return (await uow.session.execute(query.order_by(Offering.id).limit(1))).scalar_one_or_none()


async def _carry(uow: UnitOfWork, waited: Sequence[WaitingEntry], target: UUID) -> int:
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
        days = [day for day in old.weekdays if day in view.weekdays] if view.any_days else list(view.weekdays)
        made.append(
            WaitingEntry(
                term_id=view.term_id,
                offering_id=target,
                student_id=old.student_id,
                state="waiting",
                weekdays=days or list(view.weekdays),
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
    children = await students_by_id(uow, [entry.student_id for entry in made])
    families = await notices.guardians_of(uow, children.keys())
    for entry in made:
        unit = {"unit": entry.unit} if entry.unit else {}
        gate.note(uow, entry, "join", facts={"cls": entry.cls, "tier": CARRIED, "number": entry.number, **unit})
        told = {"child": children[entry.student_id].name, "title": view.title}
        path = f"home/waiting?child={entry.student_id}"
        people = families.get(entry.student_id, [])
        await notices.tell(uow, people, "waiting.carried", told, path=path, source=f"waiting.carried/{entry.id}")
    await uow.session.flush()
    if made:
        await gate.ask_the_list(uow, target)
    return len(made)
