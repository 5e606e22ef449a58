"""The ledger's tables for reading. Nothing writes them but the SQL functions: the role of the application
may not."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import TenantModel


class LedgerFund(TenantModel):
    """Money kept apart from all other."""

    __tablename__ = "ledger_fund"

    id = None  # type: ignore[assignment]
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    opened_at: Mapped[datetime]


class LedgerAccount(TenantModel):
    """An account; floor and ceil bound its balance within each fund, in fen."""

    __tablename__ = "ledger_account"

    id = None  # type: ignore[assignment]
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    floor: Mapped[int | None]
    ceil: Mapped[int | None]
    opened_at: Mapped[datetime]


class LedgerHead(TenantModel):
    """The end of the tenant's chain, and the lock on its ledger."""

    __tablename__ = "ledger_head"

    id = None  # type: ignore[assignment]
    seq: Mapped[int]
    hash: Mapped[str]


class LedgerJournal(TenantModel):
    """A posted journal: numbered without gaps, chained by hash, never changed."""

    __tablename__ = "ledger_journal"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "idem_key"),
        Index(
            "ix_ledger_journal_reverses",
            "tenant_id",
            "reverses",
            unique=True,
            postgresql_where=text("reverses is not null"),
        ),
        Index("ix_ledger_journal_occurred_on", "tenant_id", "occurred_on"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column()
    kind: Mapped[str]
    occurred_on: Mapped[date]
    posted_at: Mapped[datetime]
    idem_key: Mapped[str]
    source: Mapped[str]
    memo: Mapped[str]
    reverses: Mapped[UUID | None]
    hash: Mapped[str]


class LedgerPosting(TenantModel):
    """One line of a journal, in fen: debit positive."""

    __tablename__ = "ledger_posting"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "seq"], ["ledger_journal.tenant_id", "ledger_journal.seq"]),
        ForeignKeyConstraint(["tenant_id", "account"], ["ledger_account.tenant_id", "ledger_account.code"]),
        ForeignKeyConstraint(["tenant_id", "fund"], ["ledger_fund.tenant_id", "ledger_fund.code"]),
        Index("ix_ledger_posting_fund_account", "tenant_id", "fund", "account", "seq"),
    )

    id = None  # type: ignore[assignment]
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int] = mapped_column(Integer(), primary_key=True, autoincrement=False)
    account: Mapped[str]
    fund: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int]


class LedgerBalance(TenantModel):
    """The running balance of an account within a fund and currency."""

    __tablename__ = "ledger_balance"

    id = None  # type: ignore[assignment]
    account: Mapped[str] = mapped_column(primary_key=True)
    fund: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int]
    postings: Mapped[int]


class LedgerPeriod(TenantModel):
    """Days that are closed for good, and the chain's end when they were."""

    __tablename__ = "ledger_period"

    id = None  # type: ignore[assignment]
    from_on: Mapped[date] = mapped_column(primary_key=True)
    to_on: Mapped[date]
    name: Mapped[str]
    proposed_by: Mapped[UUID]
    closed_by: Mapped[UUID]
    closed_at: Mapped[datetime]
    seq: Mapped[int]
    hash: Mapped[str]


class LedgerSeal(TenantModel):
    """An anchor of the chain."""

    __tablename__ = "ledger_seal"

    id = None  # type: ignore[assignment]
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str]
    sealed_at: Mapped[datetime]


class DocumentCounter(TenantModel):
    """The last number given out for a kind of document within a scope."""

    __tablename__ = "document_counter"

    id = None  # type: ignore[assignment]
    kind: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]
