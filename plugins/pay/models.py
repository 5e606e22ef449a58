"""Rates, monthly pay lists with the lessons behind them, and subsidies. Money is in fen.

What was paid is never changed: the seal of an approved line keeps it and its items from being removed, and what
turns out wrong is set off by a further item. Items of one lesson form a chain by `after_id`, each link at most once, so
that a lesson cannot be paid twice whatever the program does.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk

PAYEES = ("own", "external")
FUNDS = ("subsidy", "service", "school")


class Rate(TenantModel, Stamped):
    """What one lesson or hour of a kind is paid, for own staff or for outsiders (R-383 … R-389, R-402).

    One proposes, another approves. A new rate takes the place of the one before it from its own day on; lessons held
    earlier keep theirs.
    """

    __tablename__ = "pay_rate"
    __table_args__ = (
        CheckConstraint("unit_fen > 0", name="amount"),
        CheckConstraint("payee in ('own', 'external')", name="payee"),
        CheckConstraint("unit in ('lesson', 'hour')", name="unit"),
        CheckConstraint("fund in ('subsidy', 'service', 'school')", name="fund"),
        CheckConstraint("state in ('proposed', 'in_force', 'ended', 'returned')", name="state"),
        CheckConstraint("decided_by is null or decided_by <> asked_by", name="second_person"),
        CheckConstraint("state not in ('in_force', 'ended') or decided_by is not null", name="decided"),
        CheckConstraint("effective_to is null or effective_to >= effective_from", name="dates"),
        Index(
            "uq_pay_rate_in_force",
            "tenant_id",
            "payee",
            "kind",
            unique=True,
            postgresql_where=text("state = 'in_force'"),
        ),
    )

    payee: Mapped[str]
    kind: Mapped[str]
    """The kind of the offering that the lesson belongs to: care, club, lunch …"""
    unit: Mapped[str]
    unit_fen: Mapped[int]
    fund: Mapped[str]
    mechanism: Mapped[str]
    factors: Mapped[list[Any]] = mapped_column(server_default="[]")
    set_by: Mapped[str]
    document: Mapped[str]
    agreement: Mapped[str] = mapped_column(server_default="")
    """Number of the agreement with outsiders (R-311, R-389)."""
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What the pack said when it was proposed, and `pack_revision`: under which rules."""
    pack_revision: Mapped[str] = mapped_column(server_default="")
    asked_by: Mapped[UUID]
    asked_name: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str] = mapped_column(server_default="")


