"""The books as text, to be checked by a program that is not ours and by anyone who kept a published hash.

Two forms. "beancount": one fund as a beancount file, with the balances that our database keeps as
assertions, so that bean-check recomputes them. One file a fund, because beancount knows nothing of our rule
that each fund balances by itself: a line moved to another fund unbalances two files. "chain": every journal
as one line of canonical text; sha256 over the hash before, a newline and the line gives the next hash, and
the last one is what was published. Assertions alone miss a forger who also mends the balances; the
published hash does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from core.db.uow import UnitOfWork
from core.ledger.errors import NoSuchFund
from core.ledger.types import Seal

Format = Literal["beancount", "chain"]

ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "net": "Equity",
    "income": "Income",
    "expense": "Expenses",
}
_EMPTY_FROM = date(2000, 1, 1)


async def export(uow: UnitOfWork, fund: str, form: Format = "beancount") -> AsyncIterator[str]:
    """The text piece by piece (journals are not held in memory). Raises NoSuchFund; "chain" covers all
    funds."""
    if form == "chain":
        async for piece in chain(uow):
            yield piece
        return
    async for piece in beancount(uow, fund):
        yield piece


async def beancount(uow: UnitOfWork, fund: str) -> AsyncIterator[str]:
    """One fund as a beancount file that `bean-check` accepts as long as nobody has tampered with it."""
    params = {"tenant": uow.ctx.tenant_id, "fund": fund}
    title = (await uow.session.execute(text(_FUND), params)).scalar_one_or_none()
    if title is None:
        known = (await uow.session.execute(text(_FUNDS), {"tenant": uow.ctx.tenant_id})).scalars().all()
        raise NoSuchFund(fund=fund, known="、".join(known))
    seal = await head(uow)
    accounts = (await uow.session.execute(text(_ACCOUNTS), {**params, "upto": seal.seq})).all()
    yield f'; {title} ({fund}), {seal.seq} journals in the chain\noption "title" "{_quoted(title)}"\n'
    yield 'option "operating_currency" "CNY"\n\n'
    for a in accounts:
        yield f'{a.first} open {_account(a.kind, a.account)}\n  name: "{_quoted(a.name)}"\n'
    journals = await uow.session.stream(text(_JOURNALS), {**params, "upto": seal.seq})
    current = -1
    async for row in journals:
        if row.seq != current:
            current = row.seq
            yield _heading(row)
        yield f"  {_account(row.kind_of_account, row.account):<40} {yuan(row.amount):>16} {row.currency}\n"
    day = max((a.last for a in accounts), default=_EMPTY_FROM) + timedelta(days=1)
    yield "\n"
    for a in (await uow.session.execute(text(_BALANCES), params)).all():
        yield f"{day} balance {_account(a.kind, a.account):<40} {yuan(a.amount):>16} {a.currency}\n"
    yield f'{day} custom "kehou-chain" "{uow.ctx.tenant_id}" {seal.seq} "{seal.hash}"\n'


async def chain(uow: UnitOfWork) -> AsyncIterator[str]:
    """Every journal of the tenant as its line of canonical text, in order."""
    query = text("select canon from ledger_canonical where tenant_id = :tenant order by seq")
    async for row in await uow.session.stream(query, {"tenant": uow.ctx.tenant_id}):
        yield row.canon + "\n"


async def head(uow: UnitOfWork) -> Seal:
    """Where the chain ends now."""
    query = text(
        "select coalesce(max(seq), 0) as seq, coalesce(max(hash), ledger_genesis(:tenant)) as hash"
        " from ledger_head where tenant_id = :tenant"
    )
    row = (await uow.session.execute(query, {"tenant": uow.ctx.tenant_id})).one()
    return Seal(row.seq, row.hash)


def chain_end(tenant_id: UUID, lines: Iterable[str], upto: int | None = None) -> Seal:
    """Where the lines of a chain export end, from the text alone; with `upto`, after so many journals.

    An auditor compares it with the seal that was printed when the statement was published.
    """
    link, count = hashlib.sha256(f"kehou ledger 1 {tenant_id}".encode()).hexdigest(), 0
    for line in lines:
        if count == upto:
            break
        link = hashlib.sha256(f"{link}\n{line.removesuffix(chr(10))}".encode()).hexdigest()
        count += 1
    return Seal(count, link)


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals: 36001 is "360.01"."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _heading(row: Any) -> str:
    lines = [
        f'\n{row.occurred_on} * "{_quoted(row.kind)}" "{_quoted(row.idem_key)}"',
        f"  seq: {row.seq}",
        f'  id: "{row.id}"',
        f'  hash: "{row.hash}"',
    ]
    if row.memo:
        lines.append(f'  memo: "{_quoted(row.memo)}"')
    if row.reverses:
        lines.append(f'  reverses: "{row.reverses}"')
    return "\n".join(lines) + "\n"


def _account(kind: str, code: str) -> str:
    """A code as beancount names it: an asset "psp_clearing" is Assets:PspClearing."""
    parts = [ROOTS[kind], *("".join(w.capitalize() for w in part.split("_")) for part in code.split("."))]
    return ":".join(parts)


def _quoted(value: str) -> str:
    return " ".join(value.replace("\\", "\\\\").replace('"', '\\"').split())


_FUNDS = "select code from ledger_fund where tenant_id = :tenant order by code"
_FUND = "select name from ledger_fund where tenant_id = :tenant and code = :fund"

_ACCOUNTS = """
select p.account, a.name, a.kind, min(j.occurred_on) as first, max(j.occurred_on) as last
from ledger_posting p
join ledger_journal j on j.tenant_id = p.tenant_id and j.seq = p.seq
join ledger_account a on a.tenant_id = p.tenant_id and a.code = p.account
where p.tenant_id = :tenant and p.fund = :fund and p.seq <= :upto
group by p.account, a.name, a.kind order by min(j.occurred_on), p.account
"""

_JOURNALS = """
select j.seq, j.id, j.kind, j.occurred_on, j.idem_key, j.memo, j.reverses, j.hash, p.account, p.currency,
    p.amount, a.kind as kind_of_account
from ledger_journal j
join ledger_posting p on p.tenant_id = j.tenant_id and p.seq = j.seq
join ledger_account a on a.tenant_id = p.tenant_id and a.code = p.account
where j.tenant_id = :tenant and p.fund = :fund and j.seq <= :upto order by j.occurred_on, j.seq, p.line
"""

_BALANCES = """
select b.account, a.kind, b.currency, b.amount from ledger_balance b
join ledger_account a on a.tenant_id = b.tenant_id and a.code = b.account
where b.tenant_id = :tenant and b.fund = :fund order by b.account, b.currency
"""
