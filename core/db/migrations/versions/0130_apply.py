"""Papers of families, one-off care, teachers' safety agreements, and letters as they were shown.

Revision ID: 0130
Revises: 0120
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import APP, append_only_table, tenant_table

revision = "0130"
down_revision = "0120"
branch_labels = None
depends_on = None


def upgrade() -> None:
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("agreement", sa.Column("paper_record", jsonb, server_default="{}", nullable=False))
    op.create_table(
        "paper_form",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("items", jsonb, server_default="[]", nullable=False),
        sa.Column("need", sa.Text(), server_default="", nullable=False),
        sa.Column("papers", jsonb, server_default="[]", nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=True),
        sa.Column("asked_words", sa.Text(), server_default="", nullable=False),
        sa.Column("received_by", sa.Text(), server_default="", nullable=False),
        sa.Column("signer_name", sa.Text(), server_default="", nullable=False),
        sa.Column("signer_relation", sa.Text(), server_default="", nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("scan", sa.LargeBinary(), nullable=True),
        sa.Column("scan_type", sa.Text(), server_default="", nullable=False),
        sa.Column("scan_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=True),
        sa.Column("entered_name", sa.Text(), server_default="", nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("checked_name", sa.Text(), server_default="", nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("agreement_id", sa.Uuid(), nullable=True),
        sa.Column("agreement_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind in ('application', 'agreement')", name=op.f("ck_paper_form_kind")),
        sa.CheckConstraint("(kind = 'agreement') = (agreement_id is not null)", name=op.f("ck_paper_form_agreement")),
        sa.CheckConstraint("state in ('asked', 'dropped') or scan is not null", name=op.f("ck_paper_form_scanned")),
        sa.CheckConstraint("checked_by is null or checked_by <> entered_by", name=op.f("ck_paper_form_two_people")),
        sa.CheckConstraint("state <> 'confirmed' or checked_by is not null", name=op.f("ck_paper_form_checked")),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", column],
                [f"{table}.tenant_id", f"{table}.id"],
                name=op.f(f"fk_paper_form_tenant_id_{column}"),
            )
            for column, table in (
                ("term_id", "term"),
                ("student_id", "student"),
                ("agreement_id", "agreement"),
                ("application_id", "application"),
            )
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_paper_form")),
    )
    op.create_index(
        "uq_paper_form_open",
        "paper_form",
        ["tenant_id", "term_id", "student_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state in ('asked', 'entered')"),
    )
    op.create_index("ix_paper_form_state", "paper_form", ["tenant_id", "state", "entered_at"])
    tenant_table(op, "paper_form")
    op.create_table(
        "one_off",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("lesson_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="requested", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("by_phone", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_name", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_name", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state <> 'refused' or reason <> ''", name=op.f("ck_one_off_reason")),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", f"{table}_id"],
                [f"{table}.tenant_id", f"{table}.id"],
                name=op.f(f"fk_one_off_tenant_id_{table}_id"),
            )
            for table in ("student", "offering", "lesson")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_one_off")),
    )
    op.create_index(
        "uq_one_off_live",
        "one_off",
        ["tenant_id", "student_id", "lesson_id"],
        unique=True,
        postgresql_where=sa.text("state in ('requested', 'taken_on')"),
    )
    op.create_index("ix_one_off_day", "one_off", ["tenant_id", "day"])
    op.create_index("ix_one_off_offering_id", "one_off", ["tenant_id", "offering_id", "day"])
    tenant_table(op, "one_off")
    # Who is expected where: whoever is enrolled, and whoever was taken on for a single day. With the caller's own
    # rights, so that the tables' row-level security holds through it.
    op.execute(
        """
        create view taking_part with (security_invoker = true) as
        select tenant_id, student_id, offering_id, starts_on, ends_on, weekdays, state from enrolment
        union all
        select tenant_id, student_id, offering_id, day, day, '{}'::smallint[], 'enrolled'
          from one_off where state = 'taken_on'
        """
    )
    op.execute(f"revoke all on taking_part from public, {APP}")
    op.execute(f"grant select on taking_part to {APP}")
    op.create_table(
        "teacher_pledge",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("offering_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", jsonb, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                ["tenant_id", f"{table}_id"],
                [f"{table}.tenant_id", f"{table}.id"],
                name=op.f(f"fk_teacher_pledge_tenant_id_{table}_id"),
            )
            for table in ("offering", "staff")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_teacher_pledge")),
        sa.UniqueConstraint(
            "tenant_id",
            "offering_id",
            "staff_id",
            "sha256",
            name=op.f("uq_teacher_pledge_tenant_id_offering_id_staff_id_sha256"),
        ),
    )
    op.create_index("ix_teacher_pledge_staff_id", "teacher_pledge", ["tenant_id", "staff_id"])
    append_only_table(op, "teacher_pledge")
    op.create_table(
        "letter_shown",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("term_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", jsonb, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_letter_shown_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_letter_shown")),
    )
    op.create_index("ix_letter_shown_term_id", "letter_shown", ["tenant_id", "term_id", "at"])
    append_only_table(op, "letter_shown")
