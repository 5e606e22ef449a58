"""Fixtures of every test: a PostgreSQL of this process, a database of this test, a house, an application, a world."""

from __future__ import annotations

import functools
import gc
from collections.abc import AsyncIterator, Iterator

import pytest
from litestar import Litestar

import deploy.app
from core.base.text import use_locale
from core.db.house import House
from core.host.contribution import Contribution
from core.web.app import build_app, check_handlers
from deploy.app import build_house
from deploy.embedded import EmbeddedPostgres
from tests.support import database as databases
from tests.support.memory import use_memory
from tests.support.world import World

use_memory()


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


@pytest.fixture(scope="session", autouse=True)
def _done_once() -> Iterator[None]:
    """What every house does at its start, with the same result each time: it tries the handlers of its plugins, and it
    reads the packs that are shipped."""
    tried: dict[tuple[int, ...], Contribution] = {}  # holds them, so that an id stays theirs

    def check(contribution: Contribution) -> None:
        key = tuple(map(id, contribution.handlers))
        if key not in tried:
            check_handlers(contribution)
            tried[key] = contribution

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deploy.app, "check_handlers", check)
        patch.setattr(deploy.app, "load_packs", functools.cache(deploy.app.load_packs))
        yield


@pytest.fixture(scope="session")
def _apps() -> list[Litestar]:
    """The one application that the tests of this process share: to build one takes most of a second."""
    return []


@pytest.fixture
def app(house: House, _apps: list[Litestar]) -> Litestar:
    """The application, in this test's house."""
    if not _apps:
        _apps.append(build_app(house))
    _apps[0].state["house"] = house
    return _apps[0]


@pytest.fixture
def world(house: House, app: Litestar) -> World:
    return World(house, app)


@pytest.fixture(autouse=True)
def _chinese() -> Iterator[None]:
    use_locale("zh_CN")
    yield
    use_locale("zh_CN")


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end; the collector need not walk it again among the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
