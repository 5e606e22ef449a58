"""A month's list: only lessons held, once each; two people; posted; put right afterwards (R-386 … R-393, R-454)."""

from __future__ import annotations

import random
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.base.errors import NotFound
from core.base.ids import new_id
from core.db.states import MoveRefused
from core.enrollment.errors import Objected
from core.ledger import service as ledger
from core.ledger.errors import OutOfBounds
from core.ledger.statements import term_statement
from core.ledger.types import Journal, credit, debit
from plugins.pay import lists, making
from plugins.pay.checks import sums
from plugins.pay.errors import MonthNotBegun, NothingToPay, OutsideTerm, SamePerson
from plugins.pay.models import PayItem, PayLine, PayList
from plugins.pay.schemas import PaidForm, SubmitForm
from tenants import service as tenants
from tests.support.lessons import at, group, teach
from tests.support.pay import (
    EVENING,
    SETTLED,
    approved,
    endowed,
    hold,
    lines,
    listed,
    november,
    rate,
    submitted,
    subsidised,
    undo,
)
from tests.support.world import School, World

JANUARY = date(2027, 1, 1)


def rules(refused: pytest.ExceptionInfo[Objected]) -> dict[str, str]:
    return {o.rule or o.code: o.force for o in refused.value.objections}


async def balance(world: World, school: School, account: str, fund: str = "subsidy") -> int:
    async with world.house.unit(school.ctx) as uow:
        assert await ledger.problems(uow) == []
        return int(await ledger.balance(uow, account, fund))


@pytest.mark.req("R-386", "R-387", "R-393", "R-454")
async def test_a_lesson_from_sign_in_to_the_books(world: World, school: School) -> None:
    await rate(world, school)
    made = await group(world, school)
    await teach(world, made)
    await teach(world, made, date(2026, 11, 24), called=False, ended=False)
    await subsidised(world, school)
    list_id = await listed(world, school)
    (line,) = await lines(world, school, list_id)
    assert (line.name, line.lessons, line.minutes, line.amount_fen) == ("教师戊", 1, 60, 6000)

    row = await approved(world, school, list_id)
    assert (row.state, row.submitted_name, row.decided_name) == ("approved", "财务丙", "校长甲")
    assert row.pack_revision
    assert await balance(world, school, "staff_expense") == 6000
    assert await balance(world, school, "staff_payable") == -6000
    with at(SETTLED, 15):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            await lists.mark_paid(uow, list_id, PaidForm(paid_on=SETTLED, reference="工资 2026-11"))
    assert await balance(world, school, "staff_payable") == 0
    assert await balance(world, school, "bank") == 50000 - 6000
    async with world.house.unit(school.ctx) as uow:
        statement = await term_statement(uow, "subsidy", date(2026, 9, 1), date(2027, 1, 22))
    assert (statement.income, statement.expense, statement.balanced) == (50000, 6000, True)


@pytest.mark.req("R-454")
async def test_nobody_without_a_held_lesson_can_be_on_a_list(world: World, school: School) -> None:
    await rate(world, school)
    await group(world, school)
    list_id = await listed(world, school)
    assert await lines(world, school, list_id) == []
    with pytest.raises(NothingToPay):
        await submitted(world, school, list_id)
    for values in ({"lessons": 0, "amount_fen": 500}, {"lessons": 1, "amount_fen": -1}):
        with pytest.raises(IntegrityError):
            async with world.house.unit(school.ctx) as uow:
                more = {"staff_id": school.teacher_id, "name": "教师戊", "payee": "own", "minutes": 0}
                uow.session.add(PayLine(list_id=list_id, **more, **values))
    async with world.house.unit(school.ctx) as uow:
        row = await uow.get(PayList, list_id)
        assert (row.state, row.unpriced) == ("draft", 0)


@pytest.mark.req("R-454")
async def test_making_twice_pays_once(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 100_000)
    made, first = await november(world, school)
    list_id = await listed(world, school)
    assert await listed(world, school) == list_id, "an open list of the month is the same list"
    await approved(world, school, list_id)
    again = await listed(world, school)
    assert again != list_id
    assert await lines(world, school, again) == [], "all of the month's lessons are on the first list"
    more = [made.lessons[day] for day in sorted(made.lessons)][4:6]
    await hold(world, school, more)
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await lists.discard(uow, again)
    third = await listed(world, school)
    (line,) = await lines(world, school, third)
    assert line.lessons == 2, "lessons settled late go on a further list"
    assert len(first) == 4


