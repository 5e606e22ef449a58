"""Correcting by hand, with live checks: children, rooms and people move only where nothing hard is broken.

A refusal is a sentence that says with what it clashes; PostgreSQL's constraints stand behind it, should two people move
at once. What a move makes worse among the wishes shows in the list at once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.base.errors import Conflict, NotFound
from core.db.uow import UnitOfWork
from core.enrollment.forming import no_mixing
from core.enrollment.forming.errors import (
    NotBeingFormed,
    NotMixed,
    OtherCampus,
    OtherOffering,
    RoomInUse,
    RoomTooSmall,
    StaffCannot,
    StaffElsewhere,
    StaffInUse,
    StaffNotAllowed,
)
from core.enrollment.forming.gather import Situation, situation
from core.enrollment.forming.making import member_lines
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun, as_slots, as_spans
from core.enrollment.forming.problem import DAY, Course, Group, Person, Span, campuses_of, clash
from core.enrollment.forming.staffing import apart, hours, sites, size_of, week
from core.people.models import Room, Staff
from core.web.i18n import joined, weekday


class MovedMeanwhile(Conflict):
    """Somebody else wrote at the same moment; the database refused the second."""

    code = "forming_moved_meanwhile"


async def open_run(uow: UnitOfWork, run_id: UUID) -> FormingRun:
    """The run, held against other moves. Raises NotBeingFormed."""
    uow.ctx.require("forming.manage")
    row = await uow.get(FormingRun, run_id, lock=True)
    if row.state != "proposed":
        raise NotBeingFormed()
    return row


async def _group(uow: UnitOfWork, run: FormingRun, group_id: UUID) -> CareGroup:
    group = await uow.get(CareGroup, group_id)
    if group.run_id != run.id:
        raise NotFound()
    return group


async def move_children(uow: UnitOfWork, run_id: UUID, students: Sequence[UUID], group_id: UUID) -> int:
    """Put children into a group of their offering, out of the one they are in. Returns how many moved.

    Raises NotFound, NotBeingFormed, OtherOffering, RoomTooSmall, OtherCampus, NotMixed. More than the class size is a
    person's decision.
    """
    run = await open_run(uow, run_id)
    group = await _group(uow, run, group_id)
    at = await situation(uow, run)
    course = at.course(group.offering_id)
    known = {child.key for child in course.children}
    if any(str(student) not in known for student in students):
        raise OtherOffering()
    here = {row.id: place for place, row in enumerate(at.rows)}
    target = at.proposal.groups[here[group.id]]
    moving = [s for s in students if str(s) not in target.children]
    target.children = (*target.children, *(str(s) for s in moving))
    _refuse_mixed(at, target, course, await no_mixing.holds(uow, group.valid.lower))
    room = at.rooms.get(group.room_id) if group.room_id else None
    if room is not None and size_of(target, course) > room.capacity:
        raise RoomTooSmall(room=room.name, seats=room.capacity, size=size_of(target, course))
    mine = [row.id for row in at.rows if row.offering_id == group.offering_id]
    query = select(CareGroupMember).where(
        CareGroupMember.group_id.in_(mine), CareGroupMember.student_id.in_(list(moving))
    )
    found = {row.student_id: row for row in (await uow.session.execute(query)).scalars()}
    fresh = tuple(str(s) for s in moving if s not in found)
    for row in found.values():
        row.group_id = group.id
    common = {"group_id": group.id, "board": group.board, "valid": group.valid}
    uow.session.add_all(CareGroupMember(**common, **line) for line in member_lines(course, fresh))
    await uow.session.flush()
    await uow.audit("forming.move", "care_group", group.id, children=[str(s) for s in moving])
    return len(moving)


def _campus_names(at: Situation, keys: Collection[str]) -> str:
    return joined(sorted(at.campuses.get(UUID(key), "") for key in keys))


def _refuse_mixed(at: Situation, target: Group, course: Course, closed: bool) -> None:
    inside = [child for child in course.children if child.key in target.children]
    if len(campuses_of(target, course)) > 1:
        raise OtherCampus(names=_campus_names(at, campuses_of(target, course)))
    if closed and len({child.class_key for child in inside}) > 1:
        raise NotMixed()


async def set_room(uow: UnitOfWork, run_id: UUID, group_id: UUID, room_id: UUID | None) -> None:
    """Give a group a room, or take it away. Raises RoomTooSmall, RoomInUse, OtherCampus."""
    run = await open_run(uow, run_id)
    group = await _group(uow, run, group_id)
    if room_id is not None:
        room = await uow.get(Room, room_id)
        at = await situation(uow, run)
        place = next(i for i, row in enumerate(at.rows) if row.id == group.id)
        size = size_of(at.proposal.groups[place], at.course(group.offering_id))
        if size > room.capacity:
            raise RoomTooSmall(room=room.name, seats=room.capacity, size=size)
        homes = campuses_of(at.proposal.groups[place], at.course(group.offering_id))
        if len(at.campuses) > 1 and homes - {str(room.campus_id)} and not at.problem.staffing.hosting:
            raise OtherCampus(names=_campus_names(at, {*homes, str(room.campus_id)}))
        spans = as_spans(group.slots)
        for row in at.rows:
            if row.id != group.id and row.room_id == room.id and clash(spans, as_spans(row.slots)):
                raise RoomInUse(room=room.name, other=row.title)
        if any(clash(spans, p.busy) for p in at.problem.places if p.key == str(room.id)):
            raise RoomInUse(room=room.name, other="…")
    group.room_id = room_id
    await _flush(uow)
    await uow.audit("forming.room", "care_group", group.id, room=room_id)


async def set_teacher(
    uow: UnitOfWork, run_id: UUID, group_id: UUID, staff_id: UUID | None, *, line: int = 0, day: int = 0
) -> None:
    """Put somebody beside a group on a weekday (0: all of them) in place of whoever was there; None: nobody.

    With A and B roles `line` 0 is the one who is A on the first day. Raises StaffInUse, StaffCannot, StaffNotAllowed.
    """
    run = await open_run(uow, run_id)
    group = await _group(uow, run, group_id)
    at = await situation(uow, run)
    wanted = [
        need for need in hours(at.course(group.offering_id), at.problem) if need.line == line and day in (0, need.at[0])
    ]
    if not wanted:
        raise NotFound()
    gone = {
        duty.id
        for duty in at.duties
        if duty.group_id == group.id
        and any((duty.weekday, duty.role, duty.week) == (need.at[0], need.role, need.week) for need in wanted)
    }
    if at.problem.staffing.lines > 1 and not run.alternate:
        # Several of one role on a day: only the one in this line gives way.
        gone = _nth(at, group, gone, line)
    kept = [duty for duty in at.duties if duty.id not in gone]
    if staff_id is not None:
        for need in wanted:
            on, start, end = need.at
            await _refuse_person(uow, at, kept, staff_id, on, (on * DAY + start, on * DAY + end), group)
    for duty in at.duties:
        if duty.id in gone:
            await uow.session.delete(duty)
    await uow.session.flush()
    if staff_id is not None:
        uow.session.add_all(
            _row(run, group.valid, staff_id, need.role, need.at, group.id, need.week) for need in wanted
        )
    await _flush(uow)
    await uow.audit("forming.teacher", "care_group", group.id, staff=staff_id, line=line, day=day)


def _nth(at: Situation, group: CareGroup, gone: set[UUID], line: int) -> set[UUID]:
    by_day: dict[int, list[UUID]] = {}
    for duty in sorted(at.duties, key=lambda d: str(d.staff_id)):
        if duty.group_id == group.id and duty.id in gone:
            by_day.setdefault(duty.weekday, []).append(duty.id)
    return {ids[line] for ids in by_day.values() if line < len(ids)}


def _row(
    run: FormingRun,
    valid: object,
    staff_id: UUID,
    role: str,
    at: tuple[int, int, int],
    group_id: UUID | None,
    week_: int = 0,
) -> CareGroupDuty:
    base = at[0] * DAY
    return CareGroupDuty(
        run_id=run.id,
        group_id=group_id,
        staff_id=staff_id,
        role=role,
        weekday=at[0],
        week=week_,
        board=run.id,
        slots=as_slots([(base + at[1], base + at[2])]),
        valid=valid,
    )


async def _refuse_person(
    uow: UnitOfWork,
    at: Situation,
    duties: Sequence[CareGroupDuty],
    staff_id: UUID,
    day: int,
    span: Span,
    group: CareGroup | None = None,
) -> None:
    staff = await uow.get(Staff, staff_id)
    person = next((p for p in at.problem.people if p.key == str(staff_id)), None)
    if staff.left_at is not None or person is None:
        raise StaffNotAllowed(name=staff.name)
    on = weekday(day)
    if day in person.cannot:
        raise StaffCannot(name=staff.name, day=on)
    titles = {row.id: row.title for row in at.rows}
    for duty in duties:
        if duty.staff_id == staff_id and clash([span], as_spans(duty.slots)):
            raise StaffInUse(name=staff.name, day=on, other=titles[duty.group_id] if duty.group_id else "…")
    if clash([span], person.busy):
        raise StaffInUse(name=staff.name, day=on, other="…")
    if group is not None:
        _refuse_far(at, duties, person, staff.name, on, span, group)


def _refuse_far(
    at: Situation, duties: Sequence[CareGroupDuty], person: Person, name: str, on: str, span: Span, group: CareGroup
) -> None:
    """Nobody is on two campuses in adjoining hours. Raises StaffElsewhere."""
    courses = {course.key: course for course in at.problem.courses}
    site = dict(zip((row.id for row in at.rows), sites(at.problem, at.proposal.groups, courses), strict=True))
    here = site[group.id]
    held = [
        (one, site[d.group_id])
        for d in duties
        if d.group_id and str(d.staff_id) == person.key
        for one in as_spans(d.slots)
    ]
    for other, there in [*held, *person.posts]:
        if here and there and here != there and not apart(span, other, at.problem.staffing.travel):
            raise StaffElsewhere(name=name, day=on, campus=at.campuses.get(UUID(there), ""))


async def add_day_duty(uow: UnitOfWork, run_id: UUID, staff_id: UUID, role: str, day: int) -> None:
    """A duty leader, or somebody for relay care, on a weekday. Raises StaffInUse, StaffCannot."""
    run = await open_run(uow, run_id)
    at = await situation(uow, run)
    courses = {course.key: course for course in at.problem.courses}
    found = next((w for w in week(at.proposal.groups, courses) if w[0] == day), None)
    if found is None or role not in ("duty_leader", "relay"):
        raise NotFound()
    start, end = found[1], found[2]
    if role == "relay":
        start, end = end, end + at.problem.staffing.relay_minutes
    await _refuse_person(uow, at, at.duties, staff_id, day, (day * DAY + start, day * DAY + end))
    valid = at.rows[0].valid
    uow.session.add(_row(run, valid, staff_id, role, (day, start, end), None))
    await _flush(uow)
    await uow.audit("forming.day_duty", "forming_run", run.id, staff=staff_id, role=role, day=day)


async def remove_duty(uow: UnitOfWork, run_id: UUID, duty_id: UUID) -> None:
    """Take somebody off a duty."""
    run = await open_run(uow, run_id)
    duty = await uow.get(CareGroupDuty, duty_id)
    if duty.run_id != run.id:
        raise NotFound()
    await uow.session.delete(duty)
    await uow.audit("forming.duty_removed", "forming_run", run.id, staff=duty.staff_id, role=duty.role)


async def _flush(uow: UnitOfWork) -> None:
    try:
        await uow.session.flush()
    except IntegrityError as exc:
        raise MovedMeanwhile() from exc


__all__ = ["add_day_duty", "move_children", "open_run", "remove_duty", "set_room", "set_teacher"]
