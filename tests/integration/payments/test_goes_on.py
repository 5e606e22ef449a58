"""A charge by the term, made once for two items of a service at the same time, goes on with the one that lasts longer.

Care is on Mondays and Tuesdays, and in another item on Wednesdays, for 360 yuan a term whatever a child takes of it:
41 lessons and 20 or 21. Painting is on Thursdays.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from math import ceil
from uuid import UUID

import pytest
from sqlalchemy import select

from core.billing import refunds
from core.billing.models import Bill, BillLine
from core.enrollment import enrolments, leaving, swap
from core.enrollment.offerings_service import every
from core.enrollment.views import OfferingView
from deploy.standins.stripe import Standin
from tests.integration.payments.test_swaps import ALL, FIRST, arrived, expected, held, of, opened, paid, ran
from tests.integration.payments.till import Till
from tests.support import menu
from tests.support.billing import enrolled
from tests.support.lessons import MONDAY, at
from tests.support.world import World

TERM = {"unit": "term", "unit_fen": 36000}
PAINTING = 24000 - 13715
"""9 of 21 lessons of painting, half a fen to the family."""


async def both(till: Till) -> tuple[OfferingView, OfferingView, OfferingView]:
    """Every child takes part in both items of care; returns them, and painting."""
    care, art = await opened(till, **TERM)
    hour = (time(16, 30), time(17, 30))
    wednesday = await menu.approved(
        till.world, till.school, title="周三托管", service="care", periods=every([3], *hour), **ALL
    )
    await menu.publish(till.world, till.school)
    await enrolled(till.world, till.school, wednesday.id, starts=FIRST)
    return care, wednesday, art


async def song(till: Till) -> OfferingView:
    """Another item of another service, on Tuesdays."""
    tuesday = every([2], time(16, 30), time(17, 30))
    made = await menu.approved(
        till.world, till.school, title="合唱", kind="club", content=("art",), service="art", periods=tuesday, **ALL
    )
    await menu.publish(till.world, till.school)
    return made


async def exchanged(till: Till, number: int, what: UUID, to: UUID) -> None:
    family = till.school.families[number]
    async with till.house.unit(till.school.ctx) as uow:
        mine = {e.offering.id: e.id for e in await enrolments.enrolments_of(uow, family.student_id)}
    async with till.house.unit(await till.guardian(number)) as uow:
        await swap.swap(uow, mine[what], to, ())
    await till.run()


async def lines(till: Till, number: int) -> list[tuple[UUID | None, int, int]]:
    """Of the family's live bills: offering, amount and what of it is earned."""
    query = select(BillLine).join(Bill, Bill.id == BillLine.bill_id)
    query = query.where(Bill.student_id == till.school.families[number].student_id, Bill.state != "void")
    async with till.house.unit(till.school.ctx) as uow:
        rows = (await uow.session.execute(query.order_by(Bill.part, BillLine.id))).scalars()
        return [(row.offering_id, row.amount_fen, row.earned_fen) for row in rows]


