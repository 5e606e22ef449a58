"""Groups in force follow the enrolments: whoever joins is in somebody's list at once, whoever leaves is out of it.

Also what lessons ask of groups in force: their timetable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import Range

from core.base import clock
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment.forming.gather import situation
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun, as_slots
from core.enrollment.forming.problem import spans_of
from core.enrollment.forming.solver import alike
from core.enrollment.models import Enrolment


@dataclass(frozen=True, slots=True)
class GroupInForce:
    """One group as lessons need it: its room, and who teaches on which weekday, from its first day to its last."""

    id: UUID
    number: int
    title: str
    room_id: UUID | None
    first: date
    last: date
    teachers: Mapping[int, UUID]


async def groups_in_force(uow: UnitOfWork, offering_id: UUID) -> list[GroupInForce]:
    """Every group that an offering has had and has, in order of time and number."""
    query = select(CareGroup).where(
        CareGroup.offering_id == offering_id, CareGroup.board == uow.ctx.tenant_id, ~func.isempty(CareGroup.valid)
    )
    rows = (await uow.session.execute(query.order_by(func.lower(CareGroup.valid), CareGroup.number))).scalars().all()
    teachers: dict[UUID, dict[int, UUID]] = defaultdict(dict)
    if rows:
        # Of several teachers of one role the first by id answers for the lesson; B answers for none.
        duties = select(CareGroupDuty).where(
            CareGroupDuty.group_id.in_([row.id for row in rows]), CareGroupDuty.role.in_(("lead", "a"))
        )
        for duty in (await uow.session.execute(duties.order_by(CareGroupDuty.staff_id))).scalars():
            teachers[_id(duty.group_id)].setdefault(duty.weekday, duty.staff_id)
    return [GroupInForce(r.id, r.number, r.title, r.room_id, *_days(r.valid), teachers[r.id]) for r in rows]


def _id(value: UUID | None) -> UUID:
    assert value is not None
    return value


def _days(valid: Range[date]) -> tuple[date, date]:
    first, last = valid.lower, valid.upper
    assert first is not None and last is not None
    return first, date.fromordinal(last.toordinal() - 1)


async def follow(job: Delivery) -> None:
    """Subscriber of enrollment.enrolled, .changed and .withdrawn: the child's place among the groups in force."""
    told = job.payload
    await follow_child(job.uow, UUID(told["student"]), UUID(told["offering"]))


async def follow_child(uow: UnitOfWork, student_id: UUID, offering_id: UUID) -> CareGroup | None:
    """Put a child where its enrolment says, as of today: into the group where it fits best, or out of all of them.

    Returns the group. A group over its size is listed for the office, but no child is in nobody's list.
    """
    today = clock.today()
    query = select(CareGroup).where(
        CareGroup.offering_id == offering_id,
        CareGroup.board == uow.ctx.tenant_id,
        CareGroup.valid.op("&&")(Range(today, None)),
    )
    groups = list((await uow.session.execute(query.order_by(CareGroup.number))).scalars())
    if not groups:
        return None
    await uow.hold(f"forming/{offering_id}")
    enrolled = select(Enrolment.id).where(
        Enrolment.student_id == student_id, Enrolment.offering_id == offering_id, Enrolment.state == "enrolled"
    )
    if (await uow.session.execute(enrolled)).first() is None:
        # Whoever left keeps the place in lists of days that were: the register asks the enrolment's dates, too.
        ids = [g.id for g in groups if g.valid.lower is not None and g.valid.lower > today]
        await uow.session.execute(
            delete(CareGroupMember).where(CareGroupMember.group_id.in_(ids), CareGroupMember.student_id == student_id)
        )
        await _free(uow, groups, student_id, today)
        return None
    placed: CareGroup | None = None
    for run_id in sorted({group.run_id for group in groups}):
        placed = await _place(uow, await uow.get(FormingRun, run_id), groups, student_id, offering_id)
    return placed


async def _free(uow: UnitOfWork, groups: list[CareGroup], student_id: UUID, today: date) -> None:
    """The child's hours are free again from tomorrow on."""
    mine = select(CareGroupMember).where(
        CareGroupMember.group_id.in_([g.id for g in groups]), CareGroupMember.student_id == student_id
    )
    for row in (await uow.session.execute(mine)).scalars():
        first = row.valid.lower
        if first is not None and first <= today:
            row.valid = Range(first, today, bounds="[]")


async def _place(
    uow: UnitOfWork, run: FormingRun, groups: list[CareGroup], student_id: UUID, offering_id: UUID
) -> CareGroup:
    at = await situation(uow, run)
    course = at.course(offering_id)
    child = next(c for c in course.children if c.key == str(student_id))
    mine = [group for group in groups if group.run_id == run.id]
    slots = as_slots(spans_of(course, child.days))
    query = select(CareGroupMember).where(
        CareGroupMember.group_id.in_([g.id for g in mine]), CareGroupMember.student_id == student_id
    )
    known = (await uow.session.execute(query)).scalars().first()
    if known is not None:
        group = next(g for g in mine if g.id == known.group_id)
        known.slots, known.valid = slots, group.valid
        return group
    ids = {row.id: place for place, row in enumerate(at.rows)}
    best = alike(course, [at.proposal.groups[ids[g.id]] for g in mine], child)
    group = next(g for g in mine if at.proposal.groups[ids[g.id]] is best)
    uow.session.add(
        CareGroupMember(group_id=group.id, student_id=student_id, board=group.board, slots=slots, valid=group.valid)
    )
    await uow.audit("forming.joined", "care_group", group.id, student=student_id)
    return group
