"""Teachers sign safety agreements with a one-time code; the paper has a number and a code that proves it.

Revision ID: 0190
Revises: 0161
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db.schema import tenant_table

revision = "0190"
down_revision = "0161"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Signatures from before have no token: their papers show no code, as they did.
    for name in ("number", "token", "signer_phone"):
        op.add_column("teacher_pledge", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_index(
        "uq_teacher_pledge_token",
        "teacher_pledge",
        ["tenant_id", "token"],
        unique=True,
        postgresql_where=sa.text("token <> ''"),
    )
    op.create_table(
        "pledge_code",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_pledge_code_tenant_id_offering_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pledge_code")),
    )
    op.create_index("ix_pledge_code_account_id", "pledge_code", ["tenant_id", "account_id", "created_at"])
    tenant_table(op, "pledge_code")
