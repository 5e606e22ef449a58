"""The term's income and expenditure of a fund: computed from the ledger, sealed, published, printed (R-358)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.base.clock import school_time
from core.base.errors import NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import in_locale
from core.billing.models import FundStatement
from core.billing.words import FUNDS
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.ledger.statements import Statement, StatementLine, for_publication, term_statement
from core.terms.models import Term
from core.terms.service import term_title
from core.web import pdf
from core.web.i18n import date_range, money_exact


async def of_term(uow: UnitOfWork, term: Term, fund: str, *, upto_seq: int | None = None) -> Statement:
    """The statement of a fund as it stands, or as of journal `upto_seq`. Raises NotFound for an unknown fund."""
    if fund not in FUNDS:
        raise NotFound()
    return await term_statement(uow, fund, term.starts_on, term.ends_on, upto_seq=upto_seq)


async def publish(uow: UnitOfWork, term_id: UUID, fund: str) -> FundStatement:
    """Seal the books and publish the statement of a fund. Published again without new journals, it is the same one."""
    uow.ctx.require("billing.publish")
    await uow.get(Term, term_id)
    return await seal_and_post(uow, term_id, fund, by=uow.ctx.actor.name)


async def seal_and_post(uow: UnitOfWork, term_id: UUID, fund: str, *, by: str) -> FundStatement:
    """The same for a job: `by` is who asked for it. Raises NotFound for an unknown fund."""
    if fund not in FUNDS:
        raise NotFound()
    seal = await ledger.seal(uow)
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "term_id": term_id,
        "fund": fund,
        "seq": seal.seq,
        "hash": seal.hash,
        "published_by": by,
    }
    await uow.session.execute(insert(FundStatement).values(**row).on_conflict_do_nothing())
    query = select(FundStatement).where(
        FundStatement.term_id == term_id, FundStatement.fund == fund, FundStatement.seq == seal.seq
    )
    made = (await uow.session.execute(query)).scalar_one()
    await uow.audit("statement.publish", "fund_statement", made.id, fund=fund, seq=seal.seq, hash=seal.hash)
    await uow.emit("statement.published", {"id": made.id, "term_id": term_id, "fund": fund, "hash": seal.hash})
    return made


async def published(uow: UnitOfWork, *, fund: str | None = None) -> list[tuple[FundStatement, Term]]:
    """Published statements, newest first."""
    query = select(FundStatement, Term).join(
        Term, (Term.id == FundStatement.term_id) & (Term.tenant_id == FundStatement.tenant_id)
    )
    if fund is not None:
        query = query.where(FundStatement.fund == fund)
    return [(r[0], r[1]) for r in (await uow.session.execute(query.order_by(FundStatement.id.desc()))).all()]


async def open_published(uow: UnitOfWork, statement_id: UUID) -> tuple[FundStatement, Term, Statement]:
    """A published statement, recomputed from the journals that it was published from. Raises NotFound."""
    row = await uow.get(FundStatement, statement_id)
    term = await uow.get(Term, row.term_id)
    return row, term, for_publication(await of_term(uow, term, row.fund, upto_seq=row.seq))


def sections(statement: Statement) -> list[tuple[str, list[tuple[str, int]], int]]:
    """The statement as people read it: (heading, [(item, fen)], sum) of income and of spending."""
    income = [(_(line.name), -int(line.movement)) for line in statement.of("income") if line.movement]
    spending = [(_(line.name), int(line.movement)) for line in statement.of("expense") if line.movement]
    return [(_("收入"), income, int(statement.income)), (_("支出"), spending, int(statement.expense))]


def course(statement: Statement) -> list[tuple[str, int]]:
    """How the fund came from its opening to its closing surplus, in fen: the rows add up as their words say."""
    rows = [
        (_("期初结余"), int(statement.opening_surplus)),
        (_("加：收入"), int(statement.income)),
        (_("减：支出"), int(statement.expense)),
    ]
    return [*rows, (_("加：其他变动"), int(statement.other))] if statement.other else rows


def standing(statement: Statement) -> list[tuple[str, int]]:
    """What the closing surplus consists of, in fen: what the fund owns, less what it owes (which says so)."""

    def shown(line: StatementLine) -> tuple[str, int]:
        if line.kind == "asset":
            return _(line.name), int(line.closing)
        return _("减：%(item)s", item=_(line.name)), -int(line.closing)

    return [shown(line) for line in statement.of("asset", "liability") if line.closing]


def surplus(statement: Statement) -> list[tuple[str, list[tuple[str, int]]]]:
    """(heading, [(item, fen)]) of the two tables that both end in the closing surplus: how it came, what it is."""
    return [(_("结余"), course(statement)), (_("期末结余的构成"), standing(statement))]


def paper(org: str, term: Term, row: FundStatement, statement: Statement, url: str) -> pdf.Document:
    """The sheet for the notice board, with room for the school's seal."""
    with in_locale("zh_CN"):
        columns = [pdf.column(_("项目")), pdf.column(_("金额（元）"), align="right", narrow=True)]
        parts: list[dict[str, Any]] = [
            {
                "kind": "facts",
                "items": [
                    [_("学期"), term_title(term.code)],
                    [_("起止日期"), date_range(term.starts_on, term.ends_on)],
                    [_("资金"), str(FUNDS[row.fund])],
                ],
            }
        ]
        for heading, items, total in sections(statement):
            parts.append({"kind": "heading", "text": heading})
            rows = [[name, money_exact(fen)] for name, fen in items] or [["—", money_exact(0)]]
            parts.append({"kind": "table", "columns": columns, "rows": rows, "total": [_("合计"), money_exact(total)]})
        last = [_("期末结余"), money_exact(int(statement.closing_surplus))]
        for heading, found in surplus(statement):
            parts.append({"kind": "heading", "text": heading})
            rows = [[name, money_exact(fen)] for name, fen in found] or [["—", money_exact(0)]]
            parts.append({"kind": "table", "columns": columns, "rows": rows, "total": last})
        note = _("账簿共 %(n)s 笔，校验码 %(hash)s", n=row.seq, hash=row.hash)
        parts.append({"kind": "text", "text": note})
        return pdf.Document(
            title=_("%(fund)s收支公示", fund=str(FUNDS[row.fund])),
            parts=parts,
            org=org,
            day=school_time(row.published_at).date(),
            verify_url=url,
        )
