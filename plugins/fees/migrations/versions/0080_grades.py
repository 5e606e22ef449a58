"""fees: a standard names its grades, its cost and its account; an approval names its price and who put it forward."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "fees_0080"
down_revision = "fees_0001"
branch_labels = None
depends_on = None

APP = "kehou_app"


def upgrade() -> None:
    grades = sa.ARRAY(sa.SmallInteger())
    op.add_column("fees_standard", sa.Column("grades", grades, server_default="{}", nullable=False))
    op.add_column("fees_standard", sa.Column("cost_fen", sa.BigInteger(), nullable=True))
    op.add_column("fees_standard", sa.Column("account", sa.Text(), server_default="", nullable=False))
    op.add_column("fees_standard", sa.Column("proposers", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("fees_standard", sa.Column("approved_fen", sa.BigInteger(), nullable=True))
    op.add_column("fees_posting", sa.Column("grades", grades, server_default="{}", nullable=False))
    op.execute(f"grant update (proposers, approved_fen) on fees_standard to {APP}")
    op.execute(f"grant insert (grades) on fees_posting to {APP}")
