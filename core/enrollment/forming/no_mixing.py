"""Days on which children of different classes do not mix (疫情, R-171): a switch of the school, or the rules' own word.

Where the rules allow the own class alone and let nothing else pass, they hold it closed and the school cannot open it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import or_, select, text

from core.base import clock
from core.db.states import ReasonOwed
from core.db.uow import UnitOfWork
from core.enrollment.forming.errors import NotMixed
from core.enrollment.forming.models import NoMixing
from core.enrollment.forming.states import OPEN
from core.enrollment.states import ON_MENU
from core.policy import service as policy

MANAGE = "forming.manage"
OWN = "own_class"


@dataclass(frozen=True, slots=True)
class Closed:
    """Why classes do not mix: the school's own word (`row`), or a clause of the rules."""

    row: NoMixing | None
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Mixed:
    """An item in which children of different classes are together: in these of its groups, or, where there are none,
    in its one list. `formable`: the office can form it by class (service.formable); `run_id`: is forming it now."""

    offering_id: UUID
    title: str
    groups: tuple[str, ...]
    children: int
    formable: bool
    run_id: UUID | None


_MIXED = text("""
select a.id, a.title, a.formable, sum(a.children)::int as children,
       coalesce(array_agg(a.name order by a.number) filter (where a.number is not null), '{}') as groups,
       (select r.id from forming_run r
         where r.tenant_id = :t and r.state = any(:open) and a.id = any(r.offering_ids) limit 1) as run_id
  from (
    select o.id, o.title, o.kind <> 'lunch' and o.vendor_id is null as formable, i.number, i.title as name,
           count(*) as children
      from enrolment e
      join offering o on o.tenant_id = e.tenant_id and o.id = e.offering_id and o.state = any(:on_menu)
      join term t on t.tenant_id = e.tenant_id and t.id = e.term_id and t.ends_on >= :day
      join student s on s.tenant_id = e.tenant_id and s.id = e.student_id and s.left_at is null
      left join (
        select m.student_id, g.offering_id, g.id, g.number, g.title
          from care_group_member m
          join care_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
         where m.tenant_id = :t and m.board = :t and m.valid && daterange(cast(:day as date), null)
      ) i on i.student_id = e.student_id and i.offering_id = e.offering_id
     where e.tenant_id = :t and e.state = 'enrolled' and (e.ends_on is null or e.ends_on >= :day)
       and exists (select 1 from offering_period p where p.tenant_id = o.tenant_id and p.offering_id = o.id)
     group by o.id, o.title, o.kind, o.vendor_id, i.id, i.number, i.title
    having count(distinct s.class_id) > 1
  ) a
 group by a.id, a.title, a.formable
 order by a.title, a.id""")


async def mixed(uow: UnitOfWork) -> list[Mixed]:
    """What is still mixed from tomorrow on, which is the first day that a new forming can change; by title."""
    asked = {
        "t": uow.ctx.tenant_id,
        "day": clock.today() + timedelta(days=1),
        "on_menu": list(ON_MENU),
        "open": list(OPEN),
    }
    rows = (await uow.session.execute(_MIXED, asked)).all()
    return [Mixed(row.id, row.title, tuple(row.groups), row.children, row.formable, row.run_id) for row in rows]


def by_rules(uow: UnitOfWork) -> str | None:
    """The clause, where the rules know the own class alone as a unit and block all others."""
    rule = policy.effective(uow).get("class.units")
    return rule.clause if tuple(rule.value or ()) == (OWN,) and rule.force == "block" else None


async def closed(uow: UnitOfWork, day: date | None = None) -> Closed | None:
    """What keeps classes apart on a day (today), if anything does."""
    clause = by_rules(uow)
    if clause is not None:
        return Closed(None, clause)
    on = day or clock.today()
    query = select(NoMixing).where(NoMixing.starts_on <= on, or_(NoMixing.ends_on.is_(None), NoMixing.ends_on >= on))
    row = (await uow.session.execute(query.order_by(NoMixing.starts_on).limit(1))).scalar_one_or_none()
    return Closed(row) if row is not None else None


async def holds(uow: UnitOfWork, day: date | None = None) -> bool:
    """Whether classes are kept apart on a day."""
    return await closed(uow, day) is not None


async def refuse_mode(uow: UnitOfWork, mode: str, day: date) -> None:
    """Raises NotMixed for a way of forming that mixes classes on such a day."""
    if mode != OWN and await holds(uow, day):
        raise NotMixed()


async def begin(uow: UnitOfWork, reason: str) -> NoMixing:
    """Keep classes apart from today on; a second time changes nothing. Raises ReasonOwed."""
    uow.ctx.require(MANAGE)
    if not reason.strip():
        raise ReasonOwed()
    await uow.hold("no_mixing")
    query = select(NoMixing).where(NoMixing.ends_on.is_(None))
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        row = NoMixing(starts_on=clock.today(), reason=reason.strip(), by_name=uow.ctx.actor.name)
        uow.session.add(row)
        await uow.session.flush()
        await uow.audit("forming.no_mixing", "no_mixing", row.id, reason=row.reason)
    return row


async def end(uow: UnitOfWork) -> None:
    """Classes may mix again from now on; where they were not kept apart, nothing happens."""
    uow.ctx.require(MANAGE)
    await uow.hold("no_mixing")
    query = select(NoMixing).where(NoMixing.ends_on.is_(None))
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        return
    row.ended_by = uow.ctx.actor.name
    yesterday = clock.today() - timedelta(days=1)
    if row.starts_on > yesterday:
        await uow.session.delete(row)  # begun and ended on one day: no day was closed as a whole
    else:
        row.ends_on = yesterday
    await uow.audit("forming.mixing_again", "no_mixing", row.id)
    await uow.session.flush()
