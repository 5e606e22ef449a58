"""What the worker process does: threads that take messages, one event loop that runs them, one pool."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
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

log = logging.getLogger("kehou.worker")

IDLE_MS = 250
"""An idle worker looks at the queue at least this often."""
STOP_MS = 8_000
"""How long running consumers get to finish. What is cut short goes on elsewhere when its lease ends."""
BEAT_SECONDS = 5.0


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        stop.set()

    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, ask)
    return stop


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


def run_several(argv: Sequence[str], count: int, stop: threading.Event) -> int:
    """Run `argv` in `count` processes; one that dies is started again. Returns 1 when they die faster than that helps.

    A message that kills its worker must not take the other processes with it, as Dramatiq's own master would have it.
    """
    children: list[subprocess.Popen[bytes]] = [_child(argv) for _ in range(count)]
    deaths: list[float] = []
    try:
        while not stop.wait(0.2):
            for place, child in enumerate(children):
                if child.poll() is None:
                    continue
                deaths = [moment for moment in deaths if moment > time.monotonic() - 60] + [time.monotonic()]
                log.error("a worker process ended (code %s)", child.returncode)
                if len(deaths) > 10 * count:
                    return 1
                stop.wait(min(0.1 * len(deaths), 5.0))
                children[place] = _child(argv)
        return 0
    finally:
        _end(children)


def _child(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *argv], env=os.environ)  # noqa: S603 - our own command


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_MS / 1000 + 3
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
        child.kill()
        child.wait()
