"""Who taught what: the facts that pay and subsidies rest on. No child can be named from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.db.uow import UnitOfWork
from core.people.external import POST


@dataclass(frozen=True, slots=True)
class TaughtLesson:
    """One lesson with the person in charge of it.

    `external` tells an outsider from the school's own staff; `vendor_id` is the organisation that is paid instead of
    the person. `signed_in` means that the teacher signed in, not only that somebody settled it afterwards. `incident`
    means that an absence in it was reported as an accident.
    """

    id: UUID
    offering_id: UUID
    term_id: UUID
    kind: str
    title: str
    on: date
    starts_at: time
    ends_at: time
    state: str
    staff_id: UUID
    staff_name: str
    external: bool
    vendor_id: UUID | None
    signed_in: bool
    incident: bool

    @property
    def minutes(self) -> int:
        return (self.ends_at.hour - self.starts_at.hour) * 60 + self.ends_at.minute - self.starts_at.minute

    @property
    def held(self) -> bool:
        return self.state == "held"


async def teachers_of_held(uow: UnitOfWork, first: date, last: date) -> list[UUID]:
    """Staff who taught at least one held lesson in these days, lessons of vendors left out; in order of their ids."""
    query = (
        "select distinct teacher_id from lesson where tenant_id = :t and state = 'held' and vendor_id is null "
        "and teacher_id is not null and day between :first and :last order by teacher_id"
    )
    rows = await uow.session.execute(text(query), {"t": uow.ctx.tenant_id, "first": first, "last": last})
    return list(rows.scalars().all())


async def lessons_held_by(uow: UnitOfWork, staff_id: UUID, first: date, last: date) -> list[TaughtLesson]:
    """A person's held lessons in these days, in order of time; those that a vendor is paid for are left out."""
    where = (
        "l.state = 'held' and l.vendor_id is null and l.teacher_id = :staff and l.day between :first and :last "
        "order by l.day, l.starts_at, l.id"
    )
    return await _read(uow, where, staff=staff_id, first=first, last=last)


async def lessons_by_id(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, TaughtLesson]:
    """These lessons as they stand now, whatever their state; one that nobody is in charge of is missing."""
    found = await _read(uow, "l.id = any(:ids)", ids=list(ids)) if ids else []
    return {lesson.id: lesson for lesson in found}


async def pupils_served(uow: UnitOfWork, first: date, last: date) -> int:
    """How many different children were present in at least one held lesson of these days (R-363, R-378)."""
    query = (
        "select count(distinct a.student_id) from attendance a "
        "join lesson l on l.tenant_id = a.tenant_id and l.id = a.lesson_id "
        "where a.tenant_id = :t and a.mark = 'present' and l.state = 'held' and l.day between :first and :last"
    )
    found = await uow.session.execute(text(query), {"t": uow.ctx.tenant_id, "first": first, "last": last})
    return int(found.scalar_one())


async def _read(uow: UnitOfWork, where: str, **params: Any) -> list[TaughtLesson]:
    rows = await uow.session.execute(text(_LESSONS + where), {"t": uow.ctx.tenant_id, "external": POST, **params})
    return [TaughtLesson(**row._mapping) for row in rows.all()]


_LESSONS = """
select l.id, l.offering_id, l.term_id, o.kind, o.title, l.day as on, l.starts_at, l.ends_at, l.state,
       l.teacher_id as staff_id, s.name as staff_name, s.post = :external as external, l.vendor_id,
       l.signed_in_at is not null as signed_in,
       exists (select 1 from absence_case c where c.tenant_id = l.tenant_id and c.lesson_id = l.id
               and c.state = 'incident') as incident
  from lesson l
  join offering o on o.tenant_id = l.tenant_id and o.id = l.offering_id
  join staff s on s.tenant_id = l.tenant_id and s.id = l.teacher_id
 where l.tenant_id = :t and """

__all__ = ["TaughtLesson", "lessons_by_id", "lessons_held_by", "pupils_served", "teachers_of_held"]
