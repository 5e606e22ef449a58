"""Who has each child now: an unbroken chain from the last bell to the right adult (idea 10, requirements 5.6).

A row of `custody` is one person having one child for a while. Passing a child on ends one row and begins the next in
one transaction, under a lock on the child's name; a partial unique index makes a second holder impossible besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.views import EARLY_GRADES
from core.lessons.errors import MoveImpossible, NotInCare, NotWithYou
from core.lessons.models import Custody
from core.lessons.rules import late_from
from core.lessons.states import EVENT_TITLES, HANDOVERS, STAGES, WITH_SCHOOL
from core.people.models import Staff, Student
from core.people.service import class_ids_taught, me_as_staff
from core.policy import service as policy

CARE = ("in_care", "led_out", "late", "with_duty_manager")


@dataclass(frozen=True, slots=True)
class Hold:
    """One link of the chain, for pages. `holder` is a person of the school, or who collected the child."""

    student_id: UUID
    stage: str
    holder: str
    relation: str
    started_at: datetime
    ended_at: datetime | None
    signature: str
    note: str
    done_by: str
    staff_id: UUID | None
    lesson_id: UUID | None


_LOCK = text(
    "select pg_advisory_xact_lock(hashtextextended(:tenant || '/custody/' || s, 0)) "
    "from (select s from unnest(cast(:students as text[])) s order by s) ordered"
)


async def hold_children(uow: UnitOfWork, students: Sequence[UUID]) -> None:
    """Take the children's names, in order, until the transaction ends: nobody else passes them on meanwhile."""
    if students:
        names = {"tenant": str(uow.ctx.tenant_id), "students": [str(s) for s in students]}
        await uow.session.execute(_LOCK, names)


async def advance(
    uow: UnitOfWork,
    students: Sequence[UUID],
    event: str,
    *,
    staff: Staff | None = None,
    lesson_id: UUID | None = None,
    holder: Mapping[str, str] | None = None,
    only_from: UUID | None = None,
    note: str = "",
) -> None:
    """Pass children on: the only writer of custody besides the register's own statement.

    `staff` becomes the holder (None with `holder`: the one who collects). With `only_from`, only that member of staff
    may pass them on. Raises NotInCare, NotWithYou, MoveImpossible; then nothing was moved.
    """
    chosen = sorted(set(students))
    await hold_children(uow, chosen)
    sources, target = HANDOVERS[event]
    query = select(Custody).where(Custody.student_id.in_(chosen), Custody.ended_at.is_(None))
    now = {row.student_id: row for row in (await uow.session.execute(query)).scalars()}
    for student_id in chosen:
        await _refuse_move(uow, student_id, now.get(student_id), sources, event, only_from)
    # One moment ends the old holder's time and begins the new one's: no instant without a holder, none with two.
    moment = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    ids = [row.id for row in now.values()]
    if ids:
        await uow.session.execute(update(Custody).where(Custody.id.in_(ids)).values(ended_at=moment))
    final = target in ("collected", "released_alone")
    rows = [
        {
            "tenant_id": uow.ctx.tenant_id,
            "id": new_id(),
            "student_id": student_id,
            "day": clock.today(),
            "lesson_id": lesson_id or (now[student_id].lesson_id if student_id in now else None),
            "stage": target,
            "staff_id": staff.id if staff and not final else None,
            "holder_name": staff.name if staff and not final else "",
            **(holder or {}),
            "started_at": moment,
            "ended_at": moment if final else None,
            "done_by": uow.ctx.actor.name,
            "account_id": uow.ctx.actor.account_id,
            "note": note.strip()[:200],
        }
        for student_id in chosen
    ]
    await uow.session.execute(insert(Custody), rows)


async def _refuse_move(
    uow: UnitOfWork,
    student_id: UUID,
    row: Custody | None,
    sources: Sequence[str | None],
    event: str,
    only_from: UUID | None,
) -> None:
    if row is None and None not in sources:
        raise NotInCare(name=await _name(uow, student_id))
    if row is None:
        return
    if row.stage not in sources:
        raise MoveImpossible(
            name=await _name(uow, student_id), state=str(STAGES[row.stage]), event=str(EVENT_TITLES[event])
        )
    if only_from is not None and row.staff_id != only_from:
        raise NotWithYou(name=await _name(uow, student_id), holder=row.holder_name)


