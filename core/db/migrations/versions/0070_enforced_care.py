"""The ethics status of staff, and the papers that came with an application.

Revision ID: 0070
Revises: 0050
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0070"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_ethics",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), server_default="clear", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('clear', 'in_question', 'barred')", name=op.f("ck_staff_ethics_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"],
            ["staff.tenant_id", "staff.id"],
            name=op.f("fk_staff_ethics_tenant_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_staff_ethics")),
        sa.UniqueConstraint("tenant_id", "staff_id", name=op.f("uq_staff_ethics_tenant_id_staff_id")),
    )
    tenant_table(op, "staff_ethics")
    op.add_column(
        "application",
        sa.Column("papers", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
