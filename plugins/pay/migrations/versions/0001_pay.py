"""pay: rates, lists with their lines and items, subsidies and what came in.

Grants are by column: what makes a rate, a line or an item cannot be changed after it was written. Items go with their
line alone, and a line that was approved is kept by the seal that refers to it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.api import append_only_table, tenant_table

revision = "pay_0001"
down_revision = None
branch_labels = None
depends_on = None

RATE_MAY_CHANGE = "effective_to, state, decided_by, decided_name"
SUBSIDY_MAY_CHANGE = "state, settled_pupils, surplus, returned_fen, settled_on"


def upgrade() -> None:
    op.create_table(
        "pay_rate",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("mechanism", sa.Text(), nullable=False),
        sa.Column("factors", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("agreement", sa.Text(), server_default="", nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("pack_revision", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_by", sa.UUID(), nullable=False),
        sa.Column("asked_name", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_name", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("fund in ('subsidy', 'service', 'school')", name=op.f("ck_pay_rate_fund")),
        sa.CheckConstraint("payee in ('own', 'external')", name=op.f("ck_pay_rate_payee")),
        sa.CheckConstraint("state in ('proposed', 'in_force', 'ended', 'returned')", name=op.f("ck_pay_rate_state")),
        sa.CheckConstraint(
            "state not in ('in_force', 'ended') or decided_by is not null", name=op.f("ck_pay_rate_decided")
        ),
        sa.CheckConstraint("unit in ('lesson', 'hour')", name=op.f("ck_pay_rate_unit")),
        sa.CheckConstraint("decided_by is null or decided_by <> asked_by", name=op.f("ck_pay_rate_second_person")),
        sa.CheckConstraint("effective_to is null or effective_to >= effective_from", name=op.f("ck_pay_rate_dates")),
        sa.CheckConstraint("unit_fen > 0", name=op.f("ck_pay_rate_amount")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_rate")),
    )
    op.create_index(
        "uq_pay_rate_in_force",
        "pay_rate",
        ["tenant_id", "payee", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'in_force'"),
    )
    op.create_table(
        "pay_list",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("job_id", sa.UUID(), nullable=True),
        sa.Column("resumed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("made_name", sa.Text(), server_default="", nullable=False),
        sa.Column("unpriced", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attested", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("pack_revision", sa.Text(), server_default="", nullable=False),
        sa.Column("submitted_by", sa.UUID(), nullable=True),
        sa.Column("submitted_name", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_name", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("paid_reference", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('making', 'draft', 'submitted', 'approved', 'paid', 'discarded')", name=op.f("ck_pay_list_state")
        ),
        sa.CheckConstraint(
            "state not in ('approved', 'paid') or decided_by is not null", name=op.f("ck_pay_list_decided")
        ),
        sa.CheckConstraint("decided_by is null or decided_by <> submitted_by", name=op.f("ck_pay_list_second_person")),
        sa.CheckConstraint("extract(day from month) = 1", name=op.f("ck_pay_list_month")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_pay_list_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_list")),
        sa.UniqueConstraint("tenant_id", "month", "number", name=op.f("uq_pay_list_tenant_id_month_number")),
    )
    op.create_index(
        "uq_pay_list_open",
        "pay_list",
        ["tenant_id", "month"],
        unique=True,
        postgresql_where=sa.text("state in ('making', 'draft', 'submitted')"),
    )
    op.create_table(
        "pay_line",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("list_id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("lessons", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("corrected_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("zeroed", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("payee in ('own', 'external')", name=op.f("ck_pay_line_payee")),
        sa.CheckConstraint("amount_fen >= 0 and corrected_fen <= 0", name=op.f("ck_pay_line_amount")),
        sa.CheckConstraint("lessons > 0", name=op.f("ck_pay_line_lessons")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["pay_list.tenant_id", "pay_list.id"], name=op.f("fk_pay_line_tenant_id_list_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_pay_line_tenant_id_staff_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_line")),
        sa.UniqueConstraint("tenant_id", "list_id", "staff_id", name=op.f("uq_pay_line_tenant_id_list_id_staff_id")),
    )
    op.create_index("ix_pay_line_staff_id", "pay_line", ["tenant_id", "staff_id"], unique=False)
    op.create_table(
        "pay_item",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("list_id", sa.UUID(), nullable=False),
        sa.Column("lesson_id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("rate_id", sa.UUID(), nullable=False),
        sa.Column("after_id", sa.UUID(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=False),
        sa.Column("fund", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(what = 'lesson' and amount_fen >= 0) or (what = 'back' and amount_fen <= 0 and after_id is not null)",
            name=op.f("ck_pay_item_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "after_id"],
            ["pay_item.tenant_id", "pay_item.id"],
            name=op.f("fk_pay_item_tenant_id_after_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lesson_id"], ["lesson.tenant_id", "lesson.id"], name=op.f("fk_pay_item_tenant_id_lesson_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["pay_line.tenant_id", "pay_line.id"],
            name=op.f("fk_pay_item_tenant_id_line_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["pay_list.tenant_id", "pay_list.id"], name=op.f("fk_pay_item_tenant_id_list_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "rate_id"], ["pay_rate.tenant_id", "pay_rate.id"], name=op.f("fk_pay_item_tenant_id_rate_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_pay_item_tenant_id_staff_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_item")),
        sa.UniqueConstraint("tenant_id", "after_id", name=op.f("uq_pay_item_tenant_id_after_id")),
    )
    op.create_index("ix_pay_item_line_id", "pay_item", ["tenant_id", "line_id"], unique=False)
    op.create_index("ix_pay_item_staff_id", "pay_item", ["tenant_id", "staff_id"], unique=False)
    op.create_index(
        "uq_pay_item_first",
        "pay_item",
        ["tenant_id", "lesson_id"],
        unique=True,
        postgresql_where=sa.text("after_id is null"),
    )
    op.create_table(
        "pay_subsidy",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("school_year", sa.Text(), nullable=False),
        sa.Column("covers", sa.Text(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("document_no", sa.Text(), nullable=False),
        sa.Column("document_on", sa.Date(), nullable=False),
        sa.Column("rate_fen", sa.BigInteger(), nullable=False),
        sa.Column("remote_percent", sa.BigInteger(), nullable=False),
        sa.Column("pupils", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("proposed_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("payee", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("goals", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("pack_revision", sa.Text(), server_default="", nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default="", nullable=False),
        sa.Column("settled_pupils", sa.BigInteger(), nullable=True),
        sa.Column("surplus", sa.Text(), server_default="", nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("basis in ('served', 'enrolled')", name=op.f("ck_pay_subsidy_basis")),
        sa.CheckConstraint(
            "state in ('expected', 'received', 'settled', 'cancelled')", name=op.f("ck_pay_subsidy_state")
        ),
        sa.CheckConstraint(
            "rate_fen > 0 and amount_fen > 0 and proposed_fen >= 0 and pupils >= 0", name=op.f("ck_pay_subsidy_amounts")
        ),
        sa.CheckConstraint("remote_percent between 0 and 100", name=op.f("ck_pay_subsidy_remote")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_pay_subsidy_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_subsidy")),
    )
    op.create_index("ix_pay_subsidy_school_year", "pay_subsidy", ["tenant_id", "school_year"], unique=False)
    op.create_index(
        "uq_pay_subsidy_document",
        "pay_subsidy",
        ["tenant_id", "document_no", "term_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_table(
        "pay_receipt",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("subsidy_id", sa.UUID(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("bank_reference", sa.Text(), nullable=False),
        sa.Column("recorded_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_pay_receipt_amount")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "subsidy_id"],
            ["pay_subsidy.tenant_id", "pay_subsidy.id"],
            name=op.f("fk_pay_receipt_tenant_id_subsidy_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_receipt")),
        sa.UniqueConstraint(
            "tenant_id", "subsidy_id", "bank_reference", name=op.f("uq_pay_receipt_tenant_id_subsidy_id_bank_reference")
        ),
    )
    op.create_table(
        "pay_seal",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"],
            ["pay_line.tenant_id", "pay_line.id"],
            name=op.f("fk_pay_seal_tenant_id_line_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pay_seal")),
        sa.UniqueConstraint("tenant_id", "line_id", name=op.f("uq_pay_seal_tenant_id_line_id")),
    )
    tenant_table(op, "pay_rate", writes=f"select, insert, update ({RATE_MAY_CHANGE})")
    tenant_table(op, "pay_list", writes="select, insert, update")
    tenant_table(op, "pay_line", writes="select, insert, delete")
    tenant_table(op, "pay_subsidy", writes=f"select, insert, update ({SUBSIDY_MAY_CHANGE})")
    for table in ("pay_item", "pay_seal", "pay_receipt"):
        append_only_table(op, table)
