"""Leave for a date: asked by a guardian, or written down by the school when the family phoned (R-233, R-234)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, text

from core.base import clock
from core.base.errors import FieldError, NotFound
from core.base.text import gettext as _
from core.db.states import ReasonOwed
from core.db.uow import UnitOfWork
from core.lessons.errors import LeaveNothing, LeaveTooLate
from core.lessons.models import LeaveRequest


async def ask_leave(
    uow: UnitOfWork, student_id: UUID, day: date, reason: str, offering_id: UUID | None = None
) -> LeaveRequest:
    """Leave from one offering's lesson, or from all of the day's. The same again changes the reason.

    The caller has made sure that the child is the acting person's or the office's. Raises LeaveTooLate for a day that
    is over or whose lessons were all called, LeaveNothing when the child has no lesson then, ReasonOwed.
    """
    if not reason.strip():
        raise ReasonOwed(fields=[FieldError("reason", _("请写明原因，例如：发烧、家中有事"))])
    if day < clock.today():
        raise LeaveTooLate(fields=[FieldError("day", LeaveTooLate.text)])
    lessons = await lessons_of_child(uow, student_id, day)
    wanted = [row for row in lessons if offering_id is None or row.offering_id == offering_id]
    if not wanted:
        raise LeaveNothing(fields=[FieldError("day", LeaveNothing.text)])
    if all(row.mark is not None for row in wanted):
        raise LeaveTooLate(fields=[FieldError("day", LeaveTooLate.text)])
    scope = str(offering_id or "")
    query = select(LeaveRequest).where(
        LeaveRequest.student_id == student_id,
        LeaveRequest.day == day,
        LeaveRequest.scope == scope,
        LeaveRequest.withdrawn_at.is_(None),
    )
    await uow.hold(f"leave/{student_id}")
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        row = LeaveRequest(student_id=student_id, day=day, offering_id=offering_id, scope=scope, reason="")
        uow.session.add(row)
    row.reason = reason.strip()[:200]
    row.account_id, row.asked_by = uow.ctx.actor.account_id, uow.ctx.actor.name
    await uow.session.flush()
    await uow.audit("leave.ask", "student", student_id, day=day, offering=offering_id)
    await uow.emit("leave.asked", {"student_id": student_id, "day": day, "offering_id": offering_id, "reason": reason})
    return row


async def withdraw_leave(uow: UnitOfWork, leave_id: UUID, students: Collection[UUID]) -> None:
    """The child comes after all. Raises NotFound for a leave of somebody else's child, LeaveTooLate afterwards."""
    row = await uow.get(LeaveRequest, leave_id, lock=True)
    if row.student_id not in students:
        raise NotFound()
    if row.day < clock.today():
        raise LeaveTooLate()
    if row.withdrawn_at is None:
        row.withdrawn_at = clock.now()
        await uow.audit("leave.withdraw", "student", row.student_id, day=row.day)


async def leaves_on(
    uow: UnitOfWork, day: date, students: Collection[UUID], offering_id: UUID | None = None
) -> dict[UUID, LeaveRequest]:
    """Standing leave by child for a date; with an offering, what concerns that one."""
    query = select(LeaveRequest).where(
        LeaveRequest.day == day, LeaveRequest.student_id.in_(list(students)), LeaveRequest.withdrawn_at.is_(None)
    )
    if offering_id is not None:
        query = query.where(or_(LeaveRequest.offering_id.is_(None), LeaveRequest.offering_id == offering_id))
    rows = (await uow.session.execute(query.order_by(LeaveRequest.created_at))).scalars()
    return {row.student_id: row for row in rows}


async def coming_leaves(uow: UnitOfWork, students: Collection[UUID], limit: int = 20) -> list[LeaveRequest]:
    """A family's leave from today on."""
    query = (
        select(LeaveRequest)
        .where(
            LeaveRequest.student_id.in_(list(students)),
            LeaveRequest.day >= clock.today(),
            LeaveRequest.withdrawn_at.is_(None),
        )
        .order_by(LeaveRequest.day)
        .limit(limit)
    )
    return list((await uow.session.execute(query)).scalars().all())


_OF_CHILD = text("""
select l.id, l.offering_id, o.title || coalesce(' · ' || q.title, '') as title, o.kind, o.time_window, l.day,
       l.starts_at, l.ends_at, l.early_ends_at, l.state, l.teacher_id,
       coalesce(s.name, o.details ->> 'vendor_name') as teacher,
       r.name as room, a.mark, a.note, g.stars
  from lesson l
  join offering o on o.tenant_id = l.tenant_id and o.id = l.offering_id
  left join care_group q on q.tenant_id = l.tenant_id and q.id = l.group_id
  left join staff s on s.tenant_id = l.tenant_id and s.id = l.teacher_id
  left join room r on r.tenant_id = l.tenant_id and r.id = l.room_id
  left join attendance a on a.tenant_id = l.tenant_id and a.lesson_id = l.id and a.student_id = :student
  left join lesson_rating g on g.tenant_id = l.tenant_id and g.lesson_id = l.id and g.student_id = :student
 where l.tenant_id = :t and l.day between :first and :last and (l.state <> 'cancelled' or :cancelled)
   and exists (select 1 from taking_part e
                where e.tenant_id = l.tenant_id and e.offering_id = l.offering_id and e.student_id = :student
                  and e.starts_on <= l.day and (e.ends_on is null or e.ends_on >= l.day)
                  and (cardinality(e.weekdays) = 0 or l.weekday = any(e.weekdays))
                  and case when e.lesson_id is not null then e.lesson_id = l.id
                           else l.group_id is null
                                or exists (select 1 from care_group_member m where m.tenant_id = l.tenant_id
                                              and m.group_id = l.group_id and m.student_id = :student) end)
 order by l.day, l.starts_at, l.id""")


async def lessons_of_child(
    uow: UnitOfWork, student_id: UUID, first: date, last: date | None = None, *, cancelled: bool = False
) -> list[Any]:
    """A child's lessons of a day or a span: id, offering_id, title, kind, time_window, day, starts_at, ends_at,
    early_ends_at, state, teacher (else the provider), room, mark, note, stars."""
    rows = await uow.session.execute(
        _OF_CHILD,
        {
            "t": uow.ctx.tenant_id,
            "student": student_id,
            "first": first,
            "last": last or first,
            "cancelled": cancelled,
        },
    )
    return list(rows.all())
