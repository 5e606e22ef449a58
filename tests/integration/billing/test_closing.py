"""Closing a term: what must be done first, where every fen goes, and that nothing of it changes afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from core.base import clock
from core.base.ids import new_id
from core.base.money import Fen
from core.billing import closing, journals, refunds
from core.billing import run as billing
from core.billing.closing import TermNotReady
from core.billing.models import Bill, BillLine, BillReduction, FundStatement, PaymentAttempt, Refund
from core.billing.port import PaymentOutcome
from core.billing.settle import settle
from core.db.kernel_tables import JobRun
from core.enrollment.models import Application, Enrolment, Offering
from core.ledger import service as ledger
from core.lessons.models import Lesson
from core.policy.models import PolicyVerdict
from core.terms import service as terms
from core.terms.models import Term
from core.terms.service import TermClosed
from tests.support.billing import enrolled, many_children, offered, priced, ready
from tests.support.world import School, World

LAST = date(2027, 1, 22)


@pytest.fixture
def after_term() -> Iterator[None]:
    """The clock stands a few days after the term's last day."""
    with term_over():
        yield


@contextmanager
def term_over() -> Iterator[None]:
    with clock.travelled(datetime(2027, 1, 27, 2, tzinfo=UTC) - datetime.now(UTC)):
        yield


async def close(world: World, school: School) -> Term:
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await closing.start(uow, school.term_id)
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        return await uow.get(Term, school.term_id)


async def give_lessons(world: World, school: School, offering_id: UUID, held: int, missed: int) -> None:
    """Lessons of the offering with their outcomes, told to billing as the register would."""
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text(
                "insert into lesson (tenant_id, id, offering_id, term_id, day, weekday, starts_at, ends_at, state,"
                " settled_by) select :t, gen_random_uuid(), :o, :term, date '2026-09-07' + n, 1, '16:30', '17:30',"
                " case when n < :held then 'held' else 'missed' end, 'test' from generate_series(0, :all - 1) n"
            ),
            {"t": school.ctx.tenant_id, "o": offering_id, "term": school.term_id, "held": held, "all": held + missed},
        )
        if held:
            told = {"lesson_id": new_id(), "offering_id": offering_id, "on": "2026-12-01"}
            await uow.emit("lesson.held", told | {"held": held, "planned": held + missed})
    await world.drain(school)


async def pay(world: World, school: School, bill_id: UUID) -> None:
    async with world.house.unit(school.ctx) as uow:
        bill = await uow.get(Bill, bill_id)
        attempt = PaymentAttempt(id=new_id(), bill_id=bill.id, amount_fen=bill.due_fen, provider="test", state="open")
        uow.session.add(attempt)
        await uow.session.flush()
        said = PaymentOutcome(attempt.id, "succeeded", f"pi_{attempt.id}", Fen(bill.due_fen), fee=Fen(0), method="test")
        await settle(uow, said, source="test")


async def rows(world: World, school: School, model: Any) -> list[Any]:
    async with world.house.unit(school.ctx) as uow:
        return list((await uow.session.execute(select(model).order_by(model.id))).scalars().all())


@pytest.mark.req("R-374", "R-363", "R-148")
async def test_a_whole_term_is_closed(world: World, after_term: None) -> None:
    school = await world.school()
    offering_id = await ready(world, school, fen=500)
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await billing.start_run(uow, school.term_id)
    await world.drain(school)
    bills = await rows(world, school, Bill)
    with pytest.raises(TermNotReady) as refused:
        await close(world, school)
    assert "账单" in refused.value.message
    for bill in bills:
        await pay(world, school, bill.id)
    await give_lessons(world, school, offering_id, held=30, missed=11)
    term = await close(world, school)
    assert (term.state, term.closed_by) == ("closed", "财务丙")
    lines = await rows(world, school, BillLine)
    assert {(x.earned_fen, x.returned_fen, x.unused_fen) for x in lines} == {(15000, 5500, 0)}
    assert {r.amount_fen for r in await rows(world, school, Refund)} == {5500}
    assert {e.state for e in await rows(world, school, Enrolment)} == {"completed"}
    assert {e.ends_on for e in await rows(world, school, Enrolment)} == {LAST}
    assert {a.state for a in await rows(world, school, Application)} == {"completed"}
    assert {o.state for o in await rows(world, school, Offering)} <= {"finished", "content_review"}
    async with world.house.unit(school.ctx) as uow:
        assert int(await ledger.balance(uow, "deferred_income", "service")) == 0
        assert int(await ledger.balance(uow, "income", "service")) == -30000
        assert await ledger.problems(uow) == []
        bar = await uow.get(JobRun, term.closing_job)
    assert bar.state == "finished" and bar.result["returned_fen"] == 11000
    assert {s.fund for s in await rows(world, school, FundStatement)} == {"service"}
    kept = [v for v in await rows(world, school, PolicyVerdict) if v.act == "billing.close"]
    assert len(kept) == 2 and {v.rule for v in kept} == {"refund.lessons_not_held"}


