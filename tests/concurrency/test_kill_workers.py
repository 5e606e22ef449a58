"""Kill what carries the jobs at the worst moments: nothing is lost, nothing happens twice, it goes on in seconds."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, select

from core.db.house import House
from core.db.kernel_tables import AuditEntry, JobRun, Outbox
from core.people.models import Campus
from deploy.embedded import EmbeddedValkey
from deploy.process import ProcessSpec
from deploy.supervisor import Supervisor
from tests.concurrency import probe
from tests.support.database import DatabaseAddresses
from tests.support.world import School, World

ROOT = Path(__file__).resolve().parents[2]
LEASE = 3


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="kehou-vk-") as folder, EmbeddedValkey(folder, durable=False) as server:
        yield server


@pytest.fixture
async def house(database: DatabaseAddresses, valkey: EmbeddedValkey, tmp_path: Path) -> AsyncIterator[House]:
    built = probe.house(database.settings(redis_url=valkey.url(), data_dir=str(tmp_path)))
    yield built
    await built.db.close()


class Station:
    """A relay and a worker as real processes under a supervisor, and a school that gives them work."""

    def __init__(self, house: House, valkey: EmbeddedValkey, folder: Path, supervisor: Supervisor) -> None:
        self.house, self.valkey, self.folder, self.supervisor = house, valkey, folder, supervisor
        self.school: School

    def spec(self, name: str, role: str) -> ProcessSpec:
        settings = self.house.settings
        secrets = {
            "KEHOU_DATABASE_URL": settings.database_url,
            "KEHOU_RELAY_URL": settings.relay_url,
            "KEHOU_MASTER_KEY": settings.master_key,
        }
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("KEHOU_")},
            **{key: value.get_secret_value() for key, value in secrets.items() if value},
            "KEHOU_REDIS_URL": settings.redis_url,
            "KEHOU_DATA_DIR": str(self.folder),
            "KEHOU_TEST_FOLDER": str(self.folder),
            "KEHOU_TEST_LEASE": str(LEASE),
        }
        argv = [sys.executable, "-m", "tests.concurrency.probe", role]
        return ProcessSpec(name, argv, env=environment, cwd=ROOT, stop_timeout=5)

    def start(self, *roles: str) -> None:
        self.supervisor.start(*(self.spec(role, role.rstrip("0123456789")) for role in roles))

    def pid(self, name: str) -> int:
        pid = next(s.pid for s in self.supervisor.status() if s.name == name)
        assert pid is not None
        return pid

    async def enqueue(self, job: str, **payload: object) -> None:
        async with self.house.unit(self.school.ctx) as uow:
            await uow.enqueue(job, payload)

    async def audited(self, action: str) -> list[AuditEntry]:
        async with self.house.unit(self.school.ctx) as uow:
            query = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.at)
            return list((await uow.session.execute(query)).scalars())

    async def open(self) -> int:
        async with self.house.unit(self.school.ctx) as uow:
            query = select(func.count()).where(Outbox.done_at.is_(None), Outbox.dead_at.is_(None))
            return (await uow.session.execute(query)).scalar_one()

    async def all_done(self) -> bool:
        return await self.open() == 0

    async def until(self, true: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> float:
        """Wait for something; returns how long it took."""
        began = time.monotonic()
        while True:
            answer = true()
            if await answer if isinstance(answer, Awaitable) else answer:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                logs = "\n".join(self.supervisor.tail(s.name) for s in self.supervisor.status())
                raise AssertionError(f"not within {seconds} s\n{logs[-4000:]}")
            await asyncio.sleep(0.05)

    def began(self, name: str) -> bool:
        return (self.folder / f"{name}.began").exists()


@pytest.fixture
async def station(house: House, valkey: EmbeddedValkey, tmp_path: Path) -> AsyncIterator[Station]:
    with Supervisor(tmp_path / "logs", report=lambda line: None) as supervisor:
        made = Station(house, valkey, tmp_path, supervisor)
        made.school = await World(house).school(plugins=(), families=0)
        yield made


def numbers(entries: list[AuditEntry]) -> list[int]:
    return sorted(int(entry.detail["n"]) for entry in entries)


async def test_relay_killed_between_sending_and_marking(station: Station) -> None:
    (station.folder / "relay.kill").touch()
    for n in range(20):
        await station.enqueue("probe.write", n=n)
    station.start("relay", "worker")
    await station.until(station.all_done)
    assert not (station.folder / "relay.kill").exists()
    assert numbers(await station.audited("probe.write")) == list(range(20))


async def test_worker_killed_inside_a_transactional_job(station: Station) -> None:
    (station.folder / "slow.hold").touch()
    station.start("relay", "worker")
    await station.enqueue("probe.slow")
    await station.until(lambda: station.began("slow"))
    os.kill(station.pid("worker"), signal.SIGKILL)
    (station.folder / "slow.hold").unlink()
    took = await station.until(station.all_done)
    assert len(await station.audited("probe.slow")) == 1
    assert took < LEASE + 12


async def test_long_job_goes_on_where_it_was_killed(station: Station) -> None:
    (station.folder / "long.hold").touch()
    station.start("relay", "worker")
    await station.enqueue("probe.long")
    await station.until(lambda: station.began("long"))
    os.kill(station.pid("worker"), signal.SIGKILL)
    (station.folder / "long.hold").unlink()
    await station.until(station.all_done)
    entries = await station.audited("probe.long")
    assert [entry.detail["chunk"] for entry in entries] == list(range(probe.CHUNKS))
    assert {entry.detail["attempt"] for entry in entries} == {1, 2}
    async with station.house.unit(station.school.ctx) as uow:
        run = (await uow.session.execute(select(JobRun))).scalar_one()
        assert (run.state, run.done, run.total) == ("finished", probe.CHUNKS, probe.CHUNKS)
        chunks = await uow.session.execute(
            select(func.count()).select_from(Campus).where(Campus.name.startswith("chunk"))
        )
        assert chunks.scalar_one() == probe.CHUNKS


async def test_emptied_redis_costs_seconds(station: Station) -> None:
    station.start("relay")
    for n in range(50):
        await station.enqueue("probe.write", n=n)
    client = redis.Redis.from_url(station.valkey.url())
    await station.until(lambda: client.llen("kehou:deliver") == 50)
    client.flushall()
    station.start("worker")
    took = await station.until(station.all_done)
    assert numbers(await station.audited("probe.write")) == list(range(50))
    assert took < 10


async def test_killed_redis_loses_nothing_and_stops_no_business(station: Station) -> None:
    station.start("relay", "worker")
    await station.enqueue("probe.write", n=0)
    await station.until(station.all_done)
    assert station.valkey.pid is not None
    os.kill(station.valkey.pid, signal.SIGKILL)
    for n in range(1, 30):  # business goes on: the outbox takes it
        await station.enqueue("probe.write", n=n)
    assert await station.open() > 0
    station.valkey.stop()
    station.valkey.start()
    took = await station.until(station.all_done)
    assert numbers(await station.audited("probe.write")) == list(range(30))
    assert took < 15


async def test_poison_is_set_aside_and_the_others_go_on(station: Station) -> None:
    station.start("relay", "worker", "worker2")
    await station.enqueue("probe.poison")
    for n in range(200):
        await station.enqueue("probe.write", n=n)
    await station.until(station.all_done, seconds=120)
    assert numbers(await station.audited("probe.write")) == list(range(200))
    async with station.house.unit(station.school.ctx) as uow:
        dead = (await uow.session.execute(select(Outbox).where(Outbox.dead_at.is_not(None)))).scalar_one()
    assert dead.name == "probe.poison"
    assert dead.error
    assert len((station.folder / "poison.runs").read_text()) == 3
