"""Faults planted on purpose, so that tests are seen to catch them, and processes that die at a moment of our choice.

In the database: `without` gives claim_seats without one of its safeguards. In a process: `python -m
tests.support.planted web PORT | worker | relay` runs the product's, patched from outside; the product has no switch for
any of this. While the file KEHOU_TEST_ORDERS is empty it is as it is deployed. A line in it orders "fault NAME", one of
FAULTS, or "die POINT N": kill yourself the Nth time that you come from now on to this one of DEATHS. KEHOU_TEST_LEASE
is after how many seconds a job whose worker vanished is sent again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]
import msgspec
import uvicorn

from core.base.context import TenantContext
from core.base.ids import new_id
from core.base.settings import Settings
from core.db import delivery as deliveries
from core.db.house import House
from core.db.kernel_tables import Outbox
from core.db.uow import UnitOfWork
from core.enrollment import applications, claims
from core.enrollment.claims import Claims, Decision, Wish
from core.notices import service as notices
from deploy.app import build_house
from deploy.commands.common import start_logging
from deploy.web import application
from tests.support.database import DatabaseAddresses
from workers import relay
from workers.broker import make_broker
from workers.processes import run_worker
from workers.several import stop_on_signals

# ---- in the database ----------------------------------------------------------------------------------------

SQL = Path(__file__).resolve().parents[2] / "core" / "enrollment" / "sql" / "v3_claim_seats.sql"
LOCK_CHILDREN = ("-- lock: children", "-- lock: offerings")
ROW_LOCK = " for no key update;"
FOR_THE_LIST = "when a.awaited and not a.listed and a.left_over > 0 then 'waiting'"
KNOWN = "and (c.released_at is null or c.key = a.key)"
MOMENT = "moment := clock_timestamp();"
GIVING_UP = "coalesce(a.giving_up, '{}') as giving_up,"
READ = "return query"
CONSTRAINTS = {
    "check": ("alter table offering_seats drop constraint ck_offering_seats_taken",),
    "unique": (
        "alter table seat_claim drop constraint uq_seat_claim_tenant_id_offering_id_student_id_key",
        "drop index uq_seat_claim_live",
    ),
}
"""What stands behind the statement, and how it is taken away."""
BROKEN = {
    "offering": (ROW_LOCK, ";"),
    "list": (FOR_THE_LIST, "when false then 'waiting'"),
    "known": (KNOWN, "and false"),
}
# Room for others between what is read and what is written, connections that are still to be opened included: after the
# row of the offering is read, and once more inside the statement that looks for clashes and then writes, for that one
# sees only what was committed before it began.
PAUSES = (
    (MOMENT, f"{MOMENT}\n  perform pg_sleep(0.5);"),
    (GIVING_UP, f"{GIVING_UP} case when a.ord = 1 then pg_sleep(0.5)::text end,"),
)
# Two batches wait for one another before either reads, and read for longer than the other takes to notice; one that
# stays alone goes on after a while.
MEETING = (
    (
        READ,
        f"""perform pg_advisory_xact_lock_shared(4711);
  for i in 1..100 loop
    exit when (select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and granted) > 1;
    perform pg_sleep(0.02);
  end loop;
  {READ}""",
    ),
    (GIVING_UP, f"{GIVING_UP} case when a.ord = 1 then pg_sleep(0.2)::text end,"),
)


@asynccontextmanager
async def without(
    database: DatabaseAddresses, *planted: str, waits: Sequence[tuple[str, str]] = PAUSES
) -> AsyncIterator[None]:
    """claim_seats with bugs planted in it: "children" and "offering" are its locks, "list" the waiting list's turn,
    "known" that a wish granted before is found again; "check" and "unique" are the constraints that stand behind it.

    `waits` is what makes a race certain: PAUSES for claims that come one in a statement, MEETING for batches of two
    processes, nothing where there is no race. Afterwards the statement is whole again. The constraints are not: rows
    may be there that break them, and the database should be thrown away.
    """
    sql = SQL.read_text(encoding="utf-8").replace("create function", "create or replace function")
    broken = sql
    if "children" in planted:
        start, end = (broken.index(mark) for mark in LOCK_CHILDREN)
        broken = broken[:start] + broken[end:]
    for name, (mark, instead) in BROKEN.items():
        if name in planted:
            assert broken.count(mark) == 1
            broken = broken.replace(mark, instead)
    for place, pause in waits:
        assert broken.count(place) == 1
        broken = broken.replace(place, pause)
    owner = await asyncpg.connect(database.owner)
    try:
        await owner.execute(broken)
        for name, statements in CONSTRAINTS.items():
            for statement in statements if name in planted else ():
                await owner.execute(statement)
        yield
        await owner.execute(sql)
    finally:
        await owner.close()


# ---- in a process -------------------------------------------------------------------------------------------

EARLY_SECONDS = 1.0
"""How long after its answer a claim is committed, with the fault "early"."""


class Orders:
    """What this process has been told to do wrong; asked each time, for a test changes it as it goes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def faulty(self, name: str) -> bool:
        return f"fault {name}" in self._path.read_text().splitlines()

    def pass_(self, point: str) -> None:
        """Count down what is ordered for `point`; at the end of the count, strike it out and die."""
        lines = self._path.read_text().splitlines()
        mine = next((line for line in lines if line.startswith(f"die {point} ")), None)
        if mine is None:
            return
        left = int(mine.rpartition(" ")[2]) - 1
        lines[lines.index(mine)] = f"die {point} {left}" if left else ""
        new = self._path.with_suffix(".new")
        new.write_text("\n".join(lines))
        new.replace(self._path)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)


