"""Groups in force follow the enrolments: whoever joins is in somebody's list at once, whoever leaves is out of it.

Also what lessons ask of groups in force: their timetable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import Range

from core.base import clock
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment.forming.gather import situation
from core.enrollment.forming.models import (
    CareGroup,
    CareGroupDuty,
    CareGroupMember,
    FormingRun,
    Slots,
    as_slots,
    as_spans,
)
from core.enrollment.forming.problem import clash, spans_of
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


async def group_names(uow: UnitOfWork, offering_id: UUID) -> dict[UUID, tuple[int, str]]:
    """Number and name of every group that an offering has had: by them a group goes on in a later forming."""
    query = select(CareGroup.id, CareGroup.number, CareGroup.title).where(CareGroup.offering_id == offering_id)
    return {row.id: (row.number, row.title) for row in (await uow.session.execute(query)).all()}


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


async def follow_all(job: Delivery) -> None:
    """Subscriber of forming.published: a child that joined meanwhile and stands in no group is placed now."""
    uow, offerings = job.uow, [UUID(id_) for id_ in job.payload["offerings"]]
    day = max(clock.today(), date.fromisoformat(job.payload["starts_on"]))
    await uow.hold(*(f"forming/{id_}" for id_ in offerings))
    for offering_id in offerings:
        placed = (
            select(CareGroupMember.student_id)
            .join(
                CareGroup,
                (CareGroup.tenant_id == CareGroupMember.tenant_id) & (CareGroup.id == CareGroupMember.group_id),
            )
            .where(*_in_force(uow, offering_id), CareGroup.valid.contains(day))
        )
        left = select(Enrolment.student_id).where(
            Enrolment.offering_id == offering_id, Enrolment.state == "enrolled", Enrolment.student_id.not_in(placed)
        )
        for student_id in (await uow.session.execute(left.order_by(Enrolment.student_id))).scalars().all():
            await follow_child(uow, student_id, offering_id)


def _in_force(uow: UnitOfWork, offering_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """Groups of an offering that hold today or later."""
    still = CareGroup.valid.op("&&")(Range(clock.today(), None))
    return CareGroup.offering_id == offering_id, CareGroup.board == uow.ctx.tenant_id, still


async def follow_child(uow: UnitOfWork, student_id: UUID, offering_id: UUID) -> CareGroup | None:
    """Put a child where its enrolment says, as of today: into the group where it fits best, or out of all of them.

    Returns the group. A group over its size is listed for the office, but no child is in nobody's list.
    """
    today = clock.today()
    # Held before anything is read: a forming that is just being published is seen whole, or not at all.
    await uow.hold(f"forming/{offering_id}")
    query = select(CareGroup).where(*_in_force(uow, offering_id))
    groups = list((await uow.session.execute(query.order_by(CareGroup.number))).scalars())
    if not groups:
        return None
    starts_on = await _enrolled_from(uow, student_id, offering_id)
    if starts_on is None:
        # Whoever left keeps the place in lists of days that were: the register asks the enrolment's dates, too.
        ids = [g.id for g in groups if g.valid.lower is not None and g.valid.lower > today]
        await uow.session.execute(
            delete(CareGroupMember).where(CareGroupMember.group_id.in_(ids), CareGroupMember.student_id == student_id)
        )
        await _free(uow, groups, student_id, today)
        return None
    placed: CareGroup | None = None
    for run_id in sorted({group.run_id for group in groups}):
        placed = await _place(uow, await uow.get(FormingRun, run_id), groups, student_id, offering_id, starts_on)
    return placed


async def _enrolled_from(uow: UnitOfWork, student_id: UUID, offering_id: UUID) -> date | None:
    """The first day of the child's enrolment that holds; None when there is none."""
    query = select(Enrolment.starts_on).where(
        Enrolment.student_id == student_id, Enrolment.offering_id == offering_id, Enrolment.state == "enrolled"
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


async def _free(uow: UnitOfWork, groups: list[CareGroup], student_id: UUID, today: date) -> None:
    """The child's hours are free again from tomorrow on."""
    mine = select(CareGroupMember).where(
        CareGroupMember.group_id.in_([g.id for g in groups]), CareGroupMember.student_id == student_id
    )
    for row in (await uow.session.execute(mine)).scalars():
        row.valid = _until(row.valid, today)


def _until(valid: Range[date], last: date) -> Range[date]:
    """What of the days lies no later than `last`: it may be none."""
    return valid.intersection(Range(None, last + timedelta(days=1)))


async def _days_in(uow: UnitOfWork, group: CareGroup, student_id: UUID, slots: Slots, starts_on: date) -> Range[date]:
    """The days of a group that are the child's: not before its enrolment, nor while another offering's group of the
    same hours had it, which it exchanged for this one. None are left when the group ends before."""
    first, last = _days(group.valid)
    first = max(first, starts_on)
    query = (
        select(CareGroupMember, CareGroup.offering_id)
        .join(
            CareGroup, (CareGroup.tenant_id == CareGroupMember.tenant_id) & (CareGroup.id == CareGroupMember.group_id)
        )
        .where(
            CareGroupMember.student_id == student_id,
            CareGroupMember.board == group.board,
            CareGroupMember.valid.op("&&")(group.valid),
            CareGroup.offering_id != group.offering_id,
        )
    )
    for row, offering_id in (await uow.session.execute(query)).all():
        if not clash(as_spans(row.slots), as_spans(slots)):
            continue
        if await _enrolled_from(uow, student_id, offering_id) is None:  # its own message is still to come
            row.valid = _until(row.valid, clock.today())
        if row.valid.upper is not None and row.valid.upper <= last:
            first = max(first, row.valid.upper)
    await uow.session.flush()
    return Range(first, last, bounds="[]") if first <= last else Range(empty=True)


async def _place(
    uow: UnitOfWork, run: FormingRun, groups: list[CareGroup], student_id: UUID, offering_id: UUID, starts_on: date
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
        known.valid = await _days_in(uow, group, student_id, slots, starts_on)
        known.slots = slots
        return group
    ids = {row.id: place for place, row in enumerate(at.rows)}
    best = alike(course, [at.proposal.groups[ids[g.id]] for g in mine], child)
    group = next(g for g in mine if at.proposal.groups[ids[g.id]] is best)
    valid = await _days_in(uow, group, student_id, slots, starts_on)
    uow.session.add(
        CareGroupMember(group_id=group.id, student_id=student_id, board=group.board, slots=slots, valid=valid)
    )
    await uow.audit("forming.joined", "care_group", group.id, student=student_id)
    return group
