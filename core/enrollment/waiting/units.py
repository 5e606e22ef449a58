"""Brothers and sisters who wait for one offering together: all of them get a place, or none yet.

A unit stands where the last of its children stands, so that nobody is put behind a child that joined later. It is
offered places when there are enough for all of it; otherwise it keeps its order and the next that fits is offered what
is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import LIVE

MOST: Final = 4
"""Children of one unit, as in a draw."""

ORDER: Final = (
    WaitingEntry.jumped_at.asc().nulls_last(),
    WaitingEntry.cls,
    WaitingEntry.tier,
    WaitingEntry.number,
    WaitingEntry.id,
)
"""The order of single children; replay.Place.key says the same."""


def parties(rows: Sequence[WaitingEntry]) -> list[list[WaitingEntry]]:
    """Entries in the order of single children → units and single children in the order of the list."""
    by: dict[UUID, list[WaitingEntry]] = {}
    last: dict[UUID, int] = {}
    for index, row in enumerate(rows):
        by.setdefault(row.unit or row.id, []).append(row)
        last[row.unit or row.id] = index
    return [by[id_] for id_ in sorted(by, key=lambda id_: last[id_])]


def in_order(rows: Sequence[WaitingEntry]) -> list[WaitingEntry]:
    """The same, one after another."""
    return [row for party in parties(rows) for row in party]


async def unit_of(uow: UnitOfWork, entry: WaitingEntry, states: Sequence[str] = LIVE) -> list[WaitingEntry]:
    """The live entries of an entry's unit in their order, itself among them; itself alone where it waits alone."""
    if entry.unit is None or entry.state not in states:
        return [entry]
    query = select(WaitingEntry).where(
        WaitingEntry.offering_id == entry.offering_id, WaitingEntry.unit == entry.unit, WaitingEntry.state.in_(states)
    )
    found = await uow.session.execute(query.order_by(*ORDER).execution_options(populate_existing=True))
    return list(found.scalars()) or [entry]
