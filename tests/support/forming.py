"""A school to be formed, and a checker that shares no code with the solver: what must hold is said here once more."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.context import TenantContext
from core.enrollment.forming import making, publishing, service
from core.enrollment.forming.gather import Situation, situation
from core.enrollment.forming.models import CareGroup, FormingRun
from core.enrollment.forming.problem import Child, Course, Person, Place, Problem, Proposal, Staffing
from core.enrollment.models import Application, Enrolment
from core.people.models import Campus, Room, SchoolClass, Staff, Student
from tests.support import lessons
from tests.support.world import School, World

WEEK = (1, 2, 3, 4, 5)
SITES = ("本部", "南山")
WAY = 30
"""Minutes that somebody needs from one site to the other."""


def school(
    *,
    pupils: int = 1200,
    staff: int = 60,
    mode: str = "same_grade",
    size: int = 35,
    rooms: int = 44,
    alternate: bool = False,
    seed: int = 7,
    effort: float = 4.0,
    classes: int = 5,
    days: tuple[int, ...] = WEEK,
    campuses: bool = False,
    named: bool = False,
) -> Problem:
    """A primary school of six grades; children come on some or all weekdays, one in twelve has a sibling here. With
    `campuses` it has two sites, and a second course that ends minutes before the first begins. With `named` each
    course names a teacher and a room, which may or may not do."""
    chance = random.Random(seed)
    children: list[Child] = []
    for number in range(pupils):
        grade = number * 6 // pupils + 1
        comes = frozenset(WEEK if chance.random() < 0.6 else chance.sample(WEEK, chance.choice([2, 3, 4])))
        children.append(
            Child(
                f"c{number:04}",
                grade,
                chance.randint(1, classes),
                comes,
                level=("初级", "高级")[grade > 3],
                campus=SITES[grade % 2] if campuses else "",
            )
        )
    for family in range(pupils // 24):
        for at in chance.sample(range(pupils), 2):
            old = children[at]
            children[at] = replace(old, family=f"f{family}")
    people = [
        Person(
            f"p{n:02}",
            cannot=frozenset(chance.sample(WEEK, 1)) if n % 10 == 3 else frozenset(),
            rather_not=frozenset(chance.sample(WEEK, 1)) if n % 3 == 0 else frozenset(),
            most=4 if n % 12 == 5 else 7,
            class_key=f"{n // classes + 1}/{n % classes + 1}" if n < 6 * classes else "",
            teaches=n < staff - 10,
            leads=n >= staff - 10,
        )
        for n in range(staff)
    ]
    times = dict.fromkeys(days, (16 * 60 + 30, 17 * 60 + 40))
    places = tuple(
        Place(f"r{n:02}", 45 if n % 9 else 60, campus=SITES[n % 2] if campuses else "") for n in range(rooms)
    )
    rule = Staffing(1, alternate, leaders=2, per_leader=4, relay=2)

    def own() -> dict[str, str]:
        if not (named and rooms):
            return {}
        return {"teacher": chance.choice(people).key, "room": chance.choice(places).key}

    if not campuses:
        course = Course("care", times, tuple(children), mode, size, **own())
        return Problem((course,), places, tuple(people), rule, seed, effort)
    # Two courses, one right after the other: who teaches both stays on one campus.
    early = dict.fromkeys((1, 3, 5), (15 * 60 + 30, 16 * 60 + 20))
    half = len(children) // 2
    both = (
        Course("care", times, tuple(children[half:]), mode, size, **own()),
        Course("early", early, tuple(children[:half]), mode, size, **own()),
    )
    return Problem(both, places, tuple(people), rule, seed, effort)


def wrong(problem: Problem, found: Proposal) -> list[str]:
    """Every hard rule that an arrangement breaks, in words; empty when it is right."""
    said: list[str] = []
    courses = {c.key: c for c in problem.courses}
    for course in problem.courses:
        count = Counter(k for g in found.groups if g.course == course.key for k in g.children)
        due = {c.key: int(bool(c.days & course.times.keys())) for c in course.children}
        said += [f"{key} is in {count[key]} groups" for key, times in due.items() if count[key] != times]
        said += [f"{key} is unknown" for key in count if key not in {c.key for c in course.children}]
    seats = {p.key: p.seats for p in problem.places}
    site = {p.key: p.campus for p in problem.places}
    uses: list[tuple[str, int, int, int]] = []
    for group in found.groups:
        course = courses[group.course]
        known = {c.key: c for c in course.children}
        inside = [known[k] for k in group.children]
        for day, (start, end) in course.times.items():
            there = sum(1 for c in inside if day in c.days)
            if there > course.size:
                said.append(f"{there} children on day {day} in a group of {course.size}")
            if group.room and there > seats[group.room]:
                said.append(f"{there} children in {group.room}")
            if group.room:
                uses.append((group.room, day, start, end))
            uses += [(c.key, day, start, end) for c in inside if day in c.days]
        if _shared(course.mode, inside):
            said.append(f"group {group.number} mixes what {course.mode} keeps apart")
        sites = ({c.campus for c in inside} | {site.get(group.room or "", "")}) - {""}
        if len(sites) > 1:
            said.append(f"group {group.number} is on {sites}")
    people = {p.key: p for p in problem.people}
    days: dict[str, set[int]] = {}
    for duty in found.duties:
        person = people[duty.person]
        # Two weeks, one after the other: the second week's days count on from 8.
        uses += [(duty.person, duty.day + 7 * w, duty.start, duty.end) for w in (0, 1) if duty.week in (0, w + 1)]
        uses += [(duty.person, a // 1440, a % 1440, a % 1440 + b - a) for a, b in person.busy if a // 1440 == duty.day]
        days.setdefault(duty.person, set()).add(duty.day)
        if (duty.role == "duty_leader" and not person.leads) or (duty.role != "duty_leader" and not person.teaches):
            said.append(f"{duty.person} may not be {duty.role}")
        if duty.day in person.cannot:
            said.append(f"{duty.person} cannot on {duty.day}")
    said += _turns(problem, found)
    said += _ways(problem, found)
    said += _unsaid(problem, found)
    said += _named(problem, found)
    said += [f"{key} serves {len(on)} days" for key, on in days.items() if len(on) > people[key].most]
    at: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for key, day, start, end in uses:
        at.setdefault((key, day), []).append((start, end))
    for (key, day), spans in at.items():
        if any(a[0] < b[1] and b[0] < a[1] for a, b in combinations(spans, 2)):
            said.append(f"{key} is in two places on day {day}")
    return said


def _turns(problem: Problem, found: Proposal) -> list[str]:
    """With A and B: over the days of service of two weeks, and round again, nobody who is beside a group on two days
    running has the same role on both; A is there the whole time, B from twenty minutes before the end (R-175)."""
    if not problem.staffing.alternate:
        return []
    said: list[str] = []
    for g, group in enumerate(found.groups):
        times = next(c.times for c in problem.courses if c.key == group.course)
        roles: list[dict[str, str]] = []
        for week in (1, 2):
            for day in sorted(times):
                there = [d for d in found.duties if d.group == g and d.day == day and d.week in (0, week)]
                roles.append({d.person: d.role for d in there})
                begins = {"a": times[day][0], "b": times[day][1] - problem.staffing.handover}
                said += [f"{d.person} is {d.role} from {d.start}" for d in there if d.start != begins[d.role]]
                if len(there) != len({d.role for d in there}):
                    said.append(f"group {g} has a role twice on day {day} of week {week}")
        for place, here in enumerate(roles):
            then = roles[(place + 1) % len(roles)]
            said += [f"{p} is {r} twice running in group {g}" for p, r in here.items() if then.get(p) == r]
    return said


def _ways(problem: Problem, found: Proposal) -> list[str]:
    """Nobody is on one site and, within the minutes of the way, on the other (R-014)."""
    homes = {(c.key, child.key): child.campus for c in problem.courses for child in c.children}
    rooms = {p.key: p.campus for p in problem.places}
    stays: list[tuple[str, int, int, int, str]] = []
    for duty in found.duties:
        if duty.group is not None:
            group = found.groups[duty.group]
            site = rooms.get(group.room or "") or homes[group.course, group.children[0]]
            stays.append((duty.person, duty.day, duty.start, duty.end, site))
    return [
        f"{a[0]} is on {a[4]} and {b[4]} on day {a[1]}"
        for a, b in combinations(stays, 2)
        if a[:2] == b[:2] and a[4] != b[4] and min(abs(a[3] - b[2]), abs(b[3] - a[2])) < WAY
    ]


def _unsaid(problem: Problem, found: Proposal) -> list[str]:
    """Duty leaders and relay care that are short, and wishes not met: allowed, but never without being said."""
    told = list(found.unmet)
    said: list[str] = []
    for day in sorted({day for g in found.groups for c in problem.courses if c.key == g.course for day in c.times}):
        groups = sum(day in c.times for g in found.groups for c in problem.courses if c.key == g.course)
        rule = problem.staffing
        wanted = {
            "duty_leader": max(rule.leaders, groups // rule.per_leader if rule.per_leader else 0),
            "relay": rule.relay,
        }
        for role, least in wanted.items():
            there = sum(d.role == role and d.day == day for d in found.duties)
            if there < least and not any(u.kind == f"no_{role}" and day in u.facts["days"] for u in told):
                said.append(f"{there} {role} of {least} on day {day}, and nothing is said")
    wishes = {p.key: p.rather_not for p in problem.people}
    for duty in found.duties:
        told_of = any(u.kind == "rather_not" and u.facts["person"] == duty.person for u in told)
        if duty.day in wishes[duty.person] and not told_of:
            said.append(f"the wish of {duty.person} for day {duty.day} is not met, and nothing is said")
    return said


def _named(problem: Problem, found: Proposal) -> list[str]:
    """The first group keeps the room and the teacher that its course names when nothing hard forbids it; where it does
    not keep them, that is said, and only there."""
    said: list[str] = []
    told = {(u.kind, u.facts["group"]) for u in found.unmet if u.kind in ("other_room", "other_teacher")}
    for g, group in enumerate(found.groups):
        course = next(c for c in problem.courses if c.key == group.course)
        inside = [c for c in course.children if c.key in group.children]
        week = [(day * 1440 + start, day * 1440 + end) for day, (start, end) in course.times.items()]
        homes = {c.campus for c in inside}
        first = group.number == 1
        if lost := first and course.room != "" and group.room != course.room:
            room = next(p for p in problem.places if p.key == course.room)
            most = max(sum(day in c.days for c in inside) for day in course.times)
            if room.seats >= most and homes == {room.campus} and not any(_over(a, b) for a in week for b in room.busy):
                said.append(f"{course.key} leaves its own {course.room} for {group.room} without need")
        if lost != (("other_room", g) in told):
            said.append(f"what is said of the room of {course.key} is not true")
        there = {d.day for d in found.duties if d.group == g and d.person == course.teacher}
        if lost := first and course.teacher != "" and bool(course.times.keys() - there):
            person = next(p for p in problem.people if p.key == course.teacher)
            able = person.teaches and not person.cannot and person.most >= 5 and not person.busy
            if able and sum(c.teacher == course.teacher for c in problem.courses) == 1:
                said.append(f"{course.key} loses its own {course.teacher} without need")
        if lost != (("other_teacher", g) in told):
            said.append(f"what is said of the teacher of {course.key} is not true")
    return said


def _over(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _shared(mode: str, inside: list[Child]) -> bool:
    """Whether children are together whom the mode keeps apart."""
    if mode == "own_class":
        return len({(c.grade, c.class_number) for c in inside}) > 1
    if mode in ("same_grade", "merged", "cross_class", "large"):
        return len({c.grade for c in inside}) > 1
    if mode in ("same_band", "by_stage_and_age"):
        return len({("12", "34", "56", "789")[min((c.grade - 1) // 2, 3)] for c in inside}) > 1
    return mode == "by_level" and len({c.level for c in inside}) > 1


# ---- a school in the database --------------------------------------------------------------------------------


@dataclass(slots=True)
class Bed:
    """A school whose care is to be formed: two classes of grade 3 and one of grade 4, eight pupils each."""

    world: World
    school: School
    offering_id: UUID
    lessons: dict[date, UUID]
    rooms: dict[str, UUID] = field(default_factory=dict)
    staff: dict[str, UUID] = field(default_factory=dict)
    children: list[UUID] = field(default_factory=list)
    run_id: UUID | None = None

    async def office(self) -> TenantContext:
        return await self.world.as_(self.school, "office")

    async def make(self, **changes: Any) -> UUID:
        """A forming of the care from tomorrow on; remembered as the bed's run."""
        wanted: dict[str, Any] = {
            "title": "秋季托管",
            "offering_ids": [self.offering_id],
            "mode": "same_grade",
            "size": 10,
            "alternate": False,
            "starts_on": clock.today() + timedelta(days=1),
            "reason": "按报名人数安排",
        }
        async with self.world.house.unit(await self.office()) as uow:
            assert self.school.term_id is not None
            row = await service.make_run(uow, self.school.term_id, **(wanted | changes))
            self.run_id = row.id
            return row.id

    async def solved(self, **changes: Any) -> UUID:
        """Made, and arranged by the job."""
        run_id = await self.make(**changes)
        async with self.world.house.unit(await self.office()) as uow:
            await service.solve(uow, run_id)
        await self.world.drain(self.school)
        return run_id

    async def publish(self, run_id: UUID) -> None:
        async with self.world.house.unit(await self.office()) as uow:
            await publishing.publish(uow, run_id, "按报名人数安排")
        await self.world.drain(self.school)

    async def groups(self, run_id: UUID | None = None) -> list[CareGroup]:
        async with self.world.house.unit(self.school.ctx) as uow:
            return await making.groups_of(uow, run_id or self.run_id or UUID(int=0))

    async def look(self, run_id: UUID | None = None) -> Situation:
        async with self.world.house.unit(self.school.ctx) as uow:
            return await situation(uow, await uow.get(FormingRun, run_id or self.run_id))


