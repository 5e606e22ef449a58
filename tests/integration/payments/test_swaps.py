"""An item exchanged in mid-term on a term that is billed: what goes back and what is billed anew, to the fen, once.

Care is on Mondays and Tuesdays: 41 lessons of 2026-09-01 … 2027-01-22, 24 of them until Monday 2026-11-23, 17 after it.
Painting is on Thursdays: 21 lessons, 9 of them after that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core.billing import refunds
from core.billing import run as billing
from core.billing.models import Bill, BillLine, PaymentAttempt, Refund
from core.billing.payments import begin
from core.enrollment import enrolments, swap
from core.enrollment.models import Enrolment
from core.enrollment.offerings_service import every
from core.enrollment.views import OfferingView
from core.ledger import service as ledger
from deploy.standins.stripe import Standin
from plugins.fees import relief
from plugins.fees.schemas import ReliefAsk, ReliefDecision
from tests.integration.payments.till import Till
from tests.support import menu
from tests.support.billing import enrolled, priced
from tests.support.lessons import MONDAY, at
from tests.support.world import World

FIRST = date(2026, 9, 1)
ALL: dict[str, Any] = {"grades": (1, 2, 3, 4, 5, 6), "early_ends_at": None, "any_days": False}


async def opened(till: Till, **price: Any) -> tuple[OfferingView, OfferingView]:
    """Care and painting on the menu, both priced; every child takes part in care since the first day."""
    world, school = till.world, till.school
    await priced(world, school, **({"unit_fen": 500} | price))
    more = {"service": "art", "title": "美术社团费", "unit_fen": 800} | {k: v for k, v in price.items() if k == "unit"}
    await priced(world, school, **(more | ({"unit_fen": 24000} if "unit" in price else {})))
    hour = (time(16, 30), time(17, 30))
    care = await menu.approved(world, school, service="care", periods=every([1, 2], *hour), **ALL)
    art = await menu.approved(
        world, school, title="美术", kind="club", content=("art",), service="art", periods=every([4], *hour), **ALL
    )
    await menu.publish(world, school)
    await enrolled(world, school, care.id, starts=FIRST)
    return care, art


async def ran(till: Till) -> None:
    assert till.school.term_id is not None
    async with till.house.unit(await till.finance()) as uow:
        await billing.start_run(uow, till.school.term_id)
    await till.run()


async def expected(till: Till) -> dict[str, int]:
    assert till.school.term_id is not None
    async with till.house.unit(await till.finance()) as uow:
        return await billing.preview(uow, till.school.term_id)


async def paid(till: Till, families: Sequence[int]) -> None:
    mine = {till.school.families[n].student_id: n for n in families}
    for bill in await till.all(Bill):
        if bill.student_id in mine and bill.state == "issued":
            till.pay(await begin(till.house, await till.guardian(mine[bill.student_id]), bill.id))
    await till.hooks("checkout.session.completed")
    await till.run()


async def arrived(till: Till) -> None:
    """The provider's refunds reach the families."""
    for refund in await till.refunds():
        till.standin.act(f"refunds/{refund.provider_ref}/succeed")
    await till.hooks("refund.updated")
    await till.run()


async def swapped(till: Till, number: int, to: UUID) -> None:
    family = till.school.families[number]
    async with till.house.unit(till.school.ctx) as uow:
        [mine] = await enrolments.enrolments_of(uow, family.student_id)
    async with till.house.unit(await till.guardian(number)) as uow:
        await swap.swap(uow, mine.id, to, ())


async def of(till: Till, number: int) -> list[tuple[int, str, int, int]]:
    """A family's bills: part, state, due and refunded fen."""
    student_id = till.school.families[number].student_id
    rows = [bill for bill in await till.all(Bill) if bill.student_id == student_id]
    return [(bill.part, bill.state, bill.due_fen, bill.refunded_fen) for bill in rows]


async def held(till: Till, offering_id: UUID, weekdays: Sequence[int], until: date) -> None:
    """Every lesson until a day was held, told as the register does."""
    days = [FIRST + timedelta(days=n) for n in range((until - FIRST).days + 1)]
    told = [(day, day.isoweekday(), None) for day in days if day.isoweekday() in weekdays]
    async with till.house.unit(till.school.ctx) as uow:
        payload = {"lesson_id": offering_id, "offering_id": offering_id, "on": until, "held": len(told), "planned": 41}
        plan = [(None, payload["planned"])]
        await uow.emit("lesson.held", {**payload, "days": told, "plan": plan})
    await till.run()


