"""Claims keep free places for the waiting list, know winter times, and are decided for several offerings in one commit.

Revision ID: 0140
Revises: 0130
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

from core.db.schema import APP

revision = "0140"
down_revision = "0130"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "enrollment" / "sql"
TOGETHER = "claim_together(uuid, jsonb, interval)"


def upgrade() -> None:
    # claim_seats is replaced in place: the same name and arguments, so its grants stay.
    for name in ("v2_claim_seats.sql", "v1_claim_together.sql"):
        op.get_bind().exec_driver_sql((SQL / name).read_text(encoding="utf-8"))
    op.execute(f"revoke all on function {TOGETHER} from public, {APP}")
    op.execute(f"grant execute on function {TOGETHER} to {APP}")
