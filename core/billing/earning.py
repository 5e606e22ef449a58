"""Income is earned lesson by lesson: one lesson held is one part of what was received in advance (idea 9, R-363).

After k of n lessons a line of amount A has earned floor(A × k ÷ n): the sum of the parts is always exactly A. What was
returned to the family is never earned. k counts the lessons on the days of the line's enrolment, from the day on which
the child came to that on which it left, of the child's own groups where groups are formed; n is as many.
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
  select * from unnest(cast(:days as date[]), cast(:weekdays as int[]), cast(:groups as uuid[]))
    as t (day, weekday, group_id)
), plan as (
  select * from unnest(cast(:plan_groups as uuid[]), cast(:plan_lessons as int[])) as p (group_id, lessons)
), taken as (
  select l.id, l.fund, l.earned_fen, l.amount_fen - l.returned_fen - l.unused_fen as most, l.amount_fen,
         case
           when :untold then :held
           when l.lessons is null or l.enrolment_id is null then (
             select count(distinct day) from told where group_id is null or group_id = any(mine.groups))
           else (
             select count(distinct told.day) from told
             join enrolment e on e.tenant_id = l.tenant_id and e.id = l.enrolment_id
               and told.day >= e.starts_on and (e.ends_on is null or told.day <= e.ends_on)
               and (e.weekdays = '{}' or told.weekday = any (e.weekdays))
             where told.group_id is null or told.group_id = any(mine.groups))
         end as k,
         coalesce(l.lessons, case when l.unit = 'lesson' then l.quantity when :untold then :planned else (
           select sum(lessons) from plan where group_id is null or group_id = any(mine.groups)) end) as n
  from bill_line l
  join bill b on b.tenant_id = l.tenant_id and b.id = l.bill_id
  cross join lateral (
    select coalesce(array_agg(m.group_id), '{}') as groups from care_group_member m
    where m.tenant_id = l.tenant_id and m.student_id = b.student_id) as mine
  where l.tenant_id = :tenant and l.offering_id = :offering and b.state <> 'void'
    and (cast(:group as uuid) is null or cast(:group as uuid) = any(mine.groups))
  order by l.id for update of l
), line as (
  select id, fund, earned_fen, least(most, amount_fen * least(k, n) / greatest(n, 1)) as target from taken
), moved as (
  update bill_line u set earned_fen = line.target from line
  where u.tenant_id = :tenant and u.id = line.id and line.target > line.earned_fen
  returning line.fund, line.target - line.earned_fen as step
)
select fund, sum(step) as step from moved group by fund order by fund""")


async def earn(job: Delivery) -> None:
    """Consumes "lesson.held" and "lesson.recounted" {lesson_id, offering_id, on, held, planned, group_id, days, plan}.

    days are those held, each with weekday and group, plan how many lessons each group has in the term. Only lines of
    the group's children earn by it, by the lessons of their own groups. A message without days is an old one: held and
    planned count."""
    payload, uow = job.payload, job.uow
    days, plan = payload.get("days", ()), payload.get("plan", ())
    rows = await uow.session.execute(
        _EARN,
        {
            "tenant": uow.ctx.tenant_id,
            "offering": UUID(payload["offering_id"]),
            "group": _group(payload.get("group_id")),
            "held": int(payload["held"]),
            "planned": int(payload["planned"]),
            "untold": "days" not in payload,
            "days": [date.fromisoformat(day) for day, _weekday, _of in days],
            "weekdays": [weekday for _day, weekday, _of in days],
            "groups": [_group(group) for _day, _weekday, group in days],
            "plan_groups": [_group(group) for group, _lessons in plan],
            "plan_lessons": [lessons for _of, lessons in plan],
        },
    )
    shares = {row.fund: int(row.step) for row in rows.all() if row.step}
    if shares:
        # Keyed by the message, not the lesson: a lesson told again after a correction may earn a further part.
        await ledger.post(
            uow, journals.earned(f"{payload['lesson_id']}/{job.id}", date.fromisoformat(payload["on"]), shares)
        )


def _group(told: str | None) -> UUID | None:
    return UUID(told) if told else None
