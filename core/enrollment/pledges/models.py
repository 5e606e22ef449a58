"""Tables of safety-responsibility agreements: what was signed, and the codes sent to sign."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import TenantModel, tenant_fk
from core.enrollment.signing_codes import OneTimeCode


class TeacherPledge(TenantModel):
    """A teacher has read and signed, for one item, exactly this wording. Append-only: a new one stands beside it."""

    __tablename__ = "teacher_pledge"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        tenant_fk("staff_id", "staff"),
        UniqueConstraint("tenant_id", "offering_id", "staff_id", "sha256"),
        Index("ix_teacher_pledge_staff_id", "tenant_id", "staff_id"),
        Index("uq_teacher_pledge_token", "tenant_id", "token", unique=True, postgresql_where=text("token <> ''")),
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
    number: Mapped[str] = mapped_column(server_default="")
    token: Mapped[str] = mapped_column(server_default="")
    """Names it on the public page that proves it; empty for what was signed before there was a code."""
    signer_phone: Mapped[str] = mapped_column(server_default="")
    """Masked: where the one-time code went."""


class PledgeCode(OneTimeCode):
    """A one-time code sent to sign the agreement for one item in one wording; worth nothing for anything else."""

    __tablename__ = "pledge_code"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        Index("ix_pledge_code_account_id", "tenant_id", "account_id", "created_at"),
    )

    offering_id: Mapped[UUID]
