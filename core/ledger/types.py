"""What is posted to the ledger and what comes back: frozen values without database rows behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from core.base.ids import new_id
from core.base.money import Fen

AccountKind = Literal["asset", "liability", "net", "income", "expense"]
FundKind = Literal["fee", "agency", "subsidy", "school"]
"""Where money comes from: service charge, collected on behalf of another, fiscal subsidy, school funds
(R-369)."""


@dataclass(frozen=True, slots=True)
class FundDef:
    """A fund to open: money that is kept apart from all other (R-352). `title` is the Chinese name."""

    code: str
    title: Any
    kind: FundKind


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a journal: `amount` in fen, debit positive, credit negative, never nought."""

    account: str
    fund: str
    amount: Fen
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.amount) is not int:
            raise TypeError(f"an amount is a whole number of fen, not {self.amount!r}")


def debit(account: str, fund: str, amount: int, currency: str = "CNY") -> Line:
    """Debit `amount` fen."""
    return Line(account, fund, Fen(amount), currency)


def credit(account: str, fund: str, amount: int, currency: str = "CNY") -> Line:
    """Credit `amount` fen."""
    return Line(account, fund, Fen(-amount), currency)


@dataclass(frozen=True, slots=True)
class Journal:
    """A fact about money, ready to post.

    `key` says which fact it is ("bill:{id}", "pay:{psp reference}"): the same key is never posted twice,
    and the same key with other lines or another day is refused; take `occurred_on` from the fact, not from
    the clock. `source` says who brought it (webhook, worker, desk); `memo` is part of the hash chain and
    holds no name.
    """

    kind: str
    key: str
    occurred_on: date
    lines: tuple[Line, ...]
    source: str
    memo: str = ""
    reverses: UUID | None = None
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal in the ledger. `created` is False where the key was known: nothing was posted again."""

    id: UUID
    seq: int
    key: str
    created: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What stands on an account within a fund, in fen: debit positive. `name` is the account's Chinese
    name."""

    account: str
    name: str
    kind: AccountKind
    fund: str
    currency: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting as a page shows it, with the journal it belongs to."""

    seq: int
    journal_id: UUID
    kind: str
    occurred_on: date
    posted_at: datetime
    key: str
    memo: str
    account: str
    fund: str
    currency: str
    amount: Fen


@dataclass(frozen=True, slots=True)
class Seal:
    """The end of the hash chain: `seq` journals, and the hash (hex) that no change before it leaves as it
    is."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the ledger that does not agree with itself."""

    problem: str
    facts: dict[str, Any]
