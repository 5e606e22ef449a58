"""Tables of the editor, all the bureau's own: drafts of packs, and what schools answered when one was tried out."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class PackDraft(TenantModel, Stamped):
    """A version of a pack on its way. `content` are the fields of a pack file; once published it is not touched again,
    and the same text stands in `published_pack` under `number`."""

    __tablename__ = "pack_draft"
    __table_args__ = (
        CheckConstraint("state in ('drafted', 'proposed', 'published', 'rejected')", name="state"),
        Index("ix_pack_draft_created_at", "tenant_id", "created_at"),
    )

    key: Mapped[str]
    content: Mapped[dict[str, Any]]
    edition: Mapped[int] = mapped_column(server_default="1")
    """Counts saves, so that a page that has grown old is noticed."""
    copied_from: Mapped[str]
    """Key of the pack that it was copied from, or that it is to stand below."""
    copied_revision: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="drafted")
    author_id: Mapped[UUID | None]
    author: Mapped[str] = mapped_column(server_default="")
    edited_by_id: Mapped[UUID | None]
    edited_by: Mapped[str] = mapped_column(server_default="")
    edited_at: Mapped[datetime] = mapped_column(server_default=func.now())
    proposed_by_id: Mapped[UUID | None]
    proposed_by: Mapped[str] = mapped_column(server_default="")
    proposed_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")
    number: Mapped[int | None]


class PackTrial(TenantModel):
    """One school's answer to "what would change?", for the draft as it read when it was asked (`sha256`)."""

    __tablename__ = "pack_trial"
    __table_args__ = (
        UniqueConstraint("tenant_id", "draft_id", "sha256", "school_id"),
        tenant_fk("draft_id", "pack_draft"),
    )

    draft_id: Mapped[UUID]
    sha256: Mapped[str]
    school_id: Mapped[UUID]
    school_name: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    answered_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
