"""Carries open outbox rows to the queue: woken by a commit, and by a clock in case a wake-up call was lost.

The relay connects as kehou_relay, which may see every tenant's outbox and change nothing in it but `sent_at`. Two
relays do no harm: rows are claimed with SKIP LOCKED. Killed between sending and marking, it sends twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from core.db.wake import WAKE
from workers.broker import MARKER, NAMESPACE, QUEUE, Broker, send

log = logging.getLogger("kehou.relay")

BATCH = 200
POLL_SECONDS = 1.0
BEAT_SECONDS = 5.0
HIGH_WATER = 2_000
"""More than this is not put into the queue: it waits in the outbox, where it is safe."""
RESEND_SECONDS = 10
"""A row sent this long ago that nobody began, while the queue is empty, was lost on the way."""
LOST_SECONDS = 60
"""The same however long the queue is."""

_CLAIM = """
select tenant_id, id from outbox
where done_at is null and dead_at is null and available_at <= now()
  and (sent_at is null or sent_at < now() - make_interval(secs => %(resend)s))
order by available_at, id limit %(limit)s
for update skip locked"""

_MARK = """
update outbox set sent_at = clock_timestamp()
from unnest(%s::uuid[], %s::uuid[]) as sent(tenant_id, id)
where outbox.tenant_id = sent.tenant_id and outbox.id = sent.id"""

_BEAT = """
insert into heartbeat (process, beat_at) values ('relay', now())
on conflict (process) do update set beat_at = excluded.beat_at"""


@dataclass(slots=True)
class Relay:
    """One relay. `run` blocks until `stop` is set and survives the loss of either server."""

    url: str
    broker: Broker
    stop: threading.Event
    on_claimed: Callable[[Sequence[tuple[UUID, UUID]]], None] | None = None
    """For tests: called between sending and marking."""

    def run(self) -> None:
        """Work until stopped. An absent database or Redis is waited for; nothing is lost meanwhile."""
        wait = 0.2
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, application_name="kehou-relay") as db:
                    db.execute(f"listen {WAKE}")
                    log.info("relay is running")
                    wait = 0.2
                    self._serve(db)
            except psycopg.OperationalError as exc:
                log.warning("the database is away, trying again in %.1f s: %s", wait, exc)
                self.stop.wait(wait)
                wait = min(wait * 2, 5.0)

    def _serve(self, db: psycopg.Connection[Any]) -> None:
        beat = 0.0
        redis_away = False
        while not self.stop.is_set():
            if time.monotonic() - beat >= BEAT_SECONDS:
                db.execute(_BEAT)
                beat = time.monotonic()
            try:
                while self.pump(db) == BATCH and not self.stop.is_set():
                    pass
                if redis_away:
                    log.info("Redis is back")
                redis_away = False
            except (RedisError, OSError) as exc:
                if not redis_away:
                    log.warning("Redis is away; messages wait in the outbox: %s", exc)
                redis_away = True
                self.stop.wait(POLL_SECONDS / 2)
            self._sleep(db)

    def _sleep(self, db: psycopg.Connection[Any]) -> None:
        """Until somebody commits a message, or the poll is due."""
        deadline = time.monotonic() + POLL_SECONDS
        while not self.stop.is_set() and (left := deadline - time.monotonic()) > 0:
            for _ in db.notifies(timeout=min(left, 0.25), stop_after=1):
                return

    def pump(self, db: psycopg.Connection[Any]) -> int:
        """Send one batch; returns how many rows were sent."""
        resend, room = self._look_at_queue()
        if room <= 0:
            return 0
        with db.transaction():
            claimed = db.execute(_CLAIM, {"resend": resend, "limit": min(BATCH, room)}).fetchall()
            if not claimed:
                return 0
            for tenant_id, message_id in claimed:
                send(self.broker, tenant_id, message_id)
            if self.on_claimed is not None:
                self.on_claimed(claimed)
            db.execute(_MARK, ([row[0] for row in claimed], [row[1] for row in claimed]))
        return len(claimed)

    def _look_at_queue(self) -> tuple[float, int]:
        """After how many seconds a sent row counts as lost, and how many more the queue may take."""
        if not isinstance(self.broker, RedisBroker):
            waiting = int(self.broker.queues[QUEUE].qsize())
            return (RESEND_SECONDS if not waiting else LOST_SECONDS), HIGH_WATER - waiting
        client = self.broker.client
        emptied = bool(client.set(MARKER, "1", nx=True))
        waiting = int(client.llen(f"{NAMESPACE}:{QUEUE}"))
        if emptied:
            log.info("Redis is empty: everything unfinished is sent again")
            return 0, HIGH_WATER
        return (RESEND_SECONDS if not waiting else LOST_SECONDS), HIGH_WATER - waiting


def run(url: str, broker: Broker, stop: threading.Event) -> None:
    """Run one relay until `stop` is set."""
    with suppress(KeyboardInterrupt):
        Relay(url, broker, stop).run()