def _early(orders: Orders) -> None:
    """Claims are answered before they are committed."""
    decide = Claims._decide
    commits: set[asyncio.Task[None]] = set()

    async def decide_early(
        self: Claims, tenant_id: UUID, asked: Sequence[tuple[UUID, Wish]], wait: int | None = None
    ) -> list[Decision]:
        if not orders.faulty("early"):
            return await decide(self, tenant_id, asked, wait)
        told = msgspec.json.encode([claims._plain(*one) for one in asked]).decode()
        connection = await self._house.db.engine.connect()
        driver: Any = (await connection.get_raw_connection()).driver_connection
        transaction = driver.transaction()
        await transaction.start()
        rows = await driver.fetch(claims._DECIDE, tenant_id, told, claims.HOLD_MINUTES, wait)

        async def commit() -> None:
            await asyncio.sleep(EARLY_SECONDS)
            await transaction.commit()
            await connection.close()

        commits.add(asyncio.create_task(commit()))
        return [Decision(row["outcome"], row["claim"], row["until"]) for row in rows]

    Claims._decide = decide_early  # type: ignore[method-assign]


def _forgetful(orders: Orders) -> None:
    """A worker forgets which messages it has had, and messages to people forget which fact they tell of."""
    take, tell_each = deliveries._take, notices.tell_each

    async def take_again(*of: Any) -> bool:
        return await take(*of) or orders.faulty("forgetful")

    async def tell_again(uow: UnitOfWork, kind: str, letters: Sequence[notices.Letter]) -> int:
        if orders.faulty("forgetful"):
            letters = [replace(one, source=f"{one.source}/{new_id()}") for one in letters]
        return await tell_each(uow, kind, letters)

    deliveries._take = take_again  # type: ignore[assignment]
    notices.tell_each = tell_again


FAULTS: dict[str, Callable[[Orders], None]] = {"early": _early, "forgetful": _forgetful}


def _any(*_: Any, **__: Any) -> bool:
    return True


def _of_notices(_house: House, _sender: TenantContext, row: Outbox, **__: Any) -> bool:
    return row.name.startswith("notices.")


DEATHS: dict[str, tuple[Any, str, bool, Callable[..., bool]]] = {
    # A batch of claims is committed, and nobody has been told.
    "decided": (Claims, "_decide", True, _any),
    # The places are claimed and the application is not yet written.
    "claimed": (applications, "write", False, _any),
    # An application is committed, and its family has not been told.
    "written": (applications, "submit", True, _any),
    # People have been told, and the message that had them told is still marked as open.
    "delivered": (deliveries, "_finish", False, _of_notices),
}
"""Where a process can be told to die: a function, whether after it (else before), and which calls count."""


def _mortal(orders: Orders, point: str, holder: Any, name: str, after: bool, counts: Callable[..., bool]) -> None:
    act: Callable[..., Awaitable[Any]] = getattr(holder, name)

    async def acted(*args: Any, **named: Any) -> Any:
        if not after and counts(*args, **named):
            orders.pass_(point)
        done = await act(*args, **named)
        if after and counts(*args, **named):
            orders.pass_(point)
        return done

    setattr(holder, name, acted)


def main() -> None:
    orders = Orders(Path(os.environ["KEHOU_TEST_ORDERS"]))
    for plant in FAULTS.values():
        plant(orders)
    for point, where in DEATHS.items():
        _mortal(orders, point, *where)
    deliveries.LEASE_SECONDS = relay.RESEND_SECONDS = int(os.environ["KEHOU_TEST_LEASE"])
    settings = Settings.from_environment()
    start_logging(settings.log_level)
    role, *port = sys.argv[1:]
    if role == "web":
        uvicorn.run(application, factory=True, port=int(port[0]), access_log=False, log_config=None)
    elif role == "worker":
        run_worker(settings, lambda: build_house(settings), threads=3, stop=stop_on_signals())
    else:
        assert settings.relay_url is not None
        relay.run(settings.relay_url.get_secret_value(), make_broker(settings.redis_url), stop_on_signals())


if __name__ == "__main__":
    main()
