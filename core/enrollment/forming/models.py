"""Tables of class forming: the run, its groups with rooms, their members, and who is on duty when.

No clash of teacher, room or child can be written: PostgreSQL refuses it by exclusion constraints (migration 0100).
`slots` are minutes of the week (weekday * 1440 + minute of the day), `valid` the dates for which they hold. Rows of a
run that is being prepared hang on the run's own `board`; publication moves them to the school's, whose id is the
tenant's, and there they meet all that is in force. uuid_span is a range of one: the embedded server has no btree_gist.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, INT4MULTIRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk
from core.enrollment.forming.problem import Span
from core.enrollment.models import Days

Slots = list[Range[int]]


def as_slots(spans: Collection[Span]) -> Slots:
    return [Range(start, end) for start, end in sorted(spans)]


def as_spans(slots: Slots) -> tuple[Span, ...]:
    return tuple((int(r.lower or 0), int(r.upper or 0)) for r in slots)


class FormingRun(TenantModel, Stamped):
    """One forming of some offerings of a term. `state` belongs to FORMING's machine; `starts_on` is the first day on
    which the groups hold."""

    __tablename__ = "forming_run"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        Index("ix_forming_run_term_id", "tenant_id", "term_id", "created_at"),
        CheckConstraint("size between 1 and 200", name="size"),
        CheckConstraint("state in ('draft', 'solving', 'proposed', 'published', 'replaced', 'dropped')", name="state"),
    )

    term_id: Mapped[UUID]
    title: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="draft")
    offering_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    mode: Mapped[str]
    size: Mapped[int] = mapped_column(SmallInteger())
    alternate: Mapped[bool] = mapped_column(server_default="false")
    """A and B teachers who change places every other day."""
    starts_on: Mapped[date]
    reason: Mapped[str] = mapped_column(server_default="")
    """The written reason that lets warnings of the rules pass."""
    job_id: Mapped[UUID | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    stopped: Mapped[str] = mapped_column(server_default="")
    """Why the automatic arrangement stopped, if it did."""
    published_at: Mapped[datetime | None]


class CareGroup(TenantModel):
    """A group of one offering (班组): its number, its room, and who belongs together in it (bucket: 3/2, band2)."""

    __tablename__ = "care_group"
    __table_args__ = (
        tenant_fk("run_id", "forming_run"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("room_id", "room"),
        UniqueConstraint("tenant_id", "run_id", "offering_id", "number"),
        Index("ix_care_group_offering_id", "tenant_id", "offering_id", "board"),
    )

    run_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger())
    title: Mapped[str]
    bucket: Mapped[str] = mapped_column(server_default="")
    room_id: Mapped[UUID | None]
    board: Mapped[UUID]
    slots: Mapped[Slots] = mapped_column(INT4MULTIRANGE)
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)


class CareGroupMember(TenantModel):
    """A child of a group, with the hours it comes. Which days that are is the enrolment's to say (R-174)."""

    __tablename__ = "care_group_member"
    __table_args__ = (
        tenant_fk("group_id", "care_group", ondelete="CASCADE"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "group_id", "student_id"),
        Index("ix_care_group_member_student_id", "tenant_id", "student_id"),
    )

    group_id: Mapped[UUID]
    student_id: Mapped[UUID]
    board: Mapped[UUID]
    slots: Mapped[Slots] = mapped_column(INT4MULTIRANGE)
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)


class CareGroupDuty(TenantModel):
    """Somebody's duty on one weekday: beside a group (lead, a, b), or for all of them (duty_leader, relay)."""

    __tablename__ = "care_group_duty"
    __table_args__ = (
        tenant_fk("run_id", "forming_run"),
        tenant_fk("group_id", "care_group", ondelete="CASCADE"),
        tenant_fk("staff_id", "staff"),
        Index("ix_care_group_duty_run_id", "tenant_id", "run_id"),
        Index("ix_care_group_duty_staff_id", "tenant_id", "staff_id"),
        CheckConstraint("weekday between 1 and 7", name="weekday"),
        CheckConstraint("week between 0 and 2", name="week"),
        CheckConstraint("role in ('lead', 'a', 'b', 'duty_leader', 'relay')", name="role"),
        CheckConstraint("(group_id is null) = (role in ('duty_leader', 'relay'))", name="of_a_group"),
    )

    run_id: Mapped[UUID]
    group_id: Mapped[UUID | None]
    staff_id: Mapped[UUID]
    role: Mapped[str]
    weekday: Mapped[int] = mapped_column(SmallInteger())
    week: Mapped[int] = mapped_column(SmallInteger(), server_default="0")
    """0: every week; 1 or 2: turn about, see problem.week_of."""
    board: Mapped[UUID]
    slots: Mapped[Slots] = mapped_column(INT4MULTIRANGE)
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)


class NoMixing(TenantModel, Stamped):
    """Days on which children of different classes do not mix (epidemic, R-171), as the school said; the open one holds
    until it is ended. What the rules of the place say holds besides."""

    __tablename__ = "no_mixing"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="dates"),
        Index("uq_no_mixing_open", "tenant_id", unique=True, postgresql_where=text("ends_on is null")),
    )

    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    reason: Mapped[str]
    by_name: Mapped[str] = mapped_column(server_default="")
    ended_by: Mapped[str] = mapped_column(server_default="")


class DutyWish(TenantModel, Stamped):
    """What a member of staff can and wishes: days that are impossible, days that had better not be, and how many days
    a week at most. Whether somebody teaches groups or leads the day is the office's word; empty: as the post says."""

    __tablename__ = "duty_wish"
    __table_args__ = (tenant_fk("staff_id", "staff"), UniqueConstraint("tenant_id", "staff_id"))

    staff_id: Mapped[UUID]
    cannot: Mapped[list[int]] = mapped_column(Days, server_default=text("'{}'"))
    rather_not: Mapped[list[int]] = mapped_column(Days, server_default=text("'{}'"))
    most: Mapped[int | None] = mapped_column(SmallInteger())
    teaches: Mapped[bool | None]
    leads: Mapped[bool | None]
