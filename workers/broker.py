"""Dramatiq as muscle only: it carries (tenant, message) pairs; the outbox in PostgreSQL is the truth.

Retries, delays and dead letters are not Dramatiq's: core.db.delivery counts attempts in PostgreSQL before a consumer
runs. So whatever Redis forgets is sent again by the relay, and what it sends twice the inbox turns into nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

import dramatiq
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import AsyncIO, Middleware

if TYPE_CHECKING:
    from core.db.house import House

log = logging.getLogger("kehou.worker")

QUEUE = "deliver"
ACTOR = "deliver"
NAMESPACE = "kehou"
MARKER = f"{NAMESPACE}:marker"
"""Set by the relay. When it is gone, Redis was emptied, and what was on its way is sent again at once."""
MEMORY = "memory://"
"""As KEHOU_REDIS_URL: no Redis; the worker process carries the jobs in its own memory, fed from the outbox."""

HEARTBEAT_MS = 5_000
"""A worker silent this long is dead. Dramatiq's own default is a minute."""
MAINTENANCE_CHANCE = 100_000
"""Of a million commands, how many also bring back a dead worker's messages. At the default of 1,000 an idle system
took more than three minutes to do so (design: performance 1.6)."""

Broker = RedisBroker | StubBroker


def make_broker(redis_url: str, *, consuming: bool = False) -> Broker:
    """The broker at `redis_url`. Only a consuming process gets an event loop thread."""
    middleware: list[Middleware] = [AsyncIO()] if consuming else []
    broker: Broker
    if redis_url.startswith(MEMORY):
        broker = StubBroker(middleware)
    else:
        broker = RedisBroker(  # type: ignore[no-untyped-call]
            url=redis_url,
            middleware=middleware,
            namespace=NAMESPACE,
            heartbeat_timeout=HEARTBEAT_MS,
            maintenance_chance=MAINTENANCE_CHANCE,
        )
    broker.declare_queue(QUEUE)
    return broker


def send(broker: Broker, tenant_id: UUID, message_id: UUID) -> None:
    """Put one wake-up call into the queue. The envelope says whose message it is."""
    envelope = (str(tenant_id), str(message_id))
    broker.enqueue(Message(queue_name=QUEUE, actor_name=ACTOR, args=envelope, kwargs={}, options={}))


def declare_actor(broker: Broker, house: Callable[[], House]) -> None:
    """The one actor. `house` is called inside the worker's event loop, so that its pool belongs to that loop."""
    from core.db.delivery import deliver  # the relay, which only sends, starts without SQLAlchemy

    async def run(tenant_id: str, message_id: str) -> None:
        try:
            await deliver(house(), UUID(tenant_id), UUID(message_id))
        except Exception:
            # Not the consumer's failure (deliver keeps those to itself): the database was away, or the
            # organisation is gone. The row is still open in the outbox, and the relay will send it again.
            log.exception("message %s of %s was not delivered", message_id, tenant_id)

    dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker)(run)
