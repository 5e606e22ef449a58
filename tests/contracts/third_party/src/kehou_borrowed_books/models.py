"""One table."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk


class Loan(TenantModel, Stamped):
    """A book that a child has taken along. `reminded` counts how often the family was reminded."""

    __tablename__ = "books_loan"
    __table_args__ = (tenant_fk("student_id", "student"),)

    student_id: Mapped[UUID]
    title: Mapped[str]
    due_on: Mapped[date]
    reminded: Mapped[int] = mapped_column(server_default="0")
    back_at: Mapped[datetime | None]
