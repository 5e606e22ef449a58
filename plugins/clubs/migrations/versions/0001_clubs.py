"""First tables of clubs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.api import tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clubs_club",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tone", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("teacher_id", sa.UUID(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("materials", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_clubs_club_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "teacher_id"],
            ["staff.tenant_id", "staff.id"],
            name=op.f("fk_clubs_club_tenant_id_teacher_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_clubs_club_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_clubs_club")),
        sa.UniqueConstraint("tenant_id", "offering_id", name=op.f("uq_clubs_club_tenant_id_offering_id")),
    )
    op.create_index("ix_clubs_club_teacher_id", "clubs_club", ["tenant_id", "teacher_id"], unique=False)
    op.create_index("ix_clubs_club_term_id", "clubs_club", ["tenant_id", "term_id"], unique=False)
    tenant_table(op, "clubs_club")
