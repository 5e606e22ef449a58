"""A rush in which a web process, a worker or the database's connections are killed half-way: what families were told
and what is written agree to the last place and the last message.

Real processes on loopback, real HTTP, a journal kept by the clients (tests.support.journal). More children than places
ask; at a seeded moment something is killed; unknown answers are settled by the same key. The same comparison then has
to find the faults that are planted (tests.support.planted).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from core.base.settings import Settings
from core.enrollment.letters import letter
from core.enrollment.menu_service import menu_of
from core.terms.models import Term
from deploy.app import build_house
from deploy.embedded import EmbeddedPostgres, EmbeddedValkey
from deploy.process import ProcessSpec
from deploy.supervisor import Supervisor
from tests.support import database as databases
from tests.support import menu
from tests.support.crowd import account_id, child_id, families, guardian_of
from tests.support.journal import Books, Club, Families, Journal, disagreements
from tests.support.planted import MEETING, without
from tests.support.world import School, World

ROOT = Path(__file__).resolve().parents[2]
CHILDREN, PLACES = 50, 30
ANSWERS = CHILDREN + PLACES
"""So many are the least that come in a rush."""
PATIENCE = 3
"""So often at most one request may fail for each thing that is killed."""
PLANTED, DEPLOYED = WEBS = ("one", "two")
"""The web processes: one that can be ordered to fail, one exactly as it is deployed."""
LEASE = 2
_READ = """
insert into notice_reading (tenant_id, id, student_id, term_id, account_id, sha256, content)
values (%s, gen_random_uuid(), %s, %s, %s, %s, %s)"""
_CUT = """
select count(pg_terminate_backend(pid)) from pg_stat_activity
where datname = current_database() and application_name = 'kehou' and pid <> pg_backend_pid()"""


_SAFEGUARDS = """
select conname, format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
from pg_constraint where conrelid in ('offering_seats'::regclass, 'seat_claim'::regclass) and contype in ('c', 'u')
union all
select i.indexname, i.indexdef from pg_indexes i
where i.tablename = 'seat_claim' and not exists (select from pg_constraint c where c.conname = i.indexname)"""


class Site:
    """One installation: a school, and its processes under the product's supervisor, which starts them again."""

    def __init__(
        self, database: databases.DatabaseAddresses, valkey: EmbeddedValkey, supervisor: Supervisor, folder: Path
    ) -> None:
        self.database, self.valkey, self.supervisor, self.folder = database, valkey, supervisor, folder
        self.ports: dict[str, int] = {}
        self.children = 0
        self.clubs = 0
        self.cut = 0
        self.school: School
        asyncio.run(self._found())

    async def _found(self) -> None:
        house = build_house(self._settings())
        try:
            self.school = await World(house).school(families=1, plugins=())
        finally:
            await house.db.close()

    def _settings(self) -> Settings:
        return self.database.settings(redis_url=self.valkey.url(), data_dir=str(self.folder))

    async def club(self, places: int = PLACES, children: int = CHILDREN) -> tuple[Club, range]:
        """A club of this school that can be claimed now, and children whose guardians have read the letter."""
        self.clubs += 1
        house = build_house(self._settings())
        try:
            world = World(house)
            title = f"少儿篮球 {self.clubs}"
            offering = await menu.approved(world, self.school, title=title, capacity=places, any_days=False)
            await menu.publish(world, self.school)
            async with house.unit(await world.as_(self.school, "office")) as uow:
                assert self.school.term_id is not None
                published = await menu_of(uow, self.school.term_id)
                assert published is not None
                now = await letter(uow, await uow.get(Term, self.school.term_id), published)
        finally:
            await house.db.close()
        numbers = range(self.children + 1, self.children + children + 1)
        self.children = numbers[-1]
        tenant, term = self.school.ctx.tenant_id, self.school.term_id
        assert self.school.class_id is not None
        with psycopg.connect(self.database.superuser) as db:
            guardians = range(guardian_of(numbers[0]), guardian_of(numbers[-1]) + 1)
            families(db, tenant, self.school.class_id, guardians=guardians, children=numbers)
            for n in numbers:
                content = Jsonb([dict(part) for part in now.parts])
                read = (tenant, child_id(n), term, account_id(guardian_of(n)), now.sha256, content)
                db.execute(_READ, read)
        return Club(tenant, offering.id, places, now.sha256), numbers

    # -- processes ---------------------------------------------------------------------------------------------

    def spec(self, name: str, role: str) -> ProcessSpec:
        """A web process as it is deployed; the others as planted, for the sake of shorter patience."""
        planted = [sys.executable, "-m", "tests.support.planted", role]
        settings = self._settings()
        secrets = {
            "KEHOU_DATABASE_URL": settings.database_url,
            "KEHOU_RELAY_URL": settings.relay_url,
            "KEHOU_MASTER_KEY": settings.master_key,
        }
        self.order(name)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("KEHOU_")},
            **{key: value.get_secret_value() for key, value in secrets.items() if value},
            "KEHOU_REDIS_URL": settings.redis_url,
            "KEHOU_DATA_DIR": str(self.folder),
            "KEHOU_LOG_LEVEL": "warning",
            "KEHOU_TEST_ORDERS": str(self._orders(name)),
            "KEHOU_TEST_LEASE": str(LEASE),
        }
        if role != "web":
            return ProcessSpec(name, planted, env=environment, cwd=ROOT, stop_timeout=5)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = self.ports[name] = probe.getsockname()[1]
        deployed = [sys.executable, "-m", "deploy.cli", "serve", "--port", str(port)]
        argv = [*planted, str(port)] if name == PLANTED else deployed
        return ProcessSpec(name, argv, env=environment, cwd=ROOT, stop_timeout=5, ready=lambda: _answers(port))

    def _orders(self, name: str) -> Path:
        return self.folder / f"{name}.orders"

    def order(self, name: str, *lines: str) -> None:
        """What a planted process is to do wrong from now on; see tests.support.planted."""
        self._orders(name).write_text("\n".join(lines))

    def kill(self, name: str) -> None:
        """-9, now; the supervisor starts it again."""
        pid = next(s.pid for s in self.supervisor.status() if s.name == name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def restarts(self) -> Counter[str]:
        """How often each process was started again."""
        return Counter({status.name: status.restarts for status in self.supervisor.status()})

    def cut_connections(self) -> None:
        """End every connection that web processes and workers have to the database."""
        with psycopg.connect(self.database.superuser) as db:
            ((cut,),) = db.execute(_CUT).fetchall()
        self.cut += cut

    @asynccontextmanager
    async def mended(self) -> AsyncIterator[None]:
        """Around a test that takes constraints of the places away: afterwards they are there again, and no places."""
        whole = self._safeguards()
        yield
        left = self._safeguards()
        with psycopg.connect(self.database.superuser) as db:
            db.execute("truncate seat_claim")
            db.execute("update offering_seats set taken = 0")
            for name in whole.keys() - left.keys():
                db.execute(whole[name].encode())
        assert self._safeguards() == whole

    def _safeguards(self) -> dict[str, str]:
        with psycopg.connect(self.database.superuser) as db:
            return dict(db.execute(_SAFEGUARDS).fetchall())

    def count(self, query: str) -> int:
        with psycopg.connect(self.database.superuser) as db:
            ((found,),) = db.execute(query).fetchall()
        return int(found)

    async def until(self, true: Callable[[], bool], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                logs = "\n".join(self.supervisor.tail(s.name)[-1500:] for s in self.supervisor.status())
                raise AssertionError(f"not within {seconds} s\n{logs}")
            await asyncio.sleep(0.05)

    async def all_delivered(self) -> None:
        """Nothing waits but what has an hour of its own."""
        waiting = "done_at is null and dead_at is null and (attempts > 0 or available_at <= now())"
        await self.until(lambda: self.count(f"select count(*) from outbox where {waiting}") == 0)

    async def all_up(self) -> None:
        await self.until(lambda: all(_answers(port) for port in self.ports.values()))


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture(scope="module")
def site(postgres: EmbeddedPostgres) -> Iterator[Site]:
    """Two web processes, a relay and a worker, for all tests of this file; each has a club and children of its own."""
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="kehou-rush-") as name,
        databases.fresh(postgres) as database,
        EmbeddedValkey(Path(name) / "valkey", durable=False) as valkey,
        Supervisor(Path(name) / "logs", report=lambda line: None) as supervisor,
    ):
        patch.setattr("deploy.supervisor.BACKOFF", (0.2,))  # many crashes of one process are meant here
        made = Site(database, valkey, supervisor, Path(name))
        supervisor.start(
            made.spec("relay", "relay"), made.spec("worker", "worker"), *(made.spec(web, "web") for web in WEBS)
        )
        yield made


