"""The relay with real PostgreSQL, and a queue in memory that a test can empty."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from dramatiq import Message
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import func, select, text, update

from core.db.delivery import Delivery, deliver
from core.db.house import House
from core.db.kernel_tables import Inbox, Outbox
from core.host.contribution import Contribution, Job
from deploy.app import build_house
from deploy.features import features
from tests.support.database import DatabaseAddresses
from tests.support.world import World
from workers.broker import QUEUE, make_broker
from workers.feature import OUTBOX_DAYS
from workers.relay import Relay


async def nothing(delivery: Delivery) -> None:
    """A job that does nothing."""


@pytest.fixture
async def house(database: DatabaseAddresses, tmp_path: object) -> AsyncIterator[House]:
    probe = Contribution(key="probe", jobs=[Job("probe.job", nothing)])
    built = build_house(
        database.settings(data_dir=str(tmp_path), redis_url="memory://"),
        contributions=[*features(), probe],
        plugins=[],
    )
    yield built
    await built.db.close()


@pytest.fixture
def relay(house: House) -> Relay:
    assert house.settings.relay_url is not None
    return Relay(house.settings.relay_url.get_secret_value(), make_broker("memory://"), threading.Event())


@pytest.fixture
def connection(relay: Relay) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(relay.url, autocommit=True) as db:
        yield db


def taken(relay: Relay) -> list[tuple[UUID, UUID]]:
    """What a worker would find in the queue."""
    assert isinstance(relay.broker, StubBroker)
    queue = relay.broker.queues[QUEUE]
    found = []
    while not queue.empty():
        tenant, message = Message.decode(queue.get_nowait()).args
        found.append((UUID(tenant), UUID(message)))
    return found


async def test_open_rows_of_all_tenants_are_sent_once(
    house: House, relay: Relay, connection: psycopg.Connection[Any]
) -> None:
    world = World(house)
    schools = [await world.school(slug, plugins=(), families=0) for slug in ("one", "two")]
    wanted = set()
    for school in schools:
        async with house.unit(school.ctx) as uow:
            wanted.add((school.ctx.tenant_id, await uow.enqueue("probe.job")))
    relay.pump(connection)
    assert set(taken(relay)) == wanted
    relay.pump(connection)
    assert taken(relay) == []
    for tenant, message in wanted:
        assert await deliver(house, tenant, message) == "done"
    relay.pump(connection)
    assert taken(relay) == []


async def test_what_was_sent_and_never_begun_is_sent_again(
    house: House, relay: Relay, connection: psycopg.Connection[Any]
) -> None:
    school = await World(house).school(plugins=(), families=0)
    async with house.unit(school.ctx) as uow:
        message = await uow.enqueue("probe.job")
    relay.pump(connection)
    assert len(taken(relay)) == 1  # and forgotten
    async with house.unit(school.ctx) as uow:
        await uow.session.execute(update(Outbox).values(sent_at=func.now() - text("interval '11 seconds'")))
    relay.pump(connection)
    assert taken(relay) == [(school.ctx.tenant_id, message)]


async def test_a_message_in_work_is_left_alone(house: House, relay: Relay, connection: psycopg.Connection[Any]) -> None:
    school = await World(house).school(plugins=(), families=0)
    async with house.unit(school.ctx) as uow:
        await uow.enqueue("probe.job")
        await uow.session.execute(
            update(Outbox).values(
                sent_at=func.now() - text("interval '1 hour'"), available_at=func.now() + text("interval '5 seconds'")
            )
        )
    relay.pump(connection)
    assert taken(relay) == []


async def test_two_relays_never_send_the_same_row(house: House, relay: Relay) -> None:
    school = await World(house).school(plugins=(), families=0)
    async with house.unit(school.ctx) as uow:
        for _ in range(300):
            await uow.enqueue("probe.job")
    other = Relay(relay.url, relay.broker, relay.stop)

    def pump(which: Relay) -> None:
        with psycopg.connect(which.url, autocommit=True) as db:
            while which.pump(db):
                pass

    threads = [threading.Thread(target=pump, args=(which,)) for which in (relay, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = taken(relay)
    assert len(found) == len(set(found)) == 300


def test_the_relay_may_mark_and_nothing_else(connection: psycopg.Connection[Any]) -> None:
    for statement in (
        "update outbox set done_at = now()",
        "update outbox set payload = '{}'",
        "delete from outbox",
        "select 1 from student",
        "select 1 from audit_entry",
        "select 1 from account",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


async def test_delivered_messages_are_forgotten_in_time(house: House) -> None:
    school = await World(house).school(plugins=(), families=0)
    async with house.unit(school.ctx) as uow:
        old, young = await uow.enqueue("probe.job"), await uow.enqueue("probe.job")
        open_ = await uow.enqueue("probe.job")
    for message in (old, young):
        await deliver(house, school.ctx.tenant_id, message)
    async with house.unit(school.ctx) as uow:
        long_ago = func.now() - text(f"interval '{OUTBOX_DAYS + 1} days'")
        await uow.session.execute(update(Outbox).where(Outbox.id == old).values(done_at=long_ago))
        await uow.session.execute(update(Outbox).where(Outbox.id == open_).values(created_at=long_ago))
    async with house.unit(school.ctx) as uow:
        job = await uow.enqueue("workers.prune")
    assert await deliver(house, school.ctx.tenant_id, job) == "done"
    async with house.unit(school.ctx) as uow:
        left = set((await uow.session.execute(select(Outbox.id).where(Outbox.name == "probe.job"))).scalars())
        marks = set((await uow.session.execute(select(Inbox.id))).scalars())
    assert left == {young, open_}
    assert {old, young} <= marks
