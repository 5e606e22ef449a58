"""Frozen views of plans, offerings and applications: what hooks and plugins get instead of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final
from uuid import UUID

EARLY_GRADES: Final = (1, 2)
"""The grades that leave at an offering's early end, where it has one (错峰离校), as schemes send them home."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A service plan (一校一案) of one school and term; `content` as in core.enrollment.plan_schemas."""

    id: UUID
    term_id: UUID
    state: str
    version: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """When an offering runs on one weekday (1 Monday … 7), school time; with dates, only on days between them, both
    included (winter times)."""

    weekday: int
    starts_at: time
    ends_at: time
    valid_from: date | None = None
    valid_to: date | None = None

    def overlaps(self, other: Period) -> bool:
        """Whether there can be a day on which both run at once."""
        first = max(self.valid_from or date.min, other.valid_from or date.min)
        last = min(self.valid_to or date.max, other.valid_to or date.max)
        return (
            self.weekday == other.weekday
            and self.starts_at < other.ends_at
            and other.starts_at < self.ends_at
            and first <= last
        )

    def runs_on(self, day: date) -> bool:
        """Whether these hours hold on a date whose timetable is this weekday's."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class OfferingDraft:
    """What proposing or changing an offering says of it; see OfferingView for the fields.

    `periods` empty: nothing takes place at school (insurance). `time_window` and `content` are words of the policy
    packs (afternoon, noon …; homework, sport, arts …). `reason` lets warnings of the rules pass.
    """

    kind: str
    title: str
    grades: tuple[int, ...]
    periods: tuple[Period, ...] = ()
    summary: str = ""
    plugin: str | None = None
    capacity: int | None = None
    service: str | None = None
    room_id: UUID | None = None
    teacher_id: UUID | None = None
    vendor_id: UUID | None = None
    provider: str = "own_staff"
    time_window: str = "afternoon"
    content: tuple[str, ...] = ()
    early_ends_at: time | None = None
    any_days: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OfferingView:
    """One item of the menu. `kind` is care, club, vendor_course, lunch or insurance, or what a plugin adds;
    `plugin` is the plugin that offers it (None: the core's own care). `service` is the code its price is posted under.
    Weekdays count from 1, Monday. `capacity` None: no limit. `vendor_id` is the vendor's organisation.
    """

    id: UUID
    term_id: UUID
    kind: str
    plugin: str | None
    title: str
    state: str
    weekdays: tuple[int, ...]
    starts_at: time | None
    ends_at: time | None
    grades: tuple[int, ...]
    capacity: int | None
    taken: int
    service: str | None
    room_id: UUID | None = None
    teacher_id: UUID | None = None
    vendor_id: UUID | None = None
    summary: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    periods: tuple[Period, ...] = ()
    time_window: str = "afternoon"
    content: tuple[str, ...] = ()
    provider: str = "own_staff"
    early_ends_at: time | None = None
    any_days: bool = False
    reason: str = ""
    returning: int = 0

    @property
    def left(self) -> int | None:
        """Free places now, without those that return at an announced time; None where there is no limit."""
        return None if self.capacity is None else max(0, self.capacity - self.taken - self.returning)


@dataclass(frozen=True, slots=True)
class ApplicationItemView:
    """One chosen offering with the chosen weekdays (empty: those of the offering)."""

    offering_id: UUID
    kind: str
    plugin: str | None
    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """One child's application for a term."""

    id: UUID
    term_id: UUID
    student_id: UUID
    grade: int
    state: str
    items: tuple[ApplicationItemView, ...]


@dataclass(frozen=True, slots=True)
class EnrolmentView:
    """A child has a place in an offering, from `starts_on` until `ends_on` (None: the term's end)."""

    id: UUID
    student_id: UUID
    offering: OfferingView
    weekdays: tuple[int, ...]
    starts_on: date | None = None
    ends_on: date | None = None
    instead: bool = False
    """It began in the stead of another one, in mid-term."""
    exchanged: bool = False
    """Another one began in its stead; only where billing asks."""

    @property
    def span(self) -> tuple[date, date]:
        """Its first and last day; where it has none, the first or last there is."""
        return self.starts_on or date.min, self.ends_on or date.max

    def at_once(self, other: EnrolmentView) -> bool:
        """Whether the two have a day in common."""
        (first, last), (start, end) = self.span, other.span
        return first <= end and start <= last
