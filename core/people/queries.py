"""Lists of people for pages: paged, searched by name or pinyin, numbers masked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select

from core.db.uow import UnitOfWork
from core.people.models import Campus, Guardian, Guardianship, Room, SchoolClass, Staff, Student


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people and classes a school has now."""

    students: int
    classes: int
    staff: int
    guardians: int
    without_teacher: int
    """Classes that have pupils and no class teacher."""


@dataclass(frozen=True, slots=True)
class ClassLine:
    """A class in a list."""

    id: UUID
    school_year: int
    grade: int
    number: int
    students: int
    teacher: str
    campus: str


@dataclass(frozen=True, slots=True)
class StudentLine:
    """A pupil in a list: the roll number is masked, guardians by name only."""

    id: UUID
    name: str
    grade: int
    number: int
    roll: str
    gender: str | None
    guardians: tuple[str, ...]
    left_at: datetime | None


def mask_number(number: str | None) -> str:
    """A roll number in a list: its letter and the last four places (product study 4.1)."""
    if not number:
        return ""
    return f"{number[0]}{'*' * 4}{number[-4:]}" if len(number) > 8 else number


async def counts(uow: UnitOfWork) -> Counts:
    """Counts for the overview."""

    async def number(query: Select[int]) -> int:
        return (await uow.session.execute(query)).scalar_one()

    taught = select(Student.class_id).where(Student.left_at.is_(None)).distinct()
    lonely = select(func.count(SchoolClass.id)).where(
        SchoolClass.class_teacher_id.is_(None), SchoolClass.id.in_(taught)
    )
    return Counts(
        students=await number(select(func.count(Student.id)).where(Student.left_at.is_(None))),
        classes=await number(select(func.count(Student.class_id.distinct())).where(Student.left_at.is_(None))),
        staff=await number(select(func.count(Staff.id)).where(Staff.left_at.is_(None))),
        guardians=await number(select(func.count(Guardian.id))),
        without_teacher=await number(lonely),
    )


async def students_by_grade(uow: UnitOfWork) -> list[tuple[int, int]]:
    """(grade, pupils) in order."""
    query = (
        select(SchoolClass.grade, func.count(Student.id))
        .join(Student, (Student.class_id == SchoolClass.id) & (Student.tenant_id == SchoolClass.tenant_id))
        .where(Student.left_at.is_(None))
        .group_by(SchoolClass.grade)
        .order_by(SchoolClass.grade)
    )
    return [(row[0], row[1]) for row in (await uow.session.execute(query)).all()]


async def classes(uow: UnitOfWork) -> list[ClassLine]:
    """All classes, the newest school year first."""
    query = (
        select(SchoolClass, Staff.name, Campus.name, func.count(Student.id))
        .outerjoin(Staff, (Staff.id == SchoolClass.class_teacher_id) & (Staff.tenant_id == SchoolClass.tenant_id))
        .outerjoin(Campus, (Campus.id == SchoolClass.campus_id) & (Campus.tenant_id == SchoolClass.tenant_id))
        .outerjoin(
            Student,
            (Student.class_id == SchoolClass.id)
            & (Student.tenant_id == SchoolClass.tenant_id)
            & Student.left_at.is_(None),
        )
        .group_by(SchoolClass.tenant_id, SchoolClass.id, Staff.name, Campus.name)
        .order_by(SchoolClass.school_year.desc(), SchoolClass.grade, SchoolClass.number)
    )
    return [
        ClassLine(row[0].id, row[0].school_year, row[0].grade, row[0].number, row[3], row[1] or "", row[2] or "")
        for row in (await uow.session.execute(query)).all()
    ]


def _matching(
    query: Select[Student, SchoolClass], words: str, class_id: UUID | None, left: bool
) -> Select[Student, SchoolClass]:
    query = query.where(Student.left_at.is_not(None) if left else Student.left_at.is_(None))
    if class_id is not None:
        query = query.where(Student.class_id == class_id)
    words = words.strip()
    if words:
        query = query.where(or_(*_conditions(words)))
    return query


