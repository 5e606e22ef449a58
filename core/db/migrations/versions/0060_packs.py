"""Packs that bureaus write: drafts and their trials are the bureau's own, what is published is everybody's to read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import global_table, tenant_table

revision = "0060"
down_revision = "0050"
branch_labels = None
depends_on = None

KEPT = "select, insert, update"
"""Who wrote, proposed and decided what is never deleted by the application."""


def upgrade() -> None:
    op.create_table(
        "published_pack",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.UUID(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_published_pack_organisation_id")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_published_pack")),
        sa.UniqueConstraint("key", "valid_from", name=op.f("uq_published_pack_key")),
    )
    # Append-only: a decision names the revision that it was made under, so that revision must stay as it was.
    global_table(op, "published_pack", writes="select, insert")
    op.create_table(
        "pack_draft",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("edition", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("copied_from", sa.Text(), nullable=False),
        sa.Column("copied_revision", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="drafted", nullable=False),
        sa.Column("author_id", sa.UUID(), nullable=True),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("edited_by_id", sa.UUID(), nullable=True),
        sa.Column("edited_by", sa.Text(), server_default="", nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("proposed_by_id", sa.UUID(), nullable=True),
        sa.Column("proposed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('drafted', 'proposed', 'published', 'rejected')", name=op.f("ck_pack_draft_state")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pack_draft")),
    )
    op.create_index("ix_pack_draft_created_at", "pack_draft", ["tenant_id", "created_at"], unique=False)
    op.create_table(
        "pack_trial",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("draft_id", sa.UUID(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("school_id", sa.UUID(), nullable=False),
        sa.Column("school_name", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "draft_id"],
            ["pack_draft.tenant_id", "pack_draft.id"],
            name=op.f("fk_pack_trial_tenant_id_draft_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pack_trial")),
        sa.UniqueConstraint(
            "tenant_id",
            "draft_id",
            "sha256",
            "school_id",
            name=op.f("uq_pack_trial_tenant_id_draft_id_sha256_school_id"),
        ),
    )
    tenant_table(op, "pack_draft", writes=KEPT)
    tenant_table(op, "pack_trial", writes=KEPT)
