"""A ledger on real PostgreSQL: the migrated database once, a fresh tenant for every test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pluggy
import psycopg
import pytest

from core.base.context import WORKER, TenantContext
from core.base.ids import new_id
from core.base.settings import Settings
from core.db.engine import Database, make_engine
from core.db.house import House
from core.db.migrate import upgrade
from core.host.loader import LoadedPlugins
from core.host.registry import Registry
from core.ledger import service
from deploy.embedded.postgres import EmbeddedPostgres
from tests.support.database import server as server_of_tests

DAY = date(2026, 9, 1)
NO_PLUGINS = LoadedPlugins(pluggy.PluginManager("kehou"), [], [])


@pytest.fixture(scope="session")
def ledger_server() -> Iterator[EmbeddedPostgres]:
    with server_of_tests() as server:
        upgrade(server.dsn("owner"), NO_PLUGINS)
        yield server


class Books:
    """One tenant's ledger, asked in plain SQL as the application's role; `house` for the service on top."""

    def __init__(self, server: EmbeddedPostgres, tenant: UUID) -> None:
        self.server, self.tenant = server, tenant
        self.app = self.connect("app")

    def connect(self, role: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(self.server.dsn(role))
        connection.execute("select set_config('app.tenant_id', %s, false)", (str(self.tenant),))
        connection.commit()
        return connection

    def ask(self, sql: str, *params: Any, role: str = "app") -> list[Any]:
        """Run one statement and commit; the transaction is rolled back when it is refused."""
        connection = self.app if role == "app" else self.connect(role)
        try:
            cursor = connection.execute(sql, params or None)
            rows = cursor.fetchall() if cursor.description else []
            connection.commit()
            return rows
        except psycopg.Error:
            connection.rollback()
            raise
        finally:
            if role != "app":
                connection.close()

    def post(self, *journals: dict[str, Any]) -> list[Any]:
        return self.ask("select * from ledger_post(%s::jsonb)", json.dumps(journals))

    def balance(self, account: str, fund: str = "service") -> int:
        rows = self.ask("select amount from ledger_balance where account = %s and fund = %s", account, fund)
        return rows[0][0] if rows else 0


def entry(key: str, *lines: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
    """A journal as ledger_post takes it; lines are (account, fund, fen)."""
    return {
        "id": str(new_id()),
        "kind": "test",
        "occurred_on": str(DAY),
        "idem_key": key,
        "source": "test",
        "lines": [{"account": a, "fund": f, "amount_fen": m} for a, f, m in lines],
        **more,
    }


@pytest.fixture
async def house(ledger_server: EmbeddedPostgres) -> AsyncIterator[House]:
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    settings = Settings.model_validate({"database_url": ledger_server.dsn("app"), "master_key": key})
    db = Database(make_engine(ledger_server.dsn("app"), pool_size=8))
    yield House(settings, Registry(), NO_PLUGINS, None, db)  # type: ignore[arg-type]
    await db.close()


@pytest.fixture
def ctx() -> TenantContext:
    return TenantContext(tenant_id=new_id(), slug="t", kind="school", name="测试学校", actor=WORKER)


@pytest.fixture
async def books(ledger_server: EmbeddedPostgres, house: House, ctx: TenantContext) -> AsyncIterator[Books]:
    async with house.unit(ctx) as uow:
        await service.open_standard(uow)
    found = Books(ledger_server, ctx.tenant_id)
    yield found
    found.app.close()
