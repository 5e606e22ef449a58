"""Loans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api import tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "books_loan",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reminded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "student_id"], ["student.tenant_id", "student.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    tenant_table(op, "books_loan")
