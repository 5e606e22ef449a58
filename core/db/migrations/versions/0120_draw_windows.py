"""Draws: places by window, earlier bad luck as a class, children who want to be drawn together.

Revision ID: 0120
Revises: 0110
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db.schema import tenant_table

revision = "0120"
down_revision = "0110"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("draw_round", sa.Column("mode", sa.Text(), server_default="ranked", nullable=False))
    op.add_column("draw_round", sa.Column("luck", sa.Boolean(), server_default="false", nullable=False))
    op.create_check_constraint(op.f("ck_draw_round_mode"), "draw_round", "mode in ('ranked', 'window')")
    op.create_table(
        "draw_together",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("joined_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "round_id"],
            ["draw_round.tenant_id", "draw_round.id"],
            name=op.f("fk_draw_together_tenant_id_round_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_draw_together_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_draw_together")),
        sa.UniqueConstraint(
            "tenant_id", "round_id", "student_id", name=op.f("uq_draw_together_tenant_id_round_id_student_id")
        ),
    )
    op.create_index("ix_draw_together_party", "draw_together", ["tenant_id", "round_id", "party"], unique=False)
    tenant_table(op, "draw_together")
