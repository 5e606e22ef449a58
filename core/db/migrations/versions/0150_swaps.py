"""Exchanging an item is billed: which enrolment replaces which, later bills of a term, what went back of a line.

Revision ID: 0150
Revises: 0140
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0150"
down_revision = "0140"
branch_labels = None
depends_on = None

LIVE = sa.text("state <> 'void'")


def upgrade() -> None:
    op.add_column("enrolment", sa.Column("replaces", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_enrolment_tenant_id_replaces"),
        "enrolment",
        "enrolment",
        ["tenant_id", "replaces"],
        ["tenant_id", "id"],
    )
    op.create_index(
        "ix_enrolment_replaces",
        "enrolment",
        ["tenant_id", "replaces"],
        postgresql_where=sa.text("replaces is not null"),
    )
    op.add_column("bill", sa.Column("part", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_index("uq_bill_live", "bill")
    op.create_index(
        "uq_bill_live", "bill", ["tenant_id", "term_id", "student_id", "part"], unique=True, postgresql_where=LIVE
    )
    op.add_column("bill_line", sa.Column("lessons", sa.BigInteger(), nullable=True))
    op.add_column("bill_line", sa.Column("swap_back_fen", sa.BigInteger(), nullable=True))
    op.add_column("billing_run", sa.Column("starter_id", sa.Uuid(), nullable=True))
    op.add_column("refund", sa.Column("line_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_refund_tenant_id_line_id"), "refund", "bill_line", ["tenant_id", "line_id"], ["tenant_id", "id"]
    )
