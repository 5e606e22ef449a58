"""The term's income and expenditure, and the same books in a form that another program checks."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Custom, Transaction

from core.base.context import TenantContext
from core.db.house import House
from core.ledger import service
from core.ledger.chart import MEALS, SERVICE
from core.ledger.errors import UnknownFund
from core.ledger.export import beancount, chain, chain_end, export
from core.ledger.statements import for_publication, term_statement
from core.ledger.types import Journal, Line, credit, debit
from tests.integration.ledger.conftest import Books

TERM = date(2026, 9, 1), date(2027, 1, 22)


def journal(key: str, day: str, *lines: Line, memo: str = "") -> Journal:
    return Journal("test", key, date.fromisoformat(day), lines, "test", memo=memo)


STORY = (
    journal("open", "2026-07-01", debit("bank", SERVICE, 500_00), credit("opening_balance", SERVICE, 500_00)),
    journal("earlier", "2026-07-02", debit("materials_expense", SERVICE, 20_01), credit("bank", SERVICE, 20_01)),
    journal("bill:1", "2026-09-02", debit("receivable", SERVICE, 360_00), credit("deferred_income", SERVICE, 360_00)),
    journal("bill:2", "2026-09-02", debit("receivable", SERVICE, 360_00), credit("deferred_income", SERVICE, 360_00)),
    journal("lunch", "2026-09-02", debit("receivable", MEALS, 210_00), credit("deferred_income", MEALS, 210_00)),
    journal("waive:2", "2026-09-03", debit("fee_reduction", SERVICE, 360_00), credit("receivable", SERVICE, 360_00)),
    journal("pay:1", "2026-09-03", debit("psp_clearing", SERVICE, 360_00), credit("receivable", SERVICE, 360_00)),
    journal("fee:1", "2026-09-03", debit("psp_fees", SERVICE, 2_16), credit("psp_clearing", SERVICE, 2_16)),
    journal("earn:1", "2026-12-31", debit("deferred_income", SERVICE, 300_00), credit("income", SERVICE, 300_00)),
    journal("earn:2", "2026-12-31", debit("deferred_income", SERVICE, 360_00), credit("income", SERVICE, 360_00)),
    journal("wd:1", "2027-01-05", debit("deferred_income", SERVICE, 60_00), credit("refund_payable", SERVICE, 60_00)),
    journal("vend", "2027-01-10", debit("vendor_expense", SERVICE, 150_00), credit("vendor_payable", SERVICE, 150_00)),
    journal("vendpay", "2027-01-20", debit("vendor_payable", SERVICE, 150_00), credit("bank", SERVICE, 150_00)),
    journal(
        "next",
        "2027-03-01",
        debit("staff_expense", SERVICE, 10_00),
        credit("bank", SERVICE, 10_00),
        memo='下学期|"引号"\\\n两行',
    ),
)


@pytest.fixture
async def story(books: Books, house: House, ctx: TenantContext) -> Books:
    async with house.unit(ctx) as uow:
        await service.post(uow, *STORY)
    return books


@pytest.mark.req("R-334", "R-358", "R-359", "R-361")
async def test_statement_of_a_term(story: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        found = await term_statement(uow, SERVICE, *TERM)
    by = {line.account: line for line in found.lines}
    assert (found.fund_name, found.income, found.expense, found.other) == ("课后服务费", 300_00, 152_16, 0)
    assert (found.opening_surplus, found.closing_surplus) == (479_99, 479_99 + 300_00 - 152_16)
    assert found.balanced
    assert (by["bank"].opening, by["bank"].credits, by["bank"].closing) == (479_99, 150_00, 329_99)
    assert by["deferred_income"].closing == 0
    assert by["refund_payable"].closing == -60_00
    assert "staff_expense" not in by
    assert (found.seq, len(found.hash)) == (len(STORY), 64)


@pytest.mark.req("R-371")
async def test_funds_do_not_meet(story: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        lunch = await term_statement(uow, MEALS, *TERM)
        assert {line.account: line.closing for line in lunch.lines} == {
            "receivable": 210_00,
            "deferred_income": -210_00,
        }
        assert lunch.income == 0
        with pytest.raises(UnknownFund):
            await term_statement(uow, "tips", *TERM)


async def test_a_published_version_stays_as_it_was(story: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        seal = await service.seal(uow)
        before = await term_statement(uow, SERVICE, *TERM, upto_seq=seal.seq)
        late = journal("late", "2027-01-21", debit("psp_fees", SERVICE, 100), credit("psp_clearing", SERVICE, 100))
        await service.post(uow, late)
        assert await term_statement(uow, SERVICE, *TERM, upto_seq=seal.seq) == before
        after = await term_statement(uow, SERVICE, *TERM)
    assert before.hash == seal.hash
    assert (after.expense - before.expense, after.balanced) == (100, True)


@pytest.mark.req("R-347")
async def test_a_single_hardship_case_is_not_shown(story: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        found = await term_statement(uow, SERVICE, *TERM)
    shown = for_publication(found)
    assert "fee_reduction" not in {line.account for line in shown.lines}
    assert (shown.income, shown.expense, shown.closing_surplus) == (found.income, found.expense, found.closing_surplus)
    assert shown.balanced
    assert for_publication(found, smallest=1) == found


async def text_of(house: House, ctx: TenantContext, fund: str) -> str:
    async with house.unit(ctx) as uow:
        return "".join([piece async for piece in beancount(uow, fund)])


def bean_check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("bean-check"), path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_bean_check_accepts_the_export_and_finds_what_was_changed(
    story: Books, house: House, ctx: TenantContext, tmp_path: Path
) -> None:
    for fund in (SERVICE, MEALS, "subsidy"):
        (tmp_path / f"{fund}.beancount").write_text(await text_of(house, ctx, fund), encoding="utf-8")
        checked = bean_check(tmp_path / f"{fund}.beancount")
        assert (checked.returncode, checked.stderr + checked.stdout) == (0, "")
    with story.connect("owner") as owner:
        owner.execute("update ledger_posting set amount = amount * 2 where seq = 3")
    (tmp_path / "forged.beancount").write_text(await text_of(house, ctx, SERVICE), encoding="utf-8")
    assert bean_check(tmp_path / "forged.beancount").returncode != 0


async def test_round_trip(story: Books, house: House, ctx: TenantContext) -> None:
    """What beancount reads back is what the ledger holds, journal by journal and balance by balance."""
    text = await text_of(house, ctx, SERVICE)
    directives, problems, _ = loader.load_string(text)
    assert problems == []
    read = {d.narration: d for d in directives if isinstance(d, Transaction)}
    mine = [j for j in STORY if any(line.fund == SERVICE for line in j.lines)]
    assert set(read) == {j.key for j in mine}
    sums: dict[str, int] = defaultdict(int)
    for j in mine:
        back = read[j.key]
        assert (back.date, back.payee, back.meta["id"]) == (j.occurred_on, j.kind, str(j.id))
        amounts = [int(p.units.number * 100) for p in back.postings if p.units]
        assert amounts == [line.amount for line in j.lines if line.fund == SERVICE]
        for posting in back.postings:
            assert posting.units is not None
            sums[posting.account] += int(posting.units.number * 100)
    assert sums["Assets:Bank"] == story.balance("bank")
    assert sums["Liabilities:RefundPayable"] == story.balance("refund_payable")
    end = next(d for d in directives if isinstance(d, Custom))
    assert [v.value for v in end.values][1:] == [
        len(STORY),
        story.ask("select hash from ledger_head")[0][0],
    ]


async def test_chain_export_ends_at_the_seal(story: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        seal = await service.seal(uow)
        lines = [line async for line in chain(uow)]
        assert lines == [line async for line in export(uow, SERVICE, "chain")]
    assert chain_end(ctx.tenant_id, lines) == seal
    lines[4] = lines[4].replace("210", "211", 1)
    assert chain_end(ctx.tenant_id, lines) != seal


async def test_an_export_of_a_fund_that_is_not_there_names_those_that_are(
    story: Books, house: House, ctx: TenantContext
) -> None:
    async with house.unit(ctx) as uow:
        with pytest.raises(UnknownFund) as refused:
            _ = [piece async for piece in export(uow, "parking")]
    assert "parking" in refused.value.message and SERVICE in refused.value.message
