"""Takes one outbox row to its consumer: counts the attempt, runs it once, marks it. Workers and tests call `deliver`.

The order matters and each step is a transaction of its own: (1) the attempt is counted before anything runs, so that
a message which kills its worker is set aside; (2) the consumer runs together with its inbox mark; (3) the sender's row
is marked. A crash between any two costs a repetition that the inbox turns into nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Update, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.base.context import Actor, TenantContext
from core.db import progress
from core.db.house import House
from core.db.kernel_tables import Inbox, JobRun, Outbox
from core.db.resolve import worker_context
from core.db.uow import UnitOfWork

log = logging.getLogger("kehou.delivery")

MAX_ATTEMPTS = 5
MAX_DEATHS = 3
"""After so many attempts of which none left a word, the message is taken to kill its workers. A long job that got
further since its last attempt begins to count anew."""
LEASE_SECONDS = 15
"""How long an unfinished attempt keeps others away when its worker vanished without a word."""

_UNSEEN: Final = {"synchronize_session": False}
"""For updates in sessions that hold none of the rows: comparing with them walks every table there is, each time."""


class RetryLater(Exception):
    """The consumer cannot work now; try again after `seconds`. Not counted as a failure of the message."""

    def __init__(self, seconds: int, why: str = "") -> None:
        super().__init__(why)
        self.seconds = seconds


class GiveUp(Exception):
    """The consumer knows that no repetition will help; the message is set aside at once with this reason."""


@dataclass(slots=True)
class Suspects:
    """Messages whose last attempt vanished with its worker run one at a time in a process.

    One of them may be what killed it. Were they to run together again, the innocent would die with the guilty until
    both are set aside. The place is kept for the first seconds only: a long job must not keep the others waiting.
    """

    seconds: float = 5.0
    _until: float = 0.0

    def enter(self) -> bool:
        """Take the place; False when another has it."""
        now = asyncio.get_running_loop().time()
        if now < self._until:
            return False
        self._until = now + self.seconds
        return True

    def leave(self) -> None:
        self._until = 0.0


@dataclass(slots=True)
class Delivery:
    """What a job, subscriber or document handler gets.

    `uow` is open for transactional consumers. A long job opens its own with `unit()`; in each, and before each
    chunk, it reads from the database what is already done. `sender` is the organisation that sent a document.
    """

    id: UUID
    name: str
    payload: Mapping[str, Any]
    ctx: TenantContext
    house: House
    sender: UUID
    attempt: int
    actor: Actor
    _uow: UnitOfWork | None = None

    @property
    def uow(self) -> UnitOfWork:
        if self._uow is None:
            raise RuntimeError(f"{self.name} is a long job: open a unit() of its own")
        return self._uow

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[UnitOfWork]:
        async with self.house.unit(self.ctx) as uow:
            yield uow

    async def progress(self, done: int, total: int, note: str = "", **result: Any) -> None:
        """Move the bar that people see; a transaction of its own."""
        async with self.house.unit(self.ctx) as uow:
            if self.attempt > 1:
                further = select(JobRun.id).where(JobRun.id == self.id, JobRun.done < done).exists()
                await uow.session.execute(
                    update(Outbox).where(Outbox.id == self.id, Outbox.attempts > 1, further).values(attempts=1)
                )
            await progress.write(uow, self.id, done=done, total=total, note=note, result=result)


async def deliver(house: House, tenant_id: UUID, message_id: UUID) -> str:
    """Run one outbox row. Returns done, skipped, repeated, retry, dead or gone; raises nothing of the consumer's."""
    sender = await worker_context(house, tenant_id)
    row = await _begin_attempt(house, sender, message_id, ~_SUSPECT)
    if row is not None:
        return await _attempt(house, sender, row)
    # A suspect counts its attempt only when it runs alone: nobody pays for the death of a neighbour twice.
    suspects = house.services.setdefault(Suspects, Suspects())
    if not suspects.enter():
        return "retry" if await _postpone(house, sender, message_id) else "gone"
    try:
        row = await _begin_attempt(house, sender, message_id, _SUSPECT)
        return "gone" if row is None else await _attempt(house, sender, row)
    finally:
        suspects.leave()


async def _attempt(house: House, sender: TenantContext, row: Outbox) -> str:
    if row.attempts > MAX_ATTEMPTS or (row.attempts > MAX_DEATHS and row.error is None):
        await _finish(house, sender, row, dead=row.error or "its worker died each time it ran")
        return "dead"
    return await _consume(house, sender, row)


async def _consume(house: House, sender: TenantContext, row: Outbox) -> str:
    """Find the consumer, run it in the target's tenant, and write down how it went."""
    target = sender if row.target_id == sender.tenant_id else await worker_context(house, row.target_id)
    owned = _consumer(house, row)
    if owned is None or (row.plugin is not None and row.plugin not in target.plugins):
        await _finish(house, sender, row, outcome="skipped")
        return "skipped"
    try:
        outcome = await _run(house, sender, target, row, *owned)
    except RetryLater as exc:
        await _again(house, sender, row, seconds=exc.seconds, why=str(exc), counted=False)
        return "retry"
    except GiveUp as exc:
        await _finish(house, sender, row, dead=str(exc))
        return "dead"
    except Exception as exc:
        log.exception("%s %s failed (attempt %s)", row.kind, row.name, row.attempts)
        why = f"{type(exc).__name__}: {exc}"[:2000]
        if row.attempts >= MAX_ATTEMPTS:
            await _finish(house, sender, row, dead=why)
            return "dead"
        await _again(house, sender, row, seconds=2**row.attempts, why=why, counted=True)
        return "retry"
    await _finish(house, sender, row, outcome="done")
    return outcome


