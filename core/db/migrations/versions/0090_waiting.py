"""Waiting lists: how they are run, who stands on them, their log.

Revision ID: 0090
Revises: 0066
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import append_only_table, tenant_table

revision = "0090"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waiting_rule",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("hours", sa.BigInteger(), server_default="24", nullable=False),
        sa.Column("wakes_at", sa.Time(), server_default="07:00", nullable=False),
        sa.Column("sleeps_at", sa.Time(), server_default="21:00", nullable=False),
        sa.Column("carry", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("hours between 2 and 240", name=op.f("ck_waiting_rule_hours")),
        sa.CheckConstraint("wakes_at < sleeps_at", name=op.f("ck_waiting_rule_waking")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_waiting_rule_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_waiting_rule")),
        sa.UniqueConstraint("tenant_id", "term_id", name=op.f("uq_waiting_rule_tenant_id_term_id")),
    )
    op.create_table(
        "waiting_entry",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("giving_up", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("cls", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("tier", sa.SmallInteger(), server_default="2", nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("carried_from", sa.Uuid(), nullable=True),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offer_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jumped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jump_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("jump_note", sa.Text(), server_default="", nullable=False),
        sa.Column("jump_by", sa.Text(), server_default="", nullable=False),
        sa.Column("jump_account", sa.Uuid(), nullable=True),
        sa.Column("joined_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(jumped_at is null and jump_reason = '') or (jumped_at is not null and (jump_reason in ('safety', "
            "'special_care', 'school_error', 'course_ended', 'sibling') and length(btrim(jump_note)) > 1 "
            "and jump_account is not null and jump_by <> ''))",
            name=op.f("ck_waiting_entry_jump"),
        ),
        sa.CheckConstraint("state <> 'offered' or offer_until is not null", name=op.f("ck_waiting_entry_offer")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "carried_from"],
            ["waiting_entry.tenant_id", "waiting_entry.id"],
            name=op.f("fk_waiting_entry_tenant_id_carried_from"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_waiting_entry_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_waiting_entry_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_waiting_entry_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_waiting_entry")),
    )
    op.create_index("ix_waiting_entry_student_id", "waiting_entry", ["tenant_id", "student_id"], unique=False)
    op.create_index("ix_waiting_entry_term_id", "waiting_entry", ["tenant_id", "term_id", "state"], unique=False)
    op.create_index(
        "uq_waiting_entry_carried",
        "waiting_entry",
        ["tenant_id", "carried_from"],
        unique=True,
        postgresql_where=sa.text("carried_from is not null"),
    )
    op.create_index(
        "uq_waiting_entry_live",
        "waiting_entry",
        ["tenant_id", "offering_id", "student_id"],
        unique=True,
        postgresql_where=sa.text("state in ('waiting', 'blocked', 'offered')"),
    )
    op.create_table(
        "waiting_event",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("actor_name", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "kind <> 'jump' or (reason in ('safety', 'special_care', 'school_error', 'course_ended', 'sibling') "
            "and length(btrim(note)) > 1 and account_id is not null and actor_name <> '')",
            name=op.f("ck_waiting_event_jump"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "entry_id"],
            ["waiting_entry.tenant_id", "waiting_entry.id"],
            name=op.f("fk_waiting_event_tenant_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_waiting_event_tenant_id_offering_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_waiting_event")),
    )
    op.create_index("ix_waiting_event_entry_id", "waiting_event", ["tenant_id", "entry_id", "at"], unique=False)
    op.create_index(
        "ix_waiting_event_offering_id", "waiting_event", ["tenant_id", "offering_id", "at", "id"], unique=False
    )
    tenant_table(op, "waiting_rule")
    tenant_table(op, "waiting_entry")
    append_only_table(op, "waiting_event")