async def _name(uow: UnitOfWork, student_id: UUID) -> str:
    return (await uow.get(Student, student_id)).name


async def me(uow: UnitOfWork) -> Staff:
    """The acting member of staff. Raises NotFound for anybody else."""
    found = await me_as_staff(uow)
    if found is None:
        raise NotFound()
    return found


async def hand_class(uow: UnitOfWork, class_id: UUID, note: str = "") -> int:
    """The class teacher counts the children of the class who stay today and answers for them until the care teacher's
    roll call (R-220, R-221). Returns how many. Raises NotFound for a class that is not the acting person's."""
    teacher = await me(uow)
    if class_id not in await class_ids_taught(uow):
        raise NotFound()
    staying = [s for s in await staying_today(uow, class_id) if s not in await open_holds(uow)]
    if staying:
        await advance(uow, staying, "hand_class", staff=teacher, note=note)
        await uow.audit("handover.class", "class", class_id, children=len(staying))
    return len(staying)


async def staying_today(uow: UnitOfWork, class_id: UUID) -> list[UUID]:
    """Children of a class with a lesson today, not on leave for it, and not gone already."""
    rows = await uow.session.execute(
        text("""
        select distinct s.id from student s
          join taking_part e on e.tenant_id = s.tenant_id and e.student_id = s.id
          join lesson l on l.tenant_id = e.tenant_id and l.offering_id = e.offering_id
         where s.tenant_id = :t and s.class_id = :class and l.day = :day and l.state <> 'cancelled'
           and e.starts_on <= :day and (e.ends_on is null or e.ends_on >= :day)
           and (cardinality(e.weekdays) = 0 or l.weekday = any(e.weekdays))
           and case when e.lesson_id is not null then e.lesson_id = l.id
                    else l.group_id is null
                         or exists (select 1 from care_group_member m where m.tenant_id = e.tenant_id
                                       and m.group_id = l.group_id and m.student_id = e.student_id) end
           and not exists (select 1 from leave_request r where r.tenant_id = s.tenant_id and r.student_id = s.id
                            and r.day = :day and r.withdrawn_at is null
                            and (r.offering_id is null or r.offering_id = e.offering_id))
           and not exists (select 1 from custody c where c.tenant_id = s.tenant_id and c.student_id = s.id
                            and c.day = :day and c.stage in ('collected', 'released_alone'))
        """),
        {"t": uow.ctx.tenant_id, "class": class_id, "day": clock.today()},
    )
    return list(rows.scalars().all())


async def lead_out(uow: UnitOfWork, lesson_id: UUID) -> int:
    """The teacher counts the lesson's children and leads them out (R-250). Returns how many."""
    teacher = await me(uow)
    query = select(Custody.student_id).where(
        Custody.lesson_id == lesson_id,
        Custody.staff_id == teacher.id,
        Custody.stage == "in_care",
        Custody.ended_at.is_(None),
    )
    students = list((await uow.session.execute(query)).scalars().all())
    if students:
        await advance(uow, students, "lead_out", staff=teacher, only_from=teacher.id)
        await uow.audit("handover.lead_out", "lesson", lesson_id, children=len(students))
    return len(students)


async def give_to_manager(uow: UnitOfWork, students: Sequence[UUID], note: str = "") -> int:
    """The acting duty manager takes over children who are still here (R-244); who had them is in the chain."""
    manager = await me(uow)
    await advance(uow, students, "to_manager", staff=manager, note=note)
    await uow.audit("handover.manager", "staff", manager.id, children=len(students), note=note)
    return len(students)


async def mark_late(uow: UnitOfWork) -> int:
    """What time alone moves: children who are still here when the pack calls that late (R-247)."""
    pack, now, today = policy.effective(uow), clock.now(), clock.today()
    rows = (
        await uow.session.execute(_STILL_HERE, {"t": uow.ctx.tenant_id, "day": today, "early": list(EARLY_GRADES)})
    ).all()
    by_staff: dict[UUID, list[UUID]] = {}
    for row in rows:
        if now > late_from(pack, today, row.ends_at, row.grade):
            by_staff.setdefault(row.staff_id, []).append(row.student_id)
    moved = 0
    for staff_id, students in by_staff.items():
        staff = await uow.get(Staff, staff_id)
        await advance(uow, students, "late", staff=staff)
        moved += len(students)
        await uow.emit("pickup.late", {"students": students, "staff_id": staff.id})
    return moved


