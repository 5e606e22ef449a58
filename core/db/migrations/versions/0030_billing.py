"""billing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import append_only_table, tenant_table

revision = "0030"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finance_alert",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_finance_alert")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_finance_alert_tenant_id_key")),
    )
    op.create_table(
        "billing_run",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=True),
        sa.Column("started_by", sa.Text(), server_default="", nullable=False),
        sa.Column("bills", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held_back", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cursor", sa.UUID(), nullable=True),
        sa.Column("resumed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_billing_run_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_billing_run")),
    )
    op.create_index("ix_billing_run_term_id", "billing_run", ["tenant_id", "term_id"], unique=False)
    op.create_table(
        "billing_hold",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"],
            ["billing_run.tenant_id", "billing_run.id"],
            name=op.f("fk_billing_hold_tenant_id_run_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_billing_hold_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_billing_hold")),
        sa.UniqueConstraint(
            "tenant_id", "run_id", "student_id", name=op.f("uq_billing_hold_tenant_id_run_id_student_id")
        ),
    )
    op.create_table(
        "bill",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("charged_fen", sa.BigInteger(), nullable=False),
        sa.Column("reduced_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("pack_revision", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("charged_fen >= 0 and reduced_fen between 0 and charged_fen", name=op.f("ck_bill_amounts")),
        sa.CheckConstraint("due_fen = charged_fen - reduced_fen", name=op.f("ck_bill_due")),
        sa.CheckConstraint("paid_fen between 0 and due_fen", name=op.f("ck_bill_paid")),
        sa.CheckConstraint("refunded_fen between 0 and paid_fen", name=op.f("ck_bill_refunded")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "run_id"], ["billing_run.tenant_id", "billing_run.id"], name=op.f("fk_bill_tenant_id_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"], ["student.tenant_id", "student.id"], name=op.f("fk_bill_tenant_id_student_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_bill_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bill")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_bill_tenant_id_number")),
    )
    op.create_index("ix_bill_run_id", "bill", ["tenant_id", "run_id"], unique=False)
    op.create_index("ix_bill_student_id", "bill", ["tenant_id", "student_id"], unique=False)
    op.create_index(
        "uq_bill_live",
        "bill",
        ["tenant_id", "term_id", "student_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'void'"),
    )
    op.create_table(
        "bill_line",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_fen", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("standard_id", sa.UUID(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=False),
        sa.Column("enrolment_id", sa.UUID(), nullable=True),
        sa.Column("offering_id", sa.UUID(), nullable=True),
        sa.Column("earned_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "earned_fen >= 0 and returned_fen >= 0 and earned_fen + returned_fen <= amount_fen",
            name=op.f("ck_bill_line_settled"),
        ),
        sa.CheckConstraint(
            "quantity > 0 and unit_fen >= 0 and amount_fen = unit_fen * quantity", name=op.f("ck_bill_line_amount")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bill_id"], ["bill.tenant_id", "bill.id"], name=op.f("fk_bill_line_tenant_id_bill_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bill_line")),
    )
    op.create_index("ix_bill_line_bill_id", "bill_line", ["tenant_id", "bill_id"], unique=False)
    op.create_index("ix_bill_line_offering_id", "bill_line", ["tenant_id", "offering_id"], unique=False)
    op.create_table(
        "bill_reduction",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.UUID(), nullable=False),
        sa.Column("clause", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_bill_reduction_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bill_id"], ["bill.tenant_id", "bill.id"], name=op.f("fk_bill_reduction_tenant_id_bill_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bill_reduction")),
    )
    op.create_index("ix_bill_reduction_bill_id", "bill_reduction", ["tenant_id", "bill_id"], unique=False)
    op.create_table(
        "payment_attempt",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("session_ref", sa.Text(), nullable=True),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("received_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_attempt_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bill_id"], ["bill.tenant_id", "bill.id"], name=op.f("fk_payment_attempt_tenant_id_bill_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_attempt")),
        sa.UniqueConstraint(
            "tenant_id", "provider", "provider_ref", name=op.f("uq_payment_attempt_tenant_id_provider_provider_ref")
        ),
    )
    op.create_index("ix_payment_attempt_bill_id", "payment_attempt", ["tenant_id", "bill_id"], unique=False)
    op.create_index(
        "ix_payment_attempt_open",
        "payment_attempt",
        ["tenant_id", "created_at"],
        unique=False,
        postgresql_where=sa.text("state in ('started', 'open')"),
    )
    op.create_table(
        "receipt",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("attempt_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "attempt_id"],
            ["payment_attempt.tenant_id", "payment_attempt.id"],
            name=op.f("fk_receipt_tenant_id_attempt_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bill_id"], ["bill.tenant_id", "bill.id"], name=op.f("fk_receipt_tenant_id_bill_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("tenant_id", "attempt_id", name=op.f("uq_receipt_tenant_id_attempt_id")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_receipt_tenant_id_number")),
        sa.UniqueConstraint("tenant_id", "token", name=op.f("uq_receipt_tenant_id_token")),
    )
    op.create_index("ix_receipt_bill_id", "receipt", ["tenant_id", "bill_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bill_id", sa.UUID(), nullable=False),
        sa.Column("attempt_id", sa.UUID(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=True),
        sa.Column("surplus", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("shares", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("in_transit", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("round", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.UUID(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "attempt_id"],
            ["payment_attempt.tenant_id", "payment_attempt.id"],
            name=op.f("fk_refund_tenant_id_attempt_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bill_id"], ["bill.tenant_id", "bill.id"], name=op.f("fk_refund_tenant_id_bill_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_refund")),
    )
    op.create_index("ix_refund_attempt_id", "refund", ["tenant_id", "attempt_id"], unique=False)
    op.create_index("ix_refund_bill_id", "refund", ["tenant_id", "bill_id"], unique=False)
    op.create_table(
        "fund_statement",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("published_by", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_fund_statement_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fund_statement")),
        sa.UniqueConstraint(
            "tenant_id", "term_id", "fund", "seq", name=op.f("uq_fund_statement_tenant_id_term_id_fund_seq")
        ),
    )
    append_only_table(op, "fund_statement")
    tenant_table(op, "finance_alert")
    tenant_table(op, "billing_run")
    tenant_table(op, "billing_hold")
    tenant_table(op, "bill")
    tenant_table(op, "bill_line")
    tenant_table(op, "bill_reduction")
    tenant_table(op, "payment_attempt")
    tenant_table(op, "receipt")
    tenant_table(op, "refund")
