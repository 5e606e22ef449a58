"""Reading what is in force: a person's week of duties, a child's groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from core.db.uow import UnitOfWork
from core.enrollment.forming.problem import DAY, week_of


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty of a week: the hours in minutes of the day; group, offering and room are empty for duty leaders."""

    weekday: int
    start: int
    end: int
    role: str
    group: str
    title: str
    room: str
    first: date
    children: int
    week: int
    """0: every week; 1 or 2: turn about, see problem.week_of."""


@dataclass(frozen=True, slots=True)
class ChildLine:
    """A child's place in a group: `people` are (weekday, role, name)."""

    student_id: UUID
    title: str
    group: str
    room: str
    first: date
    days: tuple[int, ...]
    people: tuple[tuple[int, str, str], ...]


_OF_STAFF = text("""
select d.weekday, lower(d.slots) as start, upper(d.slots) as end, d.role, coalesce(g.title, '') as group,
       coalesce(o.title, '') as title, coalesce(r.name, '') as room, lower(d.valid) as first, d.week,
       (select count(*) from care_group_member m where m.tenant_id = d.tenant_id and m.group_id = g.id) as children
  from care_group_duty d
  left join care_group g on g.tenant_id = d.tenant_id and g.id = d.group_id
  left join offering o on o.tenant_id = g.tenant_id and o.id = g.offering_id
  left join room r on r.tenant_id = g.tenant_id and r.id = g.room_id
 where d.tenant_id = :t and d.staff_id = :staff and d.board = :t and not isempty(d.slots)
   and d.valid && daterange(cast(:day as date), null)
 order by first, d.week, d.weekday, start""")

_OF_CHILDREN = text("""
select m.student_id, o.title, g.title as group, coalesce(r.name, '') as room, lower(m.valid) as first, m.slots,
       coalesce((select json_agg(json_build_array(d.weekday, d.role, s.name) order by d.weekday, d.role)
                   from care_group_duty d join staff s on s.tenant_id = d.tenant_id and s.id = d.staff_id
                  where d.tenant_id = g.tenant_id and d.group_id = g.id and d.week in (0, :week)), '[]'::json) as people
  from care_group_member m
  join care_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
  join offering o on o.tenant_id = g.tenant_id and o.id = g.offering_id
  left join room r on r.tenant_id = g.tenant_id and r.id = g.room_id
 where m.tenant_id = :t and m.student_id = any(:students) and m.board = :t
   and m.valid && daterange(cast(:day as date), null)
   and exists (select 1 from enrolment e where e.tenant_id = m.tenant_id and e.student_id = m.student_id
                  and e.offering_id = g.offering_id and e.state = 'enrolled')
 order by first, o.title, g.number""")


async def staff_lines(uow: UnitOfWork, staff_id: UUID, day: date) -> list[DutyLine]:
    """Somebody's duties that hold on a day or later."""
    rows = await uow.session.execute(_OF_STAFF, {"t": uow.ctx.tenant_id, "staff": staff_id, "day": day})
    return [
        DutyLine(**{**row._mapping, "start": row.start - row.weekday * DAY, "end": row.end - row.weekday * DAY})
        for row in rows.all()
    ]


async def child_lines(uow: UnitOfWork, students: Sequence[UUID], day: date) -> list[ChildLine]:
    """The groups of children, as of a day and later; teachers who change places weekly stand as in its week."""
    asked = {"t": uow.ctx.tenant_id, "students": list(students), "day": day, "week": week_of(day)}
    rows = await uow.session.execute(_OF_CHILDREN, asked)
    return [
        ChildLine(
            row.student_id,
            row.title,
            row.group,
            row.room,
            row.first,
            tuple(sorted({int(span.lower) // DAY for span in row.slots})),
            tuple((int(d), str(kind), str(name)) for d, kind, name in row.people),
        )
        for row in rows.all()
    ]
