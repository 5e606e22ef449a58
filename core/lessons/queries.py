"""Reading lessons: a day's board, a teacher's day, a register with all that stands beside a name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from core.base import clock
from core.db.uow import UnitOfWork
from core.lessons.leave import leaves_on
from core.lessons.models import AttendanceChange, Lesson
from core.lessons.register import begins
from core.lessons.views import LessonView
from core.people import ethics
from core.people.family import read_health
from core.people.models import Student
from core.people.service import StudentView, students_by_id


@dataclass(frozen=True, slots=True)
class LessonLine:
    """One lesson in a list, with what its state means now."""

    id: UUID
    offering_id: UUID
    title: str
    kind: str
    plugin: str | None
    day: date
    starts_at: time
    ends_at: time
    room: str
    teacher: str
    teacher_id: UUID | None
    stands_in: bool
    vendor_id: UUID | None
    state: str
    expected: int
    present: int
    on_leave: int
    absent: int
    due: int
    """Children expected by enrolment, also before the register is called."""
    barred: bool
    """Whether the teacher's ethics status is not clear."""
    signed_in_at: datetime | None
    registered_at: datetime | None
    ended_at: datetime | None

    def overdue(self, now: datetime) -> bool:
        """Begun ten minutes ago and not called: the office should look."""
        if self.state != "planned" or self.registered_at is not None or not self.due:
            return False
        start = clock.at_school(self.day, self.starts_at.hour, self.starts_at.minute)
        return (now - start).total_seconds() > 600


_LINES = text("""
select l.id, l.offering_id, o.title || coalesce(' · ' || q.title, '') as title,
       o.kind, o.plugin, l.day, l.starts_at, l.ends_at, coalesce(r.name, '') as room,
       coalesce(s.name, '') as teacher, l.teacher_id, l.usual_teacher_id is not null as stands_in, l.vendor_id, l.state,
       l.expected, l.present, coalesce(a.on_leave, 0) as on_leave, coalesce(a.absent, 0) as absent,
       (select count(distinct e.student_id) from taking_part e
         where e.tenant_id = l.tenant_id and e.offering_id = l.offering_id and e.starts_on <= l.day
           and (e.ends_on is null or e.ends_on >= l.day)
           and (cardinality(e.weekdays) = 0 or l.weekday = any(e.weekdays))
           and case when e.lesson_id is not null then e.lesson_id = l.id
                    else l.group_id is null
                         or exists (select 1 from care_group_member m where m.tenant_id = e.tenant_id
                                       and m.group_id = l.group_id and m.student_id = e.student_id) end) as due,
       coalesce(h.state, 'clear') <> 'clear' as barred, l.signed_in_at, l.registered_at, l.ended_at
  from lesson l
  join offering o on o.tenant_id = l.tenant_id and o.id = l.offering_id
  left join care_group q on q.tenant_id = l.tenant_id and q.id = l.group_id
  left join room r on r.tenant_id = l.tenant_id and r.id = l.room_id
  left join staff s on s.tenant_id = l.tenant_id and s.id = l.teacher_id
  left join staff_ethics h on h.tenant_id = l.tenant_id and h.staff_id = l.teacher_id
  left join lateral (select count(*) filter (where mark = 'leave') as on_leave,
                            count(*) filter (where mark = 'absent') as absent
                       from attendance x where x.tenant_id = l.tenant_id and x.lesson_id = l.id) a on true
 where l.tenant_id = :t and l.day between :first and :last
   and (cast(:staff as uuid) is null or l.teacher_id = :staff)
   and (cast(:offering as uuid) is null or l.offering_id = :offering)
   and (cast(:states as text[]) is null or l.state = any(:states))
   and (not :barred or h.state <> 'clear')
 order by l.day, l.starts_at, o.title, q.number, l.id
 limit :limit offset :offset""")


async def lines(
    uow: UnitOfWork,
    first: date,
    last: date | None = None,
    *,
    staff_id: UUID | None = None,
    offering_id: UUID | None = None,
    states: Collection[str] | None = None,
    barred: bool = False,
    limit: int = 300,
    offset: int = 0,
) -> list[LessonLine]:
    """Lessons of a day or a span, in order of time; optionally one teacher's, one offering's, of some states, or those
    whose teacher's ethics status is not clear."""
    rows = await uow.session.execute(
        _LINES,
        {
            "t": uow.ctx.tenant_id,
            "first": first,
            "last": last or first,
            "staff": staff_id,
            "offering": offering_id,
            "states": list(states) if states is not None else None,
            "barred": barred,
            "limit": limit,
            "offset": offset,
        },
    )
    return [LessonLine(**row._mapping) for row in rows.all()]


async def line(uow: UnitOfWork, lesson: Lesson) -> LessonLine:
    """The same line for one lesson."""
    found = await lines(uow, lesson.day, offering_id=lesson.offering_id)
    return next(item for item in found if item.id == lesson.id)


async def to_settle(uow: UnitOfWork) -> list[LessonLine]:
    """Lessons under review, newest last."""
    return await lines(uow, date(2000, 1, 1), clock.today(), states=("disputed",))


