"""The roster as the school has it now, in the words of the check."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from uuid import UUID

from sqlalchemy import select, text

from core.base import clock
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork
from core.people.models import SchoolClass, Student
from core.terms.service import NoTerm, current_term
from tenants.roster.types import ClassKey, Gender, KnownRoster, KnownStudent


async def school_year(uow: UnitOfWork) -> int:
    """The year in which the current school year began: of the current term, without one of today's date."""
    try:
        return int((await current_term(uow)).code[:4])
    except (NoTerm, ValueError):
        return year_of(clock.today())


def year_of(day: date) -> int:
    """A school year begins on the first of August."""
    return day.year if day.month >= 8 else day.year - 1


async def known_roster(uow: UnitOfWork) -> KnownRoster:
    """The pupils of the school who have not left, with class and guardians, and what kind of school it is."""
    guardians: dict[UUID, list[tuple[str, str]]] = defaultdict(list)
    pairs = await uow.session.execute(
        text(
            "select r.student_id, g.phone, g.name from guardianship r "
            "join guardian g on g.tenant_id = r.tenant_id and g.id = r.guardian_id where r.tenant_id = :t"
        ),
        {"t": uow.ctx.tenant_id},
    )
    for student_id, phone, name in pairs.all():
        guardians[student_id].append((phone, name))
    query = (
        select(
            Student.id, Student.name, Student.roll_number, Student.school_number, Student.gender,
            SchoolClass.grade, SchoolClass.number,
        )
        .join(SchoolClass, (SchoolClass.id == Student.class_id) & (SchoolClass.tenant_id == Student.tenant_id))
        .where(Student.left_at.is_(None))
    )  # fmt: skip
    rows = (await uow.session.execute(query)).all()
    level = select(Organisation.level).where(Organisation.id == uow.ctx.tenant_id)
    return KnownRoster.of(
        [
            KnownStudent(
                ref=str(row.id),
                name=row.name,
                class_key=ClassKey(row.grade, row.number),
                roll_number=row.roll_number or "",
                school_number=row.school_number or "",
                gender=Gender(row.gender) if row.gender in ("male", "female") else None,
                guardians=tuple(sorted(guardians.get(row.id, ()))),
            )
            for row in rows
        ],
        (await uow.session.execute(level)).scalar_one() or "",
    )
