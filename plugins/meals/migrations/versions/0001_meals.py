"""First tables of meals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.api import tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meals_day_menu",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("dishes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_meals_day_menu")),
        sa.UniqueConstraint("tenant_id", "day", name=op.f("uq_meals_day_menu_tenant_id_day")),
    )
    op.create_table(
        "meals_delivery",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ordered", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "ordered >= 0 and (delivered is null or delivered >= 0)", name=op.f("ck_meals_delivery_counts")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_meals_delivery")),
        sa.UniqueConstraint("tenant_id", "day", name=op.f("uq_meals_delivery_tenant_id_day")),
    )
    op.create_table(
        "meals_ban",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("flags", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("changed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_meals_ban_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_meals_ban")),
        sa.UniqueConstraint("tenant_id", "student_id", name=op.f("uq_meals_ban_tenant_id_student_id")),
    )
    op.create_table(
        "meals_cancelled",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cancelled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_meals_cancelled_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_meals_cancelled")),
        sa.UniqueConstraint("tenant_id", "student_id", "day", name=op.f("uq_meals_cancelled_tenant_id_student_id_day")),
    )
    op.create_index("ix_meals_cancelled_day", "meals_cancelled", ["tenant_id", "day"], unique=False)
    op.create_table(
        "meals_lunch",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("caterer", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("settlement", sa.Text(), nullable=False),
        sa.Column("formalities", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("tender_by", sa.Text(), server_default="", nullable=False),
        sa.Column("tender_reference", sa.Text(), server_default="", nullable=False),
        sa.Column("standard_by", sa.Text(), server_default="", nullable=False),
        sa.Column("supervisors", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("price_fen is null or price_fen > 0", name=op.f("ck_meals_lunch_price")),
        sa.CheckConstraint("settlement in ('caterer', 'school')", name=op.f("ck_meals_lunch_settlement")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_meals_lunch_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_meals_lunch_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_meals_lunch")),
        sa.UniqueConstraint("tenant_id", "offering_id", name=op.f("uq_meals_lunch_tenant_id_offering_id")),
        sa.UniqueConstraint("tenant_id", "term_id", name=op.f("uq_meals_lunch_tenant_id_term_id")),
    )
    op.create_table(
        "meals_served",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_meals_served_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_meals_served")),
        sa.UniqueConstraint("tenant_id", "day", "student_id", name=op.f("uq_meals_served_tenant_id_day_student_id")),
    )
    op.create_index("ix_meals_served_student_id", "meals_served", ["tenant_id", "student_id", "day"], unique=False)
    tenant_table(op, "meals_day_menu")
    tenant_table(op, "meals_delivery")
    tenant_table(op, "meals_ban")
    tenant_table(op, "meals_cancelled")
    tenant_table(op, "meals_lunch")
    tenant_table(op, "meals_served")
