"""Facts about lessons for those who judge by them: nothing but numbers, no child can be named from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from core.base import clock
from core.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class LessonFact:
    """One lesson whose day has come. `minutes_late` counts from its beginning to the teacher's sign-in, negative when
    early, None without one; `stand_in` means that another than the usual teacher taught."""

    id: UUID
    offering_id: UUID
    on: date
    state: str
    minutes_late: int | None
    stand_in: bool
    expected: int
    present: int


@dataclass(frozen=True, slots=True)
class RatingFact:
    """One family's stars for one lesson. `child` numbers the children that rated, from 1, in no telling order."""

    child: int
    on: date
    stars: int


async def vendor_ids(uow: UnitOfWork, term_id: UUID) -> list[UUID]:
    """Vendors that have lessons in a term."""
    rows = await uow.session.execute(
        text(
            "select distinct vendor_id from lesson where tenant_id = :t and term_id = :term and vendor_id is not null "
            "order by vendor_id"
        ),
        {"t": uow.ctx.tenant_id, "term": term_id},
    )
    return list(rows.scalars().all())


async def lesson_facts(uow: UnitOfWork, vendor_id: UUID, term_id: UUID) -> list[LessonFact]:
    """A vendor's lessons of a term up to today, in order of time."""
    rows = await uow.session.execute(
        text("""
        select id, offering_id, day as on, state,
               cast(floor(extract(epoch from signed_in_at - (day + starts_at) at time zone 'Asia/Shanghai') / 60)
                    as bigint) as minutes_late,
               usual_teacher_id is not null as stand_in, expected, present
          from lesson
         where tenant_id = :t and vendor_id = :vendor and term_id = :term and day <= :today
         order by day, starts_at, id"""),
        {"t": uow.ctx.tenant_id, "vendor": vendor_id, "term": term_id, "today": clock.today()},
    )
    return [LessonFact(**row._mapping) for row in rows.all()]


async def rating_facts(uow: UnitOfWork, vendor_id: UUID, term_id: UUID) -> list[RatingFact]:
    """The stars given for a vendor's lessons of a term.

    Children are numbered by the hash of their id with the term: the same child keeps its number for a while, and
    nobody can tell from the number who it is.
    """
    rows = await uow.session.execute(
        text("""
        select dense_rank() over (order by md5(cast(r.student_id as text) || cast(:term as text))) as child,
               l.day as on, r.stars
          from lesson_rating r
          join lesson l on l.tenant_id = r.tenant_id and l.id = r.lesson_id
         where r.tenant_id = :t and l.vendor_id = :vendor and l.term_id = :term
         order by l.day, child"""),
        {"t": uow.ctx.tenant_id, "vendor": vendor_id, "term": term_id},
    )
    return [RatingFact(int(row.child), row.on, int(row.stars)) for row in rows.all()]


async def rating_words(uow: UnitOfWork, vendor_id: UUID, term_id: UUID, limit: int = 30) -> list[tuple[int, str]]:
    """What families wrote, with the stars, newest first, without names."""
    rows = await uow.session.execute(
        text("""
        select r.stars, r.words from lesson_rating r
          join lesson l on l.tenant_id = r.tenant_id and l.id = r.lesson_id
         where r.tenant_id = :t and l.vendor_id = :vendor and l.term_id = :term and r.words <> ''
         order by r.created_at desc limit :limit"""),
        {"t": uow.ctx.tenant_id, "vendor": vendor_id, "term": term_id, "limit": limit},
    )
    return [(int(row.stars), row.words) for row in rows.all()]


@dataclass(frozen=True, slots=True)
class ComingLessons:
    """An outside provider's lessons from today on, by course and teacher. `days` counts them, `first` is the next."""

    vendor_id: UUID
    offering_id: UUID
    title: str
    teacher_id: UUID | None
    days: int
    first: date


async def coming_lessons(uow: UnitOfWork, term_id: UUID) -> list[ComingLessons]:
    """Lessons of outside providers that are still to be given in a term; cancelled ones do not count."""
    rows = await uow.session.execute(
        text("""
        select l.vendor_id, l.offering_id, o.title, l.teacher_id, count(*) as days, min(l.day) as first
          from lesson l join offering o on o.tenant_id = l.tenant_id and o.id = l.offering_id
         where l.tenant_id = :t and l.term_id = :term and l.vendor_id is not null and l.day >= :today
           and l.state in ('planned', 'roll_called')
         group by l.vendor_id, l.offering_id, o.title, l.teacher_id order by o.title, l.offering_id, l.teacher_id"""),
        {"t": uow.ctx.tenant_id, "term": term_id, "today": clock.today()},
    )
    return [ComingLessons(**row._mapping) for row in rows.all()]
