"""The worked tables of docs/billing.md, read and computed again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.ids import new_id
from core.base.money import Fen, split
from core.billing.journals import by_fund
from core.billing.pricing import Cap, charged_by_fund, draft, price, reduced_by_fund
from core.billing.views import ChargeProposal, PricedCharge, ReductionProposal, UnitPrice

DOC = Path(__file__).parents[3] / "docs" / "billing.md"
CHILD, TERM, RUN = new_id(), new_id(), new_id()


def worked(name: str) -> list[dict[str, str]]:
    """The rows of the table under `### Worked: name`."""
    section = DOC.read_text(encoding="utf-8").partition(f"### Worked: {name}")[2].partition("\n#")[0]
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    assert len(rows) > 2, f"no table {name} in {DOC.name}"
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def cases(name: str) -> Any:
    return pytest.mark.parametrize("row", worked(name), ids=lambda row: " ".join(row.values()))


def charge(service: str, fen: int, fund: str = "service") -> PricedCharge:
    proposal = ChargeProposal(CHILD, service, service, 1, fund)  # type: ignore[arg-type]
    standard = UnitPrice(service, "term", Fen(fen), new_id(), "", datetime.now(UTC), fund)  # type: ignore[arg-type]
    return PricedCharge(proposal, standard, Fen(fen))


@cases("price")
def test_price(row: dict[str, str]) -> None:
    enrolment = new_id()
    proposal = ChargeProposal(CHILD, "care", "care", int(row["lessons"]), "service", enrolment)
    standard = UnitPrice("care", row["unit"], Fen(int(row["unit_fen"])), new_id(), "", datetime.now(UTC))
    priced, missing = price([proposal], {"care": standard}, {enrolment: int(row["months"])})
    assert (sum(int(p.amount) for p in priced), missing) == (int(row["amount"]), [])
    assert all(p.amount == p.proposal.quantity * p.price.fen for p in priced), "the database checks the same"


def test_no_price_no_charge() -> None:
    priced, missing = price([ChargeProposal(CHILD, "care", "看护", 3)], {})
    assert (priced, [m.service for m in missing]) == ([], ["care"])


@cases("reduction and cap")
def test_reduction_and_cap(row: dict[str, str]) -> None:
    charges = [charge("care", 20000), charge("club", 16000), charge("lunch", 9000, "meals")]
    of = None if row["of"] == "bill" else row["of"]
    less = [ReductionProposal(CHILD, of, Fen(int(row["reduction"])), "hardship", new_id())]
    cap = None if row["cap"] == "none" else Cap(Fen(int(row["cap"])), "x", row["order"] == "cap_then_reduce")
    bill = draft(CHILD, TERM, charges, less, cap, RUN)
    assert (sum(reduced_by_fund(bill).values()), int(bill.due)) == (int(row["reduced"]), int(row["due"]))


@cases("earning")
def test_earning(row: dict[str, str]) -> None:
    amount, lessons, earned = int(row["amount"]), int(row["lessons"]), 0
    seen = []
    for held in map(int, row["held"].split()):
        earned = max(earned, amount * min(held, lessons) // lessons)  # what core.billing.earning says in SQL
        seen.append(earned)
    assert seen == [int(n) for n in row["earned"].split()]


def _funds(cell: str) -> dict[str, int]:
    return {fund: int(n) for fund, n in (part.split() for part in cell.split(", "))}


@cases("sharing")
def test_sharing(row: dict[str, str]) -> None:
    assert by_fund(int(row["amount"]), _funds(row["owed"])) == _funds(row["shares"])


amounts = st.integers(0, 10**7)


@given(st.lists(amounts, min_size=1, max_size=5), st.lists(amounts, max_size=4), st.none() | amounts, st.booleans())
def test_no_bill_falls_below_nought_nor_loses_a_fen(
    charged: list[int], reductions: list[int], cap: int | None, first: bool
) -> None:
    charges = [charge(f"s{n}", fen) for n, fen in enumerate(charged)]
    less = [ReductionProposal(CHILD, None, Fen(fen), "x", new_id()) for fen in reductions]
    limit = None if cap is None else Cap(Fen(cap), "", first)
    bill = draft(CHILD, TERM, charges, less, limit, RUN)
    reduced = sum(reduced_by_fund(bill).values())
    assert 0 <= bill.due == sum(charged_by_fund(bill).values()) - reduced
    assert all(r.fen > 0 for r in bill.reductions)
    if cap is not None:
        assert bill.due <= cap


@given(st.integers(0, 10**8), st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_splitting_loses_nothing_and_never_exceeds_a_weight(total: int, weights: list[int]) -> None:
    if sum(weights) == 0:
        return
    shares = split(Fen(total), weights)
    assert sum(shares) == total
    if total <= sum(weights):
        assert all(share <= weight for share, weight in zip(shares, weights, strict=True))
