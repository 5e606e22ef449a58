"""Schedules: fanned out once however many schedulers run, only where they belong, and caught up once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from core.api import hookimpl
from core.base import clock
from core.base.context import TenantContext
from core.db.delivery import Delivery
from core.db.global_tables import Heartbeat, ScheduleMark
from core.db.house import House
from core.db.kernel_tables import Outbox
from core.host.contribution import Contribution, Job, Schedule
from core.host.manifest import Plugin, PluginManifest
from deploy.app import build_house
from deploy.features import features
from tests.support.database import DatabaseAddresses
from tests.support.world import World
from workers.scheduler import Scheduler, delay_of, next_due

SCHOOLS = frozenset({"school"})


async def nothing(delivery: Delivery) -> None:
    """A job that does nothing."""


HOURLY = Schedule("probe.hourly", "probe.job", SCHOOLS, every=timedelta(hours=1))


class Hooks:
    @staticmethod
    @hookimpl
    def contribute() -> Contribution:
        return Contribution(
            key="ticker",
            jobs=[Job("ticker.job", nothing)],
            schedules=[Schedule("ticker.hourly", "ticker.job", SCHOOLS, every=timedelta(hours=1))],
        )


TICKER = Plugin(PluginManifest(key="ticker", title="报时", version="1", prefix="ticker_"), Hooks)


@pytest.fixture
async def house(database: DatabaseAddresses, tmp_path: Path) -> AsyncIterator[House]:
    probe = Contribution(key="probe", jobs=[Job("probe.job", nothing)], schedules=[HOURLY])
    built = build_house(database.settings(data_dir=str(tmp_path)), contributions=[*features(), probe], plugins=[TICKER])
    yield built
    await built.db.close()


@pytest.fixture
async def scheduler(house: House) -> Scheduler:
    made = Scheduler(house)
    await made.lay_marks()
    return made


async def overdue(house: House, name: str, by: timedelta) -> None:
    async with house.db.globally() as session:
        due = (await session.execute(select(ScheduleMark.due_at).where(ScheduleMark.name == name))).scalar_one()
        step = timedelta(hours=1)
        late = due - ((by // step) + 1) * step
        await session.execute(update(ScheduleMark).where(ScheduleMark.name == name).values(due_at=late))


async def sent(house: House, ctx: TenantContext, job: str) -> list[Outbox]:
    async with house.unit(ctx) as uow:
        return list((await uow.session.execute(select(Outbox).where(Outbox.name == job))).scalars())


async def test_one_tick_goes_to_each_organisation_of_its_kind_once(house: House, scheduler: Scheduler) -> None:
    world = World(house)
    one, two = await world.school("one", plugins=()), await world.school("two", plugins=())
    bureau = await world.bureau()
    await overdue(house, "probe.hourly", timedelta())
    assert await scheduler.tick() == "probe.hourly"
    assert await scheduler.tick() is None
    for school in (one, two):
        assert len(await sent(house, school.ctx, "probe.job")) == 1
    assert not await sent(house, bureau.ctx, "probe.job")


async def test_two_schedulers_at_once_fan_out_once(house: House, scheduler: Scheduler) -> None:
    school = await World(house).school(plugins=())
    await overdue(house, "probe.hourly", timedelta())
    names = await asyncio.gather(*(Scheduler(house).tick() for _ in range(4)))
    assert sorted(name for name in names if name) == ["probe.hourly"]
    assert len(await sent(house, school.ctx, "probe.job")) == 1


async def test_a_scheduler_killed_after_fanning_out_doubles_nothing(house: House, scheduler: Scheduler) -> None:
    school = await World(house).school(plugins=())
    owned = house.registry.schedules["probe.hourly"]
    now = clock.now()
    period = next_due(HOURLY, now)
    await scheduler.fan_out(owned, period, now)  # the mark was not moved: it died here
    await scheduler.fan_out(owned, period, now)
    assert len(await sent(house, school.ctx, "probe.job")) == 1


async def test_missed_ticks_are_caught_up_once(house: House, scheduler: Scheduler) -> None:
    school = await World(house).school(plugins=())
    await overdue(house, "probe.hourly", timedelta(hours=30))
    assert await scheduler.tick() == "probe.hourly"
    assert await scheduler.tick() is None
    (message,) = await sent(house, school.ctx, "probe.job")
    period = datetime.fromisoformat(message.payload["period"])
    async with house.db.globally() as session:
        now = (await session.execute(text("select now()"))).scalar_one()
    assert timedelta() <= now - period < timedelta(hours=1)


async def test_a_plugins_schedule_stays_out_where_it_is_off(house: House, scheduler: Scheduler) -> None:
    world = World(house)
    on, off = await world.school("with", plugins=("ticker",)), await world.school("without", plugins=())
    await overdue(house, "ticker.hourly", timedelta())
    assert await scheduler.tick() == "ticker.hourly"
    assert len(await sent(house, on.ctx, "ticker.job")) == 1
    assert not await sent(house, off.ctx, "ticker.job")


async def test_one_tenants_trouble_is_not_the_others(
    house: House, scheduler: Scheduler, database: DatabaseAddresses
) -> None:
    world = World(house)
    broken, well = await world.school("broken", plugins=()), await world.school("well", plugins=())
    async with house.db.globally() as session:
        await session.execute(
            text("update organisation set state = 'closed' where id = :i"), {"i": broken.ctx.tenant_id}
        )
    await overdue(house, "probe.hourly", timedelta())
    assert await scheduler.tick() == "probe.hourly"
    assert len(await sent(house, well.ctx, "probe.job")) == 1


async def test_it_says_that_it_is_alive(house: House, scheduler: Scheduler) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(scheduler.run(stop))
    try:
        async with asyncio.timeout(20):
            while True:
                async with house.db.globally() as session:
                    beat = await session.get(Heartbeat, "scheduler")
                if beat is not None:
                    break
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await running


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (HOURLY, datetime(2026, 11, 22, 4, 30, tzinfo=UTC), datetime(2026, 11, 22, 5, 0, tzinfo=UTC)),
        (HOURLY, datetime(2026, 11, 22, 5, 0, tzinfo=UTC), datetime(2026, 11, 22, 6, 0, tzinfo=UTC)),
        (
            Schedule("daily", "probe.job", SCHOOLS, at=time(3, 10)),
            datetime(2026, 11, 22, 4, 0, tzinfo=UTC),
            datetime(2026, 11, 22, 19, 10, tzinfo=UTC),
        ),
        (
            Schedule("daily", "probe.job", SCHOOLS, at=time(3, 10)),
            datetime(2026, 11, 22, 19, 10, tzinfo=UTC),
            datetime(2026, 11, 23, 19, 10, tzinfo=UTC),
        ),
    ],
)
def test_next_tick(schedule: Schedule, after: datetime, due: datetime) -> None:
    assert next_due(schedule, after) == due


def test_organisations_of_one_tick_are_spread() -> None:
    from core.base.ids import new_id

    delays = [delay_of(HOURLY, new_id()) for _ in range(200)]
    assert all(timedelta() <= delay <= timedelta(seconds=60) for delay in delays)
    assert max(delays) - min(delays) > timedelta(seconds=20)