def _conditions(words: str) -> list[ColumnElement[bool]]:
    """By name, by pinyin with or without spaces and tones, or by a number's end."""
    plain = "" if re.search(r"\d", words) else re.sub(r"\s", "", words.lower())
    found: list[ColumnElement[bool]] = [Student.name.contains(words, autoescape=True)]
    if plain.isascii() and plain:
        # "xuxiaoman" finds "xu2 xiao3 man3"; so do initials, "xxm".
        bare = func.regexp_replace(Student.name_sort, "[^a-z]", "", "g")
        initials = func.regexp_replace(Student.name_sort, "([a-z])[a-z]*[0-9]* ?", "\\1", "g")
        found += [bare.startswith(plain, autoescape=True), initials == plain]
    if re.fullmatch(r"[0-9A-Za-z]{3,20}", words):
        found += [
            Student.roll_number.endswith(words.upper(), autoescape=True),
            Student.school_number.endswith(words, autoescape=True),
        ]
    return found


async def students(
    uow: UnitOfWork,
    *,
    words: str = "",
    class_id: UUID | None = None,
    left: bool = False,
    offset: int = 0,
    limit: int = 25,
) -> tuple[list[StudentLine], int]:
    """A page of pupils by class and pinyin, and how many match in all."""
    base = select(Student, SchoolClass).join(
        SchoolClass, (SchoolClass.id == Student.class_id) & (SchoolClass.tenant_id == Student.tenant_id)
    )
    wanted = _matching(base, words, class_id, left)
    total = (await uow.session.execute(wanted.with_only_columns(func.count(Student.id)))).scalar_one()
    ordered = wanted.order_by(SchoolClass.grade, SchoolClass.number, Student.name_sort, Student.id)
    rows = (await uow.session.execute(ordered.offset(offset).limit(limit))).all()
    families = await _guardian_names(uow, [row[0].id for row in rows])
    return [
        StudentLine(
            s.id, s.name, c.grade, c.number, mask_number(s.roll_number), s.gender, tuple(families[s.id]), s.left_at
        )
        for s, c in rows
    ], total


async def _guardian_names(uow: UnitOfWork, ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = defaultdict(list)
    query = (
        select(Guardianship.student_id, Guardian.name)
        .join(Guardian, (Guardian.id == Guardianship.guardian_id) & (Guardian.tenant_id == Guardianship.tenant_id))
        .where(Guardianship.student_id.in_(ids))
        .order_by(Guardianship.created_at, Guardian.id)
    )
    for student_id, name in (await uow.session.execute(query)).all():
        found[student_id].append(name)
    return found


async def staff(uow: UnitOfWork, *, words: str = "", offset: int = 0, limit: int = 50) -> tuple[list[Staff], int]:
    """A page of the staff by pinyin, and how many match."""
    query = select(Staff).where(Staff.left_at.is_(None))
    if words.strip():
        query = query.where(
            or_(
                Staff.name.contains(words.strip(), autoescape=True),
                func.regexp_replace(Staff.name_sort, "[^a-z]", "", "g").startswith(
                    re.sub(r"[\s\d]", "", words.lower()), autoescape=True
                ),
            )
        )
    total = (await uow.session.execute(query.with_only_columns(func.count(Staff.id)))).scalar_one()
    rows = await uow.session.execute(query.order_by(Staff.name_sort, Staff.id).offset(offset).limit(limit))
    return list(rows.scalars().all()), total


async def staff_choices(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    """Everybody on the staff, for a select."""
    rows = await uow.session.execute(
        select(Staff.id, Staff.name).where(Staff.left_at.is_(None)).order_by(Staff.name_sort, Staff.id)
    )
    return [(row[0], row[1]) for row in rows.all()]


async def guardians_of(uow: UnitOfWork, student_id: UUID) -> list[tuple[Guardian, Guardianship]]:
    """A pupil's guardians with their rights, first named first."""
    query = (
        select(Guardian, Guardianship)
        .join(Guardianship, (Guardianship.guardian_id == Guardian.id) & (Guardianship.tenant_id == Guardian.tenant_id))
        .where(Guardianship.student_id == student_id)
        .order_by(Guardianship.created_at, Guardian.id)
    )
    return [(row[0], row[1]) for row in (await uow.session.execute(query)).all()]


async def rooms(uow: UnitOfWork) -> list[tuple[Campus, list[Room]]]:
    """Campuses with their rooms."""
    campuses = (await uow.session.execute(select(Campus).order_by(Campus.id))).scalars().all()
    found: dict[UUID, list[Room]] = defaultdict(list)
    for room in (await uow.session.execute(select(Room).order_by(Room.name))).scalars():
        found[room.campus_id].append(room)
    return [(campus, found[campus.id]) for campus in campuses]
