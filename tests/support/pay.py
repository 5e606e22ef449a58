"""Pay for tests: approved rates, money in the funds, lessons that were held, lists on their way."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.ledger import service as ledger
from core.ledger.types import Journal, credit, debit
from plugins.pay import lists, making, rates, subsidies
from plugins.pay.models import PayLine, PayList
from plugins.pay.schemas import RateForm, ReceiptForm, SubmitForm, SubsidyForm
from tests.support.lessons import Group, at, group
from tests.support.world import School, World

NOVEMBER = date(2026, 11, 1)
SETTLED = date(2026, 12, 2)
"""The day on which the tests' finance office sits down to November."""
ANHUI_RATE: dict[str, Any] = {
    "payee": "own",
    "kind": "care",
    "unit": "lesson",
    "unit_fen": 6000,
    "fund": "subsidy",
    "mechanism": "outside_performance_pay",
    "factors": ["nature", "content", "time"],
    "set_by": "school",
    "document": "校长办公会纪要〔2026〕9 号",
    "effective_from": date(2026, 9, 1),
}


def rate_form(**changes: Any) -> RateForm:
    return RateForm.model_validate(ANHUI_RATE | changes)


async def rate(world: World, school: School, **changes: Any) -> UUID:
    """A rate that finance proposed and the principal approved."""
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        row = await rates.propose(uow, rate_form(**changes))
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await rates.approve(uow, row.id)
    return row.id


def subsidy_form(**changes: Any) -> SubsidyForm:
    values: dict[str, Any] = {
        "title": "课后服务财政补贴",
        "level": "county",
        "covers": "term",
        "document_no": "青财教〔2026〕31 号",
        "document_on": date(2026, 11, 2),
        "rate_fen": 25000,
        "amount_fen": 50000,
        "account": "school_finance",
        "goals": "愿留尽留，满意率不低于九成",
    }
    return SubsidyForm.model_validate(values | changes)


async def subsidised(world: World, school: School, fen: int = 50000, **changes: Any) -> UUID:
    """A subsidy that came in whole."""
    with at(SETTLED, 9):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            row = await subsidies.record(uow, subsidy_form(amount_fen=fen, **changes))
            form = ReceiptForm(amount_fen=fen, received_on=date(2026, 11, 20), bank_reference=f"B{row.document_no}")
            await subsidies.receive(uow, row.id, form)
    return row.id


async def endowed(world: World, school: School, fen: int, fund: str = "subsidy") -> None:
    """Money in a fund from before, where a test is not about subsidies."""
    async with world.house.unit(school.ctx) as uow:
        lines = (debit("bank", fund, fen), credit("opening_balance", fund, fen))
        await ledger.post(uow, Journal("opening", f"opening:{fund}", date(2026, 9, 1), lines, "test"))


async def hold(world: World, school: School, lessons: Collection[UUID]) -> None:
    """These lessons were held, with the child of each family present; as the register leaves them."""
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text(
                "update lesson set state = 'held', signed_in_at = (day + starts_at) at time zone 'Asia/Shanghai', "
                "registered_at = now(), ended_at = now(), held_at = now() where tenant_id = :t and id = any(:ids)"
            ),
            {"t": school.ctx.tenant_id, "ids": list(lessons)},
        )
        await uow.session.execute(
            text(
                "insert into attendance (tenant_id, id, lesson_id, student_id, mark) "
                "select l.tenant_id, gen_random_uuid(), l.id, e.student_id, 'present' from lesson l "
                "join enrolment e on e.tenant_id = l.tenant_id and e.offering_id = l.offering_id "
                "where l.tenant_id = :t and l.id = any(:ids) on conflict do nothing"
            ),
            {"t": school.ctx.tenant_id, "ids": list(lessons)},
        )


async def undo(world: World, school: School, lesson: UUID) -> None:
    """A lesson turns out not to have been held. The product has no such move yet; books must bear it all the same."""
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update lesson set state = 'missed' where tenant_id = :t and id = :id"),
            {"t": school.ctx.tenant_id, "id": lesson},
        )


async def november(world: World, school: School, lessons: int = 4, **more: Any) -> tuple[Group, list[UUID]]:
    """A care group with its first lessons of November held."""
    made = await group(world, school, **more)
    ids = [made.lessons[day] for day in sorted(made.lessons)][:lessons]
    await hold(world, school, ids)
    return made, ids


async def listed(world: World, school: School, month: date = NOVEMBER, on: date = SETTLED) -> UUID:
    """A month's list as the worker makes it."""
    with at(on, 9):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            row = await making.start(uow, month)
        outcomes = await world.drain(school)
        assert not {"dead", "retry"} & set(outcomes), outcomes
    return row.id


async def submitted(world: World, school: School, list_id: UUID, on: date = SETTLED, **form: Any) -> PayList:
    with at(on, 10):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            return await lists.submit(uow, list_id, SubmitForm.model_validate(form))


async def approved(world: World, school: School, list_id: UUID, on: date = SETTLED, **form: Any) -> PayList:
    """Submitted by finance and approved by the principal."""
    await submitted(world, school, list_id, on, **form)
    with at(on, 11):
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            return await lists.approve(uow, list_id)


async def lines(world: World, school: School, list_id: UUID) -> list[PayLine]:
    async with world.house.unit(school.ctx) as uow:
        return await lists.lines_of(uow, list_id)


EVENING = {"start": time(17, 30), "end": time(18, 30)}
