"""The ledger's values without a database: statements as published, the chain from text, numbers as printed."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.money import Fen
from core.ledger.chart import ACCOUNTS, FUNDS
from core.ledger.export import chain_end, yuan
from core.ledger.numbers import show_number
from core.ledger.statements import Statement, StatementLine, for_publication
from core.ledger.types import Journal, Line, credit, debit

TENANT = UUID("01900000-0000-7000-8000-000000000001")
fen = st.integers(0, 10**9).map(Fen)


def line(account: str, kind: str, opening: int, debits: int, credits: int, journals: int) -> StatementLine:
    return StatementLine(account, account, kind, Fen(opening), Fen(debits), Fen(credits), journals)  # type: ignore[arg-type]


@given(fen, fen, fen, fen, st.integers(0, 6), st.integers(1, 5), st.booleans())
def test_publication_hides_few_and_keeps_every_total(
    income: Fen, reduced: Fen, spent: Fen, before: Fen, journals: int, smallest: int, has_income: bool
) -> None:
    lines = [line("fee_reduction", "income", 7, reduced, 0, journals), line("staff_expense", "expense", 0, spent, 0, 9)]
    if has_income:
        lines.append(line("income", "income", -before, 0, income, 20))
    rest = -sum(x.closing for x in lines)
    lines.append(line("bank", "asset", 0, rest, 0, 9) if rest >= 0 else line("bank", "asset", rest, 0, 0, 9))
    whole = Statement("service", "课后服务费", date(2026, 9, 1), date(2027, 1, 22), "CNY", tuple(lines), 9, "x")
    shown = for_publication(whole, smallest=smallest)
    assert ("fee_reduction" in {x.account for x in shown.lines}) is (journals >= smallest)
    for total in ("income", "expense", "opening_surplus", "closing_surplus", "other"):
        assert getattr(shown, total) == getattr(whole, total)
    assert sum(x.closing for x in shown.lines) == sum(x.closing for x in whole.lines) == 0


@given(st.integers(-(10**12), 10**12))
def test_yuan_is_exact(amount: int) -> None:
    shown = yuan(amount)
    whole, _, part = shown.lstrip("-").partition(".")
    assert (int(whole) * 100 + int(part)) * (-1 if shown.startswith("-") else 1) == amount
    assert len(part) == 2


def test_chain_is_what_the_document_says() -> None:
    """sha256 over the hash before, a newline and the line: an auditor can do it with sha256sum."""
    first = json.dumps([1, "课", None], ensure_ascii=False)
    genesis = hashlib.sha256(f"kehou ledger 1 {TENANT}".encode()).hexdigest()
    expected = hashlib.sha256(f"{genesis}\n{first}".encode()).hexdigest()
    assert chain_end(TENANT, []) == chain_end(TENANT, [first], upto=0)
    assert chain_end(TENANT, []).hash == genesis
    assert (chain_end(TENANT, [first + "\n"]).seq, chain_end(TENANT, [first]).hash) == (1, expected)


@pytest.mark.parametrize("wrong", [1.0, "1", True, None])
def test_amounts_are_whole_fen(wrong: object) -> None:
    with pytest.raises(TypeError):
        Line("bank", "service", wrong)  # type: ignore[arg-type]


def test_debit_and_credit_are_opposite() -> None:
    assert debit("bank", "service", 5).amount == 5
    assert credit("bank", "service", 5).amount == -5


def test_journals_have_ids_of_their_own() -> None:
    one, two = (Journal("x", "k", date(2026, 9, 1), (), "test") for _ in range(2))
    assert one.id != two.id


@pytest.mark.req("R-352", "R-369")
def test_the_chart_names_everything_once_and_keeps_sources_apart() -> None:
    codes = [a.code for a in ACCOUNTS] + [f.code for f in FUNDS]
    names = [str.__str__(a.title) for a in ACCOUNTS] + [str.__str__(f.title) for f in FUNDS]
    assert len(set(codes)) == len(codes)
    assert len(set(names)) == len(names)
    assert {f.kind for f in FUNDS} == {"fee", "agency", "subsidy", "school"}


def test_a_printed_number() -> None:
    assert show_number("SJ", "2026A", 7) == "SJ2026A-000007"
    assert show_number("SJ", "2026A", 1234567) == "SJ2026A-1234567"