@pytest.mark.req("R-149", "R-214", "R-344", "R-374")
async def test_paid_unpaid_relieved_and_late(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=5))
    school = till.school
    care, art = await opened(till)
    poor = school.families[2]
    with at(MONDAY, 12):
        async with till.house.unit(await till.guardian(2)) as uow:
            asked = await relief.ask(uow, ReliefAsk(student_id=poor.student_id, ground="low_income"))
        async with till.house.unit(await till.finance()) as uow:
            await relief.decide(uow, asked.id, ReliefDecision(verdict="grant", percent=50))
        await ran(till)
        assert [await of(till, n) for n in range(5)] == [
            [(0, "issued", 20500, 0)], [(0, "issued", 20500, 0)], [(0, "issued", 10250, 0)],
            [(0, "issued", 20500, 0)], [(0, "issued", 20500, 0)],
        ]  # fmt: skip
        await paid(till, (0, 2, 4))
        await held(till, care.id, (1, 2), MONDAY)
        for number in (0, 1, 2, 4):
            await swapped(till, number, art.id)
        await till.run()
        assert sorted(await till.alerts()) == ["swapped"] * 4
        # The finance role did not wait for the run, and gave family 4 back by hand what it is owed: 17 × 500.
        by_hand = [a for a in await till.all(Bill) if a.student_id == school.families[4].student_id]
        async with till.house.unit(await till.finance()) as uow:
            query = select(PaymentAttempt.id).where(PaymentAttempt.bill_id == by_hand[0].id)
            await refunds.approve(uow, (await uow.session.execute(query)).scalar_one(), 8500, "换项退费")
        await till.run()
        # Family 3 did not exchange anything: it joined painting besides, from 1 December (8 lessons).
        await enrolled(world, school, art.id, only=[school.families[3].student_id], starts=date(2026, 12, 1))

        found = await expected(till)
        assert {k: found[k] for k in ("bills", "again", "back_fen", "due_fen")} == {
            "bills": 5, "again": 1, "back_fen": 8500 + 4250, "due_fen": 7200 + 19200 + 3600 + 6400 + 7200,
        }  # fmt: skip
        await ran(till)
        await arrived(till)
        assert [await of(till, n) for n in range(5)] == [
            [(0, "part_refunded", 20500, 8500), (1, "issued", 7200, 0)],
            [(0, "void", 20500, 0), (0, "issued", 24 * 500 + 9 * 800, 0)],
            [(0, "part_refunded", 10250, 4250), (1, "issued", 3600, 0)],
            [(0, "issued", 20500, 0), (1, "issued", 6400, 0)],
            [(0, "part_refunded", 20500, 8500), (1, "issued", 7200, 0)],
        ]
        assert await till.alerts() == []
        assert {r.approved_by for r in await till.all(Refund)} == {school.people["finance"].account_id}
        await ran(till)
        assert len(await till.all(Bill)) == 10 and len(await till.all(Refund)) == 3, "once"
        await paid(till, range(5))
        await till.agree()
    # The others' care goes on to the term's end, and painting begins: what is earned is what the child took.
    await held(till, care.id, (1, 2), date(2027, 1, 22))
    await held(till, art.id, (4,), date(2026, 12, 10))
    lines = {(b.student_id, b.part, b.state): [x for x in await till.all(BillLine) if x.bill_id == b.id]
             for b in await till.all(Bill)}  # fmt: skip
    mine = school.families[0].student_id
    assert [(x.earned_fen, x.returned_fen) for x in lines[mine, 0, "part_refunded"]] == [(24 * 500, 17 * 500)]
    assert [x.earned_fen for x in lines[mine, 1, "paid"]] == [3 * 800]  # 26 November, 3 and 10 December
    late = school.families[3].student_id
    assert [x.earned_fen for x in lines[late, 1, "paid"]] == [2 * 800]
    assert [x.earned_fen for x in lines[late, 0, "paid"]] == [20500]
    async with till.house.unit(school.ctx) as uow:
        assert await ledger.problems(uow) == []


