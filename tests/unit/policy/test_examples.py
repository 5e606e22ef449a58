"""Examples published elsewhere (product, section 1c) as further packs: their answers, and the bills they lead to."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from core.base.ids import new_id
from core.base.money import Fen
from core.billing.pricing import Cap, draft
from core.billing.views import ChargeProposal, PricedCharge, ReductionProposal, UnitPrice
from core.policy import cases
from core.policy.service import load_packs

HERE = Path(__file__).parent / "published"
LIBRARY = load_packs(HERE / "packs")
BILLS: list[dict[str, Any]] = tomllib.loads((HERE / "bills.toml").read_text("utf-8"))["bill"]
ON = date(2026, 9, 1)


@pytest.mark.req("R-020", "R-021")
@pytest.mark.parametrize("scheme", cases.check(LIBRARY, cases.read_cases(HERE / "cases")), ids=lambda s: s.key)
def test_every_rule_has_a_case_and_every_case_passes(scheme: cases.Scheme) -> None:
    assert not scheme.failed
    assert not scheme.without_case


@pytest.mark.req("R-345", "R-346")
@pytest.mark.parametrize("bill", BILLS, ids=lambda b: str(b["name"]))
def test_the_bill_that_an_example_leads_to(bill: dict[str, Any]) -> None:
    pack = LIBRARY.effective(bill["pack"], ON)
    assert pack.ask("fee.per_lesson_max", amount_fen=bill["unit_fen"]).ok
    child, enrolment = new_id(), new_id()
    proposal = ChargeProposal(
        student_id=child,
        service="care",
        title="看护",
        quantity=bill["lessons"],
        enrolment_id=enrolment,
        offering_id=enrolment,
    )
    amount = bill["lessons"] * bill["unit_fen"]
    price = UnitPrice("care", "lesson", Fen(bill["unit_fen"]), new_id(), "批准", datetime(2026, 9, 1, tzinfo=UTC))
    percent = bill.get("reduced_percent", 0)
    reductions = (
        [ReductionProposal(child, None, Fen(amount * percent // 100), "hardship", new_id(), "")] if percent else []
    )
    limit = pack.get("fee.per_term_max")
    order = bill.get("order") or pack.get("fee.reduction_order").value
    cap = Cap(Fen(limit.value), limit.clause, order == "cap_then_reduce") if limit.value else None
    made = draft(child, new_id(), [PricedCharge(proposal, price, Fen(amount))], reductions, cap, new_id())
    assert int(made.due) == bill["due"]
