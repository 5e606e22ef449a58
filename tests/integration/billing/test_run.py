"""A billing run: what it bills, what it holds back, and how it goes on after it was killed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.base import clock
from core.billing import run as billing
from core.billing.errors import AcrossTerms
from core.billing.models import Bill, BillingHold, BillingRun, BillLine, BillReduction
from core.db.delivery import Delivery, deliver
from core.db.kernel_tables import JobRun, Outbox
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.terms.service import open_term
from plugins.fees import relief
from plugins.fees.schemas import ReliefAsk, ReliefDecision
from tests.support.billing import enrolled, no_waiting, offered, priced, ready
from tests.support.world import School, World

LESSONS = 41
"""Mondays and Tuesdays of 2026-09-01 … 2027-01-22."""


async def start(world: World, school: School) -> UUID:
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        return (await billing.start_run(uow, school.term_id)).id


async def rows(world: World, school: School, model: Any) -> list[Any]:
    async with world.house.unit(school.ctx) as uow:
        return list((await uow.session.execute(select(model).order_by(model.id))).scalars().all())


async def right(world: World, school: School) -> None:
    async with world.house.unit(school.ctx) as uow:
        assert await ledger.problems(uow) == []


@pytest.mark.req("R-344")
async def test_run_bills_every_child_once(world: World) -> None:
    school = await world.school()
    await ready(world, school)
    run_id = await start(world, school)
    await world.drain(school)
    bills = await rows(world, school, Bill)
    assert [b.number for b in bills] == ["ZD202620271-000001", "ZD202620271-000002"]
    assert {(b.state, b.charged_fen, b.due_fen) for b in bills} == {("issued", LESSONS * 500, LESSONS * 500)}
    line = (await rows(world, school, BillLine))[0]
    assert (line.unit_fen, line.quantity, line.approval) == (500, LESSONS, "青发改〔2026〕18 号")
    async with world.house.unit(school.ctx) as uow:
        run = await uow.get(BillingRun, run_id)
        assert (run.bills, run.held_back, run.due_fen) == (2, 0, 2 * LESSONS * 500)
        assert await billing.recompute_totals(uow, run_id) == (2, run.due_fen)
        assert int(await ledger.balance(uow, "receivable", "service")) == run.due_fen
        bar = await uow.get(JobRun, run.job_id)
        assert (bar.state, bar.done, bar.total, bar.result["bills"]) == ("finished", 2, 2, 2)
    await start(world, school)
    await world.drain(school)
    assert len(await rows(world, school, Bill)) == 2, "a second run finds them billed"
    await right(world, school)


async def test_preview_says_what_a_run_would_make(world: World) -> None:
    school = await world.school()
    await ready(world, school)
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        sums = await billing.preview(uow, school.term_id)
    assert (sums["children"], sums["bills"], sums["due_fen"]) == (2, 2, 2 * LESSONS * 500)
    assert await rows(world, school, Bill) == []


@pytest.mark.req("R-336", "R-341")
async def test_without_a_posted_standard_nothing_is_charged(world: World) -> None:
    school = await world.school()
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        offering_id = await offered(uow, school.term_id)
    await enrolled(world, school, offering_id)
    await start(world, school)
    await world.drain(school)
    assert await rows(world, school, Bill) == []
    assert {h.code for h in await rows(world, school, BillingHold)} == {"fee.not_posted"}


@pytest.mark.req("R-332", "R-333")
async def test_free_scheme_makes_no_bill_and_no_hold(world: World) -> None:
    school = await world.school(pack="weihai-free")
    await no_waiting(world, school)
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        offering_id = await offered(uow, school.term_id, any_days=True)
    await enrolled(world, school, offering_id)
    await start(world, school)
    await world.drain(school)
    assert await rows(world, school, Bill) == []
    assert await rows(world, school, BillingHold) == []


@pytest.mark.req("R-345", "R-347")
async def test_relief_is_settled_before_the_bill(world: World) -> None:
    school = await world.school()
    await ready(world, school)
    poor = school.families[0]
    async with world.house.unit(await world.as_(school, poor.guardian)) as uow:
        asked = await relief.ask(uow, ReliefAsk(student_id=poor.student_id, ground="low_income"))
    await start(world, school)
    await world.drain(school)
    assert [h.student_id for h in await rows(world, school, BillingHold)] == [poor.student_id]
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await relief.decide(uow, asked.id, ReliefDecision(verdict="grant", percent=50))
    await start(world, school)
    await world.drain(school)
    bill = next(b for b in await rows(world, school, Bill) if b.student_id == poor.student_id)
    assert (bill.charged_fen, bill.reduced_fen, bill.due_fen) == (20500, 10250, 10250)
    less = (await rows(world, school, BillReduction))[0]
    assert (less.amount_fen, less.reference, less.clause) == (10250, asked.id, "001#2 四（四）")
    async with world.house.unit(school.ctx) as uow:
        assert int(await ledger.balance(uow, "fee_reduction", "service")) == 10250
    await right(world, school)


@pytest.mark.req("R-344")
async def test_coming_term_is_not_charged_ahead(world: World) -> None:
    from datetime import date

    school = await world.school()
    async with world.house.unit(school.ctx) as uow:
        coming = await open_term(uow, "2026-2027-2", date(2027, 2, 22), date(2027, 7, 2))
    with pytest.raises(AcrossTerms):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            await billing.start_run(uow, coming.id)


async def test_killed_between_chunks_it_goes_on_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(billing, "CHUNK", 3)
    school = await world.school()
    await ready(world, school, children=8)
    run_id = await start(world, school)
    real, chunks = billing.bill_chunk, 0

    async def dies(uow: UnitOfWork, id_: UUID) -> tuple[bool, int]:
        nonlocal chunks
        chunks += 1
        if chunks in (3, 5):
            await real(uow, id_)
            raise RuntimeError("the machine went down inside the third chunk")
        return await real(uow, id_)

    monkeypatch.setattr(billing, "bill_chunk", dies)
    await world.drain(school)
    assert len(await rows(world, school, Bill)) == 6, "two chunks were committed, the third was not"
    await again(world, school)
    await again(world, school)
    bills = await rows(world, school, Bill)
    assert len(bills) == 10
    assert sorted(b.number for b in bills) == [f"ZD202620271-{n:06}" for n in range(1, 11)], "no gap, no double"
    async with world.house.unit(school.ctx) as uow:
        run = await uow.get(BillingRun, run_id)
        assert (run.bills, run.finished_at is not None) == (10, True)
        assert await billing.recompute_totals(uow, run_id) == (10, run.due_fen)
    await right(world, school)


async def again(world: World, school: School) -> None:
    """Its worker's lease is over: it is delivered once more."""
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(text("update outbox set available_at = now() where done_at is null"))
        query = select(Outbox.id).where(Outbox.name == "billing.run", Outbox.done_at.is_(None))
        ids = (await uow.session.execute(query)).scalars().all()
    for id_ in ids:
        await deliver(world.house, school.ctx.tenant_id, id_)


