"""Spending of a fund, with its paper and what the rules said to it.

Revision ID: 0080
Revises: 0050
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0080"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spending",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("voucher", sa.Text(), server_default="", nullable=False),
        sa.Column("procurement", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("pack_revision", sa.Text(), server_default="", nullable=False),
        sa.Column("booked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("journal_id", sa.UUID(), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_why", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_spending_amount")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_spending")),
    )
    op.create_index("ix_spending_paid_on", "spending", ["tenant_id", "paid_on"], unique=False)
    tenant_table(op, "spending", writes="select, insert, update (journal_id, taken_back_at, taken_back_why)")