async def bed(world: World, *, pack: str | None = "second-experimental-primary", **asked: Any) -> Bed:
    """The school of `Bed`; `asked` goes to World.school."""
    school = await world.school(families=1, pack=pack, **asked)
    async with world.house.unit(school.ctx) as uow:
        home = (await uow.session.execute(select(Campus))).scalars().one()
        rooms = [Room(campus_id=home.id, name=f"教学楼 10{n}", capacity=c) for n, c in enumerate((12, 12, 12, 9, 45))]
        teachers = [
            Staff(name=f"教师{n}", name_sort=f"jiaoshi{n}", phone=world.next_phone(), post="teacher") for n in range(6)
        ]
        classes = [SchoolClass(school_year=2026, grade=g, number=n) for g, n in ((3, 5), (3, 6), (4, 1))]
        uow.session.add_all([*rooms, *teachers, *classes])
        await uow.session.flush()
        pupils = [
            Student(class_id=c.id, name=f"学生{c.grade}{c.number}{n}", name_sort=f"x{c.grade}{c.number}{n}")
            for c in classes
            for n in range(8)
        ]
        uow.session.add_all(pupils)
        await uow.session.flush()
        made = Bed(world, school, UUID(int=0), {}, {r.name: r.id for r in rooms}, {t.name: t.id for t in teachers})
        made.children = [p.id for p in pupils]
    care = await lessons.group(world, school, since=clock.today(), enrolled_from=date(2026, 9, 1))
    made.offering_id, made.lessons = care.offering_id, care.lessons
    async with world.house.unit(school.ctx) as uow:
        for at, child in enumerate(made.children):
            application = Application(term_id=school.term_id, student_id=child, state="enrolled")
            uow.session.add(application)
            await uow.session.flush()
            uow.session.add(
                Enrolment(
                    application_id=application.id,
                    student_id=child,
                    offering_id=made.offering_id,
                    term_id=school.term_id,
                    weekdays=[1, 3] if at % 4 == 3 else [],
                    starts_on=date(2026, 9, 1),
                )
            )
    return made