@pytest.mark.req("R-374")
async def test_closing_twice_is_closing_once_and_a_closed_term_never_changes(world: World, after_term: None) -> None:
    school = await world.school()
    offering_id = await ready(world, school)
    term = await close(world, school)
    again = await close(world, school)
    assert (again.closed_at, again.closing_job) == (term.closed_at, term.closing_job)
    assert school.term_id is not None
    office = await world.as_(school, "office")
    with pytest.raises(TermClosed):
        async with world.house.unit(office) as uow:
            await terms.set_dates(uow, school.term_id, date(2026, 9, 2), LAST)
    with pytest.raises(TermClosed):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            await billing.start_run(uow, school.term_id)
    later = Lesson(
        offering_id=offering_id, term_id=school.term_id, day=date(2026, 10, 12), weekday=1,
        starts_at=time(16, 30), ends_at=time(17, 0),
    )  # fmt: skip
    with pytest.raises(TermClosed):
        async with world.house.unit(office) as uow:
            uow.session.add(later)
    changes: list[tuple[Any, str, Any]] = [
        (Offering, "title", "x"),
        (Enrolment, "ends_on", None),
        (Term, "state", "open"),
        (Bill, "notes", ["x"]),
    ]
    for model, name, value in changes:
        rows_ = await rows(world, school, model)
        for row in rows_[:1]:
            with pytest.raises(TermClosed):
                async with world.house.unit(office) as uow:
                    setattr(await uow.get(model, row.id), name, value)


@pytest.mark.req("R-374")
async def test_the_page_lists_what_is_open_and_only_the_desk_closes(world: World) -> None:
    from core.web.app import build_app

    world.app = build_app(world.house)
    school = await world.school()
    offering_id = await ready(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text(
                "insert into lesson (tenant_id, id, offering_id, term_id, day, weekday, starts_at, ends_at) values "
                "(:t, gen_random_uuid(), :o, :term, '2026-09-07', 1, '16:30', '17:30')"
            ),
            {"t": school.ctx.tenant_id, "o": offering_id, "term": school.term_id},
        )
    finance = await world.client(school.people["finance"])
    address = f"/api/t/{school.ctx.slug}/desk/terms/{school.term_id}/closing"
    said = (await finance.get(address)).json()
    assert {p["key"] for p in said["points"] if p["stops"] and p["count"]} == {"running", "lessons"}
    refused = await finance.post(address)
    assert refused.status_code == 409 and refused.json()["code"] == "term_not_ready"
    teacher = await world.client(school.people["teacher"])
    assert (await teacher.post(address)).status_code == 403
    page = await (await world.client(school.people["finance"], page=True)).get(address.removeprefix("/api"))
    assert page.status_code == 200 and "还没有核实的课次" in page.text


