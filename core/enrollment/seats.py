"""Places given back and made to stay, inside a unit of work. How places are claimed: core.enrollment.claims.

Locks are always taken in one order: the child, the offering's row, the claim. See sql/v3_claim_seats.sql. A place that
comes free belongs to the offering's waiting list first (core.enrollment.waiting).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from core.base.ids import new_id
from core.db.uow import UnitOfWork
from core.enrollment.errors import PlaceLost
from core.enrollment.waiting import gate

CHANNEL = "kehou_seats"
"""Told when a place comes free, so that no process goes on saying "full" from memory."""

# The same names in the same order as claim_seats takes them.
_CHILDREN = text("""
select pg_advisory_xact_lock(locks.name) from (
  select distinct hashtextextended(cast(:t as text) || '/seat/' || child, 0) as name
  from unnest(cast(:children as text[])) child order by 1
) locks""")
_LOCK = text("select 1 from offering_seats where tenant_id = :t and id = :o for no key update")
_RELEASE = text("""
with gone as (
  update seat_claim set released_at = clock_timestamp(), ended_by = :why, held_until = null,
    returns_at = next_return(:t, :o, clock_timestamp())
  where tenant_id = :t and student_id = :s and offering_id = :o and released_at is null
  returning 1
)
update offering_seats set taken = taken - 1 where tenant_id = :t and id = :o and exists (select from gone)
returning id""")
_KEEP = text("""
update seat_claim set held_until = null
where tenant_id = :t and student_id = :s and offering_id = any(:o) and released_at is null
returning offering_id""")
_TAKE = text("""
with got as (
  update offering_seats set taken = taken + 1
  where tenant_id = :t and id = :o and claimable and :grade = any (grades) and (
    capacity is null
    or taken + (
      select count(*) from seat_claim
      where tenant_id = :t and offering_id = :o and returns_at > clock_timestamp()
    ) < capacity
  )
  returning term_id
)
insert into seat_claim (tenant_id, id, term_id, offering_id, student_id, key, weekdays, claimed_at, account_id)
select :t, :id, got.term_id, :o, :s, :key, :days, clock_timestamp(), cast(:account as uuid) from got
returning id""")
_DAYS = text("""
update seat_claim set weekdays = :days
where tenant_id = :t and student_id = :s and offering_id = :o and released_at is null and weekdays <> :days""")
_HELD = text("""
select offering_id, id, weekdays, held_until from seat_claim
where tenant_id = :t and student_id = :s and term_id = :term and released_at is null
  and (held_until is null or held_until >= clock_timestamp())""")
_SWEEP = text("""
with gone as (
  update seat_claim set released_at = clock_timestamp(), ended_by = 'expired',
    returns_at = next_return(:t, :o, clock_timestamp())
  where tenant_id = :t and id in (
    select id from seat_claim
    where tenant_id = :t and offering_id = :o and released_at is null and held_until < clock_timestamp()
    for update skip locked
  )
  returning 1
)
update offering_seats set taken = taken - (select count(*) from gone)
where tenant_id = :t and id = :o and exists (select from gone)
returning id""")
_LAPSED = text("""
select distinct offering_id from seat_claim
where tenant_id = :t and released_at is null and held_until < clock_timestamp() order by offering_id""")


@dataclass(frozen=True, slots=True)
class Held:
    """A live place of a child; `until` None: it stays."""

    offering_id: UUID
    claim_id: UUID
    weekdays: tuple[int, ...]
    until: datetime | None


async def hold_child(uow: UnitOfWork, student_id: UUID) -> None:
    """One deed at a time about a child's places and application; claims take the same lock."""
    await uow.hold(f"seat/{student_id}")


async def hold_children(uow: UnitOfWork, student_ids: Collection[UUID]) -> None:
    """hold_child for several, in the one order in which everybody takes them; before any offering's row."""
    children = [str(id_) for id_ in student_ids]
    await uow.session.execute(_CHILDREN, {"t": str(uow.ctx.tenant_id), "children": children})


async def hold_offering(uow: UnitOfWork, offering_id: UUID) -> None:
    """Lock the row of an offering's places; after the child, before any claim."""
    await uow.session.execute(_LOCK, {"t": uow.ctx.tenant_id, "o": offering_id})


