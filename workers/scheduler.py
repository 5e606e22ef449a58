"""The clock of the house: when a schedule is due, enqueue its job in every organisation that it is meant for.

Exactly one scheduler fans a tick out, however many run: the schedule's mark is locked while it does. Killed half-way
it begins again, and the key of each message (schedule and tick) keeps it single. Ticks missed while all schedulers
were down are caught up once, not one by one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.db.global_tables import Heartbeat, Organisation, ScheduleMark
from core.db.house import House
from core.db.resolve import worker_context
from core.host.contribution import Schedule
from core.host.registry import Owned

log = logging.getLogger("kehou.scheduler")

LOOK_SECONDS = 2.0
JITTER = 0.1
"""The organisations of one tick are spread over this part of the interval, and over a minute at most."""
_EPOCH = clock.at_school(date(2020, 1, 1))


def next_due(schedule: Schedule, after: datetime) -> datetime:
    """The first tick after `after`. `every` counts from a fixed instant, so that all schedulers agree."""
    if schedule.every is not None:
        return _EPOCH + ((after - _EPOCH) // schedule.every + 1) * schedule.every
    at = schedule.at or time(3, 0)
    local = clock.school_time(after)
    due = clock.at_school(local.date(), at.hour, at.minute)
    return due if due > after else clock.at_school(local.date() + timedelta(days=1), at.hour, at.minute)


def delay_of(schedule: Schedule, tenant_id: UUID) -> timedelta:
    """The same for one organisation at every tick, different for different ones."""
    span = min((schedule.every or timedelta(minutes=10)).total_seconds() * JITTER, 60.0)
    digest = hashlib.sha256(f"{schedule.name}/{tenant_id}".encode()).digest()
    return timedelta(seconds=span * int.from_bytes(digest[:4], "big") / 2**32)


class Scheduler:
    """Runs the schedules of one house's registry."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def run(self, stop: asyncio.Event) -> None:
        """Look at the marks until stopped. A database that is away is waited for."""
        known = False
        while not stop.is_set():
            try:
                if not known:
                    await self.lay_marks()
                    known = True
                    log.info("scheduler is running, %s schedules", len(self.house.registry.schedules))
                await self.beat()
                while not stop.is_set() and await self.tick():
                    pass
            except Exception:
                log.exception("the scheduler could not work; trying again")
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def lay_marks(self) -> None:
        """A mark for every schedule; a new one is first due at its next tick. Marks of plugins gone are left alone."""
        async with self.house.db.globally() as session:
            now = (await session.execute(select(func.now()))).scalar_one()
            rows = [
                {"name": name, "due_at": next_due(owned.item, now)}
                for name, owned in sorted(self.house.registry.schedules.items())
            ]
            if rows:
                await session.execute(insert(ScheduleMark).on_conflict_do_nothing(), rows)

    async def beat(self) -> None:
        row = {"process": "scheduler", "beat_at": func.now()}
        async with self.house.db.globally() as session:
            await session.execute(
                insert(Heartbeat).values(**row).on_conflict_do_update(index_elements=["process"], set_=row)
            )

    async def tick(self) -> str | None:
        """Fan out one schedule that is due and that no other scheduler has in hand; returns its name, or None."""
        registry = self.house.registry.schedules
        async with self.house.db.globally() as session:
            due = (
                select(ScheduleMark.name, ScheduleMark.due_at, func.now().label("now"))
                .where(ScheduleMark.due_at <= func.now(), ScheduleMark.name.in_(list(registry)))
                .order_by(ScheduleMark.due_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            mark = (await session.execute(due)).first()
            if mark is None:
                return None
            owned = registry[mark.name]
            # A tick missed long ago runs as the newest one that was missed: once.
            period = _newest(owned.item, mark.due_at, mark.now)
            sent = await self.fan_out(owned, period, mark.now)
            await session.execute(
                update(ScheduleMark)
                .where(ScheduleMark.name == mark.name)
                .values(due_at=next_due(owned.item, mark.now), last_run_at=func.now())
            )
        log.info("%s (%s): %s organisations", mark.name, period.isoformat(), sent)
        return str(mark.name)

    async def fan_out(self, owned: Owned[Schedule], period: datetime, now: datetime) -> int:
        """Enqueue the job in each organisation of its kinds that has the plugin on; returns how many."""
        schedule = owned.item
        async with self.house.db.globally() as session:
            query = select(Organisation.id).where(
                Organisation.kind.in_(list(schedule.kinds)), Organisation.state == "active"
            )
            ids = (await session.execute(query.order_by(Organisation.id))).scalars().all()
        sent = 0
        for tenant_id in ids:
            try:
                ctx = await worker_context(self.house, tenant_id)
                if owned.plugin is not None and owned.plugin not in ctx.plugins:
                    continue
                async with self.house.unit(ctx) as uow:
                    await uow.enqueue(
                        schedule.job,
                        {"period": period.isoformat()},
                        key=f"{schedule.name}/{period.isoformat()}",
                        not_before=now + delay_of(schedule, tenant_id),
                    )
                sent += 1
            except Exception:  # one organisation's trouble is not the others'
                log.exception("%s could not be enqueued for %s", schedule.name, tenant_id)
        return sent


def _newest(schedule: Schedule, due: datetime, now: datetime) -> datetime:
    """The last tick not after `now`, given that `due` is one."""
    if schedule.every is not None:
        return due + ((now - due) // schedule.every) * schedule.every
    newest = due
    while (later := next_due(schedule, newest)) <= now:
        newest = later
    return newest


async def run(house: House, stop: asyncio.Event) -> None:
    """Run the scheduler of `house` until stopped, then close its pool."""
    try:
        await Scheduler(house).run(stop)
    finally:
        await house.db.close()
