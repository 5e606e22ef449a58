"""A claim on paper counts from when it was keyed in; who decides claims says how long to wait for locks; a place that
would return when nobody comes first any more returns at once.

Revision ID: 0200
Revises: 0190
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from core.db.schema import APP

revision = "0200"
down_revision = "0190"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "enrollment" / "sql"


def upgrade() -> None:
    op.get_bind().exec_driver_sql((SQL / "v2_next_return.sql").read_text(encoding="utf-8"))
    op.execute("drop function claim_seats(uuid, jsonb, interval)")
    op.get_bind().exec_driver_sql((SQL / "v3_claim_seats.sql").read_text(encoding="utf-8"))
    function = "claim_seats(uuid, jsonb, interval, int)"
    op.execute(f"revoke all on function {function} from public, {APP}")
    op.execute(f"grant execute on function {function} to {APP}")
