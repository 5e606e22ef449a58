"""The journals behind bills and payments (docs/billing.md has the table). Every line carries its fund."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from uuid import UUID

from core.base.money import Fen, split
from core.ledger.types import Journal, Line, credit, debit

Shares = Mapping[str, int]
"""Fen by fund."""


def _pairs(debited: str, credited: str, shares: Shares) -> list[Line]:
    """The same amount from one account to another, within each fund."""
    return [
        line
        for fund, amount in sorted(shares.items())
        if amount
        for line in (debit(debited, fund, amount), credit(credited, fund, amount))
    ]


def by_fund(amount: int, owed: Shares) -> dict[str, int]:
    """Share a payment over the funds that are owed, in proportion, to the fen."""
    funds = sorted(fund for fund, owing in owed.items() if owing > 0)
    shares = split(Fen(amount), [owed[fund] for fund in funds])
    return {fund: int(share) for fund, share in zip(funds, shares, strict=True) if share}


def less(shares: Shares, taken: Shares) -> dict[str, int]:
    """What is left of `shares` in each fund."""
    return {fund: amount - taken.get(fund, 0) for fund, amount in shares.items()}


def issued(bill_id: UUID, on: date, charged: Shares, reduced: Shares) -> list[Journal]:
    """A bill: receivable against money received in advance, gross; then its reductions, shown by themselves."""
    journals = []
    if lines := _pairs("receivable", "deferred_income", charged):
        journals.append(Journal("bill", f"bill:{bill_id}", on, tuple(lines), "billing"))
    if lines := _pairs("fee_reduction", "receivable", reduced):
        journals.append(Journal("reduction", f"reduction:{bill_id}", on, tuple(lines), "billing"))
    return journals


def voided(bill_id: UUID, on: date, charged: Shares, earned: Shares, reduced: Shares) -> list[Journal]:
    """An unpaid bill taken back: the journals of its issue, turned round; what was earned leaves income."""
    lines = _pairs("deferred_income", "receivable", less(charged, earned))
    lines += _pairs("income", "receivable", earned)
    lines += _pairs("receivable", "fee_reduction", reduced)
    return [Journal("void", f"void:{bill_id}", on, tuple(lines), "desk")] if lines else []


def paid(reference: str, on: date, shares: Shares, *, source: str) -> Journal:
    """A payment arrived at the provider: clearing against receivable, in the bill's funds."""
    return Journal("payment", f"pay:{reference}", on, tuple(_pairs("psp_clearing", "receivable", shares)), source)


def surplus(reference: str, on: date, shares: Shares, *, source: str) -> Journal:
    """A payment that the bill no longer needs (paid twice, too late, or voided meanwhile): owed back at once."""
    lines = _pairs("psp_clearing", "refund_payable", shares)
    return Journal("surplus", f"surplus:{reference}", on, tuple(lines), source)


def suspended(reference: str, on: date, shares: Shares, *, source: str) -> Journal:
    """Money that fits no bill: it is in clearing, and in suspense until a person decides."""
    lines = _pairs("psp_clearing", "suspense", shares)
    return Journal("suspense", f"suspense:{reference}", on, tuple(lines), source)


def suspense_owed(refund_id: UUID, on: date, shares: Shares) -> Journal:
    """A finance role decided that money in suspense goes back."""
    lines = _pairs("suspense", "refund_payable", shares)
    return Journal("refund_owed", f"refund:{refund_id}:owed", on, tuple(lines), "desk")


def provider_fee(reference: str, on: date, amount: int, *, fund: str, source: str) -> Journal:
    """What the provider kept. It is borne by `fund`, never by the families' money (R-357)."""
    lines = (debit("psp_fees", fund, amount), credit("psp_clearing", fund, amount))
    return Journal("provider_fee", f"fee:{reference}", on, lines, source)


def settled_to_bank(key: str, on: date, shares: Shares) -> Journal:
    """The provider paid out to the school's bank account."""
    return Journal("payout", f"payout:{key}", on, tuple(_pairs("bank", "psp_clearing", shares)), "desk")


def refund_owed(refund_id: UUID, on: date, unearned: Shares, earned: Shares) -> Journal:
    """A refund was approved: owed back out of what was received in advance, then out of income."""
    lines = _pairs("deferred_income", "refund_payable", unearned) + _pairs("income", "refund_payable", earned)
    return Journal("refund_owed", f"refund:{refund_id}:owed", on, tuple(lines), "desk")


def refund_step(step: str, refund_id: UUID, round_: int, on: date, shares: Shares, *, source: str) -> Journal:
    """One step of a refund at the provider: `out` it left our balance, `done` the payer has it, `back` it failed on
    the way, `undone` it failed after it had been reported done, `offline` it was paid from the bank."""
    accounts = {
        "out": ("refund_transit", "psp_clearing"),
        "done": ("refund_payable", "refund_transit"),
        "back": ("psp_clearing", "refund_transit"),
        "undone": ("psp_clearing", "refund_payable"),
        "offline": ("refund_payable", "bank"),
    }
    lines = _pairs(*accounts[step], shares)
    key = f"refund:{refund_id}:{round_}:{step}"
    return Journal(f"refund_{step}", key, on, tuple(lines), source)


def earned(key: str, on: date, shares: Shares) -> Journal:
    """A lesson was held: its part of what was received in advance becomes income (R-363)."""
    return Journal("earned", f"earn:{key}", on, tuple(_pairs("deferred_income", "income", shares)), "lessons")


def closed_unheld(bill_id: UUID, on: date, unused: Shares, income: Shares) -> list[Journal]:
    """The term closes: a reduction of lessons never held is taken back (nobody paid it), and what no rule gives back
    becomes income."""
    lines = _pairs("deferred_income", "fee_reduction", unused) + _pairs("deferred_income", "income", income)
    return [Journal("closed", f"close:{bill_id}", on, tuple(lines), "closing")] if lines else []


def summed(*many: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Fen by fund, added up."""
    sums: dict[str, int] = {}
    for pairs in many:
        for fund, amount in pairs:
            sums[fund] = sums.get(fund, 0) + int(amount)
    return sums
