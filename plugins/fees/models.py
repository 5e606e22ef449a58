"""Fee standards, what stood on the board, and relief. What makes a price cannot be changed once it is written."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, SmallInteger, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk

UNITS = ("lesson", "term", "month", "meal")
FUNDS = ("service", "meals", "agency")
FROZEN = (
    "service", "title", "fund", "unit", "unit_fen", "grades", "cost_fen", "account", "basis", "complaint_phone",
    "effective_from", "proposed_by",
)  # fmt: skip
"""Columns of a standard that the application's role may insert and never update: a new price is a new standard."""


class FeeStandard(TenantModel, Stamped):
    """One item's price, with the approval behind it. At most one of an item may be in force (5.9)."""

    __tablename__ = "fees_standard"
    __table_args__ = (
        CheckConstraint("unit_fen > 0", name="price"),
        CheckConstraint("unit in ('lesson', 'term', 'month', 'meal')", name="unit"),
        CheckConstraint("fund in ('service', 'meals', 'agency')", name="fund"),
        CheckConstraint("effective_to is null or effective_to >= effective_from - 1", name="dates"),
        Index(
            "uq_fees_standard_in_force",
            "tenant_id",
            "service",
            unique=True,
            postgresql_where=text("state in ('in_force', 'blocked')"),
        ),
        Index("ix_fees_standard_service", "tenant_id", "service"),
    )

    service: Mapped[str]
    title: Mapped[str]
    fund: Mapped[str]
    unit: Mapped[str]
    unit_fen: Mapped[int]
    grades: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger()), server_default="{}")
    """For which grades it is; empty: for all. Children of other grades are charged nothing for the item."""
    cost_fen: Mapped[int | None]
    """What a unit really costs by the school's calculation (R-335), in fen; None: not stated."""
    account: Mapped[str] = mapped_column(server_default="")
    """Into which account the money goes, in the words of the packs (R-353); empty: not stated."""
    basis: Mapped[str]
    """What the price rests on, as it must be posted (R-335, R-340)."""
    complaint_phone: Mapped[str]
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    """Why the rules' warnings were passed over, if any spoke."""
    case_by_case: Mapped[bool] = mapped_column(server_default="false")
    approver: Mapped[str | None]
    approval_no: Mapped[str] = mapped_column(server_default="")
    approval_on: Mapped[date | None]
    approval_document: Mapped[str] = mapped_column(server_default="")
    proposers: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default="{}")
    """Who put the standard forward to the authority (R-337), in the words of the packs."""
    approved_fen: Mapped[int | None]
    """The price in the authority's document, in fen; `unit_fen` is never above it (R-453)."""
    disclosed_at: Mapped[str] = mapped_column(server_default="")
    """Where it stands in government information disclosure (R-338)."""
    proposed_by: Mapped[str] = mapped_column(server_default="")


class FeePosting(TenantModel):
    """What a board said of a standard, copied item by item, so that it can be compared (R-341)."""

    __tablename__ = "fees_posting"
    __table_args__ = (
        tenant_fk("standard_id", "fees_standard"),
        Index("ix_fees_posting_standard_id", "tenant_id", "standard_id"),
    )

    standard_id: Mapped[UUID]
    place: Mapped[str]
    unit: Mapped[str]
    unit_fen: Mapped[int]
    grades: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger()), server_default="{}")
    basis: Mapped[str]
    complaint_phone: Mapped[str]
    posted_by: Mapped[str] = mapped_column(server_default="")
    posted_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    """By the database's clock alone: the application's role may not give it."""
    taken_down_at: Mapped[datetime | None]


class FeeRelief(TenantModel, Stamped):
    """Less to pay for a child of a family in hardship. Ground, evidence and words are sealed (idea 8)."""

    __tablename__ = "fees_relief"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        CheckConstraint("percent between 1 and 100", name="percent"),
        CheckConstraint("decided_by is null or decided_by <> asked_by", name="second_person"),
        CheckConstraint("from_on <= until_on", name="dates"),
        Index(
            "uq_fees_relief_live",
            "tenant_id",
            "student_id",
            unique=True,
            postgresql_where=text("state in ('requested', 'granted')"),
        ),
    )

    student_id: Mapped[UUID]
    state: Mapped[str]
    source: Mapped[str]
    """guardian or finance: who brought it."""
    percent: Mapped[int]
    from_on: Mapped[date]
    until_on: Mapped[date]
    ground_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    evidence_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    asked_by: Mapped[UUID]
    """Account of who entered it; another account decides."""
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    clause: Mapped[str] = mapped_column(server_default="")
