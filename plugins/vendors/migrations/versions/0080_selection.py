"""Vendors: the school's own selection, who reviewed a course, and what follows on an exit.

Revision ID: 0080
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0080"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("vendors_proposal", sa.Column("selection", json, server_default="{}", nullable=False))
    op.add_column("vendors_proposal", sa.Column("reviewed_by", json, server_default="[]", nullable=False))
    op.add_column("vendors_proposal", sa.Column("review_number", sa.Text(), server_default="", nullable=False))
    op.add_column("vendors_case", sa.Column("sanctions", json, server_default="[]", nullable=False))