async def held_by(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> dict[UUID, Held]:
    """The child's live places in a term, by offering."""
    rows = await uow.session.execute(_HELD, {"t": uow.ctx.tenant_id, "s": student_id, "term": term_id})
    return {row[0]: Held(row[0], row[1], tuple(row[2]), row[3]) for row in rows.all()}


async def keep(uow: UnitOfWork, student_id: UUID, offering_ids: Collection[UUID]) -> None:
    """Make held places stay, because an application now stands behind them; the child waits for them no longer.
    Raises PlaceLost if one has lapsed.

    Take this as the last lock of a unit of work.
    """
    rows = await uow.session.execute(
        _KEEP, {"t": uow.ctx.tenant_id, "s": student_id, "o": sorted(set(offering_ids), key=str)}
    )
    if len(rows.all()) != len(set(offering_ids)):
        raise PlaceLost()
    await gate.taken(uow, student_id, offering_ids)


async def release(uow: UnitOfWork, student_id: UUID, offering_ids: Sequence[UUID], why: str) -> None:
    """Give places back; `why` is cancelled, refused, steered, dropped, withdrawn, declined or lapsed. One not held is
    no error."""
    for offering_id in sorted(set(offering_ids), key=lambda id_: id_.bytes):
        where = {"t": uow.ctx.tenant_id, "o": offering_id}
        await hold_offering(uow, offering_id)
        freed = await uow.session.execute(_RELEASE, {**where, "s": student_id, "why": why})
        if freed.first() is not None:
            await came_free(uow, offering_id)


async def take(
    uow: UnitOfWork, student_id: UUID, offering_id: UUID, grade: int, weekdays: Sequence[int], *, giving_up: UUID
) -> bool:
    """Take a free place for good inside this transaction, before `giving_up` is released; False when there is none, or
    when what is free belongs to the waiting list.

    Unlike a claim it asks for no window: the child already takes part and exchanges one item for another. Both
    offerings' rows are locked in one order, so that two children who swap with one another cannot wait in a ring.
    """
    for id_ in sorted({offering_id, giving_up}, key=lambda i: i.bytes):
        await uow.session.execute(_LOCK, {"t": uow.ctx.tenant_id, "o": id_})
    if (await uow.session.execute(_SWEEP, {"t": uow.ctx.tenant_id, "o": offering_id})).first() is not None:
        await came_free(uow, offering_id)
    if await gate.keeps(uow, offering_id):
        return False
    id_ = new_id()
    asked = {
        "t": uow.ctx.tenant_id, "id": id_, "o": offering_id, "s": student_id, "grade": grade,
        "key": f"swap/{id_}", "days": list(weekdays), "account": uow.ctx.actor.account_id,
    }  # fmt: skip
    return (await uow.session.execute(_TAKE, asked)).first() is not None


async def set_days(uow: UnitOfWork, student_id: UUID, offering_id: UUID, weekdays: Sequence[int]) -> None:
    """The weekdays that a child's live place covers."""
    where = {"t": uow.ctx.tenant_id, "s": student_id, "o": offering_id, "days": list(weekdays)}
    await uow.session.execute(_DAYS, where)


async def sweep(uow: UnitOfWork) -> int:
    """Take back the places of families who never finished; returns how many offerings got some back."""
    lapsed = (await uow.session.execute(_LAPSED, {"t": uow.ctx.tenant_id})).scalars().all()
    for offering_id in lapsed:
        where = {"t": uow.ctx.tenant_id, "o": offering_id}
        await hold_offering(uow, offering_id)
        if (await uow.session.execute(_SWEEP, where)).first() is not None:
            await came_free(uow, offering_id)
    return len(lapsed)


async def came_free(uow: UnitOfWork, offering_id: UUID) -> None:
    """After the commit: no process says "full" from memory, and the waiting list is offered what is free."""
    await gate.ask_the_list(uow, offering_id)
    await uow.session.execute(text("select pg_notify(:c, :o)"), {"c": CHANNEL, "o": str(offering_id)})
