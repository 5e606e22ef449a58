"""Levels of children in an offering (R-102, R-291): the school's own words, and every entry that was ever made."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class LevelScale(TenantModel, Stamped):
    """The words of an offering's levels, the lowest first, as the school chose them (初级, 中级, 高级)."""

    __tablename__ = "level_scale"
    __table_args__ = (UniqueConstraint("tenant_id", "offering_id"), tenant_fk("offering_id", "offering"))

    offering_id: Mapped[UUID]
    words: Mapped[list[Any]]


class LevelEntry(TenantModel, Stamped):
    """Somebody's word on a child's level. Never changed: the newest entry of a child holds, the others are history."""

    __tablename__ = "level_entry"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        tenant_fk("student_id", "student"),
        Index("ix_level_entry_offering_id", "tenant_id", "offering_id", "student_id", "created_at"),
        CheckConstraint("source in ('desk', 'teach', 'file')", name="source"),
    )

    offering_id: Mapped[UUID]
    student_id: Mapped[UUID]
    word: Mapped[str]
    """Empty: the level was taken back."""
    source: Mapped[str]
    by_account: Mapped[UUID | None]
    by_name: Mapped[str] = mapped_column(server_default="")
