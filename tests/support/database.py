"""One embedded PostgreSQL for each test process, one migrated template, one database for each test that asks."""

from __future__ import annotations

import base64
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.base.settings import Settings
from core.db.migrate import upgrade
from deploy.app import build_house
from deploy.embedded import EmbeddedPostgres

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
TEMPLATE = "kehou_template"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class DatabaseAddresses:
    """A database of its own, by the addresses of its roles."""

    name: str
    app: str
    owner: str
    relay: str
    superuser: str

    def settings(self, **more: object) -> Settings:
        values: dict[str, object] = {
            "database_url": self.app,
            "owner_url": self.owner,
            "relay_url": self.relay,
            "master_key": MASTER_KEY,
            "public_url": "http://kehou.test",
        }
        return Settings.model_validate(values | more)


@contextmanager
def server() -> Iterator[EmbeddedPostgres]:
    """The server of this test process; KEHOU_TEST_PG_BINDIR names another PostgreSQL's programs."""
    folder = Path(tempfile.mkdtemp(prefix="kehou-test-"))
    postgres = EmbeddedPostgres(folder / "pg", os.environ.get("KEHOU_TEST_PG_BINDIR"), durable=False)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def make_template(postgres: EmbeddedPostgres) -> None:
    """Migrate the core and every installed plugin into the template database, once."""
    postgres.create_database(TEMPLATE)
    database = addresses(postgres, TEMPLATE)
    house = build_house(database.settings())
    upgrade(database.owner, house.plugins)


def addresses(postgres: EmbeddedPostgres, name: str) -> DatabaseAddresses:
    return DatabaseAddresses(name, *(postgres.dsn(role, name) for role in ("app", "owner", "relay", "super")))


@contextmanager
def fresh(postgres: EmbeddedPostgres) -> Iterator[DatabaseAddresses]:
    """A copy of the template, dropped afterwards."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    postgres.create_database(name, TEMPLATE)
    try:
        yield addresses(postgres, name)
    finally:
        postgres.drop_database(name)
