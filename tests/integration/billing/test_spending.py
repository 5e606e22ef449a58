"""Spending: refused with its clause, entered once, posted to the fund's books, taken back by its mirror."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.base import clock
from core.base.errors import Forbidden, Invalid
from core.billing import service, spending
from core.billing.errors import BankTooLow
from core.billing.spending import SpendingForm
from core.enrollment.errors import Objected
from core.ledger import service as ledger
from core.ledger.types import Journal, credit, debit
from tests.support.world import School, World


def form(**more: Any) -> SpendingForm:
    values: dict[str, Any] = {
        "fund": "service",
        "item": "consumables",
        "amount": "100",
        "payee": "文具店",
        "paid_on": clock.today(),
        "voucher": "发票 1",
        "invoiced": "100",
    }
    return SpendingForm.model_validate(values | more)


async def with_money(world: World, school: School, fen: int = 50_000) -> None:
    """Money of the service in the bank, as if families had paid it."""
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        lines = (debit("psp_clearing", "service", fen), credit("income", "service", fen))
        await ledger.post(uow, Journal("opening", "opening", clock.today(), lines, "desk"))
        await service.book_payout(uow, "po-1", {"service": fen})


async def bank(world: World, school: School) -> int:
    async with world.house.unit(school.ctx) as uow:
        return int(await ledger.balance(uow, "bank", "service"))


@pytest.mark.req("R-352", "R-354", "R-357")
async def test_spent_refused_and_taken_back(world: World) -> None:
    school = await world.school(pack="hebi")
    finance = await world.as_(school, "finance")
    with pytest.raises(BankTooLow):
        async with world.house.unit(finance) as uow:
            await spending.book(uow, form())
    await with_money(world, school)
    with pytest.raises(Objected) as refused:
        async with world.house.unit(finance) as uow:
            await spending.book(uow, form(item="equipment"))
    assert {(o.rule, o.clause) for o in refused.value.objections} == {("fee.spending", "001#5 四（二）")}
    with pytest.raises(Invalid):
        async with world.house.unit(finance) as uow:
            await spending.book(uow, form(paid_on=clock.today().replace(year=2099)))
    async with world.house.unit(finance) as uow:
        row = await spending.book(uow, form())
    assert await bank(world, school) == 40_000
    async with world.house.unit(finance) as uow:
        with pytest.raises(Invalid):
            await spending.take_back(uow, row.id, " ")
    for _ in range(2):
        async with world.house.unit(finance) as uow:
            await spending.take_back(uow, row.id, "记错了")
    assert await bank(world, school) == 50_000
    async with world.house.unit(school.ctx) as uow:
        assert await ledger.problems(uow) == []
        rows, total = await spending.listed(uow)
        assert total == 1 and rows[0].taken_back_why == "记错了" and rows[0].pack_revision
    with pytest.raises(DBAPIError) as fixed:
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update spending set amount_fen = 1"))
    assert fixed.value.orig.sqlstate == "42501"  # type: ignore[union-attr]


@pytest.mark.req("R-355")
async def test_a_warning_wants_a_reason_that_is_kept(world: World) -> None:
    school = await world.school(pack="school-free-care")
    finance = await world.as_(school, "finance")
    paid = {"fund": "school", "item": "consumables"}
    with pytest.raises(Objected) as warned:
        async with world.house.unit(finance) as uow:
            await spending.book(uow, form(**paid))
    assert [o.force for o in warned.value.objections] == ["warn"]
    async with world.house.unit(finance) as uow:
        row = await spending.book(uow, form(**paid, reason="看护用纸笔，属于服务费用"))
    assert row.objections[0]["rule"] == "fee.spending" and row.reason
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(Forbidden):
            await spending.book(uow, form(**paid, reason="看护用纸笔"))
