"""A billing run against the bare statements that write the same rows under the same constraints, turn by turn.

The bare side prices nothing, asks no rule and no plugin: it copies the bills of our last run with INSERT …
SELECT into the same tables, and posts the same journals through the ledger's only door. What is left between the two is
what it costs to know what to write.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.billing.run import bill_chunk, start_run
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from deploy.app import build_house
from tests.bench.harness import Bench, Measure, Report, Side, interleave, watched
from tests.support import database as databases
from tests.support.billing import ready
from tests.support.world import School, World

_TABLES = ("bill", "bill_line", "transition")


class Billing(Bench):
    title = "A term's bills for a school, against bare INSERT … SELECT of the same rows"
    rounds = 3

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--children", type=int, default=2000, help="children with one enrolment each")

    def run(self, args: argparse.Namespace) -> Report:
        with databases.server() as server:
            databases.make_template(server)
            with databases.fresh(server) as database:
                bed = Bed(database, server.pid, args.children)
                try:
                    bed.prepare()
                    measures = interleave([Side("ours", bed.ours), Side("bare", bed.bare)], args.rounds)
                    checks = bed.checks()
                finally:
                    bed.close()
        setup = {"children": args.children, "rows_per_bill": bed.rows_per_bill}
        return Report("billing", measures, ratios=[("ours", "bare")], checks=checks, setup=setup)


class Bed:
    """One school in a database of its own; each side leaves it as it found it."""

    def __init__(self, database: databases.DatabaseAddresses, server_pid: int | None, children: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.house = build_house(database.settings())
        self.children = children
        self.owner = database.superuser
        self.groups = {"us": [os.getpid()], **({"postgres": [server_pid]} if server_pid else {})}
        self.rows_per_bill = 3 + 2 + 1
        """bill, line, history; journal with two postings; numbers and cursor are a chunk's."""
        self.world = World(self.house)
        self.school: School
        self.run_id: UUID
        self._bad = 0

    def prepare(self) -> None:
        async def make() -> None:
            self.school = await self.world.school(families=0)
            await ready(self.world, self.school, children=self.children)

        self.loop.run_until_complete(make())

    def ours(self) -> Measure:
        """The run as it is, chunk by chunk."""
        self.loop.run_until_complete(self._clear())
        self.run_id = self.loop.run_until_complete(self._start())
        with watched(self.groups) as measure:
            self.loop.run_until_complete(self._run())
        measure.ops = self.children
        return measure

    def bare(self) -> Measure:
        """The same rows, copied out and written back."""
        rows = self.loop.run_until_complete(self._taken_out())
        with watched(self.groups) as measure:
            self.loop.run_until_complete(self._put_back(rows))
        measure.ops = self.children
        return measure

    async def _start(self) -> UUID:
        assert self.school.term_id is not None
        async with self.house.unit(self.school.ctx) as uow:
            return (await start_run(uow, self.school.term_id)).id

    async def _run(self) -> None:
        more = True
        while more:
            async with self.house.unit(self.school.ctx) as uow:
                more, _ = await bill_chunk(uow, self.run_id)

    async def _taken_out(self) -> dict[str, list[dict[str, Any]]]:
        """What our run wrote, kept in tables beside it, and the originals gone."""
        import psycopg

        with psycopg.connect(self.owner, autocommit=True) as connection:
            for table in (*_TABLES, "ledger_journal", "ledger_posting", "ledger_balance"):
                connection.execute(f"drop table if exists was_{table}")
                connection.execute(f"create unlogged table was_{table} as select * from {table}")
                connection.execute(f"grant select on was_{table} to kehou_app")
        await self._clear(keep_runs=True)
        return {}

    async def _put_back(self, _: dict[str, Any]) -> None:
        """In chunks of the same size, each one transaction, as the application's role under row-level security."""
        for start in range(0, self.children, 400):
            async with self.house.unit(self.school.ctx) as uow:
                await self._chunk(uow, start)

    async def _chunk(self, uow: UnitOfWork, start: int) -> None:
        window = {"start": start, "t": self.school.ctx.tenant_id}
        mine = "(select id from was_bill order by number offset :start limit 400)"
        await uow.session.execute(text(f"insert into bill select * from was_bill where id in {mine}"), window)
        await uow.session.execute(
            text(f"insert into bill_line select * from was_bill_line where bill_id in {mine}"),
            window,
        )
        await uow.session.execute(
            text(f"insert into transition select * from was_transition where subject_id in {mine}"),
            window,
        )
        body = text(f"""
            select * from ledger_post((select jsonb_agg(jsonb_build_object('id', j.id, 'kind', j.kind, 'occurred_on',
              j.occurred_on, 'idem_key', j.idem_key, 'source', j.source, 'lines', (select jsonb_agg(jsonb_build_object(
                'account', p.account, 'fund', p.fund, 'amount_fen', p.amount) order by p.line)
                from was_ledger_posting p where p.tenant_id = j.tenant_id and p.seq = j.seq)) order by j.seq)
            from was_ledger_journal j join was_bill b on j.idem_key = 'bill:' || b.id where b.id in {mine}))""")
        await uow.session.execute(body, window)

    async def _clear(self, *, keep_runs: bool = False) -> None:
        """Take away what a round wrote, as the owner: neither side may do so."""
        import psycopg

        tables = ["bill_line", "bill_reduction", "bill", "transition", "ledger_posting", "ledger_journal", "outbox"]
        with psycopg.connect(self.owner, autocommit=True) as connection:
            connection.execute("truncate " + ", ".join(tables) + ", ledger_balance, ledger_seal cascade")
            connection.execute("update ledger_head set seq = 0, hash = ledger_genesis(tenant_id)")
            connection.execute("update document_counter set last = 0")
            if not keep_runs:
                connection.execute("truncate billing_run, billing_hold, job_run cascade")
            connection.execute("vacuum analyze")

    def checks(self) -> dict[str, int]:
        """The rows that the last side left must be whole."""

        async def look() -> dict[str, int]:
            async with self.house.unit(self.school.ctx) as uow:
                bills = (await uow.session.execute(text("select count(*) from bill"))).scalar_one()
                wrong = len(await ledger.problems(uow))
            return {"bills missing": self.children - int(bills), "books that disagree": wrong}

        return self.loop.run_until_complete(look())

    def close(self) -> None:
        self.loop.run_until_complete(self.house.db.close())
        self.loop.close()


bench = Billing()
