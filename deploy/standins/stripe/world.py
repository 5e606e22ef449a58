"""Everything that the stand-in knows: objects, keys, events and the clock, kept in one SQLite file."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import stripe

from deploy.standins.stripe.errors import missing

Obj = dict[str, Any]
"""A Stripe object as JSON; keys that begin with two underscores are our own and never shown."""

API_VERSION = "2026-10-28.endive"
KEY_LIFE = 24 * 3600
DAY = 24 * 3600

_CLASSES: dict[str, Any] = {
    c.OBJECT_NAME: c
    for c in (
        stripe.Account,
        stripe.BalanceTransaction,
        stripe.Charge,
        stripe.Customer,
        stripe.Dispute,
        stripe.Event,
        stripe.PaymentIntent,
        stripe.Payout,
        stripe.Refund,
        stripe.checkout.Session,
    )
}

_SCHEMA = """
create table if not exists object (id text primary key, seq integer not null, body text not null);
create table if not exists answer (account text, key text, fingerprint text, status integer, body text, at integer,
    primary key (account, key));
create table if not exists delivery (event text primary key, attempts integer not null, next_at real, done_at real);
create table if not exists setting (name text primary key, value text not null);
"""


class World:
    """One instance is shared by all threads; hold `lock` while reading or changing it, and `save()` before letting go.

    `data` None keeps it in memory only.
    """

    def __init__(self, data: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.objects: dict[str, Obj] = {}
        self._dirty: set[str] = set()
        if data is not None:
            data.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(data or ":memory:", check_same_thread=False, isolation_level=None)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = normal")
        self.db.executescript(_SCHEMA)
        for body in self.db.execute("select body from object order by seq"):
            found = json.loads(body[0])
            self.objects[found["id"]] = found
        self._seq = len(self.objects)
        self.skew = float(self.setting("skew", "0"))

    # -- clock -----------------------------------------------------------------------------------------------

    def now(self) -> int:
        """Seconds since 1970 by the stand-in's clock."""
        return int(time.time() + self.skew)

    def advance(self, seconds: float) -> None:
        """Move the clock forward, and for good."""
        self.skew += seconds
        self.set("skew", str(self.skew))

    # -- objects ---------------------------------------------------------------------------------------------

    def new(self, kind: str, prefix: str, account: str | None, **values: Any) -> Obj:
        """A new object with every key that the package's class declares, null unless given."""
        declared = _CLASSES[kind].__annotations__ if kind in _CLASSES else {}
        found: Obj = {k: None for k in declared if not k.startswith("_") and k.islower() and k != "deleted"}
        self._seq += 1
        found.update(id=f"{prefix}_{self._seq:06d}{secrets.token_hex(8)}", object=kind, created=self.now())
        found.update(livemode=False, metadata={})
        found.update(values)
        found.update(__account=account, __seq=self._seq)
        self.objects[found["id"]] = found
        return self.touch(found)

    def touch(self, found: Obj) -> Obj:
        """Say that an object changed, so that `save` writes it."""
        self._dirty.add(found["id"])
        return found

    def find(self, id_: str, account: str | None, kind: str) -> Obj:
        """The account's object of this kind. Raises 404 for any other."""
        found = self.objects.get(id_)
        if not found or found["__account"] != account or found["object"] != kind:
            raise missing(kind, id_)
        return found

    def all(self, kind: str, account: str | None) -> Iterator[Obj]:
        """The account's objects of a kind, newest first."""
        for found in reversed(list(self.objects.values())):
            if found["object"] == kind and found["__account"] == account:
                yield found

    def emit(self, kind: str, subject: Obj, account: str | None) -> Obj:
        """Record an event with a snapshot of `subject`, and queue it for the webhook."""
        event = self.new(
            "event",
            "evt",
            account,
            type=kind,
            api_version=API_VERSION,
            data={"object": self.public(subject)},
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
        )
        if account:
            event["account"] = account
        else:
            event.pop("account", None)
        self.db.execute("insert into delivery values (?, 0, ?, null)", (event["id"], time.time()))
        self.changed.notify_all()
        return event

    def public(self, found: Obj, expand: list[str] | None = None) -> Obj:
        """A copy as the API shows it, with the named references replaced by their objects."""
        shown = {k: v for k, v in found.items() if not k.startswith("__")}
        for path in expand or []:
            name, _, rest = path.partition(".")
            value = shown.get(name)
            if isinstance(value, str) and value in self.objects:
                shown[name] = self.public(self.objects[value], [rest] if rest else [])
            elif isinstance(value, dict) and rest:
                shown[name] = self.public(value, [rest])
        copy: Obj = json.loads(json.dumps(shown))
        return copy

    def save(self) -> None:
        """Write what changed; after this a kill loses nothing."""
        if not self._dirty:
            return
        rows = [(i, self.objects[i]["__seq"], json.dumps(self.objects[i])) for i in self._dirty]
        self.db.execute("begin")
        self.db.executemany("insert or replace into object values (?, ?, ?)", rows)
        self.db.execute("commit")
        self._dirty.clear()

    # -- settings and answers --------------------------------------------------------------------------------

    def setting(self, name: str, default: str = "") -> str:
        row = self.db.execute("select value from setting where name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set(self, name: str, value: str) -> None:
        self.db.execute("insert or replace into setting values (?, ?)", (name, value))

    def answer(self, account: str | None, key: str) -> tuple[str, int, Obj] | None:
        """Fingerprint, status and body of what was answered under an idempotency key in the last 24 hours."""
        row = self.db.execute(
            "select fingerprint, status, body, at from answer where account = ? and key = ?", (account or "", key)
        ).fetchone()
        if row is None or self.now() - row[3] >= KEY_LIFE:
            return None
        return row[0], row[1], json.loads(row[2])

    def remember(self, account: str | None, key: str, fingerprint: str, status: int, body: Obj) -> None:
        values = (account or "", key, fingerprint, status, json.dumps(body), self.now())
        self.db.execute("insert or replace into answer values (?, ?, ?, ?, ?, ?)", values)

    def reset(self) -> None:
        """Forget everything but the settings."""
        self.objects.clear()
        self._dirty.clear()
        for table in ("object", "answer", "delivery"):
            self.db.execute(f"delete from {table}")  # noqa: S608

    def close(self) -> None:
        self.save()
        self.db.close()
