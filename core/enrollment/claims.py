"""Claiming places in a rush: a school's claims wait in this process and are decided together, in order of arrival.

One statement and one commit decide a whole batch (sql/v3_claim_seats.sql); while it is on its way the next batch
gathers. Nobody queues on an offering's row, so a rush makes each claim cheaper instead of dearer. PostgreSQL alone
decides: several processes, or one killed half-way, cannot give a place twice, and who was told "claimed" has it.

In the first second of an opening the order is by lot (core.enrollment.openings). Who cannot be answered soon, because
more ask than can be decided, is told how many are before them and keeps the place in the line. After "full" the
losers' retries are answered from memory for a moment, without a query.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]
import msgspec
from sqlalchemy.exc import TimeoutError as PoolEmpty

from core.base.errors import Busy, Invalid
from core.base.ids import new_id
from core.db.giving_way import others_of
from core.db.house import House
from core.db.idempotency import KeyMissing
from core.enrollment.openings import Openings
from core.enrollment.sold_out import SoldOut

log = logging.getLogger("kehou.claims")

HOLD_MINUTES: Final = 30
"""How long a place is kept for a family that has not yet submitted its application."""

BATCH: Final = 256
LINE: Final = 20_000
"""Claims of one organisation that may wait in one process; who comes then is asked to come back."""
OF_ONE_ACCOUNT: Final = 40
"""Claims of one account among them: several children, several items each, and nobody can fill the line alone."""
ANSWER_SECONDS: Final = 3.0
"""After so long in the line, a claim is answered with its position."""
AGAIN_MS: Final = 300
"""How long the parts of a batch wait for locks, when the whole has waited in vain."""

_DATABASE: Final = (asyncpg.PostgresError, OSError, asyncpg.InterfaceError, TimeoutError, PoolEmpty)

_DECIDE: Final = """
select place, outcome, claim, until, free, again
from claim_seats($1, $2::text::jsonb, $3 * interval '1 minute', $4)"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a claim. `outcome`: claimed, released, full, clash, not_for_grade, not_open, closed, wrong_days,
    waiting (what is free belongs to the waiting list), unknown, queued (not decided yet: `position` in the line, which
    the same claim sent again keeps). `until`: how long the place is kept for an application (None: it stays). `again`:
    when places that were given back return to who comes first."""

    outcome: str
    claim_id: UUID | None = None
    until: datetime | None = None
    again: datetime | None = None
    position: int = 0

    @property
    def claimed(self) -> bool:
        return self.outcome == "claimed"


@dataclass(frozen=True, slots=True)
class Wish:
    """One claim. `account_id` None: the caller has made sure that it may act for the child. `on_paper`: the
    family asked on paper, in time."""

    student_id: UUID
    key: str
    account_id: UUID | None = None
    actor_name: str = ""
    weekdays: tuple[int, ...] = ()
    giving_up: tuple[UUID, ...] = ()
    request_id: str = ""
    on_paper: bool = False


@dataclass(slots=True)
class _Claim:
    offering_id: UUID
    wish: Wish
    since: float
    answers: list[asyncio.Future[Decision]] = field(default_factory=list)


@dataclass(slots=True)
class _Line:
    """An organisation's claims that wait; `known` are also those that rest until their lot or are being decided. The
    same claim sent again, with whatever key, waits for the same decision."""

    waiting: deque[_Claim] = field(default_factory=deque)
    known: dict[tuple[Any, ...], _Claim] = field(default_factory=dict)
    of_account: Counter[UUID | None] = field(default_factory=Counter)
    running: bool = False


class Claims:
    """The claims of one process. Ask `claims_of(house)` for it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._others = others_of(house)
        self._lines: dict[UUID, _Line] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._telling = False
        self.openings = Openings(house)
        self.sold_out = SoldOut(house)
        # Half of the pool stays free for everybody else, however many organisations are rushed at.
        self._room = asyncio.Semaphore(max(1, house.settings.pool_size // 2))
        self.batches = 0
        self.from_memory = 0

    async def claim(self, tenant_id: UUID, offering_id: UUID, wish: Wish) -> Decision:
        """Decide one claim; durable when it returns. The same child asking again gets the same place.

        Raises KeyMissing without a key, Busy when the line is too long or the database does not answer in time: ask
        again with the same key.
        """
        if not wish.key or len(wish.key) > 200:
            raise KeyMissing()
        if len(wish.weekdays) > 7 or len(wish.giving_up) > 20 or not wish.key.isprintable():
            raise Invalid()
        full = self.sold_out.says_full(tenant_id, offering_id, wish.student_id)
        if full is not None:
            self.from_memory += 1
            return Decision("full", again=full[0])
        line = self._lines.setdefault(tenant_id, _Line())
        name = _name(offering_id, wish)
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        if (known := line.known.get(name)) is not None:
            if not known.answers:
                known.since = time.monotonic()
            known.answers.append(answer)
        elif len(line.known) >= LINE or (wish.account_id and line.of_account[wish.account_id] >= OF_ONE_ACCOUNT):
            raise Busy()
        else:
            line.known[name] = known = _Claim(offering_id, wish, time.monotonic(), [answer])
            line.of_account[wish.account_id] += 1
            try:
                await self._line_up(tenant_id, line, known)
            except BaseException:  # who sent the same claim meanwhile is told to ask again
                for other in _leave(line, known):
                    if other is not answer:
                        other.set_exception(Busy())
                raise
        return await answer

    def forget(self, offering_id: UUID) -> None:
        """A place came free: ask the database again."""
        self.sold_out.forget(offering_id)

    async def _line_up(self, tenant_id: UUID, line: _Line, claim: _Claim) -> None:
        pause = await self.openings.wait_for(tenant_id, claim.offering_id, claim.wish.student_id)
        if pause > 0:
            asyncio.get_running_loop().call_later(pause, self._come, tenant_id, line, claim)
        else:
            self._come(tenant_id, line, claim)

    def _come(self, tenant_id: UUID, line: _Line, claim: _Claim) -> None:
        line.waiting.append(claim)
        if not line.running:
            line.running = True
            self._start(self._drain(tenant_id, line))
        if not self._telling:
            self._telling = True
            self._start(self._tell_positions())

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, tenant_id: UUID, line: _Line) -> None:
        try:
            while line.waiting:
                await self._answer(tenant_id, line, _next_batch(line.waiting))
        finally:
            line.running = False
            if not line.known:
                self._lines.pop(tenant_id, None)

    async def _answer(self, tenant_id: UUID, line: _Line, claims: Sequence[_Claim], wait: int | None = None) -> None:
        """Decide claims in one commit. When that fails nobody was told anything, and asking again is safe: somebody
        may hold one of several offerings, or one claim may be such that the database refuses it. Smaller batches show
        which, and the others are not made to suffer; they do not wait long again. `wait`: for locks, in ms."""
        try:
            async with self._room:
                decisions = await self._decide(tenant_id, [(claim.offering_id, claim.wish) for claim in claims], wait)
        except Exception as error:
            parts = _parts(claims, error)
            if len(parts) > 1:
                log.info("%d claims are decided in %d parts: %s", len(claims), len(parts), error)
                await asyncio.gather(*(self._answer(tenant_id, line, part, AGAIN_MS) for part in parts))
                return
            refusal = _refusal(error)
            for claim in claims:
                for answer in _leave(line, claim):
                    answer.set_exception(refusal)
            return
        for claim, decision in zip(claims, decisions, strict=True):
            for answer in _leave(line, claim):
                answer.set_result(decision)
            await self._others.give_way(len(claims))

    async def _decide(
        self, tenant_id: UUID, asked: Sequence[tuple[UUID, Wish]], wait: int | None = None
    ) -> list[Decision]:
        told = msgspec.json.encode([_plain(offering_id, wish) for offering_id, wish in asked]).decode()
        async with self._house.db.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            # One statement outside any transaction block: decided and durable when it answers.
            rows = await driver.fetch(_DECIDE, tenant_id, told, HOLD_MINUTES, wait)
            self.batches += 1
            full = {
                offering_id: row["again"]
                for (offering_id, _wish), row in zip(asked, rows, strict=True)
                if row["outcome"] == "full" and row["free"] <= 0
            }
            if full:
                await self.sold_out.note(driver, tenant_id, full)
        return [Decision(row["outcome"], row["claim"], row["until"], row["again"]) for row in rows]

    async def _tell_positions(self) -> None:
        """Who has waited long hears the position, and may ask again; the claim keeps it."""
        try:
            while any(line.known for line in self._lines.values()):
                await asyncio.sleep(ANSWER_SECONDS / 6)
                late = time.monotonic() - ANSWER_SECONDS
                for line in self._lines.values():
                    places = {id(claim): place for place, claim in enumerate(line.waiting, 1)}
                    for claim in line.known.values():
                        if claim.since < late:
                            position = places.get(id(claim), 1)
                            _tell(claim, Decision("queued", position=position))
        finally:
            self._telling = False


def claims_of(house: House) -> Claims:
    """This process's claims; made when first asked for."""
    claims = house.services.get(Claims)
    if not isinstance(claims, Claims):
        claims = house.services[Claims] = Claims(house)
        house.db.closing.append(claims.sold_out.close)
    return claims


def _next_batch(waiting: deque[_Claim]) -> list[_Claim]:
    """The first to come, at most BATCH, no child twice: a child's second claim goes with the next batch."""
    batch: list[_Claim] = []
    later: list[_Claim] = []
    children: set[UUID] = set()
    while waiting and len(batch) < BATCH:
        claim = waiting.popleft()
        if claim.wish.student_id in children:
            later.append(claim)
        else:
            children.add(claim.wish.student_id)
            batch.append(claim)
    waiting.extendleft(reversed(later))
    return batch


def _parts(claims: Sequence[_Claim], error: Exception) -> list[list[_Claim]]:
    """By offering; within one offering each by itself, when the database found fault with what was asked, and by
    halves, when somebody holds one of the children. Who holds the offering's row stops all of them."""
    found: dict[UUID, list[_Claim]] = {}
    for claim in claims:
        found.setdefault(claim.offering_id, []).append(claim)
    if len(found) == 1 and isinstance(error, asyncpg.DataError):
        return [[claim] for claim in claims]
    held = isinstance(error, asyncpg.LockNotAvailableError) and "pg_advisory" in (error.context or "")
    if len(found) == 1 and held and len(claims) > 1:
        return [list(claims[: len(claims) // 2]), list(claims[len(claims) // 2 :])]
    return list(found.values())


def _leave(line: _Line, claim: _Claim) -> list[asyncio.Future[Decision]]:
    """The claim leaves the line; returns who waits for its answer."""
    account = claim.wish.account_id
    if line.known.pop(_name(claim.offering_id, claim.wish), None) is not None:
        line.of_account[account] -= 1
        if not line.of_account[account]:
            del line.of_account[account]
    return [answer for answer in claim.answers if not answer.done()]


def _name(offering_id: UUID, wish: Wish) -> tuple[Any, ...]:
    return (offering_id, wish.student_id, wish.account_id, wish.weekdays, wish.giving_up)


def _tell(claim: _Claim, decision: Decision) -> None:
    for answer in claim.answers:
        if not answer.done():
            answer.set_result(decision)
    claim.answers.clear()


def _plain(offering_id: UUID, wish: Wish) -> dict[str, Any]:
    return {
        "offering": offering_id,
        "id": new_id(),
        "audit": new_id(),
        "student": wish.student_id,
        "account": wish.account_id,
        "actor": wish.actor_name,
        "key": wish.key,
        "request": wish.request_id,
        "weekdays": wish.weekdays,
        "giving_up": wish.giving_up,
        "on_paper": wish.on_paper,
    }


def _refusal(error: Exception) -> Exception:
    if isinstance(error, _DATABASE):
        log.warning("claims could not be decided: %s", error)
        return Busy()
    log.error("claims could not be decided", exc_info=error)
    return error