@pytest.mark.req("R-454")
async def test_the_database_keeps_a_lesson_from_being_paid_twice(world: World, school: School) -> None:
    rate_id = await rate(world, school)
    await endowed(world, school, 100_000)
    await november(world, school)
    list_id = await listed(world, school)
    await approved(world, school, list_id)
    async with world.house.unit(school.ctx) as uow:
        item = (await uow.session.execute(select(PayItem).limit(1))).scalars().one()
    copied = ("line_id", "list_id", "lesson_id", "staff_id", "on", "kind", "title", "minutes", "fund")
    values = {name: getattr(item, name) for name in copied} | {"rate_id": rate_id, "what": "lesson", "amount_fen": 1}
    with pytest.raises(IntegrityError):
        async with world.house.unit(school.ctx) as uow:
            uow.session.add(PayItem(**values))
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(PayItem(**values, after_id=item.id))
        await uow.session.flush()
        with pytest.raises(IntegrityError):
            async with uow.session.begin_nested():
                uow.session.add(PayItem(**values, after_id=item.id))
        await uow.session.rollback()
    for statement in ("delete from pay_item", "delete from pay_line", "update pay_item set amount_fen = 1"):
        with pytest.raises(DBAPIError):
            async with world.house.unit(school.ctx) as uow:
                await uow.session.execute(text(statement))


