"""The need survey and its answers; hours of a season, covers and announced changes of offerings.

Revision ID: 0110
Revises: 0100
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import append_only_table, tenant_table

revision = "0110"
down_revision = "0100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _survey()
    _offerings()


def _survey() -> None:
    op.create_table(
        "need_survey",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kinds", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("means", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("asked", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('draft', 'open', 'closed')", name=op.f("ck_need_survey_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_need_survey_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_need_survey")),
        sa.UniqueConstraint("tenant_id", "term_id", name=op.f("uq_need_survey_tenant_id_term_id")),
    )
    op.create_table(
        "survey_answer",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("wants", sa.Boolean(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("kinds", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("segment", sa.Text(), server_default="", nullable=False),
        sa.Column("extra_care", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("priority", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_name", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("source in ('app', 'paper', 'phone')", name=op.f("ck_survey_answer_source")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_survey_answer_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "survey_id"],
            ["need_survey.tenant_id", "need_survey.id"],
            name=op.f("fk_survey_answer_tenant_id_survey_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_survey_answer")),
        sa.UniqueConstraint(
            "tenant_id", "survey_id", "student_id", name=op.f("uq_survey_answer_tenant_id_survey_id_student_id")
        ),
    )
    op.create_index("ix_survey_answer_student_id", "survey_answer", ["tenant_id", "student_id"], unique=False)
    tenant_table(op, "need_survey")
    tenant_table(op, "survey_answer")


def _offerings() -> None:
    op.add_column("offering_period", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("offering_period", sa.Column("valid_to", sa.Date(), nullable=True))
    op.create_check_constraint(op.f("ck_offering_period_dates"), "offering_period", "valid_from <= valid_to")
    op.drop_constraint(op.f("uq_offering_period_tenant_id_offering_id_weekday_starts_at"), "offering_period")
    op.create_unique_constraint(
        "uq_offering_period_hours",
        "offering_period",
        ["tenant_id", "offering_id", "weekday", "starts_at", "valid_from"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "offering_cover",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("alt", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_offering_cover_tenant_id_offering_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offering_cover")),
        sa.UniqueConstraint("tenant_id", "offering_id", name=op.f("uq_offering_cover_tenant_id_offering_id")),
    )
    op.create_table(
        "offering_change",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("what", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("children", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("by_name", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "event in ('changed', 'suspended', 'resumed', 'withdrawn')", name=op.f("ck_offering_change_event")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_offering_change_tenant_id_offering_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offering_change")),
    )
    op.create_index(
        "ix_offering_change_offering_id", "offering_change", ["tenant_id", "offering_id", "created_at"], unique=False
    )
    tenant_table(op, "offering_cover")
    append_only_table(op, "offering_change")
