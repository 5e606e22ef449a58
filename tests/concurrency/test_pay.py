"""Two runs at once: a lesson is paid once. The lock is shown to matter, and the database to be the last guard."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.db.house import House
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from plugins.pay import lists, making, subsidies
from plugins.pay.models import PayItem, PayList
from plugins.pay.schemas import ReceiptForm
from tests.support.lessons import at
from tests.support.pay import NOVEMBER, SETTLED, endowed, listed, november, rate, submitted, subsidised
from tests.support.world import School, World

JANUARY = date(2027, 1, 4)


@pytest.fixture
def world(house: House) -> World:
    return World(house)


@pytest.fixture
async def school(world: World) -> School:
    school = await world.school()
    await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school)
    return school


async def two_lists(world: World, school: School) -> list[UUID]:
    """Two open lists that both reach over November's lessons: its own and December's."""
    made = []
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        for month in (NOVEMBER, date(2026, 12, 1)):
            made.append((await making.start(uow, month)).id)
    return made


async def add(world: World, school: School, list_id: UUID) -> int:
    assert school.teacher_id is not None
    async with world.house.unit(school.ctx) as uow:
        await making.add_person(uow, list_id, school.teacher_id)
        query = select(func.count()).select_from(PayItem).where(PayItem.list_id == list_id)
        return int((await uow.session.execute(query)).scalar_one())


@pytest.mark.req("R-454")
async def test_two_runs_at_once_pay_each_lesson_once(world: World, school: School) -> None:
    with at(JANUARY, 9):
        both = await two_lists(world, school)
        assert sorted(await asyncio.gather(*(add(world, school, id_) for id_ in both))) == [0, 4]


@pytest.mark.req("R-454")
async def test_without_the_lock_the_database_would_refuse_one(
    world: World, school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = asyncio.Barrier(2)

    async def no_lock(self: UnitOfWork, *names: str, seconds: float = 3.0) -> None:
        if names[0].startswith("pay/"):
            await together.wait()

    with at(JANUARY, 9):
        both = await two_lists(world, school)
        monkeypatch.setattr(UnitOfWork, "hold", no_lock)
        done = await asyncio.gather(*(add(world, school, id_) for id_ in both), return_exceptions=True)
    assert [type(x) for x in done].count(IntegrityError) == 1


@pytest.mark.req("R-454")
async def test_a_list_started_by_many_at_once_is_one(world: World, school: School) -> None:
    async def press() -> UUID:
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            return (await making.start(uow, NOVEMBER)).id

    with at(SETTLED, 9):
        assert len(set(await asyncio.gather(*(press() for _ in range(5))))) == 1
        await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.session.execute(select(func.count()).select_from(PayItem))).scalar_one() == 4


@pytest.mark.req("R-454")
async def test_two_approvals_at_once_post_once(world: World, school: School) -> None:
    list_id = await listed(world, school)
    await submitted(world, school, list_id)
    principal = await world.as_(school, "principal")

    async def approve() -> str:
        async with world.house.unit(principal) as uow:
            return (await lists.approve(uow, list_id)).state

    with at(SETTLED, 11):
        done = await asyncio.gather(*(approve() for _ in range(3)), return_exceptions=True)
    assert [x for x in done if x == "approved"] == ["approved"]
    async with world.house.unit(school.ctx) as uow:
        assert int(await ledger.balance(uow, "staff_expense", "subsidy")) == 24000
        assert await ledger.problems(uow) == []


@pytest.mark.req("R-454")
async def test_a_killed_run_goes_on_where_it_was(world: World, school: School) -> None:
    assert school.teacher_id is not None
    with at(SETTLED, 9):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            list_id = (await making.start(uow, NOVEMBER)).id
        assert await add(world, school, list_id) == 4, "the worker got so far and died"
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            row = await making.start(uow, NOVEMBER)
            assert (row.id, row.resumed) == (list_id, 1)
        await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(PayList, list_id)).state == "draft"
        assert (await uow.session.execute(select(func.count()).select_from(PayItem))).scalar_one() == 4


@pytest.mark.req("R-378")
async def test_a_receipt_recorded_by_many_at_once_is_one(world: World, school: School) -> None:
    subsidy = await subsidised(world, school, 50000)
    finance = await world.as_(school, "finance")
    form = ReceiptForm(amount_fen=50000, received_on=date(2026, 11, 20), bank_reference="B青财教〔2026〕31 号")

    async def press() -> UUID:
        async with world.house.unit(finance) as uow:
            return (await subsidies.receive(uow, subsidy, form)).id

    with at(SETTLED, 12):
        assert len(set(await asyncio.gather(*(press() for _ in range(4))))) == 1
    async with world.house.unit(school.ctx) as uow:
        assert int(await ledger.balance(uow, "subsidy_income", "subsidy")) == -50000
