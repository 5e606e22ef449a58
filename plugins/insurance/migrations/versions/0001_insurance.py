"""First tables of insurance."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api import tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insurance_policy",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="recorded", nullable=False),
        sa.Column("insurer", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("limit_fen", sa.BigInteger(), nullable=True),
        sa.Column("bearers", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('liability', 'accident')", name=op.f("ck_insurance_policy_kind")),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_insurance_policy_dates")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_insurance_policy")),
        sa.UniqueConstraint("tenant_id", "kind", "number", name=op.f("uq_insurance_policy_tenant_id_kind_number")),
    )
    op.create_index("ix_insurance_policy_kind", "insurance_policy", ["tenant_id", "kind", "ends_on"], unique=False)
    op.create_table(
        "insurance_accident",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("insurer", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("cover", sa.Text(), nullable=False),
        sa.Column("policy_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_insurance_accident_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "policy_id"],
            ["insurance_policy.tenant_id", "insurance_policy.id"],
            name=op.f("fk_insurance_accident_tenant_id_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"],
            ["term.tenant_id", "term.id"],
            name=op.f("fk_insurance_accident_tenant_id_term_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_insurance_accident")),
        sa.UniqueConstraint("tenant_id", "offering_id", name=op.f("uq_insurance_accident_tenant_id_offering_id")),
        sa.UniqueConstraint("tenant_id", "term_id", name=op.f("uq_insurance_accident_tenant_id_term_id")),
    )
    op.create_table(
        "insurance_claim",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("policy_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), server_default="claim_open", nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("account_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("opened_by", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "policy_id"],
            ["insurance_policy.tenant_id", "insurance_policy.id"],
            name=op.f("fk_insurance_claim_tenant_id_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_insurance_claim_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_insurance_claim")),
    )
    op.create_index("ix_insurance_claim_policy_id", "insurance_claim", ["tenant_id", "policy_id"], unique=False)
    op.create_table(
        "insurance_declined",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("declined_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_insurance_declined_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"],
            ["term.tenant_id", "term.id"],
            name=op.f("fk_insurance_declined_tenant_id_term_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_insurance_declined")),
        sa.UniqueConstraint(
            "tenant_id", "term_id", "student_id", name=op.f("uq_insurance_declined_tenant_id_term_id_student_id")
        ),
    )
    tenant_table(op, "insurance_policy")
    tenant_table(op, "insurance_accident")
    tenant_table(op, "insurance_claim")
    tenant_table(op, "insurance_declined")
