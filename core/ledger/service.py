"""Posting and asking the ledger inside a unit of work. The rules themselves are SQL (sql/v1_functions.sql).

A post locks the tenant's ledger until the transaction ends. So post last, lock your own rows first, and
never call a payment provider in between. A refusal leaves the transaction aborted, as any database error
does: let it rise, or wrap the call in `uow.session.begin_nested()`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from core.base.money import Fen
from core.db.uow import UnitOfWork
from core.host.contribution import AccountDef
from core.ledger.chart import ACCOUNTS, FUNDS
from core.ledger.errors import UnknownJournal, translated
from core.ledger.types import Balance, Entry, FundDef, Journal, Line, Posted, Problem, Seal

CHUNK = 1000
"""Journals in one statement: enough to be fast, small enough to keep the parsed batch out of the way."""


async def post(uow: UnitOfWork, *journals: Journal) -> list[Posted]:
    """Post journals, all or none; in the same order, tells for each where it stands and whether it is new.

    Raises a LedgerRefused or Conflict of core.ledger.errors: Unbalanced, OutOfBounds, PeriodClosed,
    KeyTaken …
    """
    posted: list[Posted] = []
    for start in range(0, len(journals), CHUNK):
        body = json.dumps([_plain(j) for j in journals[start : start + CHUNK]], ensure_ascii=False)
        rows = await _call(uow, "select * from ledger_post(cast(:body as jsonb)) order by ord", body=body)
        posted += [Posted(id=r.journal_id, seq=r.seq, key=r.idem_key, created=r.created) for r in rows]
    return posted


async def reverse(
    uow: UnitOfWork, journal_id: UUID, *, key: str, occurred_on: date, source: str, memo: str = ""
) -> Posted:
    """Post the exact mirror of a journal, once ever.

    Raises UnknownJournal, AlreadyReversed, or what the mirror runs into (OutOfBounds, PeriodClosed).
    """
    rows = await _call(
        uow,
        "select j.kind, p.account, p.fund, p.currency, p.amount from ledger_journal j"
        " join ledger_posting p on p.tenant_id = j.tenant_id and p.seq = j.seq"
        " where j.tenant_id = :tenant and j.id = :id order by p.line",
        tenant=uow.ctx.tenant_id,
        id=journal_id,
    )
    if not rows:
        raise UnknownJournal(reverses=journal_id)
    mirror = Journal(
        kind=f"{rows[0].kind.removesuffix('.reversed')}.reversed"[:60],
        key=key,
        occurred_on=occurred_on,
        lines=tuple(Line(r.account, r.fund, Fen(-r.amount), r.currency) for r in rows),
        source=source,
        memo=memo,
        reverses=journal_id,
    )
    return (await post(uow, mirror))[0]


async def open_accounts(
    uow: UnitOfWork, accounts: Iterable[AccountDef] = (), funds: Iterable[FundDef] = ()
) -> tuple[int, int]:
    """Open accounts and funds that are not open yet; gives how many of each are new.

    Raises OtherDefinition when one is open with another kind or other bounds.
    """
    rows = await _call(
        uow,
        "select * from ledger_open(cast(:accounts as jsonb), cast(:funds as jsonb))",
        accounts=json.dumps(
            [
                {"code": a.code, "name": _chinese(a.title), "kind": a.kind, "floor": a.floor, "ceil": a.ceil}
                for a in accounts
            ],
            ensure_ascii=False,
        ),
        funds=json.dumps(
            [{"code": f.code, "name": _chinese(f.title), "kind": f.kind} for f in funds], ensure_ascii=False
        ),
    )
    return rows[0].new_accounts, rows[0].new_funds


async def open_standard(uow: UnitOfWork) -> None:
    """Open the standard chart and the accounts of every plugin that is switched on here. Harmless when
    repeated."""
    brought = [
        owned.item for owned in uow.house.registry.accounts if owned.plugin is None or owned.plugin in uow.ctx.plugins
    ]
    standard = {a.code for a in ACCOUNTS}
    await open_accounts(uow, [*ACCOUNTS, *(a for a in brought if a.code not in standard)], FUNDS)


async def balances(
    uow: UnitOfWork, *, fund: str | None = None, accounts: Sequence[str] | None = None, on: date | None = None
) -> list[Balance]:
    """Balances that are not nought, by account; as they stand, or as of the end of the day `on`."""
    rows = await _call(
        uow,
        _BALANCES,
        tenant=uow.ctx.tenant_id,
        fund=fund,
        accounts=list(accounts) if accounts is not None else None,
        day=on,
    )
    return [Balance(r.account, r.name, r.kind, r.fund, r.currency, Fen(r.amount)) for r in rows]


async def balance(uow: UnitOfWork, account: str, fund: str, currency: str = "CNY") -> Fen:
    """What stands on one account within one fund, in fen: debit positive, 0 when nothing was ever posted."""
    rows = await _call(
        uow,
        "select amount from ledger_balance where tenant_id = :tenant and account = :account and fund = :fund"
        " and currency = :currency",
        tenant=uow.ctx.tenant_id,
        account=account,
        fund=fund,
        currency=currency,
    )
    return Fen(rows[0].amount if rows else 0)


async def entries(
    uow: UnitOfWork,
    *,
    fund: str | None = None,
    account: str | None = None,
    key_prefix: str | None = None,
    before_seq: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Postings, newest first: the page behind a balance, or (with `key_prefix`) all that one fact led to."""
    rows = await _call(
        uow,
        "select j.seq, j.id as journal_id, j.kind, j.occurred_on, j.posted_at, j.idem_key, j.memo,"
        " p.account, p.fund, p.currency, p.amount from ledger_posting p"
        " join ledger_journal j on j.tenant_id = p.tenant_id and j.seq = p.seq"
        " where p.tenant_id = :tenant and (cast(:fund as text) is null or p.fund = :fund)"
        " and (cast(:account as text) is null or p.account = :account)"
        " and (cast(:prefix as text) is null or starts_with(j.idem_key, :prefix))"
        " and (cast(:before as bigint) is null or p.seq < :before)"
        " order by p.seq desc, p.line limit :limit",
        tenant=uow.ctx.tenant_id,
        fund=fund,
        account=account,
        prefix=key_prefix,
        before=before_seq,
        limit=limit,
    )
    return [
        Entry(
            r.seq,
            r.journal_id,
            r.kind,
            r.occurred_on,
            r.posted_at,
            r.idem_key,
            r.memo,
            r.account,
            r.fund,
            r.currency,
            Fen(r.amount),
        )
        for r in rows
    ]


