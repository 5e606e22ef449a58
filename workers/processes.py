"""What the worker process does: threads that take messages, one event loop that runs them, one pool."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from dramatiq import Worker
from dramatiq.asyncio import get_event_loop_thread
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from core.base.settings import Settings
from core.db.global_tables import Heartbeat
from core.db.house import House
from workers.broker import MEMORY, declare_actor, make_broker
from workers.relay import Relay
from workers.several import STOP_MS

log = logging.getLogger("kehou.worker")

IDLE_MS = 250
"""An idle worker looks at the queue at least this often."""
BEAT_SECONDS = 5.0


class _OneHouse:
    """The house of this process, built on first use, inside the event loop that will use its pool."""

    def __init__(self, build: Callable[[], House]) -> None:
        self._build = build
        self._house: House | None = None

    def __call__(self) -> House:
        if self._house is None:
            self._house = self._build()
        return self._house

    async def beat(self) -> None:
        row = {"process": "worker", "beat_at": func.now()}
        async with self().db.globally() as session:
            await session.execute(
                insert(Heartbeat).values(**row).on_conflict_do_update(index_elements=["process"], set_=row)
            )

    async def close(self) -> None:
        if self._house is not None:
            await self._house.db.close()


def run_worker(settings: Settings, build: Callable[[], House], *, threads: int, stop: threading.Event) -> None:
    """Take messages and run them until `stop` is set. With memory:// it also relays, there being no queue outside."""
    _use_uvloop()
    broker = make_broker(settings.redis_url, consuming=True)
    house = _OneHouse(build)
    declare_actor(broker, house)
    worker = Worker(broker, worker_timeout=IDLE_MS, worker_threads=threads)
    worker.start()
    relaying = _relay_inside(settings, broker, stop) if settings.redis_url.startswith(MEMORY) else None
    log.info("worker is running, %s threads", threads)
    try:
        while not stop.is_set():
            with suppress(Exception):  # a late beat is the message
                _in_loop(house.beat())
            stop.wait(BEAT_SECONDS)
    finally:
        if relaying is not None:
            relaying.join(5)
        worker.stop(timeout=STOP_MS)
        broker.close()
        log.info("worker has stopped")


def _relay_inside(settings: Settings, broker: object, stop: threading.Event) -> threading.Thread:
    if settings.relay_url is None:
        raise SystemExit("KEHOU_RELAY_URL is needed: with memory:// the worker carries the outbox itself.")
    relay = Relay(settings.relay_url.get_secret_value(), broker, stop)  # type: ignore[arg-type]
    thread = threading.Thread(target=relay.run, name="relay", daemon=True)
    thread.start()
    return thread


def _in_loop(work: object) -> None:
    loop = get_event_loop_thread()
    if loop is not None:
        loop.run_coroutine(work)  # type: ignore[arg-type]


def _use_uvloop() -> None:
    with suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
