"""Offers: what is free goes to the list in its order, and an offer that nobody answers goes to the next.

An offer is a held claim on a place (seat_claim.held_until), made by the statement that makes every claim, so the
capacity is guarded where it always is. Locks in the one order of the house: all children of the list, the offering's
row, the claims. Whoever joins, leaves, accepts or is put ahead holds its child's lock, whoever joins the row's too: so
the list cannot move under an offer, and its log has one order. Children who wait together
(core.enrollment.waiting.units) are offered all their places or none; the next that fits is then offered what is free,
and the log says so.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from core.base.ids import new_id
from core.db.delivery import Delivery, RetryLater
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.draw.service import moment
from core.enrollment.models import OfferingSeats, SeatClaim
from core.enrollment.offerings_service import offering
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.enrollment.waiting import gate
from core.enrollment.waiting.carrying import look
from core.enrollment.waiting.hours import deadline
from core.enrollment.waiting.lists import live, rule_of
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.units import parties
from core.notices import service as notices
from core.people.models import Student
from core.people.service import students_by_id

STANDING: Final = (*ON_MENU, "suspended")
"""States of an offering in which its list stands; a suspended one makes no offers."""

_CLAIM: Final = text("""
select place, outcome, until, free
from claim_seats(:t, cast(:asked as jsonb), cast(:until as timestamptz) - clock_timestamp()) order by place""")
_DUE: Final = text("""
select distinct e.offering_id from waiting_entry e
join offering o on o.tenant_id = e.tenant_id and o.id = e.offering_id
join offering_seats s on s.tenant_id = e.tenant_id and s.id = e.offering_id
join student p on p.tenant_id = e.tenant_id and p.id = e.student_id
where e.tenant_id = :t and e.state in ('waiting', 'blocked', 'offered') and (
  (e.state = 'offered' and e.offer_until < clock_timestamp())
  or (e.state <> 'offered' and s.claimable and (s.capacity is null or s.taken < s.capacity))
  or o.state <> all(:standing) or p.left_at is not null)
