"""Uploads of a roster: the file until it is used, what the check said, and what an import changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class RosterImport(TenantModel, Stamped):
    """One uploaded file. `body` is kept only until the file is imported, dropped or a week old."""

    __tablename__ = "roster_import"
    __table_args__ = (
        CheckConstraint("state in ('uploaded', 'checked', 'importing', 'imported', 'undone', 'dropped')", name="state"),
        Index("ix_roster_import_created_at", "tenant_id", "created_at"),
    )

    file_name: Mapped[str]
    size: Mapped[int]
    body: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    workbook: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The file with its errors beside the rows, to correct and upload again; goes when `body` goes."""
    encoding: Mapped[str | None]
    """The encoding that a person chose for a CSV; None: found out."""
    state: Mapped[str] = mapped_column(server_default="uploaded")
    accepted: Mapped[bool] = mapped_column(server_default="false")
    summary: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Counts, problems of the file as a whole, roles to be given, the preview: see tenants.roster.summary."""
    mark_left: Mapped[bool] = mapped_column(server_default="false")
    """Whether pupils that the file does not name any more are marked as having left."""
    grant_roles: Mapped[bool] = mapped_column(server_default="false")
    """Whether whoever imports may give office, finance and principal roles; otherwise they are left out."""
    uploaded_by: Mapped[str] = mapped_column(server_default="")
    run_id: Mapped[UUID | None]
    """The job (core.db.kernel_tables.JobRun) that checks or imports it now, or did last."""
    error: Mapped[str] = mapped_column(server_default="")
    imported_at: Mapped[datetime | None]


class RosterLine(TenantModel):
    """One line of the dry run: an error, a doubt, a changed pupil or one that left; `text` by language."""

    __tablename__ = "roster_line"
    __table_args__ = (
        tenant_fk("import_id", "roster_import", ondelete="CASCADE"),
        Index("ix_roster_line_import_id", "tenant_id", "import_id", "kind", "place"),
        CheckConstraint("kind in ('error', 'doubt', 'changed', 'left')", name="kind"),
    )

    import_id: Mapped[UUID]
    kind: Mapped[str]
    place: Mapped[int]
    sheet: Mapped[str] = mapped_column(server_default="")
    row: Mapped[int | None]
    title: Mapped[str] = mapped_column(server_default="")
    text: Mapped[dict[str, Any]]


class RosterChange(TenantModel):
    """A row as an import found it and as it left it, so that the import can be taken back exactly.

    `before` is None for a row that was made, `after` for one that was removed.
    """

    __tablename__ = "roster_change"
    __table_args__ = (
        tenant_fk("import_id", "roster_import", ondelete="CASCADE"),
        Index("ix_roster_change_import_id", "tenant_id", "import_id", "place"),
    )

    import_id: Mapped[UUID]
    place: Mapped[int]
    table_name: Mapped[str]
    row_id: Mapped[UUID]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
