"""Claims on several offerings decided in one commit.

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

SQL = Path(__file__).parents[3] / "enrollment" / "sql" / "v1_claim_together.sql"
CLAIM = "claim_together(uuid, jsonb, interval)"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(SQL.read_text(encoding="utf-8"))
    op.execute(f"revoke all on function {CLAIM} from public, {APP}")
    op.execute(f"grant execute on function {CLAIM} to {APP}")


def downgrade() -> None:
    op.execute(f"drop function {CLAIM}")
