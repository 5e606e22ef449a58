"""Class forming: runs, groups, members, duties and staff's wishes; a lesson may be one group's.

No clash of room, child or teacher, by exclusion constraints. GiST knows ranges but not plain uuids without the
extension btree_gist, which not every server has: a uuid is put in as a range of one (uuid_span).

Revision ID: 0100
Revises: 0090
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import tenant_table

revision = "0100"
down_revision = "0090"
branch_labels = None
depends_on = None

ONE = "uuid_span({0}, {0}, '[]') with &&"


def _tenant_key(name: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f(f"pk_{name}")),
    ]


def _to(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", column],
        [f"{target}.tenant_id", f"{target}.id"],
        name=op.f(f"fk_{table}_tenant_id_{column}"),
        ondelete=ondelete,
    )


def _when() -> list[sa.Column[object]]:
    return [
        sa.Column("board", sa.Uuid(), nullable=False),
        sa.Column("slots", postgresql.INT4MULTIRANGE(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
    ]


def _no_clash(table: str, column: str) -> None:
    op.execute(
        f"alter table {table} add constraint ex_{table}_{column} exclude using gist ("
        f"{ONE.format('tenant_id')}, {ONE.format('board')}, {ONE.format(column)}, slots with &&, valid with &&) "
        f"where ({column} is not null)"  # a range from null to null would be everything
    )


def upgrade() -> None:
    op.execute("create type uuid_span as range (subtype = uuid)")
    op.create_table(
        "forming_run",
        *_tenant_key("forming_run"),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("offering_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("alternate", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stopped", sa.Text(), server_default="", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("size between 1 and 200", name=op.f("ck_forming_run_size")),
        sa.CheckConstraint(
            "state in ('draft', 'solving', 'proposed', 'published', 'replaced', 'dropped')",
            name=op.f("ck_forming_run_state"),
        ),
        _to("forming_run", "term_id", "term"),
    )
    op.create_index("ix_forming_run_term_id", "forming_run", ["tenant_id", "term_id", "created_at"])
    op.create_table(
        "care_group",
        *_tenant_key("care_group"),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), server_default="", nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        *_when(),
        _to("care_group", "run_id", "forming_run"),
        _to("care_group", "offering_id", "offering"),
        _to("care_group", "room_id", "room"),
        sa.UniqueConstraint(
            "tenant_id",
            "run_id",
            "offering_id",
            "number",
            name=op.f("uq_care_group_tenant_id_run_id_offering_id_number"),
        ),
    )
    op.create_index("ix_care_group_offering_id", "care_group", ["tenant_id", "offering_id", "board"])
    op.create_table(
        "care_group_member",
        *_tenant_key("care_group_member"),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        *_when(),
        _to("care_group_member", "group_id", "care_group", "CASCADE"),
        _to("care_group_member", "student_id", "student"),
        sa.UniqueConstraint(
            "tenant_id", "group_id", "student_id", name=op.f("uq_care_group_member_tenant_id_group_id_student_id")
        ),
    )
    op.create_index("ix_care_group_member_student_id", "care_group_member", ["tenant_id", "student_id"])
    op.create_table(
        "care_group_duty",
        *_tenant_key("care_group_duty"),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=True),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        *_when(),
        sa.CheckConstraint("weekday between 1 and 7", name=op.f("ck_care_group_duty_weekday")),
        sa.CheckConstraint("role in ('lead', 'a', 'b', 'duty_leader', 'relay')", name=op.f("ck_care_group_duty_role")),
        sa.CheckConstraint(
            "(group_id is null) = (role in ('duty_leader', 'relay'))", name=op.f("ck_care_group_duty_of_a_group")
        ),
        _to("care_group_duty", "run_id", "forming_run"),
        _to("care_group_duty", "group_id", "care_group", "CASCADE"),
        _to("care_group_duty", "staff_id", "staff"),
    )
    op.create_index("ix_care_group_duty_run_id", "care_group_duty", ["tenant_id", "run_id"])
    op.create_index("ix_care_group_duty_staff_id", "care_group_duty", ["tenant_id", "staff_id"])
    op.create_table(
        "duty_wish",
        *_tenant_key("duty_wish"),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("cannot", postgresql.ARRAY(sa.SmallInteger()), server_default="{}", nullable=False),
        sa.Column("rather_not", postgresql.ARRAY(sa.SmallInteger()), server_default="{}", nullable=False),
        sa.Column("most", sa.SmallInteger(), nullable=True),
        sa.Column("teaches", sa.Boolean(), nullable=True),
        sa.Column("leads", sa.Boolean(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _to("duty_wish", "staff_id", "staff"),
        sa.UniqueConstraint("tenant_id", "staff_id", name=op.f("uq_duty_wish_tenant_id_staff_id")),
    )
    for table in ("forming_run", "care_group", "care_group_member", "care_group_duty", "duty_wish"):
        tenant_table(op, table)
    _no_clash("care_group", "room_id")
    _no_clash("care_group_member", "student_id")
    _no_clash("care_group_duty", "staff_id")

    op.add_column("lesson", sa.Column("group_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_lesson_tenant_id_group_id"),
        "lesson",
        "care_group",
        ["tenant_id", "group_id"],
        ["tenant_id", "id"],
    )
    op.drop_constraint(op.f("uq_lesson_tenant_id_offering_id_day"), "lesson", type_="unique")
    op.create_unique_constraint(
        op.f("uq_lesson_tenant_id_offering_id_day_group_id"),
        "lesson",
        ["tenant_id", "offering_id", "day", "group_id"],
        postgresql_nulls_not_distinct=True,
    )
