"""Two at once: runs, numbers. Each guard is shown to matter: without it the same schedule goes wrong."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.billing import run as billing
from core.billing.models import Bill, BillingRun
from core.db.house import House
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.ledger.numbers import take_numbers
from tests.support.billing import ready
from tests.support.world import School, World


@pytest.fixture
def world(house: House) -> World:
    return World(house)


@pytest.fixture
async def school(world: World) -> School:
    school = await world.school()
    await ready(world, school, children=20)
    return school


async def press(world: World, school: School) -> UUID:
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        return (await billing.start_run(uow, school.term_id)).id


async def test_run_started_by_many_at_once_is_one_run(world: World, school: School) -> None:
    assert len(set(await asyncio.gather(*(press(world, school) for _ in range(6))))) == 1
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        assert len((await uow.session.execute(select(Bill.id))).all()) == 22


async def test_without_the_lock_it_would_be_two(world: World, school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    together = asyncio.Barrier(2)

    async def no_lock(self: UnitOfWork, *names: str, seconds: float = 3.0) -> None:
        if names[0].startswith("billing-start"):
            await together.wait()

    monkeypatch.setattr(UnitOfWork, "hold", no_lock)
    assert len(set(await asyncio.gather(press(world, school), press(world, school)))) == 2


async def two_runs(world: World, school: School) -> list[UUID]:
    """Two runs of one term, as if the start's lock had failed."""
    made = []
    async with world.house.unit(school.ctx) as uow:
        for _ in range(2):
            row = BillingRun(term_id=school.term_id)
            uow.session.add(row)
            await uow.session.flush()
            made.append(row.id)
    return made


async def chunk(world: World, school: School, run_id: UUID) -> int:
    async with world.house.unit(school.ctx) as uow:
        await billing.bill_chunk(uow, run_id)
        return (await uow.get(BillingRun, run_id)).bills


async def test_two_runs_at_once_bill_each_child_once(world: World, school: School) -> None:
    bills = await asyncio.gather(*(chunk(world, school, id_) for id_ in await two_runs(world, school)))
    assert sorted(bills) == [0, 22]
    async with world.house.unit(school.ctx) as uow:
        assert await ledger.problems(uow) == []


async def test_without_the_terms_lock_the_index_would_refuse_one(
    world: World, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = asyncio.Barrier(2)

    async def no_lock(self: UnitOfWork, *names: str, seconds: float = 3.0) -> None:
        if names[0].startswith("billing/"):
            await together.wait()

    monkeypatch.setattr(UnitOfWork, "hold", no_lock)
    done = await asyncio.gather(
        *(chunk(world, school, id_) for id_ in await two_runs(world, school)), return_exceptions=True
    )
    assert [type(x) for x in done].count(IntegrityError) == 1, "the database is the last guard"


async def test_numbers_have_no_gap_even_when_some_are_given_back(world: World, school: School) -> None:
    async def take(place: int) -> None:
        async with world.house.unit(school.ctx) as uow:
            await take_numbers(uow, "receipt", "T", 3)
            if place % 3 == 0:
                raise RuntimeError("rolled back")

    await asyncio.gather(*(take(n) for n in range(12)), return_exceptions=True)
    async with world.house.unit(school.ctx) as uow:
        assert (await take_numbers(uow, "receipt", "T", 1))[0] == 8 * 3 + 1
