"""Tables of lessons: dated lessons, the register, leave, absences followed up, who holds each child, ratings."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class Lesson(TenantModel, Stamped):
    """One dated lesson of an offering, or of one group of it where groups are formed: the unit of truth (idea 3). Times
    are school time.

    `teacher_id` is who is to teach, own staff or a vendor's coach registered as an external teacher;
    `usual_teacher_id` is set when somebody else stands in. Counts are those of the saved register.
    """

    __tablename__ = "lesson"
    __table_args__ = (
        UniqueConstraint(
            "tenant_id",
            "offering_id",
            "day",
            "group_id",
            name="uq_lesson_tenant_id_offering_id_day_group_id",
            postgresql_nulls_not_distinct=True,
        ),
        tenant_fk("offering_id", "offering"),
        tenant_fk("group_id", "care_group"),
        tenant_fk("term_id", "term"),
        tenant_fk("room_id", "room"),
        tenant_fk("teacher_id", "staff"),
        tenant_fk("usual_teacher_id", "staff"),
        Index("ix_lesson_day", "tenant_id", "day"),
        Index("ix_lesson_teacher_id", "tenant_id", "teacher_id", "day"),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("state in ('planned', 'roll_called', 'held', 'cancelled', 'disputed', 'missed')", name="state"),
        # Idea 9: nothing is called held without both signals, whoever asks. A person who settles a dispute or enters
        # a paper record leaves `settled_by`.
        CheckConstraint(
            "state <> 'held' or settled_by <> '' "
            "or (signed_in_at is not null and registered_at is not null and ended_at is not null)",
            name="held",
        ),
    )

    offering_id: Mapped[UUID]
    term_id: Mapped[UUID]
    day: Mapped[date]
    weekday: Mapped[int] = mapped_column(SmallInteger())
    """Whose timetable runs that day: on a make-up day another one than the date's own."""
    starts_at: Mapped[time]
    ends_at: Mapped[time]
    early_ends_at: Mapped[time | None]
    room_id: Mapped[UUID | None]
    teacher_id: Mapped[UUID | None]
    usual_teacher_id: Mapped[UUID | None]
    vendor_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default="planned")
    signed_in_at: Mapped[datetime | None]
    signed_in_by: Mapped[str] = mapped_column(server_default="")
    registered_at: Mapped[datetime | None]
    """When the register first covered everybody expected."""
    registered_by: Mapped[str] = mapped_column(server_default="")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(server_default="")
    held_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(server_default="")
    expected: Mapped[int] = mapped_column(server_default="0")
    present: Mapped[int] = mapped_column(server_default="0")
    group_id: Mapped[UUID | None] = mapped_column(sort_order=95)
    """The group (班组) whose lesson it is; empty where the offering has no groups."""
    cancelled_by: Mapped[str] = mapped_column(server_default="")
    """calendar, offering or person: what a changed timetable may bring back."""
    remark: Mapped[str] = mapped_column(server_default="")


class Attendance(TenantModel):
    """One child's mark in one lesson's register: present (到), leave (假) or absent (缺)."""

    __tablename__ = "attendance"
    __table_args__ = (
        UniqueConstraint("tenant_id", "lesson_id", "student_id"),
        tenant_fk("lesson_id", "lesson"),
        tenant_fk("student_id", "student"),
        Index("ix_attendance_student_id", "tenant_id", "student_id"),
        CheckConstraint("mark in ('present', 'leave', 'absent')", name="mark"),
    )

    lesson_id: Mapped[UUID]
    student_id: Mapped[UUID]
    mark: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    marked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    marked_by: Mapped[str] = mapped_column(server_default="")


class AttendanceChange(TenantModel):
    """A mark that was corrected: the old value stays, with the reason (5.5). Append-only."""

    __tablename__ = "attendance_change"
    __table_args__ = (
        tenant_fk("lesson_id", "lesson"),
        tenant_fk("student_id", "student"),
        Index("ix_attendance_change_lesson_id", "tenant_id", "lesson_id"),
    )

    lesson_id: Mapped[UUID]
    student_id: Mapped[UUID]
    old_mark: Mapped[str]
    new_mark: Mapped[str]
    old_note: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str]
    changed_by: Mapped[str]
    account_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class LeaveRequest(TenantModel, Stamped):
    """A guardian's leave for a date (R-233, R-234): from all lessons, or from one offering's."""

    __tablename__ = "leave_request"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        tenant_fk("offering_id", "offering"),
        Index(
            "uq_leave_request_live",
            "tenant_id",
            "student_id",
            "day",
            "scope",
            unique=True,
            postgresql_where=text("withdrawn_at is null"),
        ),
        Index("ix_leave_request_day", "tenant_id", "day"),
    )

    student_id: Mapped[UUID]
    day: Mapped[date]
    offering_id: Mapped[UUID | None]
    scope: Mapped[str] = mapped_column(server_default="")
    """The offering's id as text, empty for the whole day: what the unique index can hold against a second one."""
    reason: Mapped[str]
    account_id: Mapped[UUID | None]
    asked_by: Mapped[str] = mapped_column(server_default="")
    withdrawn_at: Mapped[datetime | None]