@pytest.mark.req("R-214", "R-374")
async def test_what_is_priced_by_the_term_is_settled_by_lessons(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=4))
    care, art = await opened(till, unit="term", unit_fen=36000)
    hour = (time(16, 30), time(17, 30))
    song = await menu.approved(
        world, till.school, title="合唱", kind="club", content=("art",), service="art", periods=every([4], *hour), **ALL
    )
    await menu.publish(world, till.school)
    poor = till.school.families[2]
    with at(MONDAY, 12):
        async with till.house.unit(await till.guardian(2)) as uow:
            asked = await relief.ask(uow, ReliefAsk(student_id=poor.student_id, ground="low_income"))
        async with till.house.unit(await till.finance()) as uow:
            await relief.decide(uow, asked.id, ReliefDecision(verdict="grant", percent=60))
        await ran(till)
        await paid(till, (0,))
        for number in (0, 1, 2, 3):
            await swapped(till, number, art.id)
        await swapped(till, 3, song.id)  # at once again: not a lesson of painting lay between
        await ran(till)
        await arrived(till)
        # 36000 × 17 ÷ 41 = 14926.8 goes back; 24000 × 12 ÷ 21 = 13714.3 is not charged: both to the family's favour.
        assert await of(till, 0) == [(0, "part_refunded", 36000, 14927), (1, "issued", 24000 - 13715, 0)]
        anew = 36000 - 14927 + 24000 - 13715
        assert await of(till, 1) == [(0, "void", 36000, 0), (0, "issued", anew, 0)]
        # 40% of what the child takes, not of two whole terms less what it does not.
        assert await of(till, 2) == [(0, "void", 14400, 0), (0, "issued", anew * 2 // 5, 0)]
        assert await of(till, 3) == [(0, "void", 36000, 0), (0, "issued", anew, 0)]
        await ran(till)
        assert len(await till.all(Bill)) == 8
        await paid(till, range(4))
        await till.agree()
    # Care ends as planned, of painting 3 of 9 lessons are held: 2/3 of what painting cost this family goes back.
    await held(till, care.id, (1, 2), date(2027, 1, 22))
    await held(till, art.id, (4,), date(2026, 12, 10))
    [bill] = [
        b for b in await till.all(Bill) if b.student_id == till.school.families[1].student_id and b.state == "paid"
    ]
    async with till.house.unit(await till.finance()) as uow:
        assert await refunds.quote(uow, bill.id) == 6857  # ceil(10285 × 6 ÷ 9)
        assert bill.id in await refunds.owed_back(uow, bill.term_id)
    await held(till, art.id, (4,), date(2027, 1, 22))
    async with till.house.unit(await till.finance()) as uow:
        assert await refunds.quote(uow, bill.id) == 0
        assert bill.id not in await refunds.owed_back(uow, bill.term_id)


@pytest.mark.req("R-374")
async def test_who_left_and_came_back_pays_the_term_once(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school())
    care, _art = await opened(till, unit="term", unit_fen=36000)
    again = till.school.families[0].student_id
    async with till.house.unit(till.school.ctx) as uow:
        row = (await uow.session.execute(select(Enrolment).where(Enrolment.student_id == again))).scalar_one()
        row.ends_on, row.state = date(2026, 9, 15), "withdrawn"
    await enrolled(world, till.school, care.id, only=[again], starts=date(2026, 9, 22))
    with at(MONDAY, 12):
        await ran(till)
    # 5 lessons until the 15th, 35 from the 22nd, of 41.
    assert await of(till, 0) == [(0, "issued", 36000 * 5 // 41 + 36000 * 35 // 41, 0)]
    assert await of(till, 1) == [(0, "issued", 36000, 0)]


@pytest.mark.req("R-149", "R-374")
async def test_a_latecomer_pays_the_same_whether_it_paid_before_the_exchange_or_not(
    world: World, standin: Standin
) -> None:
    till = Till(world, standin, await world.school())
    _care, art = await opened(till, unit="term", unit_fen=36000)
    async with till.house.unit(till.school.ctx) as uow:
        await uow.session.execute(update(Enrolment).values(starts_on=date(2026, 11, 17)))
    with at(MONDAY, 12):
        await ran(till)
        assert [await of(till, n) for n in (0, 1)] == [[(0, "issued", 36000, 0)]] * 2
        await paid(till, (0,))
        for number in (0, 1):
            await swapped(till, number, art.id)
        await ran(till)
        await arrived(till)
        # 19 lessons since the 17th, 2 of them until the 23rd; painting is 9 of 21.
        assert await of(till, 0) == [(0, "part_refunded", 36000, 36000 - 3789), (1, "issued", 10285, 0)]
        assert await of(till, 1) == [(0, "void", 36000, 0), (0, "issued", 3789 + 10285, 0)]


@pytest.mark.req("R-149", "R-214")
async def test_who_exchanges_what_stands_on_no_bill_is_told_of_too(world: World, standin: Standin) -> None:
    till = Till(world, standin, await world.school(families=1))
    _care, art = await opened(till, unit="term", unit_fen=36000)
    wednesday = every([3], time(16, 30), time(17, 30))
    also = await menu.approved(world, till.school, title="周三托管", service="care", periods=wednesday, **ALL)
    await menu.publish(world, till.school)
    await enrolled(world, till.school, also.id, starts=FIRST)
    with at(MONDAY, 12):
        await ran(till)
        await paid(till, (0,))
        assert await of(till, 0) == [
            (0, "paid", 36000, 0)
        ]  # both are one charge, named after the one with more lessons
        async with till.house.unit(till.school.ctx) as uow:
            mine = await enrolments.enrolments_of(uow, till.school.families[0].student_id)
        async with till.house.unit(await till.guardian(0)) as uow:
            [other] = [e.id for e in mine if e.offering.id == also.id]
            await swap.swap(uow, other, art.id, ())
        await till.run()
        assert await till.alerts() == ["swapped"]
        await ran(till)
        assert await of(till, 0) == [(0, "paid", 36000, 0), (1, "issued", 24000 - 13715, 0)]
        assert await till.alerts() == []
