"""Claiming places in a rush: a school's claims wait in this process and are decided together, in order of arrival.

One statement and one commit decide a whole batch (sql/v2_claim_seats.sql for one offering, sql/v1_claim_together.sql
for several); while it is on its way the next batch gathers. Nobody queues on an offering's row, so a rush makes each
claim cheaper instead of dearer. PostgreSQL alone decides: several processes, or one killed half-way, cannot give a
place twice, and who was told "claimed" has it.

After "full" the losers' retries are answered from memory for a moment, without a query.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]

from core.base.errors import Busy, Invalid
from core.base.ids import new_id
from core.db.house import House
from core.db.idempotency import KeyMissing
from core.enrollment.seats import CHANNEL

log = logging.getLogger("kehou.claims")

HOLD_MINUTES: Final = 30
"""How long a place is kept for a family that has not yet submitted its application."""

BATCH: Final = 256
_DATABASE: Final = (asyncpg.PostgresError, OSError, asyncpg.InterfaceError, TimeoutError)
REMEMBER_SECONDS: Final = 2.0
"""How long "full" is said from memory; a place given back is heard of at once where LISTEN works."""
REMEMBER_DEAF_SECONDS: Final = 0.5

_DECIDE: Final = """
select place, outcome, claim, until, free from claim_seats($1, $2, $3::text::jsonb, $4 * interval '1 minute')"""
_DECIDE_TOGETHER: Final = """
select offering, place, outcome, claim, until, free
from claim_together($1, $2::text::jsonb, $3 * interval '1 minute')"""
_HOLDERS: Final = "select student_id from seat_claim where tenant_id = $1 and offering_id = $2 and released_at is null"


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a claim. `outcome`: claimed, released, full, clash, not_for_grade, not_open, closed, wrong_days,
    waiting (what is free belongs to the waiting list), unknown. `until`: how long the place is kept for an application
    (None: it stays)."""

    outcome: str
    claim_id: UUID | None = None
    until: datetime | None = None

    @property
    def claimed(self) -> bool:
        return self.outcome == "claimed"


@dataclass(frozen=True, slots=True)
class Wish:
    """One claim. `account_id` None: the caller has made sure that it may act for the child."""

    student_id: UUID
    key: str
    account_id: UUID | None = None
    actor_name: str = ""
    weekdays: tuple[int, ...] = ()
    giving_up: tuple[UUID, ...] = ()
    request_id: str = ""


@dataclass(slots=True)
class _Claim:
    offering_id: UUID
    wish: Wish
    answer: asyncio.Future[Decision]


@dataclass(slots=True)
class _Queue:
    """An organisation's claims that wait."""

    waiting: deque[_Claim] = field(default_factory=deque)
    running: bool = False


@dataclass(frozen=True, slots=True)
class _SoldOut:
    tenant: UUID
    until: float
    holders: frozenset[UUID]


