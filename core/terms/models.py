"""Terms and the school calendar with holidays and make-up days (调休)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import TenantModel, tenant_fk


class Term(TenantModel):
    """A term, code such as "2026-2027-1". Lessons, plans and bills belong to one term (R-040, R-344)."""

    __tablename__ = "term"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        CheckConstraint("starts_on < ends_on", name="dates"),
        CheckConstraint("state in ('open', 'closing', 'closed')", name="state"),
    )

    code: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[str] = mapped_column(server_default="open")
    """open, closing (the job runs; nothing new may begin), closed (never changes; the database refuses)."""
    closing_job: Mapped[UUID | None]
    closings: Mapped[int] = mapped_column(server_default="0")
    """How often the job of closing was set going: a person may, once its worker gave up."""
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(server_default="")


class CalendarDay(TenantModel):
    """A day that differs from its weekday: a holiday, or a make-up day that runs another weekday's timetable."""

    __tablename__ = "calendar_day"
    __table_args__ = (UniqueConstraint("tenant_id", "day"), tenant_fk("term_id", "term"))

    term_id: Mapped[UUID]
    day: Mapped[date]
    kind: Mapped[str]
    """holiday or make_up."""
    runs_weekday: Mapped[int | None]
    """1 (Monday) to 7: the weekday whose timetable a make-up day runs."""
    name: Mapped[str] = mapped_column(server_default="")
