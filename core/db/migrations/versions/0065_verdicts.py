"""Stored verdicts, and the pack files that they rest on.

Revision ID: 0065
Revises: 0085
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import append_only_table, global_table

revision = "0065"
down_revision = "0085"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pack_revision",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("pack_key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_pack_revision")),
    )
    op.create_table(
        "policy_verdict",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("force", sa.Text(), nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("pack_key", sa.Text(), server_default="", nullable=False),
        sa.Column("pack_revision", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("actor_name", sa.Text(), server_default="", nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column("permission", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("outcome in ('refused', 'kept', 'applied')", name=op.f("ck_policy_verdict_outcome")),
        sa.CheckConstraint("force in ('block', 'warn')", name=op.f("ck_policy_verdict_force")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_policy_verdict")),
    )
    op.create_index("ix_policy_verdict_subject_id", "policy_verdict", ["tenant_id", "subject_id"], unique=False)
    op.create_index("ix_policy_verdict_at", "policy_verdict", ["tenant_id", "at"], unique=False)
    global_table(op, "pack_revision", writes="select, insert")
    append_only_table(op, "policy_verdict")