async def find(uow: UnitOfWork, key: str) -> Posted | None:
    """The journal posted under `key`, if any."""
    rows = await _call(
        uow,
        "select id, seq, idem_key from ledger_journal where tenant_id = :tenant and idem_key = :key",
        tenant=uow.ctx.tenant_id,
        key=key,
    )
    return Posted(rows[0].id, rows[0].seq, rows[0].idem_key, created=False) if rows else None


async def seal(uow: UnitOfWork) -> Seal:
    """Check the chain since the last anchor, anchor it, and give what to print. Raises ChainBroken."""
    row = (await _call(uow, "select * from ledger_seal()"))[0]
    return Seal(row.seq, row.hash)


async def close_period(
    uow: UnitOfWork, name: str, from_on: date, to_on: date, *, proposed_by: UUID, closed_by: UUID
) -> Seal:
    """Close the days `from_on` … `to_on`, both included, for good. Raises BadPeriod, SamePerson,
    ChainBroken."""
    rows = await _call(
        uow,
        "select * from ledger_close_period(:name, :from_on, :to_on, :proposed_by, :closed_by)",
        name=name,
        from_on=from_on,
        to_on=to_on,
        proposed_by=proposed_by,
        closed_by=closed_by,
    )
    return Seal(rows[0].seq, rows[0].hash)


async def problems(uow: UnitOfWork) -> list[Problem]:
    """Everything that can be computed twice and does not agree; empty when the books are right. Reads it
    all."""
    rows = await _call(uow, "select problem, cast(facts as text) as facts from ledger_audit()")
    return [Problem(r.problem, json.loads(r.facts)) for r in rows]


# One of the two branches is off: the kept balances, or those computed for a day.
_BALANCES = """
select x.account, a.name, a.kind, x.fund, x.currency, x.amount
from (
    select b.account, b.fund, b.currency, b.amount from ledger_balance b
    where b.tenant_id = :tenant and cast(:day as date) is null
    union all
    select p.account, p.fund, p.currency, sum(p.amount)::bigint from ledger_posting p
    join ledger_journal j on j.tenant_id = p.tenant_id and j.seq = p.seq
    where p.tenant_id = :tenant and cast(:day as date) is not null and j.occurred_on <= :day
    group by p.account, p.fund, p.currency
) x
join ledger_account a on a.tenant_id = :tenant and a.code = x.account
where x.amount <> 0 and (cast(:fund as text) is null or x.fund = :fund)
    and (cast(:accounts as text[]) is null or x.account = any(:accounts))
order by x.fund, a.kind, x.account, x.currency
"""


async def _call(uow: UnitOfWork, sql: str, **params: Any) -> Sequence[Row[Any]]:
    try:
        return (await uow.session.execute(text(sql), params)).all()
    except DBAPIError as exc:
        raise translated(exc) from exc


def _plain(journal: Journal) -> dict[str, Any]:
    return {
        "id": str(journal.id),
        "kind": journal.kind,
        "occurred_on": journal.occurred_on.isoformat(),
        "idem_key": journal.key,
        "source": journal.source,
        "memo": journal.memo,
        "reverses": str(journal.reverses) if journal.reverses else None,
        "lines": [
            {"account": x.account, "fund": x.fund, "amount_fen": x.amount, "currency": x.currency}
            for x in journal.lines
        ],
    }


def _chinese(title: Any) -> str:
    """The Chinese text of a title, whatever language is current."""
    return str.__str__(title)
