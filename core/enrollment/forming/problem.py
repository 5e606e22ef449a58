"""What class forming is asked and what it answers: plain values, no database (R-167–R-180).

Weekdays count from 1 (Monday) to 7. A `Span` is [start, end) in minutes of the week: weekday * 1440 + minutes of the
day. Keys are texts that mean nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

DAY: Final = 1440
Span = tuple[int, int]

BUCKETS: Final[Mapping[str, str]] = {
    "own_class": "class",
    "merged": "grade",
    "same_grade": "grade",
    "cross_class": "grade",
    "large": "grade",
    "same_band": "band",
    "by_stage_and_age": "band",
    "by_level": "level",
    "mixed_age": "all",
    "cross_grade": "all",
    "moving": "all",
    "by_subject": "all",
    "school_club": "all",
}
"""Mode of forming (the packs' word, class.units) → who may share a group."""


def band_of(grade: int) -> int:
    """The grade band (学年段): 1 for grades 1–2, 2 for 3–4, 3 for 5–6, 4 for the junior grades."""
    return min((grade + 1) // 2, 4)


@dataclass(frozen=True, slots=True)
class Child:
    """`days`: the weekdays it comes. `family` is shared by siblings; empty for an only child. `level`: the school's
    word, empty where nobody said. `campus`: where the own class is at home; empty where the school has one site."""

    key: str
    grade: int
    class_number: int
    days: frozenset[int]
    family: str = ""
    level: str = ""
    campus: str = ""

    @property
    def class_key(self) -> str:
        return f"{self.grade}/{self.class_number}"


@dataclass(frozen=True, slots=True)
class Course:
    """An offering to be formed. `times`: weekday → (start, end) in minutes of the day. At most `size` in a group.
    `teacher` and `room`: those that the offering itself names (empty: none), kept for its group number 1 wherever no
    hard rule is against it."""

    key: str
    times: Mapping[int, tuple[int, int]]
    children: tuple[Child, ...]
    mode: str
    size: int
    teacher: str = ""
    room: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A room; `busy` is taken by something that is not formed here. `campus` is empty where there is one site."""

    key: str
    seats: int
    busy: tuple[Span, ...] = ()
    campus: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff. `cannot` binds, `rather_not` is a wish; `most` is how many days a week at most. `posts` says
    on which campus the person is busy, where that is known."""

    key: str
    cannot: frozenset[int] = frozenset()
    rather_not: frozenset[int] = frozenset()
    most: int = 7
    busy: tuple[Span, ...] = ()
    class_key: str = ""
    teaches: bool = True
    leads: bool = False
    posts: tuple[tuple[Span, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Staffing:
    """What the rules want. `alternate`: two teachers a group, A and B, who change places every other day; B is in the
    room for the last `handover` minutes, while A leads out (R-175). `per_leader`: one duty leader for so many groups
    (0: no such rule), `leaders`: at least so many a day. `relay`: so many look after late children afterwards.
    `travel`: nobody is on two campuses with fewer minutes between. `hosting`: a campus may take in another's pupils,
    so that their room may be there (R-015)."""

    teachers: int = 1
    alternate: bool = False
    handover: int = 20
    leaders: int = 0
    per_leader: int = 0
    relay: int = 0
    relay_minutes: int = 60
    travel: int = 30
    hosting: bool = False

    @property
    def lines(self) -> int:
        """How many people stand beside each group."""
        return max(2, self.teachers) if self.alternate else self.teachers

    def leaders_for(self, groups: int) -> int:
        """How many duty leaders a day with so many groups wants (R-169, R-176)."""
        return 0 if not groups else max(self.leaders, groups // self.per_leader if self.per_leader else 0)


@dataclass(frozen=True, slots=True)
class Problem:
    """`effort` limits the search in the solver's own deterministic units, so that equal problems get equal answers;
    `seconds` is the wall clock's limit for a machine that is far too slow."""

    courses: tuple[Course, ...]
    places: tuple[Place, ...] = ()
    people: tuple[Person, ...] = ()
    staffing: Staffing = field(default_factory=Staffing)
    seed: int = 1
    effort: float = 8.0
    seconds: float = 50.0


@dataclass(slots=True)
class Group:
    """A group to be: `number` counts within its course from 1; `bucket` says who belongs together (3/2, band2)."""

    course: str
    number: int
    bucket: str
    children: tuple[str, ...]
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """`role`: lead, a, b (of the group number `group` in the proposal's order), duty_leader or relay (no group).
    `week`: 0 for every week, else 1 or 2: see `week_of`."""

    person: str
    role: str
    day: int
    start: int
    end: int
    group: int | None = None
    week: int = 0

    @property
    def span(self) -> Span:
        return self.day * DAY + self.start, self.day * DAY + self.end


@dataclass(frozen=True, slots=True)
class Unmet:
    """A wish or rule that the proposal does not meet, with the figures that say why. See words.said."""

    kind: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Proposal:
    groups: list[Group]
    duties: list[Duty]
    unmet: list[Unmet]


def campuses_of(group: Group, course: Course) -> frozenset[str]:
    """Where a group's children are at home; nothing where the school has one site or nobody said."""
    inside = set(group.children)
    return frozenset(child.campus for child in course.children if child.key in inside and child.campus)


def place_of(group: Group, course: Course, rooms: Mapping[str, Place]) -> str:
    """The campus on which a group sits: its room's, else its children's."""
    room = rooms.get(group.room or "")
    if room is not None and room.campus:
        return room.campus
    return min(campuses_of(group, course), default="")


def spans_of(course: Course, days: Iterable[int] | None = None) -> tuple[Span, ...]:
    """A course's spans of the week, optionally of some days alone."""
    wanted = course.times if days is None else [day for day in course.times if day in set(days)]
    return tuple((day * DAY + course.times[day][0], day * DAY + course.times[day][1]) for day in sorted(wanted))


def week_of(day: date) -> int:
    """1 or 2, turn about from one Monday to the next, the same in every school and term."""
    return (day.toordinal() - 1) // 7 % 2 + 1


def clash(one: Iterable[Span], other: Iterable[Span]) -> bool:
    mine = list(other)
    return any(a < d and c < b for a, b in one for c, d in mine)
