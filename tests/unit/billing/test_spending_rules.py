"""What the documents say to a spending, against the real packs."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.ids import new_id
from core.billing.spending import EXPENSE, INSTRUMENTS, ITEMS, SpendingForm, journal, objections_to
from core.ledger.chart import ACCOUNTS
from core.policy.service import EffectivePack
from tests.unit.policy.golden import PACKS, library

ON = date(2026, 11, 1)
LIBRARY = library()


@cache
def pack(key: str) -> EffectivePack:
    return LIBRARY.effective(key, ON)


def form(**more: Any) -> SpendingForm:
    values = {
        "fund": "service",
        "item": "consumables",
        "amount": "100.00",
        "payee": "文具店",
        "paid_on": ON,
        "voucher": "发票 1",
        "invoiced": "100.00",
    }
    return SpendingForm.model_validate(values | more)


def said(key: str, **more: Any) -> set[tuple[str, str, str]]:
    return {(o.rule, o.force, o.clause) for o in objections_to(pack(key), form(**more))}


@pytest.mark.req("R-354", "R-355", "C-09")
def test_hebi_spends_the_fee_on_named_things_alone() -> None:
    assert said("hebi") == set()
    assert said("hebi", item="equipment") == {("fee.spending", "block", "001#5 四（二）")}
    assert said("hebi", item="equipment", fund="subsidy") == set(), "the document speaks of the service charge"
    assert said("hebi", item="other") == {("fee.other_use", "block", "001#5 四（二）")}


@pytest.mark.req("R-352", "R-357")
def test_anhui_keeps_the_money_for_its_purpose_and_at_its_cost() -> None:
    key = "anhui-ten-bans"
    assert said(key) == set()
    assert {r for r, _f, _c in said(key, item="other")} == {"fee.other_use"}
    assert said(key, item="management_fee") == {("fee.management_fee", "block", "001#2 四（三）")}
    assert {r for r, _f, _c in said(key, item="handed_over")} == {"fee.withheld", "fee.other_use"}
    for paper in ({"voucher": ""}, {"invoiced": None}, {"invoiced": "99.99"}):
        assert said(key, **paper) == {("fee.actual_cost", "block", "001#2 四（四）")}


@pytest.mark.req("R-385", "C-09")
def test_anhui_subsidy_is_for_people() -> None:
    assert said("anhui-ten-bans", fund="subsidy") == {("subsidy.may_spend", "block", "001#2 四（三）")}


@pytest.mark.req("R-355", "R-339", "R-357")
def test_city_free_special_fund() -> None:
    key = "city-free-1000"
    assert said(key, fund="subsidy", item="courses") == set()
    assert {(r, f) for r, f, _c in said(key, fund="subsidy", item="equipment")} == {("fee.spending", "warn")}
    assert {r for r, _f, _c in said(key, fund="subsidy", item="handed_over")} == {"fee.other_use", "fee.withheld"}
    assert {r for r, _f, _c in said(key, fund="subsidy", item="courses", procured=True)} == {"fee.procurement_rules"}
    tender = {"procured": True, "method": "tender", "procurement_no": "招采 3 号"}
    assert said(key, fund="subsidy", item="courses", **tender) == set()


@pytest.mark.req("R-339")
def test_second_experimental_procures_what_is_collected_on_behalf() -> None:
    key = "second-experimental-primary"
    assert {r for r, _f, _c in said(key, fund="agency", procured=True)} >= {"fee.procurement_rules"}
    assert "fee.procurement_rules" not in {r for r, _f, _c in said(key, fund="service", procured=True)}


@given(
    fund=st.sampled_from(list(INSTRUMENTS)),
    item=st.sampled_from(list(ITEMS)),
    fen=st.integers(1, 1_000_000_000),
    procured=st.booleans(),
)
def test_every_pack_answers_every_spending_and_its_journal_balances(
    fund: str, item: str, fen: int, procured: bool
) -> None:
    asked = form(fund=fund, item=item, procured=procured).model_copy(update={"amount": fen})
    for path in PACKS.glob("*.toml"):
        objections_to(pack(path.stem), asked)
    made = journal(new_id(), asked)
    assert sum(int(line.amount) for line in made.lines) == 0 and {line.fund for line in made.lines} == {fund}
    known = {a.code: a.kind for a in ACCOUNTS}
    assert known[made.lines[0].account] == "expense" and set(EXPENSE.values()) <= set(known)
