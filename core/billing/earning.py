"""Income is earned lesson by lesson: one lesson held is one part of what was received in advance (idea 9, R-363).

After k of n lessons a line of amount A has earned floor(A × k ÷ n): the sum of the parts is always exactly A. What was
returned to the family is never earned. k counts the lessons on the days of the line's enrolment, from the day on which
the child came to that on which it left: n is as many.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import text

from core.billing import journals
from core.db.delivery import Delivery
from core.ledger import service as ledger

_EARN = text("""
with told as (
  select * from unnest(cast(:days as date[]), cast(:weekdays as int[])) as t (day, weekday)
), taken as (
  select l.id, l.fund, l.earned_fen, l.amount_fen, l.returned_fen, l.unused_fen,
         coalesce(l.lessons, case when l.unit = 'lesson' then l.quantity else :planned end) as n,
         case when l.lessons is null or :untold then :held else (
           select count(*) from told
           where (e.id is null or (
             told.day >= e.starts_on and (e.ends_on is null or told.day <= e.ends_on)
             and (e.weekdays = '{}' or told.weekday = any (e.weekdays))))
         ) end as k
  from bill_line l
  join bill b on b.tenant_id = l.tenant_id and b.id = l.bill_id
  left join enrolment e on e.tenant_id = l.tenant_id and e.id = l.enrolment_id
  where l.tenant_id = :tenant and l.offering_id = :offering and b.state <> 'void'
  order by l.id for update of l
), line as (
  select id, fund, earned_fen,
         least(amount_fen - returned_fen - unused_fen, amount_fen * least(k, n) / greatest(n, 1)) as target
  from taken
), moved as (
  update bill_line u set earned_fen = line.target from line
  where u.tenant_id = :tenant and u.id = line.id and line.target > line.earned_fen
  returning line.fund, line.target - line.earned_fen as step
)
select fund, sum(step) as step from moved group by fund order by fund""")


async def earn(job: Delivery) -> None:
    """Consumes "lesson.held" {lesson_id, offering_id, on, held, planned, days}: held and planned count the offering's
    lessons of the term; days are those held, each with the weekday whose timetable it ran. A message from before there
    were days counts by `held`."""
    payload, uow = job.payload, job.uow
    rows = await uow.session.execute(
        _EARN,
        {
            "tenant": uow.ctx.tenant_id,
            "offering": UUID(payload["offering_id"]),
            "held": int(payload["held"]),
            "planned": int(payload["planned"]),
            "untold": "days" not in payload,
            "days": [date.fromisoformat(day) for day, _weekday in payload.get("days", ())],
            "weekdays": [weekday for _day, weekday in payload.get("days", ())],
        },
    )
    shares = {row.fund: int(row.step) for row in rows.all() if row.step}
    if shares:
        # Keyed by the message, not the lesson: a lesson told again after a correction may earn a further part.
        await ledger.post(
            uow, journals.earned(f"{payload['lesson_id']}/{job.id}", date.fromisoformat(payload["on"]), shares)
        )
