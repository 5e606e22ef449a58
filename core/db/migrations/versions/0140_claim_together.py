"""Claims on several offerings are decided at once; they keep free places for the waiting list, and know winter times
and the announced times at which places return.

Revision ID: 0140
Revises: 0130
"""

from __future__ import annotations

from datetime import time
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import APP

revision = "0140"
down_revision = "0130"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "enrollment" / "sql"
FUNCTIONS = {
    "next_return(uuid, uuid, timestamptz)": "v1_next_return.sql",
    "claim_seats(uuid, jsonb, interval)": "v2_claim_seats.sql",
}


def upgrade() -> None:
    for table in ("menu", "offering_seats"):
        kind = postgresql.ARRAY(sa.Time())
        op.add_column(table, sa.Column[list[time]]("returns", kind, server_default="{}", nullable=False))
    op.add_column("seat_claim", sa.Column("returns_at", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_seat_claim_returns",
        "seat_claim",
        ["tenant_id", "offering_id", "returns_at"],
        postgresql_where=sa.text("returns_at is not null"),
    )
    op.execute("drop function claim_seats(uuid, uuid, jsonb, interval)")
    for function, file in FUNCTIONS.items():
        op.get_bind().exec_driver_sql((SQL / file).read_text(encoding="utf-8"))
        op.execute(f"revoke all on function {function} from public, {APP}")
        op.execute(f"grant execute on function {function} to {APP}")
