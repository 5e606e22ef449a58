"""Lessons, registers, leave, absences, custody of children, pickup codes, ratings.

Revision ID: 0040
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db.schema import append_only_table, tenant_table

revision = "0040"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leave_request",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=True),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("asked_by", sa.Text(), server_default="", nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_leave_request_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_leave_request_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_leave_request")),
    )
    op.create_index("ix_leave_request_day", "leave_request", ["tenant_id", "day"], unique=False)
    op.create_index(
        "uq_leave_request_live",
        "leave_request",
        ["tenant_id", "student_id", "day", "scope"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "lesson",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.Column("early_ends_at", sa.Time(), nullable=True),
        sa.Column("room_id", sa.UUID(), nullable=True),
        sa.Column("teacher_id", sa.UUID(), nullable=True),
        sa.Column("usual_teacher_id", sa.UUID(), nullable=True),
        sa.Column("vendor_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.Text(), server_default="planned", nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_in_by", sa.Text(), server_default="", nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registered_by", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("expected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("present", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cancelled_by", sa.Text(), server_default="", nullable=False),
        sa.Column("remark", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'held' or settled_by <> '' "
            "or (signed_in_at is not null and registered_at is not null and ended_at is not null)",
            name=op.f("ck_lesson_held"),
        ),
        sa.CheckConstraint(
            "state in ('planned', 'roll_called', 'held', 'cancelled', 'disputed', 'missed')",
            name=op.f("ck_lesson_state"),
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_lesson_times")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_lesson_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "room_id"], ["room.tenant_id", "room.id"], name=op.f("fk_lesson_tenant_id_room_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "teacher_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_lesson_tenant_id_teacher_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_lesson_tenant_id_term_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "usual_teacher_id"],
            ["staff.tenant_id", "staff.id"],
            name=op.f("fk_lesson_tenant_id_usual_teacher_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lesson")),
        sa.UniqueConstraint("tenant_id", "offering_id", "day", name=op.f("uq_lesson_tenant_id_offering_id_day")),
    )
    op.create_index("ix_lesson_day", "lesson", ["tenant_id", "day"], unique=False)
    op.create_index("ix_lesson_teacher_id", "lesson", ["tenant_id", "teacher_id", "day"], unique=False)
    op.create_table(
        "pickup_code",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("collector_key", sa.Text(), server_default="", nullable=False),
        sa.Column("wrong_tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_pickup_code_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pickup_code")),
        sa.UniqueConstraint("tenant_id", "student_id", "day", name=op.f("uq_pickup_code_tenant_id_student_id_day")),
    )
    op.create_table(
        "refused_collector",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("named_by", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_refused_collector_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_refused_collector")),
    )
    op.create_index("ix_refused_collector_student_id", "refused_collector", ["tenant_id", "student_id"], unique=False)
    op.create_table(
        "absence_case",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lesson_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("cause", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('open', 'contacting', 'explained', 'incident')", name=op.f("ck_absence_case_state")
        ),
        sa.CheckConstraint("state not in ('explained', 'incident') or cause <> ''", name=op.f("ck_absence_case_cause")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lesson_id"],
            ["lesson.tenant_id", "lesson.id"],
            name=op.f("fk_absence_case_tenant_id_lesson_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_absence_case_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_absence_case")),
        sa.UniqueConstraint(
            "tenant_id", "lesson_id", "student_id", name=op.f("uq_absence_case_tenant_id_lesson_id_student_id")
        ),
    )
    op.create_index("ix_absence_case_state", "absence_case", ["tenant_id", "state"], unique=False)
    op.create_table(
        "attendance",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lesson_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("marked_by", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("mark in ('present', 'leave', 'absent')", name=op.f("ck_attendance_mark")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lesson_id"],
            ["lesson.tenant_id", "lesson.id"],
            name=op.f("fk_attendance_tenant_id_lesson_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_attendance_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attendance")),
        sa.UniqueConstraint(
            "tenant_id", "lesson_id", "student_id", name=op.f("uq_attendance_tenant_id_lesson_id_student_id")
        ),
    )
    op.create_index("ix_attendance_student_id", "attendance", ["tenant_id", "student_id"], unique=False)
    op.create_table(
        "attendance_change",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lesson_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("old_mark", sa.Text(), nullable=False),
        sa.Column("new_mark", sa.Text(), nullable=False),
        sa.Column("old_note", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lesson_id"],
            ["lesson.tenant_id", "lesson.id"],
            name=op.f("fk_attendance_change_tenant_id_lesson_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_attendance_change_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_attendance_change")),
    )
    op.create_index("ix_attendance_change_lesson_id", "attendance_change", ["tenant_id", "lesson_id"], unique=False)
    op.create_table(
        "custody",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lesson_id", sa.UUID(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=True),
        sa.Column("holder_key", sa.Text(), server_default="", nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column("holder_relation", sa.Text(), server_default="", nullable=False),
        sa.Column("signature", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(), server_default="", nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("stage <> 'collected' or holder_key <> ''", name=op.f("ck_custody_collector")),
        sa.CheckConstraint(
            "stage in ('class_handed', 'in_care', 'led_out', 'late', 'with_duty_manager', 'collected', "
            "'released_alone')",
            name=op.f("ck_custody_stage"),
        ),
        sa.CheckConstraint(
            "stage not in ('collected', 'released_alone') or ended_at is not null", name=op.f("ck_custody_ended")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lesson_id"], ["lesson.tenant_id", "lesson.id"], name=op.f("fk_custody_tenant_id_lesson_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_custody_tenant_id_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_custody_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_custody")),
    )
    op.create_index("ix_custody_day", "custody", ["tenant_id", "day", "student_id"], unique=False)
    op.create_index(
        "ix_custody_staff_id",
        "custody",
        ["tenant_id", "staff_id"],
        unique=False,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index(
        "uq_custody_open",
        "custody",
        ["tenant_id", "student_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "lesson_rating",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("lesson_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("stars between 1 and 5", name=op.f("ck_lesson_rating_stars")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "lesson_id"],
            ["lesson.tenant_id", "lesson.id"],
            name=op.f("fk_lesson_rating_tenant_id_lesson_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_lesson_rating_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_lesson_rating_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_lesson_rating")),
        sa.UniqueConstraint(
            "tenant_id", "lesson_id", "student_id", name=op.f("uq_lesson_rating_tenant_id_lesson_id_student_id")
        ),
    )
    op.create_index("ix_lesson_rating_offering_id", "lesson_rating", ["tenant_id", "offering_id"], unique=False)
    tenant_table(op, "leave_request")
    tenant_table(op, "lesson")
    tenant_table(op, "pickup_code")
    tenant_table(op, "refused_collector")
    tenant_table(op, "absence_case")
    tenant_table(op, "attendance")
    append_only_table(op, "attendance_change")
    tenant_table(op, "custody")
    tenant_table(op, "lesson_rating")
