"""What the rest of enrollment asks of the waiting lists. Knows models alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from core.db.uow import UnitOfWork, plain
from core.enrollment.waiting.models import WaitingEntry, WaitingEvent
from core.enrollment.waiting.states import LIVE, WAITING

OFFER: Final = "waiting.offer"
"""The job that offers free places of one offering to its list."""


async def ask_the_list(uow: UnitOfWork, offering_id: UUID) -> None:
    """A place came free: have it offered right after the commit, if somebody is on the list. Meanwhile claim_seats
    keeps it for the list. An offer needs the child's lock, which is taken before the offering's row and never after,
    so it cannot be made here."""
    query = select(WaitingEntry.id).where(WaitingEntry.offering_id == offering_id, WaitingEntry.state.in_(LIVE))
    if (await uow.session.execute(query.limit(1))).first() is not None:
        await uow.enqueue(OFFER, {"offering": offering_id})


@dataclass(frozen=True, slots=True)
class Queue:
    """How many children wait (offers that run are not counted), and whether free places are kept for them: those who
    cannot be offered a place now keep none from others."""

    many: int
    keeps: bool


async def queues(uow: UnitOfWork, offering_ids: Collection[UUID]) -> dict[UUID, Queue]:
    """The queue of each offering that somebody waits for."""
    if not offering_ids:
        return {}
    query = (
        select(WaitingEntry.offering_id, func.count(), func.bool_or(WaitingEntry.state == "waiting"))
        .where(WaitingEntry.offering_id.in_(list(offering_ids)), WaitingEntry.state.in_(("waiting", "blocked")))
        .group_by(WaitingEntry.offering_id)
    )
    return {row[0]: Queue(row[1], row[2]) for row in (await uow.session.execute(query)).all()}


async def keeps(uow: UnitOfWork, offering_id: UUID) -> bool:
    """Whether what is free belongs to children who wait; the truth for who holds the offering's row."""
    queue = (await queues(uow, [offering_id])).get(offering_id)
    return queue is not None and queue.keeps


async def entries_of(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> dict[UUID, WaitingEntry]:
    """A child's live entries of a term, by offering."""
    query = select(WaitingEntry).where(
        WaitingEntry.student_id == student_id, WaitingEntry.term_id == term_id, WaitingEntry.state.in_(LIVE)
    )
    return {row.offering_id: row for row in (await uow.session.execute(query)).scalars()}


async def move(
    uow: UnitOfWork,
    entry: WaitingEntry,
    event: str,
    *,
    reason: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Make one move of WAITING and write it into the list's log. The caller holds the child's lock."""
    await WAITING.transition(uow, entry, event, reason=reason)
    note(uow, entry, event, reason=reason, facts=facts)
    await uow.session.flush()


def note(
    uow: UnitOfWork,
    entry: WaitingEntry,
    kind: str,
    *,
    reason: str = "",
    words: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """One line of the list's log."""
    uow.session.add(
        WaitingEvent(
            offering_id=entry.offering_id,
            entry_id=entry.id,
            kind=kind,
            account_id=uow.ctx.actor.account_id,
            actor_name=uow.ctx.actor.name if uow.ctx.actor.kind == "person" else "",
            reason=reason,
            note=words,
            facts=plain(dict(facts or {})),
        )
    )


async def taken(uow: UnitOfWork, student_id: UUID, offering_ids: Collection[UUID]) -> None:
    """An application now stands behind these places: what the child waited for, it has."""
    query = select(WaitingEntry).where(
        WaitingEntry.student_id == student_id,
        WaitingEntry.offering_id.in_(list(offering_ids)),
        WaitingEntry.state.in_(LIVE),
    )
    query = query.order_by(WaitingEntry.id).with_for_update().execution_options(populate_existing=True)
    for entry in (await uow.session.execute(query)).scalars().all():
        await move(uow, entry, "take")