order by 1""")


async def run(delivery: Delivery) -> None:
    """The job "waiting.offer"; payload {offering}."""
    if not await offer_places(delivery.uow, UUID(delivery.payload["offering"])):
        raise RetryLater(1, "somebody joined meanwhile")


async def turn(delivery: Delivery) -> None:
    """The job "waiting.turn": nothing is forgotten, whatever was killed. Lists that have something to do are asked."""
    uow = delivery.uow
    await look(uow)
    due = await uow.session.execute(_DUE, {"t": uow.ctx.tenant_id, "standing": list(STANDING)})
    for offering_id in due.scalars().all():
        await uow.enqueue(gate.OFFER, {"offering": offering_id})


async def offer_places(uow: UnitOfWork, offering_id: UUID) -> bool:
    """Let offers lapse whose time is over, then offer every free place in the list's order.

    Doing it again finds nothing left to do. False: somebody joined between reading the list and locking it, so nothing
    was done; ask again in another transaction.
    """
    children = {row.student_id for row in await live(uow, offering_id)}
    if not children:
        return True
    await seats.hold_children(uow, children)
    await seats.hold_offering(uow, offering_id)
    entries = await live(uow, offering_id, lock=True)
    if not {row.student_id for row in entries} <= children:
        return False
    view = await offering(uow, offering_id)
    entries = await _end_gone(uow, view, entries)
    entries = await _lapse(uow, view, entries)
    row = await uow.get(OfferingSeats, offering_id, lock=True)
    full = row.capacity is not None and row.taken >= row.capacity
    off = view.plugin is not None and view.plugin not in uow.ctx.plugins
    asking = [entry for entry in entries if entry.state in ("waiting", "blocked")]
    if asking and row.claimable and not full and not off:
        await _offer(uow, view, asking)
    return True


# ---- making offers ------------------------------------------------------------------------------------------


async def _offer(uow: UnitOfWork, view: OfferingView, asking: Sequence[WaitingEntry]) -> None:
    """Ask for a place for everybody in order; the statement gives what is free to the first who may have it."""
    rule = await rule_of(uow, view.term_id)
    until = deadline(await moment(uow), rule.hours, rule.wakes_at, rule.sleeps_at)
    said, short = await _asked(uow, view, asking, until)
    given: list[tuple[WaitingEntry, datetime]] = []
    # First who cannot have a place now: the log then shows nobody passed over who could.
    for entry in asking:
        outcome, kept = said[entry.id]
        if kept is not None:
            given.append((entry, kept))
        elif outcome == "full":
            if entry.state == "blocked":
                entry.why = ""
                await gate.move(uow, entry, "unblock")
        elif entry.state == "waiting":
            entry.why = outcome
            await gate.move(uow, entry, "block", facts={"why": outcome})
            if outcome != "held":
                await _tell(uow, view, entry, "waiting.blocked")
    round_ = new_id()
    turn_of = {entry.id: turn for turn, entry in enumerate(asking)}
    last = max((turn_of[entry.id] for entry, _kept in given), default=-1)
    for unit, free in short:
        if turn_of[unit[0].id] < last:
            gate.note(uow, unit[0], "pass", facts={"free": free, "size": len(unit), "round": round_})
    await uow.session.flush()
    for entry, kept in given:
        entry.why, entry.offered_at, entry.offer_until = "", await moment(uow), kept
        await gate.move(uow, entry, "offer", facts={"until": kept, "round": round_})
        await _tell(uow, view, entry, "waiting.offered", until=kept)
        after = kept + timedelta(seconds=1)
        await uow.enqueue(gate.OFFER, {"offering": view.id}, key=f"lapse/{entry.id}", not_before=after)


Answers = dict[UUID, tuple[str, datetime | None]]
"""By entry: an outcome of claim_seats, "held" or "unit"; with the deadline where a place was given."""


async def _asked(
    uow: UnitOfWork, view: OfferingView, asking: Sequence[WaitingEntry], until: datetime
) -> tuple[Answers, list[tuple[list[WaitingEntry], int]]]:
    """The answer for each entry, and the units for which too few places were free, with how many that were."""
    query = select(SeatClaim.student_id).where(
        SeatClaim.offering_id == view.id,
        SeatClaim.student_id.in_([entry.student_id for entry in asking]),
        SeatClaim.released_at.is_(None),
    )
    holding = set((await uow.session.execute(query)).scalars())
    said: Answers = {entry.id: ("held", None) for entry in asking if entry.student_id in holding}
    short: list[tuple[list[WaitingEntry], int]] = []
    alone: list[WaitingEntry] = []
    for party in parties(asking):
        if len(party) == 1:
            alone += [entry for entry in party if entry.id not in said]
            continue
        said |= (await _claim(uow, view.id, alone, until))[0]
        alone = []
        said |= {entry.id: ("unit", None) for entry in party if entry.id not in said}
        if all(said[entry.id][0] == "unit" for entry in party):
            answers, free = await _claim_unit(uow, view.id, party, until)
            said |= answers
            if all(outcome == "full" for outcome, _kept in answers.values()):
                short.append((party, free))
    said |= (await _claim(uow, view.id, alone, until))[0]
    return said, short


async def _claim_unit(
    uow: UnitOfWork, offering_id: UUID, unit: Sequence[WaitingEntry], until: datetime
) -> tuple[Answers, int]:
    """A place for each, or none: then why. Where nothing but the number stands in the way, all are answered "full"."""
    async with uow.session.begin_nested() as point:
        answers, free = await _claim(uow, offering_id, unit, until)
        outcomes = {outcome for outcome, _kept in answers.values()}
        if outcomes == {"claimed"}:
            return answers, free
        await point.rollback()
    free += sum(outcome == "claimed" for outcome, _kept in answers.values())
    if outcomes <= {"claimed", "full"}:
        return dict.fromkeys(answers, ("full", None)), free
    return {
        id_: ("unit" if outcome in ("claimed", "full") else outcome, None) for id_, (outcome, _kept) in answers.items()
    }, free


async def _claim(
    uow: UnitOfWork, offering_id: UUID, entries: Sequence[WaitingEntry], until: datetime
) -> tuple[Answers, int]:
    """The answer for each entry, and how many places are free after it."""
    if not entries:
        return {}, 0
    asked: list[dict[str, Any]] = [
        {
            "offering": str(offering_id),
            "id": str(new_id()),
            "audit": str(new_id()),
            "student": str(entry.student_id),
            "account": None,
            "actor": "",
            "key": f"list/{entry.id}",
            "request": uow.ctx.request_id,
            "weekdays": list(entry.weekdays),
            "giving_up": list(entry.giving_up),
            "listed": True,
        }
        for entry in entries
    ]
    where = {"t": uow.ctx.tenant_id, "asked": json.dumps(asked), "until": until}
    rows = (await uow.session.execute(_CLAIM, where)).all()
    answers = {
        entry.id: (row.outcome, row.until if row.outcome == "claimed" else None)
        for entry, row in zip(entries, rows, strict=True)
    }
    return answers, int(rows[0].free or 0)


# ---- what is over -------------------------------------------------------------------------------------------


async def _lapse(uow: UnitOfWork, view: OfferingView, entries: Sequence[WaitingEntry]) -> list[WaitingEntry]:
    now = await moment(uow)
    kept: list[WaitingEntry] = []
    for entry in entries:
        if entry.state != "offered" or entry.offer_until is None or entry.offer_until >= now:
            kept.append(entry)
            continue
        await gate.move(uow, entry, "lapse")
        await seats.release(uow, entry.student_id, [view.id], "lapsed")
        await _tell(uow, view, entry, "waiting.lapsed")
    return kept


async def _end_gone(uow: UnitOfWork, view: OfferingView, entries: Sequence[WaitingEntry]) -> list[WaitingEntry]:
    """End the entries of children who left the school, and all of an offering that is no more."""
    children = [entry.student_id for entry in entries]
    query = select(Student.id).where(Student.id.in_(children), Student.left_at.is_not(None))
    gone = set((await uow.session.execute(query)).scalars())
    over = view.state not in STANDING
    kept: list[WaitingEntry] = []
    for entry in entries:
        if not over and entry.student_id not in gone:
            kept.append(entry)
            continue
        offered = entry.state == "offered"
        await gate.move(uow, entry, "end", reason="offering_over" if over else "child_left")
        if offered:
            await seats.release(uow, entry.student_id, [view.id], "lapsed")
        if over:
            await _tell(uow, view, entry, "waiting.ended")
    return kept


async def _tell(uow: UnitOfWork, view: OfferingView, entry: WaitingEntry, kind: str, **facts: Any) -> None:
    """Tell the child's guardians, once for each fact."""
    child = (await students_by_id(uow, [entry.student_id]))[entry.student_id]
    people = (await notices.guardians_of(uow, [child.id])).get(child.id, [])
    told = {"child": child.name, "title": view.title, **facts}
    source = f"{kind}/{entry.id}" + (f"/{entry.why}" if entry.why else "")
    await notices.tell(uow, people, kind, told, path=f"home/waiting?child={child.id}", source=source)
