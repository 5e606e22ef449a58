"""Tables of oversight. The bureau's: plans received and schools' figures. The school's: what it reported last."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class ReceivedPlan(TenantModel, Stamped):
    """A school's service plan as it came to the bureau (R-036), a snapshot of its own. `findings` are the bureau's own
    check of the content, not what the school says of it; `reasons` are the school's for its warnings."""

    __tablename__ = "oversight_filing"
    __table_args__ = (
        UniqueConstraint("tenant_id", "school_id", "plan_id", "round"),
        Index("ix_oversight_filing_state", "tenant_id", "state", "created_at"),
        CheckConstraint("state in ('received', 'passed', 'returned', 'filed')", name="state"),
    )

    school_id: Mapped[UUID]
    school_name: Mapped[str]
    plan_id: Mapped[UUID]
    round: Mapped[int]
    version: Mapped[int]
    term_code: Mapped[str]
    starts_on: Mapped[date]
    mode: Mapped[str]
    content: Mapped[dict[str, Any]]
    findings: Mapped[list[Any]] = mapped_column(server_default="[]")
    reasons: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    pack: Mapped[str] = mapped_column(server_default="")
    revision: Mapped[str] = mapped_column(server_default="")
    paper: Mapped[bytes] = mapped_column(LargeBinary)
    paper_sha256: Mapped[str]
    sent_by: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="received")
    number: Mapped[str] = mapped_column(server_default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")


class ReceivedOffering(TenantModel, Stamped):
    """An offering that a school sent for review, a snapshot of its own (R-096). `content` has the shape of
    core.enrollment.vetting.documents.OfferingContent."""

    __tablename__ = "oversight_offering"
    __table_args__ = (
        UniqueConstraint("tenant_id", "school_id", "offering_id", "round"),
        Index("ix_oversight_offering_state", "tenant_id", "state", "created_at"),
        CheckConstraint("state in ('received', 'passed', 'returned')", name="state"),
    )

    school_id: Mapped[UUID]
    school_name: Mapped[str]
    offering_id: Mapped[UUID]
    round: Mapped[int]
    term_code: Mapped[str]
    title: Mapped[str]
    content: Mapped[dict[str, Any]]
    sent_by: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="received")
    number: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[str] = mapped_column(server_default="")
    decided_at: Mapped[datetime | None]


class SchoolFigures(TenantModel):
    """The newest figures of one school for one term: counts, never names."""

    __tablename__ = "oversight_school"
    __table_args__ = (UniqueConstraint("tenant_id", "school_id", "term_code"),)

    school_id: Mapped[UUID]
    term_code: Mapped[str]
    sequence: Mapped[int]
    as_of: Mapped[datetime]
    figures: Mapped[dict[str, Any]]


class SchoolDay(TenantModel):
    """A school's figures as they stood at the end of a day: the line of a chart."""

    __tablename__ = "oversight_day"
    __table_args__ = (UniqueConstraint("tenant_id", "school_id", "term_code", "day"),)

    school_id: Mapped[UUID]
    term_code: Mapped[str]
    day: Mapped[date]
    sequence: Mapped[int]
    figures: Mapped[dict[str, Any]]


class FiguresSent(TenantModel):
    """The school's side: what it told its bureau last, so that only changes travel."""

    __tablename__ = "oversight_sent"
    __table_args__ = (UniqueConstraint("tenant_id", "term_id"), tenant_fk("term_id", "term"))

    term_id: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(server_default="0")
    digest: Mapped[str] = mapped_column(server_default="")
    sent_on: Mapped[date | None]
    sent_at: Mapped[datetime | None]