@pytest.fixture(autouse=True)
async def _in_order(site: Site) -> AsyncIterator[None]:
    """Every test begins with all processes at work, and orders none of them anything for the next one."""
    await site.all_up()
    await site.all_delivered()
    yield
    for name in ("worker", PLANTED):
        site.order(name)


async def rush(site: Site, crowd: Families) -> list[str]:
    """Everybody asks until everybody knows, then once more; all is delivered. What disagrees at the end."""
    await crowd.rush()
    await crowd.ask_again()
    await site.all_delivered()
    return disagreements(crowd.journal.lines, Books.read(site.database.superuser, crowd.club))


@pytest.mark.req("R-441")
@pytest.mark.parametrize(
    ("seed", "killed"), [(1, "one"), (2, "database database database"), (3, "two database worker")]
)
async def test_killed_half_way(site: Site, seed: int, killed: str) -> None:
    dice = random.Random(seed)
    club, children = await site.club()
    journal = Journal()
    for victim in killed.split():
        act = site.cut_connections if victim == "database" else partial(site.kill, victim)
        journal.moments.append((dice.randrange(5, ANSWERS), act))
    journal.moments.sort(key=lambda moment: moment[0])
    before = site.restarts()
    crowd = Families(club, children, [site.ports[web] for web in WEBS], dice, journal)
    assert await rush(site, crowd) == []
    assert not journal.moments
    assert len(journal.told("claim", "claimed")) == PLACES
    assert len(journal.told("claim", "full")) == CHILDREN - PLACES
    victims = Counter(killed.split())
    assert journal.unknown or not victims & Counter(WEBS)
    assert site.cut > 0 or "database" not in victims
    assert max(journal.failures.values()) <= PATIENCE * len(killed.split())  # then it went on as before
    del victims["database"]
    await site.until(lambda: site.restarts() - before == victims)


