"""Tables of the service plan (一校一案): the plan of a term, its versions, and each time it was filed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class ServicePlan(TenantModel, Stamped):
    """The one plan of a school for one term (R-032, R-040). `version` is the newest content, `shown_version` the one
    that families see: while an amendment is on its way, the old one stays in force (R-045)."""

    __tablename__ = "service_plan"
    __table_args__ = (UniqueConstraint("tenant_id", "term_id"), tenant_fk("term_id", "term"))

    term_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="draft")
    version: Mapped[int] = mapped_column(server_default="1")
    shown_version: Mapped[int | None]
    round: Mapped[int] = mapped_column(server_default="0")
    """How often it was sent to the bureau; a decision names the round that it answers."""
    adopted_by: Mapped[str] = mapped_column(server_default="")
    adopted_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]
    filing_number: Mapped[str] = mapped_column(server_default="")
    published_at: Mapped[datetime | None]
    notice_id: Mapped[UUID | None]
    """The posting on the publicity board that shows it (R-038)."""


class PlanVersion(TenantModel, Stamped):
    """One saved content of a plan, kept for good (R-045). `findings` are the objections that stood when the school
    adopted it, `reasons` the written reasons that let warnings pass, by the finding's key."""

    __tablename__ = "service_plan_version"
    __table_args__ = (
        UniqueConstraint("tenant_id", "plan_id", "number"),
        tenant_fk("plan_id", "service_plan"),
        CheckConstraint("number > 0", name="number"),
    )

    plan_id: Mapped[UUID]
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    reasons: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    findings: Mapped[list[Any]] = mapped_column(server_default="[]")
    pack: Mapped[str] = mapped_column(server_default="")
    revision: Mapped[str] = mapped_column(server_default="")
    """The pack's revision under which `findings` were found."""
    saved_by: Mapped[str] = mapped_column(server_default="")
    note: Mapped[str] = mapped_column(server_default="")


class PlanFiling(TenantModel, Stamped):
    """One round of filing: what was sent to the bureau, and what it answered (R-036, R-037)."""

    __tablename__ = "service_plan_filing"
    __table_args__ = (
        UniqueConstraint("tenant_id", "plan_id", "round"),
        tenant_fk("plan_id", "service_plan"),
        CheckConstraint("decision in ('', 'passed', 'returned', 'filed')", name="decision"),
    )

    plan_id: Mapped[UUID]
    round: Mapped[int]
    version: Mapped[int]
    mode: Mapped[str]
    bureau_id: Mapped[UUID]
    bureau_name: Mapped[str]
    paper: Mapped[bytes] = mapped_column(LargeBinary)
    paper_sha256: Mapped[str]
    sent_by: Mapped[str] = mapped_column(server_default="")
    decision: Mapped[str] = mapped_column(server_default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    number: Mapped[str] = mapped_column(server_default="")