# A child that goes on to another lesson of the same day is not late before that one has ended, too; where a lesson
# lets some grades (EARLY_GRADES) go early, that is its end for them.
_STILL_HERE = text("""
select c.student_id, c.staff_id, k.grade,
       greatest(
         case when k.grade = any(:early) then coalesce(l.early_ends_at, l.ends_at) else l.ends_at end,
         (select max(case when k.grade = any(:early) then coalesce(x.early_ends_at, x.ends_at) else x.ends_at end)
            from taking_part e
            join lesson x on x.tenant_id = e.tenant_id and x.offering_id = e.offering_id
           where e.tenant_id = c.tenant_id and e.student_id = c.student_id and e.state = 'enrolled'
             and e.starts_on <= :day and (e.ends_on is null or e.ends_on >= :day)
             and (cardinality(e.weekdays) = 0 or x.weekday = any(e.weekdays))
             and case when e.lesson_id is not null then e.lesson_id = x.id
                      else x.group_id is null
                           or exists (select 1 from care_group_member m where m.tenant_id = e.tenant_id
                                         and m.group_id = x.group_id and m.student_id = e.student_id) end
             and x.day = :day and x.state <> 'cancelled')
       ) as ends_at
  from custody c
  join lesson l on l.tenant_id = c.tenant_id and l.id = c.lesson_id
  join student s on s.tenant_id = c.tenant_id and s.id = c.student_id
  join school_class k on k.tenant_id = s.tenant_id and k.id = s.class_id
 where c.tenant_id = :t and c.ended_at is null and c.stage in ('in_care', 'led_out') and c.staff_id is not null
   and l.day = :day
 order by c.student_id""")


async def open_holds(uow: UnitOfWork) -> dict[UUID, Hold]:
    """Every child that somebody of the school has now."""
    rows = (await uow.session.execute(select(Custody).where(Custody.ended_at.is_(None)))).scalars()
    return {row.student_id: _hold(row) for row in rows}


async def mine_now(uow: UnitOfWork) -> list[Hold]:
    """The children whom the acting person has now."""
    staff = await me(uow)
    query = select(Custody).where(Custody.ended_at.is_(None), Custody.staff_id == staff.id)
    return [_hold(row) for row in (await uow.session.execute(query.order_by(Custody.started_at))).scalars()]


async def chain(uow: UnitOfWork, student_id: UUID, day: date) -> list[Hold]:
    """A child's day from hand to hand, oldest first; of several links of one moment the later made is the later."""
    query = select(Custody).where(Custody.student_id == student_id, Custody.day == day)
    rows = (await uow.session.execute(query.order_by(Custody.started_at, Custody.id))).scalars()
    return [_hold(row) for row in rows]


async def holder_now(uow: UnitOfWork, student_id: UUID) -> Hold | None:
    """Who has the child: somebody of the school, or whoever collected it today. None: not in our care today."""
    links = await chain(uow, student_id, clock.today())
    open_links = [link for link in links if link.ended_at is None]
    latest = open_links or links[-1:]
    return latest[0] if latest else None


async def open_count(uow: UnitOfWork) -> int:
    query = select(func.count()).select_from(Custody).where(Custody.ended_at.is_(None))
    return (await uow.session.execute(query)).scalar_one()


def _hold(row: Custody) -> Hold:
    return Hold(
        student_id=row.student_id,
        stage=row.stage,
        holder=row.holder_name or (_("自行离校") if row.stage == "released_alone" else ""),
        relation=row.holder_relation,
        started_at=row.started_at,
        ended_at=row.ended_at,
        signature=row.signature,
        note=row.note,
        done_by=row.done_by,
        staff_id=row.staff_id,
        lesson_id=row.lesson_id,
    )


__all__ = [
    "CARE",
    "STAGES",
    "WITH_SCHOOL",
    "Hold",
    "advance",
    "chain",
    "give_to_manager",
    "hand_class",
    "hold_children",
]
