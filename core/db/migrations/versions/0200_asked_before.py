"""A claim on paper counts from when it was keyed in, not from when it was compared; and a place that would return when
nobody comes first any more returns at once.

Revision ID: 0200
Revises: 0190
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0200"
down_revision = "0190"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "enrollment" / "sql"


def upgrade() -> None:
    for file in ("v2_next_return.sql", "v3_claim_seats.sql"):
        op.get_bind().exec_driver_sql((SQL / file).read_text(encoding="utf-8"))
