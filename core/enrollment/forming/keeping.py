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
from core.base.text import in_locale
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment.forming import no_mixing
from core.enrollment.forming.gather import situation
from core.enrollment.forming.grouping import bucket_of
from core.enrollment.forming.models import (
    CareGroup,
    CareGroupDuty,
    CareGroupMember,
    FormingRun,
    Slots,
    as_slots,
    as_spans,
)
from core.enrollment.forming.problem import Child, Course, Group, clash, spans_of, week_of
from core.enrollment.forming.solver import alike
from core.enrollment.forming.states import MANAGE
from core.enrollment.models import Enrolment
from core.notices import service as notices
from core.web.i18n import class_name


@dataclass(frozen=True, slots=True)
class GroupInForce:
    """One group as lessons need it: its room, and who teaches on which weekday, from its first day to its last."""

    id: UUID
    number: int
    title: str
    room_id: UUID | None
    first: date
    last: date
    teachers: Mapping[tuple[int, int], UUID]
    """(weekday, week 1 or 2) → who answers for the lesson; see problem.week_of."""

    def teacher(self, day: date, weekday: int) -> UUID | None:
        """Who answers for the lesson of a day that runs the timetable of `weekday` (a make-up day runs another's)."""
        return self.teachers.get((weekday, week_of(day)))


async def groups_in_force(uow: UnitOfWork, offering_id: UUID) -> list[GroupInForce]:
    """Every group that an offering has had and has, in order of time and number."""
    query = select(CareGroup).where(
        CareGroup.offering_id == offering_id, CareGroup.board == uow.ctx.tenant_id, ~func.isempty(CareGroup.valid)
    )
    rows = (await uow.session.execute(query.order_by(func.lower(CareGroup.valid), CareGroup.number))).scalars().all()
    teachers: dict[UUID, dict[tuple[int, int], UUID]] = defaultdict(dict)
    if rows:
        # Of several teachers of one role the first by id answers for the lesson; B answers for none.
        duties = select(CareGroupDuty).where(
            CareGroupDuty.group_id.in_([row.id for row in rows]), CareGroupDuty.role.in_(("lead", "a"))
        )
        for duty in (await uow.session.execute(duties.order_by(CareGroupDuty.staff_id))).scalars():
            for week in (duty.week,) if duty.week else (1, 2):
                teachers[_id(duty.group_id)].setdefault((duty.weekday, week), duty.staff_id)
    return [GroupInForce(r.id, r.number, r.title, r.room_id, *_days(r.valid), teachers[r.id]) for r in rows]


async def group_names(uow: UnitOfWork, offering_id: UUID) -> dict[UUID, tuple[int, str]]:
    """Number and name of every group that an offering has had: by them a group goes on in a later forming."""
    query = select(CareGroup.id, CareGroup.number, CareGroup.title).where(CareGroup.offering_id == offering_id)
    return {row.id: (row.number, row.title) for row in (await uow.session.execute(query)).all()}


async def stand_bys(uow: UnitOfWork, group_id: UUID, day: date, weekday: int, missing: UUID | None) -> list[UUID]:
    """Who of the staff may take over a group on a day whose timetable is `weekday`'s: who else stands beside it (B
    first of all), else who leads that day; never `missing`. Staff ids, nobody twice."""
    on_day = (
        CareGroupDuty.board == uow.ctx.tenant_id,
        CareGroupDuty.weekday == weekday,
        CareGroupDuty.week.in_((0, week_of(day))),
        CareGroupDuty.valid.contains(day),
    )
    for which in (CareGroupDuty.group_id == group_id, CareGroupDuty.role == "duty_leader"):
        query = select(CareGroupDuty.staff_id).where(*on_day, which)
        found = (await uow.session.execute(query.order_by(CareGroupDuty.role.desc(), CareGroupDuty.id))).scalars()
        others = [staff for staff in dict.fromkeys(found) if staff != missing]
        if others:
            return others
    return []


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


def _apart(course: Course, group: Group, child: Child, closed: bool) -> bool:
    """Whether the child may not be in a group: of another campus, or of another class while classes do not mix
    (R-171)."""
    inside = [c for c in course.children if c.key in group.children and c.key != child.key]
    far = any(child.campus and c.campus and c.campus != child.campus for c in inside)
    return far or (closed and any(c.class_key != child.class_key for c in inside))


async def _own_group(
    uow: UnitOfWork, run: FormingRun, mine: list[CareGroup], course: Course, child: Child
) -> CareGroup:
    """A new group for a child that none of the others may take. It has no room and no teacher yet: the office is told,
    and its lessons are planned at once."""
    like = mine[0]
    with in_locale("zh_CN"):
        title = class_name(child.grade, str(child.class_number))
    group = CareGroup(
        run_id=run.id,
        offering_id=like.offering_id,
        number=max(g.number for g in mine) + 1,
        title=title,
        bucket=bucket_of(course.mode, child),
        board=like.board,
        slots=like.slots,
        valid=like.valid,
    )
    uow.session.add(group)
    await uow.session.flush()
    mine.append(group)
    await uow.audit("forming.own_group", "care_group", group.id, title=title)
    payload = {"offerings": [like.offering_id], "title": run.title, "starts_on": run.starts_on, "term": run.term_id}
    await uow.emit("forming.published", payload)
    people = await notices.holders(uow, MANAGE)
    told = {"group": title, "title": run.title}
    path = f"desk/forming/{run.id}"
    await notices.tell(uow, people, "forming.own_group", told, path=path, source=f"forming.own_group/{group.id}")
    return group


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
    closed = await no_mixing.holds(uow)
    open_to = [g for g in (at.proposal.groups[ids[g.id]] for g in mine) if not _apart(course, g, child, closed)]
    if not open_to:
        group = await _own_group(uow, run, mine, course, child)
    else:
        best = alike(course, open_to, child)
        group = next(g for g in mine if at.proposal.groups[ids[g.id]] is best)
        if course.mode == "by_level" and not child.level:
            name = at.students[student_id].name
            told = {"child": name, "title": at.views[offering_id].title, "group": group.title}
            people = await notices.holders(uow, MANAGE)
            path = f"desk/levels/{offering_id}"
            source = f"forming.no_level/{group.id}/{student_id}"
            await notices.tell(uow, people, "forming.no_level", told, path=path, source=source)
    valid = await _days_in(uow, group, student_id, slots, starts_on)
    uow.session.add(
        CareGroupMember(group_id=group.id, student_id=student_id, board=group.board, slots=slots, valid=valid)
    )
    await uow.audit("forming.joined", "care_group", group.id, student=student_id)
    return group
