"""A family binds its children on a list to wait together, or lets them wait one by one again (R-145, R-216)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from core.base.errors import NotFound
from core.base.ids import new_id
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.models import OfferingSeats
from core.enrollment.waiting import gate
from core.enrollment.waiting.errors import UnitNotYours, UnitTooLarge
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import LIVE, WAITING
from core.enrollment.waiting.units import MOST, unit_of
from core.enrollment.waiting.words import LOG
from core.people.service import MayNotChoose, StudentView, my_child_to_choose, my_children


async def refuse_others(uow: UnitOfWork, unit: list[WaitingEntry]) -> None:
    """Whoever answers for a unit may choose for all of its children. Raises UnitNotYours."""
    try:
        for row in unit:
            await my_child_to_choose(uow, row.student_id)
    except (NotFound, MayNotChoose):
        raise UnitNotYours() from None


async def answers_for_all(uow: UnitOfWork, unit: list[WaitingEntry]) -> bool:
    """Whether the acting guardian may choose for every child of a unit."""
    try:
        await refuse_others(uow, unit)
    except UnitNotYours:
        return False
    return True


async def locked(uow: UnitOfWork, entry_id: UUID) -> list[WaitingEntry]:
    """The unit of an entry under all its children's locks. Raises NotFound, MayNotChoose, UnitNotYours."""
    unit = await _held(uow, entry_id)
    await refuse_others(uow, unit)
    return unit


async def _held(uow: UnitOfWork, entry_id: UUID) -> list[WaitingEntry]:
    """The same for who may choose for the entry's own child at least. Raises NotFound, MayNotChoose."""
    entry = await uow.get(WaitingEntry, entry_id)
    await my_child_to_choose(uow, entry.student_id)
    unit = await unit_of(uow, entry)
    await seats.hold_children(uow, {row.student_id for row in unit})
    now = await unit_of(uow, await uow.get(WaitingEntry, entry_id, lock=True))
    if {row.student_id for row in now} - {row.student_id for row in unit}:  # another child was bound meanwhile
        raise MoveRefused(state=WAITING.title(entry.state), event=str(LOG["bind"]))
    return now


async def hold(uow: UnitOfWork, student_id: UUID, offering_id: UUID, siblings: Collection[UUID]) -> None:
    """The locks of a child that joins, and of those whom it will wait together with: before the offering's row."""
    query = select(WaitingEntry).where(
        WaitingEntry.offering_id == offering_id,
        WaitingEntry.student_id.in_(list(siblings)),
        WaitingEntry.state.in_(LIVE),
    )
    there = (await uow.session.execute(query)).scalars().all() if siblings else ()
    children = {row.student_id for one in there for row in await unit_of(uow, one)}
    await seats.hold_children(uow, {student_id, *children})


async def on_list(uow: UnitOfWork, student_id: UUID, offering_id: UUID) -> list[StudentView]:
    """The acting guardian's other children who wait for an offering and have no offer of a place; none where there is
    only one place to be had."""
    row = await uow.get(OfferingSeats, offering_id)
    if row.capacity is not None and row.capacity < 2:
        return []
    children = {child.id: child for child in await my_children(uow) if child.id != student_id}
    query = select(WaitingEntry.student_id).where(
        WaitingEntry.offering_id == offering_id,
        WaitingEntry.student_id.in_(children.keys()),
        WaitingEntry.state.in_(("waiting", "blocked")),
    )
    return [children[id_] for id_ in (await uow.session.execute(query)).scalars()]


async def waiting_too(uow: UnitOfWork, entry: WaitingEntry) -> list[StudentView]:
    """Whom a child could wait together with, besides those with whom it does."""
    if entry.state not in ("waiting", "blocked"):
        return []
    mates = {row.student_id for row in await unit_of(uow, entry)}
    return [child for child in await on_list(uow, entry.student_id, entry.offering_id) if child.id not in mates]


async def bind(uow: UnitOfWork, entry_id: UUID, sibling_id: UUID) -> None:
    """Have two children of the acting guardian, with whom they wait already, wait for the same offering together.

    Twice is once. Raises NotFound (the sibling is not on this list), MayNotChoose, UnitNotYours, UnitTooLarge,
    MoveRefused (a place is offered already).
    """
    entry, sibling = await uow.get(WaitingEntry, entry_id), await my_child_to_choose(uow, sibling_id)
    await my_child_to_choose(uow, entry.student_id)
    other = (await gate.entries_of(uow, sibling.id, entry.term_id)).get(entry.offering_id)
    if other is None or other.id == entry.id:
        raise NotFound()
    before = {row.id for one in (entry, other) for row in await unit_of(uow, one)}
    children = {row.student_id for one in (entry, other) for row in await unit_of(uow, one)}
    await seats.hold_children(uow, children)
    entry, other = [await uow.get(WaitingEntry, one.id, lock=True) for one in (entry, other)]
    unit = {row.id: row for one in (entry, other) for row in await unit_of(uow, one)}
    await refuse_others(uow, list(unit.values()))
    if entry.unit is not None and entry.unit == other.unit:
        return
    if unit.keys() - before or any(row.state not in ("waiting", "blocked") for row in unit.values()):
        raise MoveRefused(state=WAITING.title(entry.state), event=str(LOG["bind"]))
    row = await uow.get(OfferingSeats, entry.offering_id)
    most = MOST if row.capacity is None else min(MOST, row.capacity)
    if len(unit) > most:
        raise UnitTooLarge(most=most)
    id_ = entry.unit or other.unit or new_id()
    for one in unit.values():
        if one.unit != id_:
            one.unit = id_
            gate.note(uow, one, "bind", facts={"unit": id_})
    await uow.session.flush()
    await uow.audit("waiting.bind", "student", entry.student_id, offering=entry.offering_id, children=len(unit))
    await gate.ask_the_list(uow, entry.offering_id)


async def apart(uow: UnitOfWork, entry_id: UUID) -> None:
    """The children of a unit wait one by one again, each in its own order. Twice is once.

    Who may not choose for all of them (half-siblings have different guardians) takes the own child out alone, also
    when places are offered already: it is then answered for by itself, and the others stay together. Raises NotFound,
    MayNotChoose, MoveRefused.
    """
    unit = await _held(uow, entry_id)
    if len(unit) == 1 and unit[0].unit is None:
        return
    if await answers_for_all(uow, unit):
        if any(row.state not in ("waiting", "blocked") for row in unit):
            raise MoveRefused(state=WAITING.title(unit[0].state), event=str(LOG["unbind"]))
        out = unit
    else:
        out = unit if len(unit) == 2 else [row for row in unit if row.id == entry_id]
    for row in out:
        if row.unit is not None:
            row.unit = None
            gate.note(uow, row, "unbind")
    await uow.session.flush()
    asked = await uow.get(WaitingEntry, entry_id)
    await uow.audit("waiting.apart", "student", asked.student_id, offering=asked.offering_id, children=len(out))
    await gate.ask_the_list(uow, asked.offering_id)
