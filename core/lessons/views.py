"""Frozen views of lessons and releases for hooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LessonView:
    """One dated lesson of an offering: the unit of truth."""

    id: UUID
    offering_id: UUID
    offering_kind: str
    plugin: str | None
    on: date
    starts_at: time
    ends_at: time
    state: str
    teacher_id: UUID | None
    vendor_id: UUID | None
    expected: int
    present: int


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A child is about to be handed to somebody. `collector` is a key of core.people.service.collectors."""

    lesson_id: UUID
    student_id: UUID
    collector: str
    collector_name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """Somebody is about to be made responsible for an offering's lessons: own staff or a vendor's coach."""

    offering_id: UUID
    offering_kind: str
    staff_id: UUID | None
    vendor_id: UUID | None
    person_name: str
    weekdays: tuple[int, ...]