def _consumer(house: House, row: Outbox) -> tuple[Any, bool] | None:
    if row.kind == "job":
        job = house.registry.jobs.get(row.name)
        return (job.item.handler, job.item.transactional) if job else None
    if row.kind == "event":
        subscriber = house.registry.subscriber(row.name)
        return (subscriber.item.handler, True) if subscriber else None
    document = house.registry.documents.get(row.name)
    return (document.item.handler, True) if document else None


_SUSPECT: Final = (Outbox.attempts > 0) & Outbox.error.is_(None)
"""Its worker died when it last ran, of it or of a neighbour."""


def _due(message_id: UUID) -> Update:
    return update(Outbox).where(
        Outbox.id == message_id, Outbox.done_at.is_(None), Outbox.dead_at.is_(None), Outbox.available_at <= func.now()
    )


async def _postpone(house: House, sender: TenantContext, message_id: UUID) -> bool:
    """A suspect waits for its turn, uncounted; False when nothing of it is due."""
    async with house.unit(sender) as uow:
        query = _due(message_id).values(available_at=func.now() + text("interval '1 second'"), sent_at=None)
        query = query.execution_options(**_UNSEEN)
        return (await uow.session.execute(query.returning(Outbox.id))).first() is not None


async def _begin_attempt(
    house: House, sender: TenantContext, message_id: UUID, which: ColumnElement[bool]
) -> Outbox | None:
    """Count the attempt and lease the row; None when it is finished, set aside, leased to a living worker, or not
    `which`."""
    async with house.unit(sender) as uow:
        query = (
            _due(message_id)
            .where(which)
            .values(
                attempts=Outbox.attempts + 1,
                sent_at=func.now(),
                available_at=func.now() + text(f"interval '{LEASE_SECONDS} seconds'"),
            )
            .returning(Outbox)
            .execution_options(**_UNSEEN)
        )
        return (await uow.session.execute(query)).scalar_one_or_none()


async def _run(
    house: House, sender: TenantContext, target: TenantContext, row: Outbox, handler: Any, transactional: bool
) -> str:
    account = row.actor.get("account_id")
    delivery = Delivery(
        id=row.id,
        name=row.name,
        payload=row.payload,
        ctx=replace(target, request_id=row.request_id),
        house=house,
        sender=row.tenant_id,
        attempt=row.attempts,
        actor=Actor("person" if account else "worker", UUID(account) if account else None, row.actor.get("name", "")),
    )
    if transactional:
        async with _lease_kept(house, sender, row), house.unit(delivery.ctx) as uow:
            if not await _take(uow, row):
                return "repeated"
            delivery._uow = uow
            await handler(delivery)
        return "done"
    async with house.unit(delivery.ctx) as uow:
        if await uow.find(Inbox, row.id) is not None:
            return "repeated"
        await progress.start(uow, row.id)
    async with _lease_kept(house, sender, row):
        await handler(delivery)
    async with house.unit(delivery.ctx) as uow:
        await _take(uow, row)
        await progress.finish(uow, row.id)
    return "done"


def _mark(id_: UUID) -> Update:
    return update(Outbox).where(Outbox.id == id_).execution_options(**_UNSEEN)


async def _take(uow: UnitOfWork, row: Outbox) -> bool:
    mark = {"tenant_id": uow.ctx.tenant_id, "id": row.id, "consumer": row.name}
    made = insert(Inbox).values(**mark).on_conflict_do_nothing().returning(Inbox.id)
    return (await uow.session.execute(made)).scalar_one_or_none() is not None


@asynccontextmanager
async def _lease_kept(house: House, sender: TenantContext, row: Outbox) -> AsyncIterator[None]:
    """Renew the lease while a consumer runs, so that nobody takes it for dead."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            async with house.unit(sender) as uow:
                until = func.now() + text(f"interval '{LEASE_SECONDS} seconds'")
                await uow.session.execute(_mark(row.id).values(available_at=until))

    keeper = asyncio.create_task(renew())
    try:
        yield
    finally:
        keeper.cancel()


async def _finish(
    house: House, sender: TenantContext, row: Outbox, *, outcome: str | None = None, dead: str | None = None
) -> None:
    async with house.unit(sender) as uow:
        values = {"dead_at": func.now(), "error": dead} if dead else {"done_at": func.now(), "outcome": outcome}
        await uow.session.execute(_mark(row.id).values(**values))
        if dead:
            log.error("%s %s set aside: %s", row.kind, row.name, dead)
            if row.target_id == sender.tenant_id:
                await progress.fail(uow, row.id, dead)


async def _again(house: House, sender: TenantContext, row: Outbox, *, seconds: int, why: str, counted: bool) -> None:
    async with house.unit(sender) as uow:
        values: dict[str, Any] = {
            "available_at": func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds),
            "sent_at": None,
            "error": why or None,
        }
        if not counted:
            values["attempts"] = Outbox.attempts - 1
        await uow.session.execute(_mark(row.id).values(**values))


async def open_messages(uow: UnitOfWork) -> int:
    """How many deliveries of this tenant are neither done nor set aside."""
    query = select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None), Outbox.dead_at.is_(None))
    return (await uow.session.execute(query)).scalar_one()
