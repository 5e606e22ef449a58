"""fees: standards, postings, relief.

Grants are by column: a price cannot be changed after it was written, and the moment of posting comes from the database.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api import tenant_table

revision = "fees_0001"
down_revision = None
branch_labels = None
depends_on = None

STANDARD_MAY_CHANGE = (
    "effective_to, state, reason, case_by_case, approver, approval_no, approval_on, approval_document, disclosed_at"
)
POSTING_MAY_SAY = "tenant_id, id, standard_id, place, unit, unit_fen, basis, complaint_phone, posted_by, taken_down_at"


def upgrade() -> None:
    op.create_table(
        "fees_standard",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_fen", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("complaint_phone", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("case_by_case", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("approver", sa.Text(), nullable=True),
        sa.Column("approval_no", sa.Text(), server_default="", nullable=False),
        sa.Column("approval_on", sa.Date(), nullable=True),
        sa.Column("approval_document", sa.Text(), server_default="", nullable=False),
        sa.Column("disclosed_at", sa.Text(), server_default="", nullable=False),
        sa.Column("proposed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("unit_fen > 0", name=op.f("ck_fees_standard_price")),
        sa.CheckConstraint("unit in ('lesson', 'term', 'month', 'meal')", name=op.f("ck_fees_standard_unit")),
        sa.CheckConstraint("fund in ('service', 'meals', 'agency')", name=op.f("ck_fees_standard_fund")),
        sa.CheckConstraint(
            "effective_to is null or effective_to >= effective_from - 1", name=op.f("ck_fees_standard_dates")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fees_standard")),
    )
    op.create_index("ix_fees_standard_service", "fees_standard", ["tenant_id", "service"], unique=False)
    op.create_index(
        "uq_fees_standard_in_force",
        "fees_standard",
        ["tenant_id", "service"],
        unique=True,
        postgresql_where=sa.text("state in ('in_force', 'blocked')"),
    )
    op.create_table(
        "fees_posting",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("standard_id", sa.UUID(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_fen", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("complaint_phone", sa.Text(), nullable=False),
        sa.Column("posted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("taken_down_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "standard_id"],
            ["fees_standard.tenant_id", "fees_standard.id"],
            name=op.f("fk_fees_posting_tenant_id_standard_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fees_posting")),
    )
    op.create_index("ix_fees_posting_standard_id", "fees_posting", ["tenant_id", "standard_id"], unique=False)
    op.create_table(
        "fees_relief",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("ground_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("answer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("asked_by", sa.UUID(), nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clause", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("percent between 1 and 100", name=op.f("ck_fees_relief_percent")),
        sa.CheckConstraint("decided_by is null or decided_by <> asked_by", name=op.f("ck_fees_relief_second_person")),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_fees_relief_dates")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_fees_relief_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fees_relief")),
    )
    op.create_index(
        "uq_fees_relief_live",
        "fees_relief",
        ["tenant_id", "student_id"],
        unique=True,
        postgresql_where=sa.text("state in ('requested', 'granted')"),
    )
    tenant_table(op, "fees_standard", writes=f"select, insert, update ({STANDARD_MAY_CHANGE})")
    tenant_table(op, "fees_posting", writes=f"select, insert ({POSTING_MAY_SAY}), update (taken_down_at)")
    tenant_table(op, "fees_relief")
