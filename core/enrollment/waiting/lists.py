"""Waiting lists as they stand: their order, their rule, their log, and the counts that everybody may know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time
from uuid import UUID

from sqlalchemy import func, select

from core.db.uow import UnitOfWork
from core.enrollment.waiting.models import WaitingEntry, WaitingEvent, WaitingRule
from core.enrollment.waiting.replay import Replayed, replay
from core.enrollment.waiting.states import LIVE
from core.enrollment.waiting.units import ORDER, in_order
from core.terms.models import Term

CARRIED, DRAWN, ARRIVAL = 0, 1, 2
"""Tiers: what an entry's number is."""


async def rule_of(uow: UnitOfWork, term_id: UUID) -> WaitingRule:
    """How this term's lists are run: its own row, else the newest earlier term's, else the defaults (not kept)."""
    term = await uow.get(Term, term_id)
    query = (
        select(WaitingRule)
        .join(Term, (Term.tenant_id == WaitingRule.tenant_id) & (Term.id == WaitingRule.term_id))
        .where(Term.starts_on <= term.starts_on)
        .order_by(Term.starts_on.desc())
    )
    found = (await uow.session.execute(query.limit(1))).scalar_one_or_none()
    return found or WaitingRule(term_id=term_id, hours=24, wakes_at=time(7), sleeps_at=time(21), carry=False)


async def live(
    uow: UnitOfWork, offering_id: UUID, states: Sequence[str] = LIVE, *, lock: bool = False
) -> list[WaitingEntry]:
    """The live entries of a list in its order."""
    query = select(WaitingEntry).where(WaitingEntry.offering_id == offering_id, WaitingEntry.state.in_(states))
    query = query.order_by(*ORDER).execution_options(populate_existing=True)
    if lock:
        query = query.with_for_update()
    return in_order((await uow.session.execute(query)).scalars().all())


@dataclass(frozen=True, slots=True)
class Position:
    """Where an entry stands: how many children wait before it, of how many, and how many of those were put ahead. Of
    children who wait together all stand where the first of them does in the list's order."""

    ahead: int
    of: int
    jumps: int


async def position(uow: UnitOfWork, entry: WaitingEntry) -> Position:
    """Where a waiting entry stands now."""
    rows = await live(uow, entry.offering_id, ("waiting", "blocked"))
    mine = [i for i, row in enumerate(rows) if (row.unit or row.id) == (entry.unit or entry.id)]
    ahead = mine[0] if mine else 0
    return Position(ahead, len(rows), sum(row.jumped_at is not None for row in rows[:ahead]))


async def events_of(uow: UnitOfWork, offering_id: UUID) -> list[WaitingEvent]:
    """The whole log of a list, oldest first."""
    query = select(WaitingEvent).where(WaitingEvent.offering_id == offering_id)
    return list((await uow.session.execute(query.order_by(WaitingEvent.at, WaitingEvent.id))).scalars())


async def checked(uow: UnitOfWork, offering_id: UUID) -> tuple[bool, Replayed]:
    """Whether the list made again from its log is the list that stands here, nobody passed over; and the list made."""
    try:
        again = replay(await events_of(uow, offering_id))
    except KeyError:  # a line is missing, or says what cannot be
        return False, Replayed((), ())
    here = [(row.id, row.state) for row in await live(uow, offering_id)]
    return here == [(p.entry_id, p.state) for p in again.places] and not again.passed_over, again


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of one list. `jumps`, by reason, are for the office; for everybody there is the sum of all lists."""

    waiting: int
    offered: int
    taken: int
    let_go: int
    jumps: dict[str, int]
    passed: int
    """How often children who wait together were passed by because fewer places were free than they need."""


async def tallies(uow: UnitOfWork, term_id: UUID) -> dict[UUID, Tally]:
    """The counts of all lists of a term that anybody ever stood on, by offering."""
    states = (
        select(WaitingEntry.offering_id, WaitingEntry.state, func.count())
        .where(WaitingEntry.term_id == term_id)
        .group_by(WaitingEntry.offering_id, WaitingEntry.state)
    )
    by_list: dict[UUID, dict[str, int]] = {}
    for offering_id, state, many in (await uow.session.execute(states)).all():
        by_list.setdefault(offering_id, {})[state] = many
    jumped = (
        select(WaitingEntry.offering_id, WaitingEntry.jump_reason, func.count())
        .where(WaitingEntry.term_id == term_id, WaitingEntry.jumped_at.is_not(None))
        .group_by(WaitingEntry.offering_id, WaitingEntry.jump_reason)
    )
    jumps: dict[UUID, dict[str, int]] = {}
    for offering_id, reason, many in (await uow.session.execute(jumped)).all():
        jumps.setdefault(offering_id, {})[reason] = many
    by_size = (
        select(WaitingEvent.offering_id, func.count())
        .join(
            WaitingEntry,
            (WaitingEntry.tenant_id == WaitingEvent.tenant_id) & (WaitingEntry.id == WaitingEvent.entry_id),
        )
        .where(WaitingEntry.term_id == term_id, WaitingEvent.kind == "pass")
        .group_by(WaitingEvent.offering_id)
    )
    passed = {row[0]: int(row[1]) for row in (await uow.session.execute(by_size)).all()}
    return {
        id_: Tally(
            waiting=n.get("waiting", 0) + n.get("blocked", 0),
            offered=n.get("offered", 0),
            taken=n.get("taken", 0),
            let_go=n.get("refused", 0) + n.get("lapsed", 0),
            jumps=jumps.get(id_, {}),
            passed=passed.get(id_, 0),
        )
        for id_, n in by_list.items()
    }


def jumps_of(found: Iterable[Tally]) -> dict[str, int]:
    """How often somebody was put ahead on all these lists together, by reason."""
    sums: Counter[str] = Counter()
    for tally in found:
        sums.update(tally.jumps)
    return dict(sums)
