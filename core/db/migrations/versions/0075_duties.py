"""Flags of the ten bans, responsibility lists, and what a bureau hears of both.

Revision ID: 0075
Revises: 0050
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0075"
down_revision = "0050"
branch_labels = None
depends_on = None


def _text(name: str, *, default: str | None = "") -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _word(name: str) -> sa.Column[Any]:
    return _text(name, default=None)


def _moment(name: str, *, null: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _json(name: str, default: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), server_default=default, nullable=False)


def _ids() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("tenant_id", sa.UUID(), nullable=False), sa.Column("id", sa.UUID(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "duty_flag",
        *_ids(),
        _word("check_key"),
        _word("key"),
        sa.Column("ban", sa.SmallInteger(), nullable=False),
        _word("rule"),
        _word("severity"),
        _word("subject"),
        _word("words"),
        _text("detail"),
        _text("href"),
        _text("clause"),
        _text("quote"),
        _text("source"),
        _text("revision"),
        _text("state", default="open"),
        _moment("opened_at", null=False),
        _moment("seen_at", null=False),
        _moment("cleared_at"),
        _moment("acknowledged_at"),
        _text("acknowledged_by"),
        _text("reason"),
        sa.CheckConstraint("state in ('open', 'acknowledged', 'cleared')", name=op.f("ck_duty_flag_state")),
        sa.CheckConstraint("severity in ('breach', 'warning', 'signal')", name=op.f("ck_duty_flag_severity")),
        sa.CheckConstraint("ban between 1 and 10", name=op.f("ck_duty_flag_ban")),
        sa.CheckConstraint("state <> 'acknowledged' or reason <> ''", name=op.f("ck_duty_flag_reason")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duty_flag")),
        sa.UniqueConstraint("tenant_id", "check_key", "key", name=op.f("uq_duty_flag_tenant_id_check_key_key")),
    )
    op.create_index("ix_duty_flag_state", "duty_flag", ["tenant_id", "state", "opened_at"], unique=False)
    op.create_table(
        "duty_run",
        *_ids(),
        _moment("checked_at"),
        _json("failed", "[]"),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        _text("digest"),
        sa.Column("sent_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duty_run")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_duty_run_tenant_id")),
    )
    op.create_table(
        "duty_item",
        *_ids(),
        _word("term_code"),
        _word("rule"),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("applies", sa.Boolean(), server_default="true", nullable=False),
        _text("state", default="open"),
        _json("answer", "{}"),
        _json("objections", "[]"),
        _text("revision"),
        _text("note"),
        sa.Column("done_on", sa.Date(), nullable=True),
        _moment("recorded_at"),
        _text("recorded_by"),
        _text("evidence_name"),
        _text("evidence_type"),
        _text("evidence_sha256"),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state in ('open', 'kept', 'excused', 'not_kept')", name=op.f("ck_duty_item_state")),
        sa.CheckConstraint("state in ('open', 'kept') or note <> ''", name=op.f("ck_duty_item_note")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duty_item")),
        sa.UniqueConstraint("tenant_id", "term_code", "rule", name=op.f("uq_duty_item_tenant_id_term_code_rule")),
    )
    op.create_index("ix_duty_item_state", "duty_item", ["tenant_id", "term_code", "state", "due_on"], unique=False)
    op.create_table(
        "duty_school_flag",
        *_ids(),
        sa.Column("school_id", sa.UUID(), nullable=False),
        sa.Column("flag_id", sa.UUID(), nullable=False),
        _word("check_key"),
        sa.Column("ban", sa.SmallInteger(), nullable=False),
        _word("rule"),
        _word("severity"),
        _word("subject"),
        _word("words"),
        _text("clause"),
        _text("quote"),
        _text("source"),
        _word("state"),
        _moment("opened_at", null=False),
        _moment("cleared_at"),
        _text("acknowledged_by"),
        _text("reason"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duty_school_flag")),
        sa.UniqueConstraint(
            "tenant_id", "school_id", "flag_id", name=op.f("uq_duty_school_flag_tenant_id_school_id_flag_id")
        ),
    )
    op.create_index("ix_duty_school_flag_state", "duty_school_flag", ["tenant_id", "state", "opened_at"], unique=False)
    op.create_table(
        "duty_school",
        *_ids(),
        sa.Column("school_id", sa.UUID(), nullable=False),
        _word("term_code"),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        _moment("as_of", null=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("overdue", sa.BigInteger(), nullable=False),
        _json("excused", "[]"),
        _json("not_kept", "[]"),
        _json("failed", "[]"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duty_school")),
        sa.UniqueConstraint(
            "tenant_id", "school_id", "term_code", name=op.f("uq_duty_school_tenant_id_school_id_term_code")
        ),
    )
    for table in ("duty_flag", "duty_run", "duty_item", "duty_school_flag", "duty_school"):
        tenant_table(op, table)