@pytest.mark.req("R-441")
@pytest.mark.parametrize("moment", ["decided", "claimed", "written"])
async def test_killed_at_the_worst_moment(site: Site, moment: str) -> None:
    """A web process dies with claims committed and untold, or between claim and application, or with an application
    committed and untold."""
    club, children = await site.club()
    site.order(PLANTED, f"die {moment} 2")
    before = site.restarts()
    ports = [site.ports[web] for web in WEBS]
    crowd = Families(club, children, ports, random.Random(6), Journal(), all_at=WEBS.index(PLANTED))
    assert await rush(site, crowd) == []
    assert crowd.journal.unknown
    await site.until(lambda: site.restarts() - before == Counter([PLANTED]))


async def caught(
    site: Site, places: int, children: int, *moments: tuple[int, Callable[[], None]], all_at: int | None = None
) -> set[str]:
    """The kinds of disagreement after a rush in which something is wrong."""
    club, numbers = await site.club(places, children)
    ports = [site.ports[web] for web in WEBS]
    crowd = Families(club, numbers, ports, random.Random(7), Journal(list(moments)), all_at=all_at)
    return {line.partition(":")[0] for line in await rush(site, crowd)}


async def test_without_the_lock_it_is_caught(site: Site) -> None:
    async with site.mended(), without(site.database, "offering", "check", waits=MEETING):
        assert "oversold" in await caught(site, 4, 24)


async def test_without_knowing_old_wishes_it_is_caught(site: Site) -> None:
    async with site.mended(), without(site.database, "known", "unique", waits=()):
        assert {"twice", "two_answers"} <= await caught(site, 60, 24)


async def test_answering_before_the_commit_is_caught(site: Site) -> None:
    site.order(PLANTED, "fault early")
    kill = partial(site.kill, PLANTED)
    assert "no_row" in await caught(site, 16, 24, (6, kill), all_at=WEBS.index(PLANTED))


@pytest.mark.req("R-441")
async def test_a_worker_dies_with_people_told_and_the_message_not_marked(site: Site) -> None:
    """First as it is, and everybody hears once; then one that forgets what it has had, which is caught."""
    club, children = await site.club(12, 16)
    site.order("worker", "die delivered 5")
    before = site.restarts()
    crowd = Families(club, children, [site.ports[DEPLOYED]], random.Random(8), Journal())
    assert await rush(site, crowd) == []
    await site.until(lambda: site.restarts() - before == Counter(["worker"]))
    site.order("worker", "fault forgetful", "die delivered 5")
    assert await caught(site, 12, 16) == {"notice_twice"}
