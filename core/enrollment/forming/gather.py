"""From the tables to a problem, and from the tables to the arrangement as it stands: what solver and checks read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.dialects.postgresql import Range

from core.db.uow import UnitOfWork
from core.enrollment.forming.models import (
    CareGroup,
    CareGroupDuty,
    CareGroupMember,
    DutyWish,
    FormingRun,
    as_spans,
)
from core.enrollment.forming.problem import (
    DAY,
    Child,
    Course,
    Duty,
    Group,
    Person,
    Place,
    Problem,
    Proposal,
    Span,
    Staffing,
)
from core.enrollment.forming.unmet import unmet
from core.enrollment.forming.wishes import leads, teaches
from core.enrollment.levels.service import levels_of
from core.enrollment.models import Enrolment, Offering, OfferingPeriod
from core.enrollment.offering_rules import LIVE
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.views import OfferingView
from core.people import ethics
from core.people.external import POST
from core.people.models import Campus, Room, SchoolClass, Staff, Student
from core.people.service import StudentView, students_by_id
from core.policy import service as policy


@dataclass(slots=True)
class Situation:
    """A run as it stands: its problem, its arrangement, and the rows and names behind the keys."""

    run: FormingRun
    problem: Problem
    proposal: Proposal
    views: Mapping[UUID, OfferingView]
    students: Mapping[UUID, StudentView]
    rows: Sequence[CareGroup] = ()
    duties: Sequence[CareGroupDuty] = ()
    rooms: Mapping[UUID, Room] = field(default_factory=dict)
    staff: Mapping[UUID, str] = field(default_factory=dict)
    campuses: Mapping[UUID, str] = field(default_factory=dict)

    def course(self, offering_id: UUID) -> Course:
        return next(c for c in self.problem.courses if c.key == str(offering_id))


def times_of(view: OfferingView) -> dict[int, tuple[int, int]]:
    """Weekday → from the first period's beginning to the last one's end, in minutes of the day."""
    found: dict[int, tuple[int, int]] = {}
    for p in view.periods:
        start, end = p.starts_at.hour * 60 + p.starts_at.minute, p.ends_at.hour * 60 + p.ends_at.minute
        low, high = found.get(p.weekday, (start, end))
        found[p.weekday] = (min(low, start), max(high, end))
    return found


def staffing_of(uow: UnitOfWork, alternate: bool) -> Staffing:
    """What the pack wants of staff; where it says nothing, one teacher a group and nobody else."""
    pack = policy.effective(uow)

    def number(key: str) -> int:
        return int(pack.get(key).value or 0)

    return Staffing(
        teachers=max(1, number("staffing.teachers_per_class")),
        alternate=alternate,
        leaders=number("staffing.duty_leaders_per_day"),
        per_leader=number("staffing.classes_per_duty_leader"),
        relay=number("staffing.relay_teachers"),
        hosting="host_other_campus" in (pack.get("place.may").value or ()),
    )


async def problem_of(uow: UnitOfWork, run: FormingRun) -> tuple[Problem, dict[UUID, OfferingView]]:
    """Everything that the solver is to know of a run. Only children whose enrolment holds take part (R-166)."""
    views = await offerings_by_id(uow, run.offering_ids)
    sites = await _sites(uow)
    children = await _children(uow, run, views, several=len(sites) > 1)
    courses = tuple(
        Course(
            str(id_),
            times_of(view),
            tuple(children[id_]),
            run.mode,
            run.size,
            teacher=str(view.teacher_id or ""),
            room=str(view.room_id or ""),
        )
        for id_, view in sorted(views.items())
    )
    rooms = (await uow.session.execute(select(Room).order_by(Room.name, Room.id))).scalars().all()
    site_of = {room.id: str(room.campus_id) if len(sites) > 1 else "" for room in rooms}
    room_busy, staff_busy = await _elsewhere(uow, run, site_of)
    places = tuple(Place(str(r.id), r.capacity, tuple(room_busy[r.id]), site_of[r.id]) for r in rooms)
    people = await _people(uow, staff_busy)
    seed = run.id.int % 1_000_003
    return Problem(courses, places, people, staffing_of(uow, run.alternate), seed=seed), views


async def _sites(uow: UnitOfWork) -> set[UUID]:
    """The campuses of the school; with one alone nothing is asked of them."""
    return set((await uow.session.execute(select(Campus.id))).scalars())


async def _children(
    uow: UnitOfWork, run: FormingRun, views: Mapping[UUID, OfferingView], *, several: bool
) -> dict[UUID, list[Child]]:
    query = select(Enrolment).where(
        Enrolment.offering_id.in_(run.offering_ids),
        Enrolment.state == "enrolled",
        or_(Enrolment.ends_on.is_(None), Enrolment.ends_on >= run.starts_on),
    )
    rows = (await uow.session.execute(query.order_by(Enrolment.student_id))).scalars().all()
    students = await students_by_id(uow, [row.student_id for row in rows])
    family = await _families(uow, list(students))
    levels = await levels_of(uow, run.offering_ids)
    campus = await _homes(uow, list(students)) if several else {}
    found: dict[UUID, list[Child]] = {id_: [] for id_ in views}
    for row in rows:
        student, view = students[row.student_id], views[row.offering_id]
        days = frozenset(row.weekdays or view.weekdays) & frozenset(view.weekdays)
        key = str(row.student_id)
        found[row.offering_id].append(
            Child(
                key,
                student.grade,
                student.class_number,
                days,
                family.get(row.student_id, ""),
                levels.get((row.offering_id, row.student_id), ""),
                campus.get(row.student_id, ""),
            )
        )
    return found


async def _homes(uow: UnitOfWork, students: list[UUID]) -> dict[UUID, str]:
    """Child → the campus of its class; classes of which nobody said it are left out."""
    query = (
        select(Student.id, SchoolClass.campus_id)
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .where(Student.id.in_(students), SchoolClass.campus_id.is_not(None))
    )
    return {child: str(campus) for child, campus in (await uow.session.execute(query)).all()}


async def _families(uow: UnitOfWork, students: list[UUID]) -> dict[UUID, str]:
    """Children with a common guardian share a name; only children have none."""
    rows = await uow.session.execute(
        text(
            "select a.student_id as one, min(cast(b.student_id as text)) as eldest, "
            "count(distinct b.student_id) as many "
            "from guardianship a join guardianship b on b.tenant_id = a.tenant_id and b.guardian_id = a.guardian_id "
            "where a.tenant_id = :t and a.student_id = any(:ids) and b.student_id = any(:ids) group by a.student_id"
        ),
        {"t": uow.ctx.tenant_id, "ids": students},
    )
    return {row.one: row.eldest for row in rows.all() if row.many > 1}


async def _elsewhere(
    uow: UnitOfWork, run: FormingRun, site_of: Mapping[UUID, str]
) -> tuple[dict[UUID, list[Span]], dict[UUID, list[tuple[Span, str]]]]:
    """Rooms and staff that other offerings of the term, and groups in force that this run does not replace, need; of
    staff also on which campus."""
    rooms: dict[UUID, list[Span]] = defaultdict(list)
    staff: dict[UUID, list[tuple[Span, str]]] = defaultdict(list)
    grouped = select(CareGroup.offering_id).where(CareGroup.board == uow.ctx.tenant_id, _after(run.starts_on))
    query = (
        select(Offering, OfferingPeriod)
        .join(
            OfferingPeriod,
            (OfferingPeriod.tenant_id == Offering.tenant_id) & (OfferingPeriod.offering_id == Offering.id),
        )
        .where(
            Offering.term_id == run.term_id,
            Offering.state.in_(LIVE),
            Offering.id.not_in(run.offering_ids),
            Offering.id.not_in(grouped),
        )
    )
    for offering, p in (await uow.session.execute(query)).all():
        base = p.weekday * DAY
        span = base + p.starts_at.hour * 60 + p.starts_at.minute, base + p.ends_at.hour * 60 + p.ends_at.minute
        if offering.room_id:
            rooms[offering.room_id].append(span)
        if offering.teacher_id:
            staff[offering.teacher_id].append((span, _site(site_of, offering.room_id)))
    live = select(CareGroup).where(
        CareGroup.board == uow.ctx.tenant_id, CareGroup.offering_id.not_in(run.offering_ids), _after(run.starts_on)
    )
    kept = {group.id: group for group in (await uow.session.execute(live)).scalars()}
    for group in kept.values():
        if group.room_id:
            rooms[group.room_id] += as_spans(group.slots)
    duties = select(CareGroupDuty).where(
        CareGroupDuty.board == uow.ctx.tenant_id,
        CareGroupDuty.valid.op("&&")(Range(run.starts_on, None)),
        or_(CareGroupDuty.group_id.in_(kept), CareGroupDuty.run_id.in_(await staying_runs(uow, run))),
    )
    for duty in (await uow.session.execute(duties)).scalars():
        if duty.group_id in kept or duty.group_id is None:
            room = kept[duty.group_id].room_id if duty.group_id else None
            staff[duty.staff_id] += [(span, _site(site_of, room)) for span in as_spans(duty.slots)]
    return rooms, staff


def _site(site_of: Mapping[UUID, str], room: UUID | None) -> str:
    return site_of.get(room, "") if room else ""


def _after(day: date) -> ColumnElement[bool]:
    return CareGroup.valid.op("&&")(Range(day, None))


async def staying_runs(uow: UnitOfWork, run: FormingRun) -> list[UUID]:
    """Published runs that forming `run` anew does not replace as a whole: their day duties stay."""
    query = select(FormingRun).where(FormingRun.term_id == run.term_id, FormingRun.state == "published")
    rows = (await uow.session.execute(query)).scalars()
    return [row.id for row in rows if not set(row.offering_ids) <= set(run.offering_ids)]


async def _people(uow: UnitOfWork, busy: Mapping[UUID, list[tuple[Span, str]]]) -> tuple[Person, ...]:
    query = select(Staff).where(Staff.left_at.is_(None), Staff.post != POST).order_by(Staff.name_sort, Staff.id)
    rows = (await uow.session.execute(query)).scalars().all()
    barred = await ethics.states_of(uow, [row.id for row in rows]) if ethics.bites(uow) else {}
    wishes = {w.staff_id: w for w in (await uow.session.execute(select(DutyWish))).scalars()}
    classes = (await uow.session.execute(select(SchoolClass).order_by(SchoolClass.school_year))).scalars()
    own = {c.class_teacher_id: f"{c.grade}/{c.number}" for c in classes if c.class_teacher_id}
    found = []
    for row in rows:
        if row.id in barred:
            continue
        wish = wishes.get(row.id)
        found.append(
            Person(
                str(row.id),
                cannot=frozenset(wish.cannot if wish else ()),
                rather_not=frozenset(wish.rather_not if wish else ()) - frozenset(wish.cannot if wish else ()),
                most=wish.most if wish and wish.most is not None else 7,
                busy=tuple(span for span, _site in busy.get(row.id, ())),
                posts=tuple(post for post in busy.get(row.id, ()) if post[1]),
                class_key=own.get(row.id, ""),
                teaches=teaches(row, wish),
                leads=leads(row, wish),
            )
        )
    return tuple(found)


async def situation(uow: UnitOfWork, run: FormingRun) -> Situation:
    """The run as it stands in the tables, with what it does not satisfy."""
    problem, views = await problem_of(uow, run)
    groups = select(CareGroup).where(CareGroup.run_id == run.id).order_by(CareGroup.offering_id, CareGroup.number)
    rows = (await uow.session.execute(groups)).scalars().all()
    at = {row.id: place for place, row in enumerate(rows)}
    members: dict[UUID, list[str]] = defaultdict(list)
    enrolled = {(course.key, child.key) for course in problem.courses for child in course.children}
    mine = select(CareGroupMember.group_id, CareGroupMember.student_id).where(CareGroupMember.group_id.in_(list(at)))
    for group_id, student_id in (await uow.session.execute(mine.order_by(CareGroupMember.student_id))).all():
        if (str(rows[at[group_id]].offering_id), str(student_id)) in enrolled:
            members[group_id].append(str(student_id))
    query = select(CareGroupDuty).where(CareGroupDuty.run_id == run.id)
    found = (await uow.session.execute(query.order_by(CareGroupDuty.weekday, CareGroupDuty.role))).scalars()
    duties = [duty for duty in found if duty.slots]  # none are left of a day that the offering gave up
    proposal = Proposal(
        [
            Group(str(r.offering_id), r.number, r.bucket, tuple(members[r.id]), str(r.room_id) if r.room_id else None)
            for r in rows
        ],
        [_duty(duty, at) for duty in duties],
        [],
    )
    proposal.unmet = unmet(problem, proposal)
    ids = {UUID(child.key) for course in problem.courses for child in course.children}
    return Situation(
        run,
        problem,
        proposal,
        views,
        await students_by_id(uow, list(ids)),
        rows,
        duties,
        {room.id: room for room in (await uow.session.execute(select(Room))).scalars()},
        {row[0]: row[1] for row in (await uow.session.execute(select(Staff.id, Staff.name))).all()},
        {row[0]: row[1] for row in (await uow.session.execute(select(Campus.id, Campus.name))).all()},
    )


def _duty(row: CareGroupDuty, at: Mapping[UUID, int]) -> Duty:
    start, end = as_spans(row.slots)[0]
    group = at[row.group_id] if row.group_id else None
    base = row.weekday * DAY
    return Duty(str(row.staff_id), row.role, row.weekday, start - base, end - base, group, row.week)


__all__ = ["Situation", "problem_of", "situation", "staffing_of", "staying_runs", "times_of"]
