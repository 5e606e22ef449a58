"""When places open, and who comes first in that second (first come).

In the first second after an opening nobody is earlier than anybody else: what decides there is the way of a message
through the net, and who sends two hundred of them. So those claims are decided in the order of a lot, one for each
child and opening: who asks more often draws no other. After that it is the order of arrival.

    opens            +1 s               +2 s
      |-- all the same --|--- decided by lot ---|--- order of arrival --->
                         |- whoever comes now is decided after them -|

The lot follows from the installation's key, so that every web process sees the same order and no family can guess it.
An opening is the menu's own, and each announced time at which places that were given back return (R-216: ties by a
rule that is shown).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any, Final
from uuid import UUID

from core.base.clock import SCHOOL_ZONE
from core.db.house import House

log = logging.getLogger("kehou.claims")

SAME_SECONDS: Final = 1.0
"""How long nobody is earlier than another."""
LOT_SECONDS: Final = 1.0
"""Over how long the lots are then decided, so that processes keep to one order."""
EARLY_SECONDS: Final = 3.0
"""Who asks so shortly before an opening is of its first second too: what waits in a line is decided later than it came,
and asking early must win nothing."""
KNOWN_SECONDS: Final = 2.0
"""For how long a process knows an organisation's openings without asking again; for as long again it goes by what it
knew while it asks."""

_OPENINGS: Final = """
select id, opens_at, returns from offering_seats
where tenant_id = $1 and claimable and capacity is not null and closes_at > now()"""


@dataclass(frozen=True, slots=True)
class _Known:
    at: float
    openings: Mapping[UUID, tuple[datetime | None, Sequence[clock_time]]]


class Openings:
    """The openings as one process knows them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._key = hmac.digest(house.settings.master_key_bytes, b"first-come lot", "sha256")
        self._known: dict[UUID, _Known] = {}
        self._asking: dict[UUID, asyncio.Task[None]] = {}

    async def wait_for(self, tenant_id: UUID, offering_id: UUID, student_id: UUID) -> float:
        """Seconds until this child's claim is to be decided; mostly 0."""
        known = self._known.get(tenant_id)
        age = time.monotonic() - known.at if known is not None else math.inf
        if age > KNOWN_SECONDS:
            if (asking := self._asking.get(tenant_id)) is None:
                asking = self._asking[tenant_id] = asyncio.create_task(self._ask(tenant_id))
                asking.add_done_callback(lambda _task: self._asking.pop(tenant_id, None))
            if age > 2 * KNOWN_SECONDS:
                await asyncio.shield(asking)
                known = self._known[tenant_id]
        assert known is not None
        opens_at, returns = known.openings.get(offering_id, (None, ()))
        if opens_at is None:
            return 0.0
        now = time.time()
        opened = last_opening(opens_at, returns, now + EARLY_SECONDS)
        if opened is None or now >= opened + SAME_SECONDS + LOT_SECONDS:
            return 0.0
        if now >= opened + SAME_SECONDS:
            return opened + SAME_SECONDS + LOT_SECONDS - now
        return opened + SAME_SECONDS + LOT_SECONDS * self.lot(offering_id, opened, student_id) - now

    def lot(self, offering_id: UUID, opened: float, student_id: UUID) -> float:
        """From 0 up to 1, even; the same in every process however often the child asks."""
        drawn = hmac.digest(self._key, b"%b%d%b" % (offering_id.bytes, round(opened), student_id.bytes), "sha256")
        return int.from_bytes(drawn[:6], "big") / 2**48

    async def _ask(self, tenant_id: UUID) -> None:
        try:
            async with self._house.db.engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                async with driver.transaction():
                    await driver.execute("select set_config('app.tenant_id', $1, true)", str(tenant_id))
                    rows = await driver.fetch(_OPENINGS, tenant_id)
            openings = {row["id"]: (row["opens_at"], row["returns"]) for row in rows}
        except Exception as error:
            # The claim itself will hear what is wrong with the database.
            log.warning("openings could not be read: %s", error)
            openings = dict(known.openings) if (known := self._known.get(tenant_id)) is not None else {}
        self._known[tenant_id] = _Known(time.monotonic(), openings)


def last_opening(opens_at: datetime, returns: Sequence[clock_time], now: float) -> float | None:
    """When places last opened, in seconds since 1970; None: not yet."""
    first = opens_at.timestamp()
    if now < first:
        return None
    local = datetime.fromtimestamp(now, SCHOOL_ZONE)
    openings = [first]
    for hour in returns:
        today = datetime.combine(local.date(), hour, SCHOOL_ZONE)
        openings += [moment.timestamp() for moment in (today, today - timedelta(days=1))]
    return max(moment for moment in openings if first <= moment <= now)