class PayList(TenantModel, Stamped):
    """One month's pay list. Only one may be open for a month; a later one holds what was left out or put right."""

    __tablename__ = "pay_list"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        UniqueConstraint("tenant_id", "month", "number"),
        CheckConstraint("extract(day from month) = 1", name="month"),
        CheckConstraint("state in ('making', 'draft', 'submitted', 'approved', 'paid', 'discarded')", name="state"),
        CheckConstraint("decided_by is null or decided_by <> submitted_by", name="second_person"),
        CheckConstraint("state not in ('approved', 'paid') or decided_by is not null", name="decided"),
        Index(
            "uq_pay_list_open",
            "tenant_id",
            "month",
            unique=True,
            postgresql_where=text("state in ('making', 'draft', 'submitted')"),
        ),
    )

    term_id: Mapped[UUID]
    month: Mapped[date]
    from_on: Mapped[date]
    """Lessons from this day on, the term's first, are looked at: what was settled late is not lost."""
    until_on: Mapped[date]
    """The day that it is an expense of: the month's last, or the term's."""
    number: Mapped[int]
    state: Mapped[str]
    job_id: Mapped[UUID | None]
    resumed: Mapped[int] = mapped_column(server_default="0")
    made_name: Mapped[str] = mapped_column(server_default="")
    unpriced: Mapped[int] = mapped_column(server_default="0")
    """Held lessons that no rate covers: not on the list, taken up by the next one once there is a rate."""
    attested: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What the submitter vouches for: beyond_duties (R-387), duties_done (R-078)."""
    reason: Mapped[str] = mapped_column(server_default="")
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    pack_revision: Mapped[str] = mapped_column(server_default="")
    submitted_by: Mapped[UUID | None]
    submitted_name: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str] = mapped_column(server_default="")
    approved_at: Mapped[datetime | None]
    paid_on: Mapped[date | None]
    paid_reference: Mapped[str] = mapped_column(server_default="")


class PayLine(TenantModel):
    """One person on one list. Without a held lesson there is no line (R-454): `lessons` is never nought.

    `amount_fen` is the sum of the items behind it; corrections are set off but never make it negative.
    """

    __tablename__ = "pay_line"
    __table_args__ = (
        tenant_fk("list_id", "pay_list"),
        tenant_fk("staff_id", "staff"),
        UniqueConstraint("tenant_id", "list_id", "staff_id"),
        Index("ix_pay_line_staff_id", "tenant_id", "staff_id"),
        CheckConstraint("lessons > 0", name="lessons"),
        CheckConstraint("amount_fen >= 0 and corrected_fen <= 0", name="amount"),
        CheckConstraint("payee in ('own', 'external')", name="payee"),
    )

    list_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    name: Mapped[str]
    payee: Mapped[str]
    lessons: Mapped[int]
    minutes: Mapped[int]
    amount_fen: Mapped[int]
    corrected_fen: Mapped[int] = mapped_column(server_default="0")
    zeroed: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """The objection by which a safety problem made the assessment nought (R-266); empty otherwise."""


class PayItem(TenantModel):
    """One lesson's pay, or (`what` back) the same taken back because the lesson turned out not to have been held.

    `after_id` is the item before it in the lesson's chain; the first has none, and no item has two after it.
    """

    __tablename__ = "pay_item"
    __table_args__ = (
        tenant_fk("line_id", "pay_line", ondelete="CASCADE"),
        tenant_fk("list_id", "pay_list"),
        tenant_fk("lesson_id", "lesson"),
        tenant_fk("staff_id", "staff"),
        tenant_fk("rate_id", "pay_rate"),
        tenant_fk("after_id", "pay_item"),
        UniqueConstraint("tenant_id", "after_id"),
        Index("uq_pay_item_first", "tenant_id", "lesson_id", unique=True, postgresql_where=text("after_id is null")),
        Index("ix_pay_item_line_id", "tenant_id", "line_id"),
        Index("ix_pay_item_staff_id", "tenant_id", "staff_id"),
        CheckConstraint(
            "(what = 'lesson' and amount_fen >= 0) or (what = 'back' and amount_fen <= 0 and after_id is not null)",
            name="amount",
        ),
    )

    line_id: Mapped[UUID]
    list_id: Mapped[UUID]
    lesson_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    rate_id: Mapped[UUID]
    after_id: Mapped[UUID | None]
    what: Mapped[str]
    on: Mapped[date]
    kind: Mapped[str]
    title: Mapped[str]
    minutes: Mapped[int]
    fund: Mapped[str]
    amount_fen: Mapped[int]


class PaySeal(TenantModel):
    """An approved line: while this row refers to it, the database lets nobody remove it. Append-only."""

    __tablename__ = "pay_seal"
    __table_args__ = (tenant_fk("line_id", "pay_line"), UniqueConstraint("tenant_id", "line_id"))

    line_id: Mapped[UUID]


class Subsidy(TenantModel, Stamped):
    """A subsidy that was granted to the school for a term or a school year (R-378 … R-382).

    `proposed_fen` = pupils × rate, with the supplement for remote areas, as the system computed it from those who
    really took part; `amount_fen` is what the document grants.
    """

    __tablename__ = "pay_subsidy"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        CheckConstraint("rate_fen > 0 and amount_fen > 0 and proposed_fen >= 0 and pupils >= 0", name="amounts"),
        CheckConstraint("remote_percent between 0 and 100", name="remote"),
        CheckConstraint("basis in ('served', 'enrolled')", name="basis"),
        CheckConstraint("state in ('expected', 'received', 'settled', 'cancelled')", name="state"),
        Index("ix_pay_subsidy_school_year", "tenant_id", "school_year"),
        Index(
            "uq_pay_subsidy_document",
            "tenant_id",
            "document_no",
            "term_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
    )

    term_id: Mapped[UUID]
    school_year: Mapped[str]
    covers: Mapped[str]
    from_on: Mapped[date]
    until_on: Mapped[date]
    title: Mapped[str]
    level: Mapped[str]
    document_no: Mapped[str]
    document_on: Mapped[date]
    rate_fen: Mapped[int]
    remote_percent: Mapped[int]
    pupils: Mapped[int]
    basis: Mapped[str]
    proposed_fen: Mapped[int]
    amount_fen: Mapped[int]
    payee: Mapped[str]
    account: Mapped[str]
    goals: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    pack_revision: Mapped[str] = mapped_column(server_default="")
    recorded_by: Mapped[str] = mapped_column(server_default="")
    settled_pupils: Mapped[int | None]
    surplus: Mapped[str] = mapped_column(server_default="")
    returned_fen: Mapped[int] = mapped_column(server_default="0")
    settled_on: Mapped[date | None]


class Receipt(TenantModel, Stamped):
    """Money of a subsidy that reached the school's account: once for each of the bank's references. Append-only."""

    __tablename__ = "pay_receipt"
    __table_args__ = (
        tenant_fk("subsidy_id", "pay_subsidy"),
        UniqueConstraint("tenant_id", "subsidy_id", "bank_reference"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    subsidy_id: Mapped[UUID]
    amount_fen: Mapped[int]
    received_on: Mapped[date]
    bank_reference: Mapped[str]
    recorded_by: Mapped[str] = mapped_column(server_default="")