@pytest.mark.req("R-149", "R-214", "R-374")
async def test_nothing_goes_back_while_another_item_of_the_service_runs(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=3))
    care, wednesday, art = await both(till)
    with at(MONDAY, 12):
        await exchanged(till, 2, care.id, art.id)  # before the term is billed
        await ran(till)
        # The item that lasts longer stands on the bill; where both do, that with more lessons.
        assert await lines(till, 0) == [(care.id, 36000, 0)]
        assert await of(till, 2) == [(0, "issued", 36000 + PAINTING, 0)]
        assert {offering for offering, _fen, _earned in await lines(till, 2)} == {wednesday.id, art.id}
        await paid(till, (0,))
        await held(till, care.id, (1, 2), MONDAY)
        for number in (0, 1):
            await exchanged(till, number, care.id, art.id)
        assert await till.alerts() == ["swapped", "swapped"]
        seen = await expected(till)
        assert (seen["again"], seen["back_fen"], seen["bills"]) == (0, 0, 2)
        await ran(till)
        assert await till.alerts() == []
        assert await of(till, 0) == [(0, "paid", 36000, 0), (1, "issued", PAINTING, 0)]
        assert await of(till, 1) == [(0, "issued", 36000, 0), (1, "issued", PAINTING, 0)]
        assert [offering for offering, _fen, _earned in await lines(till, 0)] == [wednesday.id, art.id]
        await ran(till)
        assert len(await till.all(Bill)) == 5
    # What was earned by 24 of 41 lessons stays so; from then on Wednesdays earn, up to the last fen.
    assert (await lines(till, 0))[0] == (wednesday.id, 36000, 36000 * 24 // 41)
    await held(till, wednesday.id, (3,), date(2026, 10, 14))
    assert (await lines(till, 0))[0] == (wednesday.id, 36000, 36000 * 24 // 41)
    await held(till, wednesday.id, (3,), date(2027, 1, 22))
    assert (await lines(till, 0))[0] == (wednesday.id, 36000, 36000)
    await till.agree()
    [bill] = [b for b in await till.all(Bill) if b.state == "paid"]
    async with till.house.unit(await till.finance()) as uow:
        assert await refunds.quote(uow, bill.id) == 0


@pytest.mark.req("R-149", "R-214", "R-374")
async def test_the_last_of_them_goes_back_by_its_own_lessons(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=1))
    care, wednesday, art = await both(till)
    with at(MONDAY, 12):
        await ran(till)
        await paid(till, (0,))
        await held(till, care.id, (1, 2), MONDAY)
        await exchanged(till, 0, care.id, art.id)
        await ran(till)
    with at(MONDAY + timedelta(days=7), 12):
        await exchanged(till, 0, wednesday.id, (await song(till)).id)
        await ran(till)
        await arrived(till)
        # Wednesdays: 13 of 21 until 30 November.
        assert (await of(till, 0))[0] == (0, "part_refunded", 36000, ceil(36000 * 8 / 21))
        await till.agree()


@pytest.mark.req("R-149", "R-214", "R-374")
async def test_one_of_them_for_another_of_the_same_service_costs_nothing(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=2))
    care, wednesday, art = await both(till)
    hour = (time(16, 30), time(17, 30))
    friday = await menu.approved(
        till.world, till.school, title="周五托管", service="care", periods=every([5], *hour), **ALL
    )
    await menu.publish(till.world, till.school)
    with at(MONDAY, 12):
        await ran(till)
        await paid(till, (0,))
        await held(till, care.id, (1, 2), MONDAY)
        for number in (0, 1):
            await exchanged(till, number, care.id, friday.id)
        await ran(till)
        assert [await of(till, n) for n in (0, 1)] == [[(0, "paid", 36000, 0)], [(0, "issued", 36000, 0)]]
    with at(MONDAY + timedelta(days=7), 12):
        await exchanged(till, 0, wednesday.id, art.id)  # the Friday item runs on, and the charge with it
        await ran(till)
        assert (await of(till, 0))[0] == (0, "paid", 36000, 0)
        assert (await lines(till, 0))[0][0] == friday.id
    with at(MONDAY + timedelta(days=14), 12):
        await exchanged(till, 0, friday.id, (await song(till)).id)
        await ran(till)
        await arrived(till)
        # The Friday item had 9 lessons, 2 of them taken; but 24 of 41 parts of the term's charge were earned before it.
        assert (await of(till, 0))[0] == (0, "part_refunded", 36000, 36000 - 36000 * 24 // 41)
        await till.agree()


@pytest.mark.req("R-374")
async def test_who_leaves_one_of_them_is_owed_nothing(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=2))
    care, wednesday, _art = await both(till)
    with at(MONDAY, 12):
        await ran(till)
        await paid(till, (0,))
        for number in (0, 1):
            async with till.house.unit(await till.guardian(number)) as uow:
                found = await enrolments.enrolments_of(uow, till.school.families[number].student_id)
                [mine] = [e.id for e in found if e.offering.id == care.id]
                await leaving.leave(uow, mine)
        await till.run()
        assert await till.alerts() == []
        assert [await lines(till, n) for n in (0, 1)] == [[(wednesday.id, 36000, 0)]] * 2
        await ran(till)
        assert [await of(till, n) for n in (0, 1)] == [[(0, "paid", 36000, 0)], [(0, "issued", 36000, 0)]]