class AbsenceCase(TenantModel, Stamped):
    """An absence that nobody has explained yet (R-223, R-224): stays open until a cause is written down."""

    __tablename__ = "absence_case"
    __table_args__ = (
        UniqueConstraint("tenant_id", "lesson_id", "student_id"),
        tenant_fk("lesson_id", "lesson"),
        tenant_fk("student_id", "student"),
        Index("ix_absence_case_state", "tenant_id", "state"),
        CheckConstraint("state in ('open', 'contacting', 'explained', 'incident')", name="state"),
        CheckConstraint("state not in ('explained', 'incident') or cause <> ''", name="cause"),
    )

    lesson_id: Mapped[UUID]
    student_id: Mapped[UUID]
    day: Mapped[date]
    state: Mapped[str] = mapped_column(server_default="open")
    cause: Mapped[str] = mapped_column(server_default="")
    closed_at: Mapped[datetime | None]


class Custody(TenantModel):
    """Who has one child, from when to when (idea 10). A row is never changed but for its end.

    Open while `ended_at` is empty; the partial index makes it impossible that two people have one child. A child that
    was collected has no open row: the last row says who took it.
    """

    __tablename__ = "custody"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        tenant_fk("lesson_id", "lesson"),
        tenant_fk("staff_id", "staff"),
        Index("uq_custody_open", "tenant_id", "student_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_custody_day", "tenant_id", "day", "student_id"),
        Index("ix_custody_staff_id", "tenant_id", "staff_id", postgresql_where=text("ended_at is null")),
        CheckConstraint(
            "stage in ('class_handed', 'in_care', 'led_out', 'late', 'with_duty_manager', 'collected', "
            "'released_alone')",
            name="stage",
        ),
        CheckConstraint("stage not in ('collected', 'released_alone') or ended_at is not null", name="ended"),
        CheckConstraint("stage <> 'collected' or holder_key <> ''", name="collector"),
    )

    student_id: Mapped[UUID]
    day: Mapped[date]
    lesson_id: Mapped[UUID | None]
    stage: Mapped[str]
    staff_id: Mapped[UUID | None]
    """The member of staff who has the child; None once it was collected."""
    holder_key: Mapped[str] = mapped_column(server_default="")
    """ "guardian:<id>" or "collector:<id>" of whoever collected the child."""
    holder_name: Mapped[str]
    holder_relation: Mapped[str] = mapped_column(server_default="")
    signature: Mapped[str] = mapped_column(server_default="")
    """The name that the collector signed with, or "code" when a one-time code was shown."""
    started_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    ended_at: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(server_default="")
    account_id: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(server_default="")


class RefusedCollector(TenantModel, Stamped):
    """Somebody who must not be given the child, whoever else named them."""

    __tablename__ = "refused_collector"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        Index("ix_refused_collector_student_id", "tenant_id", "student_id"),
    )

    student_id: Mapped[UUID]
    name: Mapped[str]
    phone: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    named_by: Mapped[str] = mapped_column(server_default="")
    ended_at: Mapped[datetime | None]


class PickupCode(TenantModel, Stamped):
    """A one-time code that a guardian shows at the gate. Only its hash is kept; the fifth wrong try locks pickup by
    code for that child and day until the school's office looks into it."""

    __tablename__ = "pickup_code"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "day"),
        tenant_fk("student_id", "student"),
    )

    student_id: Mapped[UUID]
    day: Mapped[date]
    code_hash: Mapped[str]
    collector_key: Mapped[str] = mapped_column(server_default="")
    """Only this collector may use it; empty: anyone who may collect the child."""
    wrong_tries: Mapped[int] = mapped_column(server_default="0")
    used_at: Mapped[datetime | None]
    locked_at: Mapped[datetime | None]
    issued_by: Mapped[str] = mapped_column(server_default="")


class LessonRating(TenantModel, Stamped):
    """A family's stars for one lesson that was held: once a child and lesson, never owed (R-323)."""

    __tablename__ = "lesson_rating"
    __table_args__ = (
        UniqueConstraint("tenant_id", "lesson_id", "student_id"),
        tenant_fk("lesson_id", "lesson"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("student_id", "student"),
        Index("ix_lesson_rating_offering_id", "tenant_id", "offering_id"),
        CheckConstraint("stars between 1 and 5", name="stars"),
    )

    lesson_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    student_id: Mapped[UUID]
    account_id: Mapped[UUID | None]
    stars: Mapped[int] = mapped_column(SmallInteger())
    words: Mapped[str] = mapped_column(server_default="")
