"""The authority's review of an offering: what the school sent, and what the bureau received.

Revision ID: 0161
Revises: 0160
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0161"
down_revision = "0160"
branch_labels = None
depends_on = None


def _empty(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _made() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "offering_filing",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("bureau_id", sa.Uuid(), nullable=False),
        sa.Column("bureau_name", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        _empty("sent_by"),
        _empty("decision"),
        _empty("reason"),
        _empty("number"),
        _empty("decided_by"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        _made(),
        sa.CheckConstraint("decision in ('', 'passed', 'returned')", name=op.f("ck_offering_filing_decision")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_offering_filing_tenant_id_offering_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offering_filing")),
        sa.UniqueConstraint(
            "tenant_id", "offering_id", "round", name=op.f("uq_offering_filing_tenant_id_offering_id_round")
        ),
    )
    op.create_table(
        "oversight_offering",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("school_name", sa.Text(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.BigInteger(), nullable=False),
        sa.Column("term_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _empty("sent_by"),
        sa.Column("state", sa.Text(), server_default="received", nullable=False),
        _empty("number"),
        _empty("reason"),
        _empty("decided_by"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        _made(),
        sa.CheckConstraint("state in ('received', 'passed', 'returned')", name=op.f("ck_oversight_offering_state")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_oversight_offering")),
        sa.UniqueConstraint(
            "tenant_id",
            "school_id",
            "offering_id",
            "round",
            name=op.f("uq_oversight_offering_tenant_id_school_id_offering_id_round"),
        ),
    )
    op.create_index("ix_oversight_offering_state", "oversight_offering", ["tenant_id", "state", "created_at"])
    tenant_table(op, "offering_filing")
    tenant_table(op, "oversight_offering")
