"""stripe: events and the cursor of the comparison."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.api import append_only_table, tenant_table

revision = "stripe_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stripe_event",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.UUID(), nullable=True),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stripe_event")),
        sa.UniqueConstraint("tenant_id", "event_id", name=op.f("uq_stripe_event_tenant_id_event_id")),
    )
    op.create_table(
        "stripe_cursor",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("seen_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stripe_cursor")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_stripe_cursor_tenant_id")),
    )
    append_only_table(op, "stripe_event")
    tenant_table(op, "stripe_cursor")
