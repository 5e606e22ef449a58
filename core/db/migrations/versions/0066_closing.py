"""Closing a term: its state, and the unused part of a bill's line.

Revision ID: 0066
Revises: 0065
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("term", sa.Column("closing_job", sa.UUID(), nullable=True))
    op.add_column("term", sa.Column("closings", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("term", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("term", sa.Column("closed_by", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_term_state"), "term", "state in ('open', 'closing', 'closed')")
    op.add_column("bill_line", sa.Column("unused_fen", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_constraint(op.f("ck_bill_line_settled"), "bill_line")
    op.create_check_constraint(
        op.f("ck_bill_line_settled"),
        "bill_line",
        "earned_fen >= 0 and returned_fen >= 0 and unused_fen >= 0 "
        "and earned_fen + returned_fen + unused_fen <= amount_fen",
    )
