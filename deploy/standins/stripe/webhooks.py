"""Delivers events: signed, one at a time, again with growing pauses until the receiver says 2xx or three days pass."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
import urllib.error
import urllib.request

from deploy.standins.stripe.world import Obj, World

log = logging.getLogger("standin.stripe")

PAUSES = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
GIVE_UP = 3 * 24 * 3600


def signature(body: bytes, secret: str, at: int) -> str:
    """The value of Stripe-Signature for `body` sent `at` (seconds since 1970)."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def body_of(world: World, event: Obj) -> bytes:
    """The event as it is sent."""
    return json.dumps(world.public(event), ensure_ascii=False).encode()


class Courier(threading.Thread):
    """The thread that delivers. While `held`, nothing leaves by itself: a test then decides order and repetition."""

    def __init__(self, world: World, url: str | None, secret: str) -> None:
        super().__init__(name="stripe-webhooks", daemon=True)
        self.world, self.url, self.secret = world, url, secret
        self.held = url is None
        self._ends = False

    def run(self) -> None:
        while True:
            with self.world.lock:
                if self._ends:
                    return
                due = None if self.held or not self.url else self._due()
                if due is None:
                    self.world.changed.wait(timeout=self._pause())
                    continue
            self.deliver(due)

    def stop(self) -> None:
        with self.world.lock:
            self._ends = True
            self.world.changed.notify_all()
        self.join(timeout=15)

    def hold(self, held: bool) -> None:
        with self.world.lock:
            self.held = held
            self.world.changed.notify_all()

    def waiting(self) -> int:
        """How many events are not delivered yet."""
        with self.world.lock:
            found = self.world.db.execute("select count(*) from delivery where done_at is null").fetchone()
            return int(found[0])

    def deliver(self, event: Obj) -> int:
        """Send one event now and note the outcome. Returns the status, 0 when nobody answered."""
        with self.world.lock:
            url, secret, body = self.url, self.secret, body_of(self.world, event)
        status = send(url, body, secret) if url else 0
        with self.world.lock:
            self._note(event["id"], 200 <= status < 300)
        return status

    def _due(self) -> Obj | None:
        query = "select event from delivery where done_at is null and next_at <= ? order by next_at, rowid limit 1"
        row = self.world.db.execute(query, (time.time(),)).fetchone()
        if row is None:
            return None
        event = self.world.objects.get(row[0])
        if event is None:  # a kill came between the queue's row and the event
            self.world.db.execute("delete from delivery where event = ?", (row[0],))
        return event

    def _pause(self) -> float | None:
        query = "select min(next_at) from delivery where done_at is null"
        first = self.world.db.execute(query).fetchone()[0]
        return None if first is None or self.held or not self.url else max(0.01, first - time.time())

    def _note(self, event: str, good: bool) -> None:
        row = self.world.db.execute("select attempts from delivery where event = ?", (event,)).fetchone()
        attempts = (row[0] if row else 0) + 1
        stored = self.world.objects.get(event)
        if good:
            done = (attempts, time.time(), event)
            self.world.db.execute("update delivery set attempts = ?, done_at = ? where event = ?", done)
            if stored is not None:
                self.world.touch(stored)["pending_webhooks"] = 0
                self.world.save()
            return
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        if sum(PAUSES[: attempts - 1]) + max(0, attempts - len(PAUSES)) * PAUSES[-1] > GIVE_UP:
            log.warning("webhook %s given up after %s attempts", event, attempts)
            self.world.db.execute("update delivery set done_at = ? where event = ?", (time.time(), event))
            return
        later = (attempts, time.time() + pause, event)
        self.world.db.execute("update delivery set attempts = ?, next_at = ? where event = ?", later)


def send(url: str, body: bytes, secret: str, *, at: int | None = None) -> int:
    """POST a signed body. Returns the status, 0 when nobody answered."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (stand-in)",
        "Stripe-Signature": signature(body, secret, int(time.time()) if at is None else at),
    }
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code
    except OSError:
        return 0
