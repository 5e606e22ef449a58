"""How many guests a lesson still has room for on its day: the offering's places of that day, and the room's.

A place that somebody holds for the term counts on its weekdays, also before its first day. Whoever answers a request
holds the offering's row (core.enrollment.seats.hold_offering), as claims and offers do: the last place of a day goes to
one child. A guest keeps no place of the term from anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text

from core.db.uow import UnitOfWork

_LEFT: Final = text("""
select l.id, least(
  s.capacity - (
    select count(*) from (
      select e.student_id from taking_part e
       where e.tenant_id = l.tenant_id and e.offering_id = l.offering_id and e.starts_on <= l.day
         and (e.ends_on is null or e.ends_on >= l.day)
         and (cardinality(e.weekdays) = 0 or l.weekday = any(e.weekdays))
      union
      select c.student_id from seat_claim c
       where c.tenant_id = l.tenant_id and c.offering_id = l.offering_id and c.released_at is null
         and (c.held_until is null or c.held_until >= clock_timestamp())
         and (cardinality(c.weekdays) = 0 or l.weekday = any(c.weekdays))
    ) taken),
  r.capacity - (
    select count(distinct e.student_id) from taking_part e
     where e.tenant_id = l.tenant_id and e.offering_id = l.offering_id and e.starts_on <= l.day
       and (e.ends_on is null or e.ends_on >= l.day)
       and (cardinality(e.weekdays) = 0 or l.weekday = any(e.weekdays))
       and (l.group_id is null or e.lesson_id = l.id
            or exists (select 1 from care_group_member m where m.tenant_id = e.tenant_id
                          and m.group_id = l.group_id and m.student_id = e.student_id)))
) as places
  from lesson l
  join offering_seats s on s.tenant_id = l.tenant_id and s.id = l.offering_id
  left join room r on r.tenant_id = l.tenant_id and r.id = l.room_id
 where l.tenant_id = :t and l.id = any(:lessons)""")


async def left(uow: UnitOfWork, lesson_ids: Collection[UUID]) -> dict[UUID, int]:
    """Places left for guests by lesson, 0 or more; a lesson without any limit is left out."""
    await uow.session.flush()
    rows = await uow.session.execute(_LEFT, {"t": uow.ctx.tenant_id, "lessons": list(lesson_ids)})
    return {row.id: max(0, int(row.places)) for row in rows.all() if row.places is not None}