async def to_replace(uow: UnitOfWork, limit: int = 50) -> list[LessonLine]:
    """Lessons from today on that somebody else must teach, because the rules here keep their teacher out (R-455)."""
    if not ethics.bites(uow):
        return []
    return await lines(uow, clock.today(), date.max, states=("planned", "roll_called"), barred=True, limit=limit)


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One expected child in a register. `mark` is blank while unmarked; `proposed` is what a leave suggests."""

    student: StudentView
    mark: str
    proposed: str
    note: str
    leave: str
    leave_at: datetime | None
    health: str
    corrected: bool = False


_DUE = text("""
select distinct e.student_id, s.name_sort, coalesce(a.mark, '') as mark, coalesce(a.note, '') as note,
       s.health_sealed is not null as has_health
  from taking_part e
  join student s on s.tenant_id = e.tenant_id and s.id = e.student_id
  left join attendance a on a.tenant_id = e.tenant_id and a.student_id = e.student_id and a.lesson_id = :lesson
 where e.tenant_id = :t and e.offering_id = :offering and e.starts_on <= :day
   and (e.ends_on is null or e.ends_on >= :day)
   and (cardinality(e.weekdays) = 0 or :weekday = any(e.weekdays))
   and case when e.lesson_id is not null then e.lesson_id = :lesson
            else cast(:group as uuid) is null
                 or exists (select 1 from care_group_member m where m.tenant_id = e.tenant_id
                               and m.group_id = cast(:group as uuid) and m.student_id = e.student_id) end""")


async def expected(uow: UnitOfWork, lesson: Lesson) -> list[UUID]:
    """Who is to come to a lesson by enrolment, weekday and group (R-174)."""
    await uow.session.flush()
    return [row.student_id for row in (await uow.session.execute(_DUE, _due(uow, lesson))).all()]


def _due(uow: UnitOfWork, lesson: Lesson) -> dict[str, Any]:
    return {
        "t": uow.ctx.tenant_id,
        "lesson": lesson.id,
        "offering": lesson.offering_id,
        "day": lesson.day,
        "weekday": lesson.weekday,
        "group": lesson.group_id,
    }


async def roster(uow: UnitOfWork, lesson: Lesson, *, with_health: bool = False) -> list[RosterLine]:
    """Who is expected, by class and name, with marks, leave and, where asked for and allowed, health flags.

    Opening a health note leaves the line that the guardian sees; `with_health` needs "people.health" besides.
    """
    await uow.session.flush()
    rows = (await uow.session.execute(_DUE, _due(uow, lesson))).all()
    ids = [row.student_id for row in rows]
    students = await students_by_id(uow, ids)
    leaves = await leaves_on(uow, lesson.day, ids, lesson.offering_id)
    changed = set(
        (
            await uow.session.execute(
                select(AttendanceChange.student_id).where(AttendanceChange.lesson_id == lesson.id)
            )
        ).scalars()
    )
    allowed = with_health and uow.ctx.may("people.health")
    found: list[RosterLine] = []
    for row in rows:
        leave = leaves.get(row.student_id)
        found.append(
            RosterLine(
                student=students[row.student_id],
                mark=row.mark,
                proposed="leave" if leave and not row.mark else "",
                note=row.note,
                leave=leave.reason if leave else "",
                leave_at=leave.created_at if leave else None,
                health=await read_health(uow, row.student_id) if allowed and row.has_health else "",
                corrected=row.student_id in changed,
            )
        )
    order = {row.student_id: row.name_sort for row in rows}
    return sorted(
        found, key=lambda r: (r.student.grade, r.student.class_number, order[r.student.id], str(r.student.id))
    )


async def changes(uow: UnitOfWork, lesson_id: UUID) -> list[Any]:
    """Corrections of a register, oldest first: name, old_mark, new_mark, reason, changed_by, at."""
    rows = await uow.session.execute(
        select(AttendanceChange, Student.name)
        .join(Student, (Student.tenant_id == AttendanceChange.tenant_id) & (Student.id == AttendanceChange.student_id))
        .where(AttendanceChange.lesson_id == lesson_id)
        .order_by(AttendanceChange.at, AttendanceChange.id)
    )
    return [
        {
            "name": name,
            "old_mark": row.old_mark,
            "new_mark": row.new_mark,
            "reason": row.reason,
            "changed_by": row.changed_by,
            "at": row.at,
        }
        for row, name in rows.all()
    ]


def lesson_view(item: LessonLine) -> LessonView:
    """The frozen view that hooks and plugins get."""
    return LessonView(
        id=item.id,
        offering_id=item.offering_id,
        offering_kind=item.kind,
        plugin=item.plugin,
        on=item.day,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        state=item.state,
        teacher_id=item.teacher_id,
        vendor_id=item.vendor_id,
        expected=item.expected,
        present=item.present,
    )


@dataclass(frozen=True, slots=True)
class DayBoard:
    """The office's day at a glance."""

    lessons: list[LessonLine]
    overdue: list[LessonLine]
    children_due: int
    children_present: int
    replace: list[LessonLine]
    """Lessons to come whose teacher may not teach them any more."""


async def board(uow: UnitOfWork, day: date) -> DayBoard:
    found = [item for item in await lines(uow, day) if item.state != "cancelled"]
    now = clock.now()
    return DayBoard(
        lessons=found,
        overdue=[item for item in found if item.overdue(now)],
        children_due=sum(item.due for item in found),
        children_present=sum(item.present for item in found),
        replace=await to_replace(uow),
    )


async def open_in_term(uow: UnitOfWork, term_id: UUID) -> int:
    """Lessons of a term of which nobody knows yet whether they were held."""
    query = select(func.count()).select_from(Lesson)
    query = query.where(Lesson.term_id == term_id, Lesson.state.in_(("planned", "roll_called", "disputed")))
    return int((await uow.session.execute(query)).scalar_one())


__all__ = [
    "DayBoard",
    "LessonLine",
    "RosterLine",
    "begins",
    "board",
    "changes",
    "expected",
    "line",
    "lines",
    "roster",
    "to_replace",
    "to_settle",
]
