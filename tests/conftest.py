"""Fixtures of every test: a PostgreSQL of this process, a database of this test, a house, an application, a world."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from litestar import Litestar

from core.base.text import use_locale
from core.db.house import House
from core.web.app import build_app
from deploy.app import build_house
from deploy.embedded import EmbeddedPostgres
from tests.support import database as databases
from tests.support.world import World


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    with databases.server() as server:
        databases.make_template(server)
        yield server


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[databases.DatabaseAddresses]:
    with databases.fresh(postgres) as made:
        yield made


@pytest.fixture
async def house(database: databases.DatabaseAddresses, tmp_path: object) -> AsyncIterator[House]:
    built = build_house(database.settings(sms_outbox=f"{tmp_path}/codes.jsonl", data_dir=str(tmp_path)))
    yield built
    await built.db.close()


@pytest.fixture
def app(house: House) -> Litestar:
    return build_app(house)


@pytest.fixture
def world(house: House, app: Litestar) -> World:
    return World(house, app)


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    use_locale("zh_CN")
    yield
    use_locale("zh_CN")
