"""A club's own file (R-287): what it is, its plan, who leads it; the menu's item stands in the core."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk


class Club(TenantModel, Stamped):
    """One club in one term. `offering_id` is its item on the menu, whose state is the club's.

    `tone` is its colour family on the menu (sport, art, tech, study, craft); `plan` says what it does week by week
    (R-288); `materials` what a child brings.
    """

    __tablename__ = "clubs_club"
    __table_args__ = (
        UniqueConstraint("tenant_id", "offering_id"),
        tenant_fk("term_id", "term"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("teacher_id", "staff"),
        Index("ix_clubs_club_term_id", "tenant_id", "term_id"),
        Index("ix_clubs_club_teacher_id", "tenant_id", "teacher_id"),
    )

    term_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    title: Mapped[str]
    tone: Mapped[str]
    level: Mapped[str]
    teacher_id: Mapped[UUID]
    plan: Mapped[list[Any]] = mapped_column(server_default="[]")
    """One line a lesson or a part of the term."""
    materials: Mapped[str] = mapped_column(server_default="")
