"""Each group's families pay for their own group's lessons: what group A had and group B did not is not B's to pay."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core.base import clock
from core.base.ids import new_id
from core.base.money import Fen
from core.billing import refunds
from core.billing import run as billing
from core.billing.models import Bill, BillLine, PaymentAttempt
from core.billing.port import PaymentOutcome
from core.billing.settle import settle as paid
from core.enrollment.forming import service
from core.enrollment.models import Enrolment, Offering
from core.ledger import service as ledger
from core.lessons import settle
from core.lessons.models import Lesson
from tests.support.billing import priced
from tests.support.forming import Bed, bed
from tests.support.lessons import at
from tests.support.world import World

WEEK = [date(2027, 1, 18) + timedelta(days=n) for n in range(5)]
"""The last week of the term: five lessons in all, so that the fen can be counted by hand."""


async def outcome(made: Bed, day: date, how: dict[UUID | None, str], *, cause: str = "") -> None:
    """What became of a day's lessons, by group; the others were held."""
    async with made.world.house.unit(await made.office()) as uow:
        query = select(Lesson).where(Lesson.offering_id == made.offering_id, Lesson.day == day)
        rows = (await uow.session.execute(query.order_by(Lesson.id).with_for_update())).scalars().all()
        for row in rows:
            if row.state == "cancelled":
                continue
            if how.get(row.group_id) == "cancelled":
                await settle.cancel(uow, row.id, "教师生病")
                continue
            if how.get(row.group_id) != "missed":
                row.state, row.expected, row.present = "roll_called", 8, 8
                row.signed_in_at = row.registered_at = row.ended_at = clock.now()
            await settle.close(uow, row)
    await made.world.drain(made.school)


async def pay(made: Bed, bill: Bill) -> None:
    async with made.world.house.unit(made.school.ctx) as uow:
        attempt = PaymentAttempt(id=new_id(), bill_id=bill.id, amount_fen=bill.due_fen, provider="test", state="open")
        uow.session.add(attempt)
        await uow.session.flush()
        said = PaymentOutcome(attempt.id, "succeeded", f"pi_{attempt.id}", Fen(bill.due_fen), fee=Fen(0), method="test")
        await paid(uow, said, source="test")


@pytest.mark.req("R-363", "R-374", "R-179")
@pytest.mark.parametrize(
    ("unit", "fen", "amount", "earned", "back", "later"),
    [
        # Five lessons at 5.00: A had all five, B three; two of them go back. One turns out held after all: 4 × 500.
        ("lesson", 500, 2500, 1500, 1000, 2000),
        # 200.01 the term were asked for five lessons, of which B had three: 20001 × 3 ÷ 5 is 12000.6, and 8001 go back.
        # With the one that was held after all, 20001 × 4 ÷ 5 is 16000.8.
        ("term", 20001, 20001, 12000, 8001, 16000),
    ],
)
async def test_a_family_pays_for_its_own_groups_lessons(
    world: World, unit: str, fen: int, amount: int, earned: int, back: int, later: int
) -> None:
    monday, tuesday, wednesday, thursday, friday = WEEK
    with at(monday - timedelta(days=1), 9):
        made = await bed(world, pack="anhui-ten-bans")
        school, term_id = made.school, made.school.term_id
        assert term_id is not None
        await priced(world, school, unit_fen=fen, unit=unit)
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(update(Enrolment).values(starts_on=monday, weekdays=[]))
            await uow.session.execute(update(Offering).values(service="care"))
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            await billing.start_run(uow, term_id)
        await world.drain(school)
        async with world.house.unit(school.ctx) as uow:
            bills = {b.student_id: b for b in (await uow.session.execute(select(Bill))).scalars()}
        a_child, b_child = made.children[0], made.children[8]  # of two classes: of two groups
        assert (bills[a_child].due_fen, bills[b_child].due_fen) == (amount, amount)
        for child in (a_child, b_child):
            await pay(made, bills[child])

    async def seen() -> list[tuple[int, int]]:
        """(earned, to be given back) of A and of B, in fen; the books agree with the lines."""
        async with world.house.unit(school.ctx) as uow:
            lines = {row.bill_id: row.earned_fen for row in (await uow.session.execute(select(BillLine))).scalars()}
            assert -int(await ledger.balance(uow, "income", "service")) == sum(lines.values())
            assert await ledger.problems(uow) == []
            pair = [bills[a_child].id, bills[b_child].id]
            return [(lines[id_], await refunds.quote(uow, id_)) for id_ in pair]

    async def group_of_b(run_id: UUID) -> UUID:
        found = await made.look(run_id)
        place = next(i for i, g in enumerate(found.proposal.groups) if str(b_child) in g.children)
        return found.rows[place].id

    # Monday is held before there are groups: it is everybody's.
    with at(monday, 18):
        await outcome(made, monday, {})
        first = await made.solved(mode="own_class", starts_on=tuesday)
        await made.publish(first)
        before = await seen()
        assert before[0] == before[1]
    with at(tuesday, 18):
        await outcome(made, tuesday, {await group_of_b(first): "cancelled"})
        assert (await seen())[1] == before[1]
    with at(wednesday, 18):
        await outcome(made, wednesday, {})
        # Formed anew in mid-week: what a child had in its earlier group stays its own.
        second = await made.make(mode="own_class", starts_on=thursday, title="期中调整")
        async with world.house.unit(await made.office()) as uow:
            await service.copy_in_force(uow, second)
        await made.publish(second)
    b_group = await group_of_b(second)
    with at(thursday, 18):
        await outcome(made, thursday, {b_group: "missed"})
    with at(friday, 18):
        await outcome(made, friday, {})
        assert await seen() == [(amount, 0), (earned, back)]
    with at(friday + timedelta(days=4), 9):
        async with world.house.unit(school.ctx) as uow:
            assert await refunds.owed_back(uow, term_id) == [bills[b_child].id]
        # Thursday's lesson of B was held after all, as the paper shows: B's families alone pay for it.
        async with world.house.unit(await made.office()) as uow:
            query = select(Lesson.id).where(Lesson.group_id == b_group, Lesson.day == thursday)
            await settle.resolve(uow, (await uow.session.execute(query)).scalar_one(), held=True, reason="纸质记录")
        await world.drain(school)
        assert await seen() == [(amount, 0), (later, amount - later)]


@pytest.mark.req("R-363", "R-374")
async def test_what_was_held_before_its_bill_is_earned_by_it(world: World) -> None:
    """Otherwise the term's closing would give back what the child had."""
    monday, tuesday, *_rest = WEEK
    with at(monday - timedelta(days=1), 9):
        made = await bed(world, pack="anhui-ten-bans")
        school, term_id = made.school, made.school.term_id
        assert term_id is not None
        await priced(world, school, unit_fen=500)
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(update(Enrolment).values(starts_on=monday, weekdays=[]))
            await uow.session.execute(update(Offering).values(service="care"))
    for day in (monday, tuesday):
        with at(day, 18):
            await outcome(made, day, {})
    with at(tuesday, 20):
        for _ in (1, 2):  # a second run earns nothing twice
            async with world.house.unit(await world.as_(school, "finance")) as uow:
                await billing.start_run(uow, term_id)
            await world.drain(school)
        async with world.house.unit(school.ctx) as uow:
            lines = (await uow.session.execute(select(BillLine))).scalars().all()
            assert lines and {line.earned_fen for line in lines} == {1000}
            assert -int(await ledger.balance(uow, "income", "service")) == 1000 * len(lines)
            assert await ledger.problems(uow) == []