@pytest.mark.req("R-454")
async def test_a_lesson_undone_is_set_off_in_the_next_list(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    made, ids = await november(world, school)
    await approved(world, school, await listed(world, school))
    await undo(world, school, ids[0])
    async with world.house.unit(school.ctx) as uow:
        assert [i.lesson_id for i in await making.outstanding(uow, school.teacher_id)] == [ids[0]]  # type: ignore[arg-type]

    empty = await listed(world, school)
    assert await lines(world, school, empty) == [], "nobody is asked to pay money in; it waits for the next pay"
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await lists.discard(uow, empty)

    december = [made.lessons[day] for day in sorted(made.lessons) if day.month == 12][:2]
    await hold(world, school, december)
    second = await listed(world, school, date(2026, 12, 1), JANUARY)
    (line,) = await lines(world, school, second)
    assert (line.lessons, line.corrected_fen, line.amount_fen) == (2, -6000, 6000)
    await approved(world, school, second, JANUARY)
    assert await balance(world, school, "staff_expense") == 4 * 6000 - 6000 + 2 * 6000
    async with world.house.unit(school.ctx) as uow:
        assert await making.outstanding(uow, school.teacher_id) == []  # type: ignore[arg-type]

    await hold(world, school, [ids[0]])
    third = await listed(world, school, date(2026, 12, 1), JANUARY)
    (line,) = await lines(world, school, third)
    assert (line.lessons, line.amount_fen) == (1, 6000), "held after all: paid again, once"


@pytest.mark.req("R-454")
async def test_a_lesson_that_changed_hands_is_taken_back_and_paid_to_the_other(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    made, ids = await november(world, school)
    await approved(world, school, await listed(world, school))
    async with world.house.unit(school.ctx) as uow:
        other = (await uow.session.execute(text("select id from staff where post = 'class_teacher'"))).scalar_one()
        await uow.session.execute(
            text("update lesson set teacher_id = :other where id = :id"), {"other": other, "id": ids[0]}
        )
    december = [made.lessons[day] for day in sorted(made.lessons) if day.month == 12][:1]
    await hold(world, school, december)
    second = await listed(world, school, date(2026, 12, 1), JANUARY)
    assert [(x.staff_id, x.corrected_fen, x.amount_fen) for x in await lines(world, school, second)] == [
        (school.teacher_id, -6000, 0)
    ]
    await approved(world, school, second, JANUARY)
    third = await listed(world, school, date(2026, 12, 1), JANUARY)
    assert [(x.staff_id, x.amount_fen) for x in await lines(world, school, third)] == [(other, 6000)]


@pytest.mark.req("R-454")
async def test_a_lesson_undone_before_approval_stops_the_list(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    _, ids = await november(world, school)
    list_id = await listed(world, school)
    await submitted(world, school, list_id)
    await undo(world, school, ids[0])
    with pytest.raises(Objected) as refused, at(SETTLED, 11):
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            await lists.approve(uow, list_id)
    assert rules(refused) == {"pay.for_lessons_held": "block"}
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await lists.send_back(uow, list_id, "有一节没有开课")
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await lists.discard(uow, list_id)
    (line,) = await lines(world, school, await listed(world, school))
    assert line.lessons == 3


@pytest.mark.req("R-389", "R-454")
async def test_vendors_are_paid_by_contract_and_never_twice(world: World, school: School) -> None:
    await rate(world, school)
    vendor = await world.vendor()
    made = await group(world, school, vendor_id=vendor.ctx.tenant_id)
    await hold(world, school, list(made.lessons.values())[:3])
    assert await lines(world, school, await listed(world, school)) == []


@pytest.mark.req("R-454")
async def test_two_people(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school)
    list_id = await listed(world, school)
    both = await world.person("两任")
    async with world.house.unit(school.ctx) as uow:
        await tenants.join(uow, [both.account_id], "finance")
        await tenants.join(uow, [both.account_id], "principal")
    with at(SETTLED, 12):
        async with world.house.unit(await world.as_(school, both)) as uow:
            await lists.submit(uow, list_id, SubmitForm())
            with pytest.raises(SamePerson):
                await lists.approve(uow, list_id)
    with pytest.raises(IntegrityError):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update pay_list set decided_by = submitted_by"))
    with at(SETTLED, 12):
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            await lists.approve(uow, list_id)
            with pytest.raises(MoveRefused):
                await lists.approve(uow, list_id)
    assert await balance(world, school, "staff_payable") == -24000


@pytest.mark.req("R-454")
async def test_subsidies_that_are_not_there_cannot_be_promised(world: World, school: School) -> None:
    await rate(world, school)
    await november(world, school)
    list_id = await listed(world, school)
    with pytest.raises(Objected) as refused:
        await submitted(world, school, list_id, reason="下月拨付")
    assert rules(refused) == {"pay.over_fund": "block"}
    await endowed(world, school, 24_000)
    await approved(world, school, list_id)
    async with world.house.unit(school.ctx) as uow:
        assert (await sums(uow, list_id)).by_fund == {"subsidy": 24000}


async def test_money_that_left_the_bank_meanwhile_stops_the_payment(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 24_000)
    await november(world, school)
    list_id = await listed(world, school)
    await approved(world, school, list_id)
    async with world.house.unit(school.ctx) as uow:
        spent = (debit("materials_expense", "subsidy", 100), credit("bank", "subsidy", 100))
        await ledger.post(uow, Journal("spent", "spent", SETTLED, spent, "test"))
    with pytest.raises(OutOfBounds), at(SETTLED, 15):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            await lists.mark_paid(uow, list_id, PaidForm(paid_on=SETTLED, reference="工资"))


@pytest.mark.req("R-454")
async def test_one_person_at_two_places_wants_a_reason(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school, 2)
    await november(world, school, 2, title="阅读")
    list_id = await listed(world, school)
    with pytest.raises(Objected) as refused:
        await submitted(world, school, list_id)
    assert rules(refused) == {"pay.two_places": "warn"}
    row = await submitted(world, school, list_id, reason="两个小组合并在一间教室")
    assert [o["code"] for o in row.objections] == ["pay.two_places", "pay.two_places"]


async def test_without_a_rate_a_lesson_waits(world: World, school: School) -> None:
    await november(world, school)
    list_id = await listed(world, school)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(PayList, list_id)).unpriced == 4
    assert await lines(world, school, list_id) == []
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await lists.discard(uow, list_id)
    await rate(world, school)
    (line,) = await lines(world, school, await listed(world, school))
    assert line.lessons == 4


async def test_months_that_cannot_be_listed(world: World, school: School) -> None:
    with at(SETTLED, 9):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            with pytest.raises(MonthNotBegun):
                await making.start(uow, date(2027, 1, 1))
            with pytest.raises(OutsideTerm):
                await making.start(uow, date(2026, 7, 1))


@pytest.mark.req("R-388", "R-454")
async def test_sums_agree_over_many_lists(world: World, school: School) -> None:
    """Whatever was held, undone and listed in whatever order: lines, items, postings and lessons agree to the fen."""
    chance = random.Random(20261122)
    await rate(world, school)
    await rate(world, school, kind="club", unit="hour", unit_fen=7777, fund="service")
    for fund in ("subsidy", "service"):
        await endowed(world, school, 10_000_000, fund)
    made = [await group(world, school), await group(world, school, kind="club", title="合唱", **EVENING)]
    pool = [g.lessons[day] for g in made for day in sorted(g.lessons) if day.month == 11]
    held: set[UUID] = set()
    for _ in range(5):
        fresh = chance.sample(pool, 8)
        await hold(world, school, fresh)
        held |= set(fresh)
        list_id = await listed(world, school)
        found = await lines(world, school, list_id)
        async with world.house.unit(school.ctx) as uow:
            total = await sums(uow, list_id)
        assert sum(line.amount_fen for line in found) == total.amount_fen == sum(total.by_fund.values())
        if found:
            await approved(world, school, list_id)
        else:
            async with world.house.unit(await world.as_(school, "finance")) as uow:
                await lists.discard(uow, list_id)
        for lesson in chance.sample(sorted(held), 2):
            await undo(world, school, lesson)
            held.discard(lesson)
    async with world.house.unit(school.ctx) as uow:
        items = (await uow.session.execute(select(PayItem))).scalars().all()
        owed = await making.outstanding(uow, school.teacher_id)  # type: ignore[arg-type]
        expense = {f: int(await ledger.balance(uow, "staff_expense", f)) for f in ("subsidy", "service")}
        assert await ledger.problems(uow) == []
    net: dict[UUID, int] = {}
    for item in items:
        net[item.lesson_id] = net.get(item.lesson_id, 0) + item.amount_fen
    paid = {lesson for lesson, fen in net.items() if fen}
    assert set(net.values()) <= {0, 6000, 7777}, "no lesson is paid twice"
    assert paid == (held & paid) | {item.lesson_id for item in owed}, "what stands is held, or waits to be set off"
    assert sum(net.values()) == sum(expense.values())


async def test_an_unknown_list_is_not_found(world: World, school: School) -> None:
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        with pytest.raises(NotFound):
            await lists.submit(uow, new_id(), SubmitForm())