class Claims:
    """The claims of one process. Ask `claims_of(house)` for it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._queues: dict[UUID, _Queue] = {}
        self._sold_out: dict[UUID, _SoldOut] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Half of the pool stays free for everybody else, however many organisations are rushed at.
        self._room = asyncio.Semaphore(max(1, house.settings.pool_size // 2))
        self._ear: asyncpg.Connection | None = None
        self._listening: asyncio.Task[None] | None = None
        self.batches = 0
        self.from_memory = 0

    async def claim(self, tenant_id: UUID, offering_id: UUID, wish: Wish) -> Decision:
        """Decide one claim; durable when it returns. The same child asking again gets the same place.

        Raises KeyMissing without a key, Busy when the database does not answer in time: ask again with the same key.
        """
        if not wish.key or len(wish.key) > 200:
            raise KeyMissing()
        if len(wish.weekdays) > 7 or len(wish.giving_up) > 20:
            raise Invalid()
        known = self._sold_out.get(offering_id)
        if known is not None:
            if known.until <= time.monotonic():
                del self._sold_out[offering_id]
            elif known.tenant == tenant_id and wish.student_id not in known.holders:
                self.from_memory += 1
                return Decision("full")
        queue = self._queues.setdefault(tenant_id, _Queue())
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        queue.waiting.append(_Claim(offering_id, wish, answer))
        if not queue.running:
            queue.running = True
            task = asyncio.create_task(self._drain(tenant_id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    def forget(self, offering_id: UUID) -> None:
        """A place came free: ask the database again."""
        self._sold_out.pop(offering_id, None)

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        if self._ear is not None:
            await self._ear.close()

    async def _drain(self, tenant_id: UUID, queue: _Queue) -> None:
        try:
            while queue.waiting:
                batch = _by_offering(_next_batch(queue.waiting))
                if len(batch) > 1 and await self._answer_together(tenant_id, batch):
                    continue
                await asyncio.gather(*(self._answer(tenant_id, *one) for one in batch.items()))
        finally:
            queue.running = False
            if not queue.waiting:
                self._queues.pop(tenant_id, None)

    async def _answer_together(self, tenant_id: UUID, batch: Mapping[UUID, Sequence[_Claim]]) -> bool:
        """Decide claims on several offerings in one commit. False: somebody holds one of them, or the database failed;
        then nobody was told anything, and asking again is safe."""
        asked = {offering_id: [claim.wish for claim in claims] for offering_id, claims in batch.items()}
        try:
            async with self._room:
                decisions = await self._decide_together(tenant_id, asked)
        except _DATABASE as error:
            log.info("claims on %d offerings are decided one by one: %s", len(batch), error)
            return False
        for offering_id, claims in batch.items():
            _tell(claims, decisions[offering_id])
        return True

    async def _answer(self, tenant_id: UUID, offering_id: UUID, claims: Sequence[_Claim]) -> None:
        try:
            async with self._room:
                _tell(claims, await self._decide(tenant_id, offering_id, [claim.wish for claim in claims]))
        except Exception as error:
            refusal = _refusal(error)
            for claim in claims:
                if not claim.answer.done():
                    claim.answer.set_exception(refusal)

    async def _decide(self, tenant_id: UUID, offering_id: UUID, wishes: Sequence[Wish]) -> list[Decision]:
        asked = json.dumps([_plain(wish) for wish in wishes])
        async with self._house.db.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            # One statement outside any transaction block: decided and durable when it answers.
            rows = await driver.fetch(_DECIDE, tenant_id, offering_id, asked, HOLD_MINUTES)
            return await self._decided(driver, tenant_id, offering_id, rows)

    async def _decide_together(
        self, tenant_id: UUID, asked: Mapping[UUID, Sequence[Wish]]
    ) -> dict[UUID, list[Decision]]:
        told = json.dumps(
            [{"offering": str(id_), "asked": [_plain(wish) for wish in wishes]} for id_, wishes in asked.items()]
        )
        async with self._house.db.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            found: dict[UUID, list[Any]] = {id_: [] for id_ in asked}
            for row in await driver.fetch(_DECIDE_TOGETHER, tenant_id, told, HOLD_MINUTES):
                found[row["offering"]].append(row)
            return {id_: await self._decided(driver, tenant_id, id_, rows) for id_, rows in found.items()}

    async def _decided(self, driver: Any, tenant_id: UUID, offering_id: UUID, rows: Sequence[Any]) -> list[Decision]:
        self.batches += 1
        if any(row["outcome"] == "full" for row in rows) and rows[0]["free"] <= 0:
            await self._remember(driver, tenant_id, offering_id)
        return [Decision(row["outcome"], row["claim"], row["until"]) for row in rows]

    async def _remember(self, driver: Any, tenant_id: UUID, offering_id: UUID) -> None:
        """Note that it is full, and who has the places: they must not be told "full" when they ask again."""
        async with driver.transaction():
            await driver.execute("select set_config('app.tenant_id', $1, true)", str(tenant_id))
            holders = frozenset(row[0] for row in await driver.fetch(_HOLDERS, tenant_id, offering_id))
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        seconds = REMEMBER_SECONDS if self._ear is not None else REMEMBER_DEAF_SECONDS
        self._sold_out[offering_id] = _SoldOut(tenant_id, time.monotonic() + seconds, holders)

    async def _listen(self) -> None:
        """Hear of places given back by other processes. Through PgBouncer this fails; then memory is shorter."""
        try:
            self._ear = await asyncpg.connect(self._house.settings.database_url.get_secret_value())
            await self._ear.add_listener(CHANNEL, self._heard)
            self._ear.add_termination_listener(self._deaf)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("no LISTEN for places: %s", error)
            self._ear = None

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        self.forget(UUID(payload))

    def _deaf(self, _connection: Any) -> None:
        self._ear = None
        self._listening = None
        self._sold_out.clear()


def claims_of(house: House) -> Claims:
    """This process's claims; made when first asked for."""
    claims = house.services.get(Claims)
    if not isinstance(claims, Claims):
        claims = house.services[Claims] = Claims(house)
        house.db.closing.append(claims.close)
    return claims


def _next_batch(waiting: deque[_Claim]) -> list[_Claim]:
    """The first to come, at most BATCH, no child twice: a child's second claim goes with the next batch."""
    batch: list[_Claim] = []
    later: list[_Claim] = []
    children: set[UUID] = set()
    while waiting and len(batch) < BATCH:
        claim = waiting.popleft()
        if claim.answer.done():
            continue  # the client has gone away before its turn
        if claim.wish.student_id in children:
            later.append(claim)
        else:
            children.add(claim.wish.student_id)
            batch.append(claim)
    waiting.extendleft(reversed(later))
    return batch


def _by_offering(batch: Sequence[_Claim]) -> dict[UUID, list[_Claim]]:
    found: dict[UUID, list[_Claim]] = {}
    for claim in batch:
        found.setdefault(claim.offering_id, []).append(claim)
    return found


def _tell(claims: Sequence[_Claim], decisions: Sequence[Decision]) -> None:
    for claim, decision in zip(claims, decisions, strict=True):
        if not claim.answer.done():
            claim.answer.set_result(decision)


def _plain(wish: Wish) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "audit": str(new_id()),
        "student": str(wish.student_id),
        "account": None if wish.account_id is None else str(wish.account_id),
        "actor": wish.actor_name,
        "key": wish.key,
        "request": wish.request_id,
        "weekdays": list(wish.weekdays),
        "giving_up": [str(id_) for id_ in wish.giving_up],
    }


def _refusal(error: Exception) -> Exception:
    if isinstance(error, _DATABASE):
        log.warning("claims could not be decided: %s", error)
        return Busy()
    return error
