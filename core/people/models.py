"""Campuses, rooms, classes, staff, students, guardians, and who may collect a child."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class Campus(TenantModel):
    """One of several sites of a school (R-014)."""

    __tablename__ = "campus"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str]
    address: Mapped[str] = mapped_column(server_default="")


class Room(TenantModel):
    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("tenant_id", "campus_id", "name"), tenant_fk("campus_id", "campus"))

    campus_id: Mapped[UUID]
    name: Mapped[str]
    capacity: Mapped[int] = mapped_column(server_default="45")


class Staff(TenantModel, Stamped):
    """The school's own teacher or officer. `account_id` is the person's account (global)."""

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("tenant_id", "phone"),
        Index("ix_staff_account_id", "tenant_id", "account_id"),
    )

    account_id: Mapped[UUID | None]
    name: Mapped[str]
    name_sort: Mapped[str]
    phone: Mapped[str]
    post: Mapped[str] = mapped_column(server_default="teacher")
    subject: Mapped[str] = mapped_column(server_default="")
    left_at: Mapped[datetime | None]


class StaffEthics(TenantModel, Stamped):
    """Whether a member of staff may take part in the service, as to professional ethics (师德师风, R-074, R-455).

    One row a person, made when something is first written down; nobody without one is in question. What happened, by
    whom and why is the history of its state.
    """

    __tablename__ = "staff_ethics"
    __table_args__ = (
        UniqueConstraint("tenant_id", "staff_id"),
        tenant_fk("staff_id", "staff"),
        CheckConstraint("state in ('clear', 'in_question', 'barred')", name="state"),
    )

    staff_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="clear")


class SchoolClass(TenantModel):
    """An administrative class (行政班): grade 1–9 and number in the grade."""

    __tablename__ = "school_class"
    __table_args__ = (
        UniqueConstraint("tenant_id", "school_year", "grade", "number"),
        tenant_fk("campus_id", "campus"),
        tenant_fk("class_teacher_id", "staff"),
        CheckConstraint("grade between 1 and 9", name="grade"),
    )

    school_year: Mapped[int]
    """The year in which the school year begins, such as 2026."""
    grade: Mapped[int]
    number: Mapped[int]
    campus_id: Mapped[UUID | None]
    class_teacher_id: Mapped[UUID | None]


class Student(TenantModel, Stamped):
    """A pupil. `roll_number` is the 学籍号; never a key, may change. Health notes are sealed."""

    __tablename__ = "student"
    __table_args__ = (
        UniqueConstraint("tenant_id", "roll_number"),
        tenant_fk("class_id", "school_class"),
        Index("ix_student_class_id", "tenant_id", "class_id"),
        Index("ix_student_name_sort", "tenant_id", "name_sort"),
    )

    class_id: Mapped[UUID]
    name: Mapped[str]
    name_sort: Mapped[str]
    """Pinyin key made in Python: the database sorts bytes."""
    roll_number: Mapped[str | None]
    school_number: Mapped[str | None]
    gender: Mapped[str | None]
    health_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    left_at: Mapped[datetime | None]


class Guardian(TenantModel, Stamped):
    """An adult who decides for a child, as this school knows them; `account_id` signs in (global)."""

    __tablename__ = "guardian"
    __table_args__ = (
        UniqueConstraint("tenant_id", "phone"),
        Index("ix_guardian_account_id", "tenant_id", "account_id"),
    )

    account_id: Mapped[UUID | None]
    name: Mapped[str]
    phone: Mapped[str]


class Guardianship(TenantModel, Stamped):
    """A guardian's relation to a child and the rights in it."""

    __tablename__ = "guardianship"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "guardian_id"),
        tenant_fk("student_id", "student"),
        tenant_fk("guardian_id", "guardian"),
        Index("ix_guardianship_guardian_id", "tenant_id", "guardian_id"),
    )

    student_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    relation: Mapped[str]
    may_choose: Mapped[bool] = mapped_column(server_default="true")
    may_pay: Mapped[bool] = mapped_column(server_default="true")
    may_collect: Mapped[bool] = mapped_column(server_default="true")


class Collector(TenantModel, Stamped):
    """A person named beforehand who may collect a child, beside the guardians (R-239, R-242)."""

    __tablename__ = "collector"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        Index("ix_collector_student_id", "tenant_id", "student_id"),
    )

    student_id: Mapped[UUID]
    name: Mapped[str]
    phone: Mapped[str]
    relation: Mapped[str]
    named_by: Mapped[str] = mapped_column(server_default="")
    ended_at: Mapped[datetime | None]
