"""The table of signed safety-responsibility agreements."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import TenantModel, tenant_fk


class TeacherPledge(TenantModel):
    """A teacher has read and signed, for one item, exactly this wording. Append-only: a new one stands beside it."""

    __tablename__ = "teacher_pledge"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        tenant_fk("staff_id", "staff"),
        UniqueConstraint("tenant_id", "offering_id", "staff_id", "sha256"),
        Index("ix_teacher_pledge_staff_id", "tenant_id", "staff_id"),
    )

    offering_id: Mapped[UUID]
    staff_id: Mapped[UUID]
    template: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    signer_name: Mapped[str]
    account_id: Mapped[UUID]
    signed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
