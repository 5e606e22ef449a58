"""The table of one-off requests. One that was taken on puts the child on that day's list (view taking_part)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class OneOff(TenantModel, Stamped):
    """A guardian asks care for one lesson of one day; `state` belongs to ONE_OFF's machine. The row is the record."""

    __tablename__ = "one_off"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("lesson_id", "lesson"),
        Index(
            "uq_one_off_live",
            "tenant_id",
            "student_id",
            "lesson_id",
            unique=True,
            postgresql_where=text("state in ('requested', 'taken_on')"),
        ),
        Index("ix_one_off_day", "tenant_id", "day"),
        Index("ix_one_off_offering_id", "tenant_id", "offering_id", "day"),
        CheckConstraint("state <> 'refused' or reason <> ''", name="reason"),
    )

    student_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    lesson_id: Mapped[UUID]
    day: Mapped[date]
    state: Mapped[str] = mapped_column(server_default="requested")
    words: Mapped[str] = mapped_column(server_default="")
    by_phone: Mapped[bool] = mapped_column(server_default="false")
    """The family phoned, and the school wrote it down."""
    asked_by: Mapped[UUID | None]
    asked_name: Mapped[str] = mapped_column(server_default="")
    answered_name: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")
