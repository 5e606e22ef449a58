"""Draws of places: rounds, their courses, families' wishes, and whom the written rule puts first.

Revision ID: 0085
Revises: 0050
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0085"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "draw_round",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="drafted", nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("per_child", sa.BigInteger(), nullable=False),
        sa.Column("classes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("clause", sa.Text(), server_default="", nullable=False),
        sa.Column("primary_first", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("seed_source", sa.Text(), nullable=False),
        sa.Column("seed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("program", sa.Text(), server_default="", nullable=False),
        sa.Column("committed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seed", sa.Text(), server_default="", nullable=False),
        sa.Column("seed_by", sa.Uuid(), nullable=True),
        sa.Column("seed_name", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_name", sa.Text(), server_default="", nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stopped", sa.Text(), server_default="", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("seed = '' or record -> 'commitment' is not null", name=op.f("ck_draw_round_seed")),
        sa.CheckConstraint("confirmed_by is null or confirmed_by <> seed_by", name=op.f("ck_draw_round_two_people")),
        sa.CheckConstraint("opens_at < closes_at and closes_at < seed_at", name=op.f("ck_draw_round_times")),
        sa.CheckConstraint("per_child > 0", name=op.f("ck_draw_round_per_child")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_draw_round_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_draw_round")),
    )
    op.create_index("ix_draw_round_term_id", "draw_round", ["tenant_id", "term_id", "created_at"], unique=False)
    op.create_table(
        "draw_course",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("seated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_draw_course_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "round_id"],
            ["draw_round.tenant_id", "draw_round.id"],
            name=op.f("fk_draw_course_tenant_id_round_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_draw_course")),
        sa.UniqueConstraint(
            "tenant_id", "round_id", "offering_id", name=op.f("uq_draw_course_tenant_id_round_id_offering_id")
        ),
    )
    op.create_index(
        "uq_draw_course_live",
        "draw_course",
        ["tenant_id", "offering_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )
    op.create_table(
        "draw_priority",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("entered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "round_id"],
            ["draw_round.tenant_id", "draw_round.id"],
            name=op.f("fk_draw_priority_tenant_id_round_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_draw_priority_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_draw_priority")),
        sa.UniqueConstraint(
            "tenant_id", "round_id", "student_id", name=op.f("uq_draw_priority_tenant_id_round_id_student_id")
        ),
    )
    op.create_table(
        "draw_wish",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("line", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("saved_by", sa.Uuid(), nullable=True),
        sa.Column("saved_name", sa.Text(), server_default="", nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "round_id"],
            ["draw_round.tenant_id", "draw_round.id"],
            name=op.f("fk_draw_wish_tenant_id_round_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_draw_wish_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_draw_wish")),
        sa.UniqueConstraint("tenant_id", "round_id", "receipt", name=op.f("uq_draw_wish_tenant_id_round_id_receipt")),
        sa.UniqueConstraint(
            "tenant_id", "round_id", "student_id", name=op.f("uq_draw_wish_tenant_id_round_id_student_id")
        ),
    )
    op.create_index("ix_draw_wish_student_id", "draw_wish", ["tenant_id", "student_id"], unique=False)
    tenant_table(op, "draw_round")
    tenant_table(op, "draw_course")
    tenant_table(op, "draw_priority")
    tenant_table(op, "draw_wish")
