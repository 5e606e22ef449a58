"""What goes into and comes out of a roster check. Everything is frozen; nothing here touches a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from core.base.text import LazyText
from tenants.roster.messages import FILE_TEXTS, ROW_TEXTS, fill

Range = tuple[int, int, int, int]
"""Top, left, bottom, right; from 0, all inclusive."""


class Kind(StrEnum):
    """What the rows of a sheet are."""

    STUDENTS = "students"
    STAFF = "staff"
    CLASSES = "classes"


class Severity(StrEnum):
    """`ERROR` keeps the file out; `DOUBT` only asks a person to look."""

    ERROR = "error"
    DOUBT = "doubt"


class Gender(StrEnum):
    """As written in the file."""

    MALE = "male"
    FEMALE = "female"


class Relation(StrEnum):
    """Who an adult is to the child."""

    FATHER = "father"
    MOTHER = "mother"
    GRANDFATHER = "grandfather"
    GRANDMOTHER = "grandmother"
    OTHER = "other"


class Post(StrEnum):
    """A post at school; the school maps posts to roles."""

    HEAD = "head"
    LEADER = "leader"
    GRADE_HEAD = "grade_head"
    HOMEROOM = "homeroom"
    TEACHER = "teacher"
    CLERK = "clerk"
    FINANCE = "finance"
    SAFETY = "safety"
    HEALTH = "health"
    CANTEEN = "canteen"
    OTHER = "other"


class DiffKind(StrEnum):
    """How a pupil of the file stands to the pupils already known."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about the file or a sheet as a whole."""

    code: str
    message: LazyText
    severity: Severity = Severity.ERROR
    sheet: str = ""

    @classmethod
    def of(cls, code: str, sheet: str = "", severity: Severity = Severity.ERROR, **values: Any) -> Problem:
        """A problem with the sentence of `code` (a key of ``FILE_TEXTS``), its places filled with `values`."""
        return cls(f"roster.{code}", fill(FILE_TEXTS[code], {"sheet": sheet, **values}), severity, sheet)


@dataclass(frozen=True, slots=True)
class RowError:
    """Something about one row. `row` counts as Excel does (from 1); `column` is the title in the file, or empty.

    `index` is the column's place (from 0), ``None`` where the row as a whole is meant or the column is missing.
    """

    sheet: str
    row: int
    column: str
    code: str
    message: LazyText
    severity: Severity = Severity.ERROR
    index: int | None = None

    @classmethod
    def text_of(cls, code: str, values: Mapping[str, object]) -> LazyText:
        """The sentence of `code`, a key of ``ROW_TEXTS``; stays lazy."""
        return fill(ROW_TEXTS[code], values)


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as read. Cells: text, number, ``{"bool": …}``, ``{"date": iso}``, ``{"error": …}`` or ``None``."""

    number: int
    cells: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet: its title as found and the field it was recognised as (``None``: not used)."""

    index: int
    title: str
    field: str | None
    implied: Relation | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A recognised sheet. `columns` tell the header; `rows` are the rows below it that hold something."""

    name: str
    kind: Kind
    header_row: int
    columns: tuple[Column, ...]
    rows: tuple[RawRow, ...]
    merged: tuple[Range, ...] = ()

    def column(self, key: str) -> Column | None:
        """The column recognised as field `key`."""
        return next((column for column in self.columns if column.field == key), None)


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A file that could be opened. `encoding` only for CSV; `preview` are the first five rows as text."""

    file_name: str
    file_type: str
    sheets: tuple[Sheet, ...]
    encoding: str | None = None
    preview: tuple[tuple[str, ...], ...] = ()
    notes: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class ClassKey:
    """A class of this school year: grade 1–9 and number."""

    grade: int
    number: int


@dataclass(frozen=True, slots=True)
class Adult:
    """A guardian or a person who may fetch the child, as one row names them."""

    name: str
    phone: str
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class StudentRow:
    """A pupil whose row has no error. `roll_number` is empty for a child who has none yet (then `school_number` is)."""

    sheet: str
    row: int
    roll_number: str
    school_number: str
    name: str
    gender: Gender | None
    class_key: ClassKey
    guardians: tuple[Adult, ...]
    pickups: tuple[Adult, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A member of staff whose row has no error."""

    sheet: str
    row: int
    name: str
    phone: str
    posts: tuple[Post, ...]
    homeroom: ClassKey | None = None
    staff_number: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class listed on its own sheet."""

    sheet: str
    row: int
    class_key: ClassKey
    room: str = ""
    campus: str = ""


@dataclass(frozen=True, slots=True)
class Guardian:
    """One person of the file: one phone. `children` are places in ``Report.students``."""

    phone: str
    name: str
    children: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KnownStudent:
    """A pupil the school already has. `guardians` as (phone, name) pairs, any order."""

    ref: str
    name: str
    class_key: ClassKey
    roll_number: str = ""
    school_number: str = ""
    gender: Gender | None = None
    guardians: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class KnownRoster:
    """The pupils the school has now, by number, and the school's `level` (empty where nobody said)."""

    by_roll: Mapping[str, KnownStudent] = field(default_factory=dict)
    by_school: Mapping[str, KnownStudent] = field(default_factory=dict)
    level: str = ""

    @classmethod
    def of(cls, students: tuple[KnownStudent, ...] | list[KnownStudent], level: str = "") -> KnownRoster:
        """Index `students` by both numbers."""
        return cls(
            {student.roll_number: student for student in students if student.roll_number},
            {student.school_number: student for student in students if student.school_number},
            level,
        )


@dataclass(frozen=True, slots=True)
class StudentDiff:
    """One pupil's difference. `place` is the place in ``Report.students`` (``None`` for left); `changes` are
    field → (before, after)."""

    kind: DiffKind
    name: str
    place: int | None = None
    known: KnownStudent | None = None
    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The dry run. Rows: `total` = `good` + `wrong`; `doubtful` rows are good ones that a person should look at."""

    file: RosterFile | None
    problems: tuple[Problem, ...]
    total: int = 0
    good: int = 0
    wrong: int = 0
    doubtful: int = 0
    errors: tuple[RowError, ...] = ()
    students: tuple[StudentRow, ...] = ()
    staff: tuple[StaffRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    guardians: tuple[Guardian, ...] = ()
    diff: tuple[StudentDiff, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the whole file may be imported: something in it and no error anywhere."""
        return self.total > 0 and self.wrong == 0 and not self.blocking

    @property
    def blocking(self) -> tuple[Problem, ...]:
        """The problems of the file as a whole that keep it out."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    def counts(self) -> Mapping[DiffKind, int]:
        """How many pupils are new, changed, unchanged and left; all zero without a known roster."""
        return {kind: sum(1 for item in self.diff if item.kind is kind) for kind in DiffKind}
