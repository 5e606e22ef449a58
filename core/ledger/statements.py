"""Income and expenditure of one fund over a term, computed from the postings (R-358 … R-361)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import text

from core.base.money import Fen
from core.db.uow import UnitOfWork
from core.ledger.errors import UnknownFund
from core.ledger.types import AccountKind

SENSITIVE = {"fee_reduction": "income"}
"""Accounts whose movement, if few journals made it, would point to one child, and the account that takes it
in."""

SMALLEST_GROUP = 3


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One account over the period, in fen, debit positive: `closing` = `opening` + `debits` - `credits`.

    `journals` is how many journals moved it in the period; `name` is the Chinese name.
    """

    account: str
    name: str
    kind: AccountKind
    opening: Fen
    debits: Fen
    credits: Fen
    journals: int

    @property
    def closing(self) -> Fen:
        return Fen(self.opening + self.debits - self.credits)

    @property
    def movement(self) -> Fen:
        return Fen(self.debits - self.credits)


@dataclass(frozen=True, slots=True)
class Statement:
    """A fund over `from_on` … `to_on` (both included), from the journals 1 … `seq`; `hash` is the chain's
    there.

    Always true: opening_surplus + income - expense + other = closing_surplus = what the fund owns less what
    it owes at the end. `other` is what moved the fund's net balance directly, such as an opening balance.
    """

    fund: str
    fund_name: str
    from_on: date
    to_on: date
    currency: str
    lines: tuple[StatementLine, ...]
    seq: int
    hash: str

    def of(self, *kinds: AccountKind) -> list[StatementLine]:
        return [line for line in self.lines if line.kind in kinds]

    @property
    def income(self) -> Fen:
        """Income of the period, reductions taken off."""
        return Fen(-sum(line.movement for line in self.of("income")))

    @property
    def expense(self) -> Fen:
        return Fen(sum(line.movement for line in self.of("expense")))

    @property
    def other(self) -> Fen:
        return Fen(-sum(line.movement for line in self.of("net")))

    @property
    def opening_surplus(self) -> Fen:
        return Fen(sum(line.opening for line in self.of("asset", "liability")))

    @property
    def closing_surplus(self) -> Fen:
        return Fen(sum(line.closing for line in self.of("asset", "liability")))

    @property
    def balanced(self) -> bool:
        """The equation above; false would mean books that someone has tampered with."""
        through = self.opening_surplus + self.income - self.expense + self.other
        return through == self.closing_surplus and sum(line.closing for line in self.lines) == 0


async def term_statement(
    uow: UnitOfWork,
    fund: str,
    from_on: date,
    to_on: date,
    *,
    upto_seq: int | None = None,
    currency: str = "CNY",
) -> Statement:
    """The statement of `fund` from the journals up to `upto_seq` (None: all so far).

    To publish, seal first and pass the seal's `seq`: the same call then gives the same figures for ever,
    and a late journal makes a new version instead of changing the old one. Raises UnknownFund.
    """
    head = (await _rows(uow, _HEAD, fund=fund, upto=upto_seq)).pop()
    if head.name is None:
        raise UnknownFund(fund=fund)
    rows = await _rows(uow, _LINES, fund=fund, currency=currency, from_on=from_on, to_on=to_on, upto=head.seq)
    lines = tuple(
        StatementLine(r.account, r.name, r.kind, Fen(r.opening), Fen(r.debits), Fen(r.credits), r.journals)
        for r in rows
    )
    return Statement(fund, head.name, from_on, to_on, currency, lines, head.seq, head.hash)


def for_publication(statement: Statement, *, smallest: int = SMALLEST_GROUP) -> Statement:
    """The statement as everyone may see it: a line of fewer than `smallest` journals that concerns families
    in hardship is taken into the line beside it, so that nobody can tell whose it was (R-347). Totals stay
    the same."""
    lines = {line.account: line for line in statement.lines}
    for account, host in SENSITIVE.items():
        small = lines.get(account)
        if small is None or small.journals >= smallest:
            continue
        del lines[account]
        into = lines.get(host) or replace(small, account=host, name="", opening=Fen(0), debits=Fen(0), credits=Fen(0))
        lines[host] = replace(
            into,
            opening=Fen(into.opening + small.opening),
            debits=Fen(into.debits),
            credits=Fen(into.credits - small.movement),
        )
    return replace(statement, lines=tuple(lines.values()))


_HEAD = """
select f.name, coalesce(j.seq, 0) as seq, coalesce(j.hash, ledger_genesis(:tenant)) as hash
from (select 1) one
left join ledger_fund f on f.tenant_id = :tenant and f.code = :fund
left join ledger_journal j on j.tenant_id = :tenant and j.seq = (
    select max(x.seq) from ledger_journal x
    where x.tenant_id = :tenant and (cast(:upto as bigint) is null or x.seq <= :upto))
"""

_LINES = """
select p.account, a.name, a.kind,
    coalesce(sum(p.amount) filter (where j.occurred_on < :from_on), 0)::bigint as opening,
    coalesce(sum(p.amount) filter (where j.occurred_on >= :from_on and p.amount > 0), 0)::bigint as debits,
    coalesce(-sum(p.amount) filter (where j.occurred_on >= :from_on and p.amount < 0), 0)::bigint as credits,
    count(distinct p.seq) filter (where j.occurred_on >= :from_on) as journals
from ledger_posting p
join ledger_journal j on j.tenant_id = p.tenant_id and j.seq = p.seq
join ledger_account a on a.tenant_id = p.tenant_id and a.code = p.account
where p.tenant_id = :tenant and p.fund = :fund and p.currency = :currency and p.seq <= :upto
    and j.occurred_on <= :to_on
group by p.account, a.name, a.kind
order by array_position(array['income', 'expense', 'asset', 'liability', 'net'], a.kind), p.account
"""


async def _rows(uow: UnitOfWork, sql: str, **params: Any) -> list[Any]:
    found: Sequence[Any] = (await uow.session.execute(text(sql), {"tenant": uow.ctx.tenant_id, **params})).all()
    return list(found)
