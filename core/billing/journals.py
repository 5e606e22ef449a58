"""The journals behind bills and payments (docs/billing.md has the table). Every line carries its fund."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from core.base.money import Fen, split
from core.ledger.types import Journal, credit, debit


def issued(bill_id: UUID, on: date, charged: Mapping[str, int], reduced: Mapping[str, int]) -> list[Journal]:
    """A bill: receivable against money received in advance, gross; then its reductions, shown by themselves."""
    journals = []
    lines = [
        line
        for fund, amount in sorted(charged.items())
        if amount
        for line in (debit("receivable", fund, amount), credit("deferred_income", fund, amount))
    ]
    if lines:
        journals.append(Journal("bill", f"bill:{bill_id}", on, tuple(lines), "billing"))
    less = [
        line
        for fund, amount in sorted(reduced.items())
        if amount
        for line in (debit("fee_reduction", fund, amount), credit("receivable", fund, amount))
    ]
    if less:
        journals.append(Journal("reduction", f"reduction:{bill_id}", on, tuple(less), "billing"))
    return journals


def voided(bill_id: UUID, on: date, charged: Mapping[str, int], reduced: Mapping[str, int]) -> list[Journal]:
    """An unpaid bill taken back: the two journals of its issue, turned round."""
    lines = [
        line
        for fund, amount in sorted(charged.items())
        if amount
        for line in (debit("deferred_income", fund, amount), credit("receivable", fund, amount))
    ]
    lines += [
        line
        for fund, amount in sorted(reduced.items())
        if amount
        for line in (debit("receivable", fund, amount), credit("fee_reduction", fund, amount))
    ]
    return [Journal("void", f"void:{bill_id}", on, tuple(lines), "desk")] if lines else []


def by_fund(amount: int, owed: Mapping[str, int]) -> dict[str, int]:
    """Share a payment over the funds that are owed, in proportion, to the fen."""
    funds = sorted(fund for fund, owing in owed.items() if owing > 0)
    shares = split(Fen(amount), [owed[fund] for fund in funds])
    return {fund: int(share) for fund, share in zip(funds, shares, strict=True) if share}


def paid(reference: str, on: date, shares: Mapping[str, int], *, source: str) -> Journal:
    """A payment arrived at the provider: clearing against receivable, in the bill's funds."""
    lines = [
        line
        for fund, amount in sorted(shares.items())
        for line in (debit("psp_clearing", fund, amount), credit("receivable", fund, amount))
    ]
    return Journal("payment", f"pay:{reference}", on, tuple(lines), source)


def surplus(reference: str, on: date, amount: int, *, source: str) -> Journal:
    """A payment that the bill no longer needs (paid twice, too late, or beyond what is due): owed back at once."""
    lines = (debit("psp_clearing", "service", amount), credit("refund_payable", "service", amount))
    return Journal("surplus", f"surplus:{reference}", on, lines, source)


def refund_owed(refund_id: UUID, on: date, shares: Mapping[str, int]) -> Journal:
    """A refund was approved: what was received in advance is owed back to the family."""
    lines = [
        line
        for fund, amount in sorted(shares.items())
        for line in (debit("deferred_income", fund, amount), credit("refund_payable", fund, amount))
    ]
    return Journal("refund_owed", f"refund:{refund_id}:owed", on, tuple(lines), "desk")


def refunded(refund_id: UUID, on: date, shares: Mapping[str, int], *, source: str) -> Journal:
    """The provider gave the money back: nothing owed, less in clearing."""
    lines = [
        line
        for fund, amount in sorted(shares.items())
        for line in (debit("refund_payable", fund, amount), credit("psp_clearing", fund, amount))
    ]
    return Journal("refund_done", f"refund:{refund_id}:done", on, tuple(lines), source)


def earned(lesson_id: UUID, on: date, shares: Mapping[str, int]) -> Journal:
    """A lesson was held: its part of what was received in advance becomes income (R-363)."""
    lines = [
        line
        for fund, amount in sorted(shares.items())
        for line in (debit("deferred_income", fund, amount), credit("income", fund, amount))
    ]
    return Journal("earned", f"earn:{lesson_id}", on, tuple(lines), "lessons")


def suspended(reference: str, on: date, amount: int, *, source: str) -> Journal:
    """Money that fits no bill: it is in clearing, and in suspense until a person decides."""
    lines = (debit("psp_clearing", "service", amount), credit("suspense", "service", amount))
    return Journal("suspense", f"suspense:{reference}", on, lines, source)
