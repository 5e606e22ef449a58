"""Fixtures of every test: a PostgreSQL of this process, a database of this test, a house, an application, a world."""

from __future__ import annotations

import functools
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from litestar import Litestar
from sqlalchemy import Dialect, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import LRUCache

import core.db.engine
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


_lost: list[str] = []
"""Tests that ended their process, by crash or by time, in the order of it."""


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str) -> None:
    """A test that ended its process runs again in a new one, for ever if it does so each time; and when xdist has
    replaced too many, it leaves out the rest without a word. So the second time, or the third test, ends the run."""
    _lost.append(crashitem)
    if _lost.count(crashitem) > 1 or len(_lost) > 2:
        pytest.exit(f"a test ended its process again: {', '.join(_lost)}", returncode=3)


LONG = ("test_demo.py", "test_third_party.py")
"""Files of few tests that take a minute or two."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that at the end no process waits for another (with xdist's --no-loadscope-reorder; it would
    begin with those of many tests, and end with one that starts three demonstrations)."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name not in LONG, -tests[item.path]))


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


STATEMENTS = 5_000
"""As many compiled statements are kept; all tests together have some three thousand."""


def _one_compiler() -> Callable[..., AsyncEngine]:
    """`make_engine` whose engines share what they compiled: a statement has the same words in every database, and to
    compile them anew in each takes a fifth of a test. Compiled statements belong to a dialect, so that is shared too,
    once a first connection has taught it what the server can."""
    made = core.db.engine.make_engine
    compiled: LRUCache[Any, Any] = LRUCache(STATEMENTS)
    taught: list[Dialect] = []

    def make_engine(url: str, **options: Any) -> AsyncEngine:
        engine = made(url, **options)
        inner = engine.sync_engine
        if taught:
            inner.dialect = taught[0]
        else:
            event.listen(inner, "connect", lambda *_: taught.append(inner.dialect))
        inner.update_execution_options(compiled_cache=compiled)
        return engine

    return make_engine


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
        patch.setattr(core.db.engine, "make_engine", _one_compiler())
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
