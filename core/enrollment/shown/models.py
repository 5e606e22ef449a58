"""The table of letters as they were shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import TenantModel, tenant_fk


class LetterShown(TenantModel):
    """From `at` on, until the next row of the term, families saw the letter to parents in this wording. Append-only."""

    __tablename__ = "letter_shown"
    __table_args__ = (tenant_fk("term_id", "term"), Index("ix_letter_shown_term_id", "tenant_id", "term_id", "at"))

    term_id: Mapped[UUID]
    sha256: Mapped[str]
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