async def test_a_run_that_was_given_up_is_taken_up_by_the_next_press(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = await world.school()
    await ready(world, school)
    run_id = await start(world, school)

    async def never(*_: Any) -> tuple[bool, int]:
        raise RuntimeError("always")

    real = billing.bill_chunk
    monkeypatch.setattr(billing, "bill_chunk", never)
    await world.drain(school)
    for _ in range(5):
        await again(world, school)
    monkeypatch.setattr(billing, "bill_chunk", real)
    assert await start(world, school) == run_id
    await world.drain(school)
    assert len(await rows(world, school, Bill)) == 2


@pytest.mark.req("R-371", "R-274")
async def test_lunch_stays_off_the_schools_bill_where_the_scheme_says_so(world: World) -> None:
    """Even a plugin that proposes it: the core keeps meals money out (second experimental primary)."""
    from core.billing.drafts import make_drafts
    from core.billing.views import BilledStudent, BillingRequest, ChargeProposal

    school = await world.school(pack="second-experimental-primary")
    await priced(world, school)
    student = school.families[0].student_id
    assert school.term_id is not None

    class Hooks:
        def __init__(self, hooks: Any) -> None:
            self.hooks = hooks

        async def compute(self, hook: str, *args: Any, **facts: Any) -> list[Any]:
            if hook == "charges":
                return [ChargeProposal(student, "lunch", "午餐", 20, "meals")]
            return await self.hooks.compute(hook, *args, **facts)  # type: ignore[no-any-return]

        async def decide(self, *args: Any, **facts: Any) -> list[Any]:
            return await self.hooks.decide(*args, **facts)  # type: ignore[no-any-return]

    request = BillingRequest(school.term_id, "2026-2027-1", clock.today(), (BilledStudent(student, 3, (), {}),))
    async with world.house.unit(school.ctx) as uow:
        hooks = Hooks(uow.hooks)
        world.house.hooks = hooks  # type: ignore[assignment]
        try:
            assert await make_drafts(uow, request, school.term_id) == ([], [])
        finally:
            world.house.hooks = hooks.hooks


async def test_one_objected_child_does_not_hold_back_the_others(world: World) -> None:
    school = await world.school(families=3)
    await ready(world, school)
    family = school.families[1]
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        await relief.ask(uow, ReliefAsk(student_id=family.student_id, ground="other"))
    await start(world, school)
    await world.drain(school)
    assert len(await rows(world, school, Bill)) == 2


@pytest.mark.req("R-363")
async def test_income_is_earned_by_lessons_held(world: World) -> None:
    school = await world.school(families=1)
    offering_id = await ready(world, school, fen=501)
    await start(world, school)
    await world.drain(school)
    total = LESSONS * 501
    for held in (1, 2, 3, 2):
        async with world.house.unit(school.ctx) as uow:
            payload = {
                "lesson_id": offering_id,
                "offering_id": offering_id,
                "on": "2026-11-02",
                "held": held,
                "planned": LESSONS,
            }
            await uow.emit("lesson.held", payload)
        await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        assert -int(await ledger.balance(uow, "income", "service")) == total * 3 // LESSONS
        assert -int(await ledger.balance(uow, "deferred_income", "service")) == total - total * 3 // LESSONS
    async with world.house.unit(school.ctx) as uow:
        payload = {
            "lesson_id": school.term_id,
            "offering_id": offering_id,
            "on": "2026-11-03",
            "held": LESSONS,
            "planned": LESSONS,
        }
        await uow.emit("lesson.held", payload)
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        assert -int(await ledger.balance(uow, "income", "service")) == total, "the parts end on the whole"
    await right(world, school)


_ = Delivery


@pytest.mark.req("R-350", "R-375")
@pytest.mark.parametrize(
    ("pack", "rule"), [("anhui-ten-bans", "policy.fee.forced"), ("second-experimental-primary", "policy.fee.voluntary")]
)
async def test_what_nobody_applied_for_is_not_charged(world: World, pack: str, rule: str) -> None:
    """A plugin that proposes a charge without an enrolment: the child is held back with the clause."""
    from core.billing.drafts import make_drafts
    from core.billing.views import BilledStudent, BillingRequest, ChargeProposal

    school = await world.school(pack=pack)
    await priced(world, school)
    student = school.families[0].student_id
    assert school.term_id is not None

    class Hooks:
        def __init__(self, hooks: Any) -> None:
            self.hooks = hooks

        async def compute(self, hook: str, *args: Any, **facts: Any) -> list[Any]:
            if hook == "charges":
                return [ChargeProposal(student, "care", "看护", 20)]
            return await self.hooks.compute(hook, *args, **facts)  # type: ignore[no-any-return]

        async def decide(self, *args: Any, **facts: Any) -> list[Any]:
            return await self.hooks.decide(*args, **facts)  # type: ignore[no-any-return]

    request = BillingRequest(school.term_id, "2026-2027-1", clock.today(), (BilledStudent(student, 3, (), {}),))
    async with world.house.unit(school.ctx) as uow:
        hooks = Hooks(uow.hooks)
        world.house.hooks = hooks  # type: ignore[assignment]
        try:
            drafts, (hold,) = await make_drafts(uow, request, school.term_id)
        finally:
            world.house.hooks = hooks.hooks
    assert drafts == [] and hold.code == rule and hold.clause


@pytest.mark.req("R-336", "R-341")
@pytest.mark.parametrize(
    ("pack", "clause"),
    [("changzhi-521", "003#1 二（一）"), ("anhui-ten-bans", "001#2 四（四）"), ("county-plan", "000#1 五（三）")],
)
async def test_a_child_held_back_for_want_of_a_standard_is_told_the_clause(
    world: World, pack: str, clause: str
) -> None:
    from dataclasses import replace

    school = await world.school(pack=pack)
    assert school.term_id is not None
    async with world.house.unit(replace(await world.as_(school, "office"), pack=None)) as uow:
        offering_id = await offered(uow, school.term_id)
    await enrolled(world, school, offering_id)
    await start(world, school)
    await world.drain(school)
    assert {(h.code, h.clause) for h in await rows(world, school, BillingHold)} == {("fee.not_posted", clause)}
    assert await rows(world, school, Bill) == []
