"""The authority's review of an offering, on the school's side: every round that was sent, and its answer."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class OfferingFiling(TenantModel, Stamped):
    """One sending of an offering to the authority above (R-096). `content_sha256` names exactly what was sent: a pass
    holds for that alone."""

    __tablename__ = "offering_filing"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        UniqueConstraint("tenant_id", "offering_id", "round"),
        CheckConstraint("decision in ('', 'passed', 'returned')", name="decision"),
    )

    offering_id: Mapped[UUID]
    round: Mapped[int]
    bureau_id: Mapped[UUID]
    bureau_name: Mapped[str]
    content_sha256: Mapped[str]
    sent_by: Mapped[str] = mapped_column(server_default="")
    decision: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    number: Mapped[str] = mapped_column(server_default="")
    decided_by: Mapped[str] = mapped_column(server_default="")
    decided_at: Mapped[datetime | None]
