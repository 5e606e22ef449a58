"""Roster imports: the uploaded file, the lines of its dry run, and the images that undo needs.

Revision ID: 0050
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0050"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roster_import",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("workbook", sa.LargeBinary(), nullable=True),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="uploaded", nullable=False),
        sa.Column("accepted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("summary", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("mark_left", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("grant_roles", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("uploaded_by", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('uploaded', 'checked', 'importing', 'imported', 'undone', 'dropped')",
            name=op.f("ck_roster_import_state"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_roster_import")),
    )
    op.create_index("ix_roster_import_created_at", "roster_import", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "roster_line",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("sheet", sa.Text(), server_default="", nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("text", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind in ('error', 'doubt', 'changed', 'left')", name=op.f("ck_roster_line_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "import_id"],
            ["roster_import.tenant_id", "roster_import.id"],
            name=op.f("fk_roster_line_tenant_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_roster_line")),
    )
    op.create_index(
        "ix_roster_line_import_id", "roster_line", ["tenant_id", "import_id", "kind", "place"], unique=False
    )
    op.create_table(
        "roster_change",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("import_id", sa.UUID(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.UUID(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "import_id"],
            ["roster_import.tenant_id", "roster_import.id"],
            name=op.f("fk_roster_change_tenant_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_roster_change")),
    )
    op.create_index("ix_roster_change_import_id", "roster_change", ["tenant_id", "import_id", "place"], unique=False)
    tenant_table(op, "roster_import")
    tenant_table(op, "roster_line")
    tenant_table(op, "roster_change")
