"""What a process remembers of offerings that are sold out: the losers' retries cost no query."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]

from core.db.house import House
from core.enrollment.seats import CHANNEL

log = logging.getLogger("kehou.claims")

REMEMBER_SECONDS: Final = 2.0
"""How long "full" is said from memory; a place given back is heard of at once where LISTEN works."""
REMEMBER_DEAF_SECONDS: Final = 0.5

_HOLDERS: Final = """
select offering_id, student_id from seat_claim
where tenant_id = $1 and offering_id = any($2) and released_at is null"""


@dataclass(frozen=True, slots=True)
class _SoldOut:
    tenant: UUID
    until: float
    holders: frozenset[UUID]
    again: datetime | None


class SoldOut:
    """The memory of one process."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: dict[UUID, _SoldOut] = {}
        self._ear: asyncpg.Connection | None = None
        self._listening: asyncio.Task[None] | None = None

    def says_full(self, tenant_id: UUID, offering_id: UUID, student_id: UUID) -> tuple[datetime | None] | None:
        """When places return (or None), in a tuple; None: ask the database."""
        known = self._known.get(offering_id)
        if known is None:
            return None
        if known.until <= time.monotonic():
            del self._known[offering_id]
            return None
        return (known.again,) if known.tenant == tenant_id and student_id not in known.holders else None

    async def note(self, driver: Any, tenant_id: UUID, full: dict[UUID, datetime | None]) -> None:
        """These offerings are full, and who has their places: they must not be told "full" when they ask again."""
        async with driver.transaction():
            await driver.execute("select set_config('app.tenant_id', $1, true)", str(tenant_id))
            rows: Sequence[Any] = await driver.fetch(_HOLDERS, tenant_id, list(full))
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        holders: dict[UUID, set[UUID]] = {}
        for row in rows:
            holders.setdefault(row[0], set()).add(row[1])
        for offering_id, again in full.items():
            seconds = REMEMBER_SECONDS if self._ear is not None else REMEMBER_DEAF_SECONDS
            if again is not None:
                seconds = min(seconds, again.timestamp() - time.time())
            until = time.monotonic() + seconds
            self._known[offering_id] = _SoldOut(tenant_id, until, frozenset(holders.get(offering_id, ())), again)

    def forget(self, offering_id: UUID) -> None:
        """A place came free: ask the database again."""
        self._known.pop(offering_id, None)

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        if self._ear is not None:
            await self._ear.close()

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
        self._known.clear()
