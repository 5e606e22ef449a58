"""Levels of children, days without mixing, and duties that change places from week to week.

Revision ID: 0160
Revises: 0151
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import append_only_table, tenant_table

revision = "0160"
down_revision = "0151"
branch_labels = None
depends_on = None

CLASH = "ex_care_group_duty_staff_id"
ONE = "uuid_span({0}, {0}, '[]') with &&"
WEEKS = "int4range(case when week = 0 then 1 else week end, case when week = 0 then 2 else week end, '[]') with &&"
"""A duty of every week meets those of both; a duty of week 1 none of week 2."""


def _key(name: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{name}")),
    ]


def _to(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
    )


def _made() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "level_scale",
        *_key("level_scale"),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("words", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _made(),
        _to("level_scale", "offering_id", "offering"),
        sa.UniqueConstraint("tenant_id", "offering_id", name=op.f("uq_level_scale_tenant_id_offering_id")),
    )
    op.create_table(
        "level_entry",
        *_key("level_entry"),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("by_account", sa.Uuid(), nullable=True),
        sa.Column("by_name", sa.Text(), server_default="", nullable=False),
        _made(),
        sa.CheckConstraint("source in ('desk', 'teach', 'file')", name=op.f("ck_level_entry_source")),
        _to("level_entry", "offering_id", "offering"),
        _to("level_entry", "student_id", "student"),
    )
    op.create_index(
        "ix_level_entry_offering_id", "level_entry", ["tenant_id", "offering_id", "student_id", "created_at"]
    )
    op.create_table(
        "level_upload",
        *_key("level_upload"),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _made(),
        _to("level_upload", "offering_id", "offering"),
        sa.UniqueConstraint(
            "tenant_id", "offering_id", "account_id", name=op.f("uq_level_upload_tenant_id_offering_id_account_id")
        ),
    )
    op.create_table(
        "no_mixing",
        *_key("no_mixing"),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        _made(),
        sa.CheckConstraint("starts_on <= ends_on", name=op.f("ck_no_mixing_dates")),
    )
    op.create_index(
        "uq_no_mixing_open", "no_mixing", ["tenant_id"], unique=True, postgresql_where=sa.text("ends_on is null")
    )
    for table in ("level_scale", "level_upload", "no_mixing"):
        tenant_table(op, table)
    append_only_table(op, "level_entry")

    op.add_column("care_group_duty", sa.Column("week", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_care_group_duty_week"), "care_group_duty", "week between 0 and 2")
    op.execute(f"alter table care_group_duty drop constraint {CLASH}")
    op.execute(
        f"alter table care_group_duty add constraint {CLASH} exclude using gist ("
        f"{ONE.format('tenant_id')}, {ONE.format('board')}, {ONE.format('staff_id')}, {WEEKS}, "
        "slots with &&, valid with &&) where (staff_id is not null)"
    )