async def random_bills(world: World, school: School, offering_ids: list[UUID], dice: random.Random) -> None:
    """Paid and settled bills with one to three lines, reductions of any size, and refunds made before the closing."""
    async with world.house.unit(school.ctx) as uow:
        students = (await uow.session.execute(text("select id from student order by id"))).scalars().all()
    for number, student_id in enumerate(students):
        lines = [
            {"fund": dice.choice(["service", "meals"]), "fen": dice.randint(1, 700), "n": dice.randint(1, 45)}
            for _ in range(dice.randint(1, 3))
        ]
        charged = journals.summed((str(x["fund"]), int(x["fen"]) * int(x["n"])) for x in lines)
        reduced = {f: dice.choice([0, fen, fen // 2, dice.randint(0, fen)]) for f, fen in charged.items()}
        due = sum(charged.values()) - sum(reduced.values())
        async with world.house.unit(school.ctx) as uow:
            bill = Bill(
                id=new_id(), term_id=school.term_id, student_id=student_id, number=f"T{number}",
                state="issued" if due else "settled", charged_fen=sum(charged.values()),
                reduced_fen=sum(reduced.values()), due_fen=due,
            )  # fmt: skip
            uow.session.add(bill)
            await uow.session.flush()
            for x in lines:
                uow.session.add(
                    BillLine(
                        bill_id=bill.id, service="x", title="x", fund=x["fund"], unit=dice.choice(["lesson", "term"]),
                        unit_fen=x["fen"], quantity=x["n"], amount_fen=int(x["fen"]) * int(x["n"]),
                        standard_id=new_id(), approval="", offering_id=dice.choice([*offering_ids, None]),
                    )
                )  # fmt: skip
            for fund, fen in reduced.items():
                if fen:
                    uow.session.add(BillReduction(bill_id=bill.id, fund=fund, amount_fen=fen, reference=new_id()))
            await uow.session.flush()
            await ledger.post(uow, *journals.issued(bill.id, date(2026, 9, 10), charged, reduced))
        if due:
            await pay(world, school, bill.id)


async def refund_some(world: World, school: School, dice: random.Random, *, over: bool = False) -> None:
    """Some refunds; once the term is `over`, none is below what is owed for lessons not held."""
    for attempt in await rows(world, school, PaymentAttempt):
        if dice.random() < 0.4:
            async with world.house.unit(await world.as_(school, "finance")) as uow:
                quoted = await refunds.quote(uow, attempt.bill_id)
                left = attempt.amount_fen - await refunds.live_refunds(uow, attempt.id)
                assert quoted <= left
                amount = dice.choice([dice.randint(quoted if over else 0, left), quoted])
                if amount:
                    await refunds.approve(uow, attempt.id, amount, "测试")


@pytest.mark.req("R-374", "R-363", "R-352")
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_fen_of_a_closed_term_went_somewhere(world: World, seed: int) -> None:
    dice = random.Random(seed)
    school = await world.school(families=0)
    await many_children(world, school, 40)
    await priced(world, school)
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        ids = [await offered(uow, school.term_id, title=f"看护{n}") for n in range(3)]
    await enrolled(world, school, ids[0])
    await random_bills(world, school, ids, dice)
    await refund_some(world, school, dice)
    for offering_id in ids:
        await give_lessons(world, school, offering_id, held=dice.randint(0, 20), missed=dice.randint(1, 20))
    await refund_some(world, school, dice)
    with term_over():
        await refund_some(world, school, dice, over=True)
        assert (await close(world, school)).state == "closed"
    lines = await rows(world, school, BillLine)
    assert all(x.amount_fen == x.earned_fen + x.returned_fen + x.unused_fen for x in lines)
    async with world.house.unit(school.ctx) as uow:
        for fund in ("service", "meals"):
            assert int(await ledger.balance(uow, "deferred_income", fund)) == 0
            assert int(await ledger.balance(uow, "receivable", fund)) == 0
            # What families paid and did not get back is what the school earned.
            income = -int(await ledger.balance(uow, "income", fund)) - int(
                await ledger.balance(uow, "fee_reduction", fund)
            )
            received = int(await ledger.balance(uow, "psp_clearing", fund))
            owed_back = -int(await ledger.balance(uow, "refund_payable", fund))
            assert income == received - owed_back
        assert await ledger.problems(uow) == []
    for bill in await rows(world, school, Bill):
        given = [r.amount_fen for r in await rows(world, school, Refund) if r.bill_id == bill.id]
        assert sum(given) <= bill.paid_fen


@pytest.mark.req("R-374")
@given(
    charged=st.integers(1, 10**7),
    reduced=st.floats(0, 1),
    unearned=st.floats(0, 1),
    gone=st.floats(0, 1),
)
def test_what_goes_back_leaves_exactly_the_unused_reduction(
    charged: int, reduced: float, unearned: float, gone: float
) -> None:
    """For one fund whose refunds all came out of what was not earned."""
    less, u = int(charged * reduced), int(charged * unearned)
    owed = charged - less
    before = min(int(owed * gone), u)
    back = min(u - before, refunds.back(owed, charged, charged - u, before))
    unused = u - before - back
    assert 0 <= back <= owed - before
    assert 0 <= unused <= less, "only a reduction can be left over"
    if not less:
        assert unused == 0
    again = refunds.back(owed, charged, charged - u, before + back)
    assert again == 0, "asked again after the refund, nothing more is owed"
