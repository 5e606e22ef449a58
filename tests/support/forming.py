"""A school to be formed, and a checker that shares no code with the solver: what must hold is said here once more."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
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
) -> Problem:
    """A primary school of six grades; children come on some or all weekdays, one in twelve has a sibling here."""
    chance = random.Random(seed)
    children: list[Child] = []
    for number in range(pupils):
        grade = number * 6 // pupils + 1
        days = frozenset(WEEK if chance.random() < 0.6 else chance.sample(WEEK, chance.choice([2, 3, 4])))
        children.append(
            Child(f"c{number:04}", grade, chance.randint(1, classes), days, level=("low", "high")[grade > 3])
        )
    for family in range(pupils // 24):
        for at in chance.sample(range(pupils), 2):
            old = children[at]
            children[at] = Child(old.key, old.grade, old.class_number, old.days, f"f{family}", old.level)
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
    times = dict.fromkeys(WEEK, (16 * 60 + 30, 17 * 60 + 40))
    places = tuple(Place(f"r{n:02}", 45 if n % 9 else 60) for n in range(rooms))
    course = Course("care", times, tuple(children), mode, size)
    rule = Staffing(1, alternate, leaders=2, per_leader=4, relay=2)
    return Problem((course,), places, tuple(people), rule, seed=seed, effort=effort)


def wrong(problem: Problem, found: Proposal) -> list[str]:
    """Every hard rule that an arrangement breaks, in words; empty when it is right."""
    said: list[str] = []
    courses = {c.key: c for c in problem.courses}
    for course in problem.courses:
        count = Counter(k for g in found.groups if g.course == course.key for k in g.children)
        said += [f"{c.key} is in {count[c.key]} groups" for c in course.children if count[c.key] != 1]
        said += [f"{key} is unknown" for key in count if key not in {c.key for c in course.children}]
    seats = {p.key: p.seats for p in problem.places}
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
    people = {p.key: p for p in problem.people}
    days: dict[str, set[int]] = {}
    for duty in found.duties:
        person = people[duty.person]
        uses.append((duty.person, duty.day, duty.start, duty.end))
        uses += [(duty.person, a // 1440, a % 1440, a % 1440 + b - a) for a, b in person.busy if a // 1440 == duty.day]
        days.setdefault(duty.person, set()).add(duty.day)
        if (duty.role == "duty_leader" and not person.leads) or (duty.role != "duty_leader" and not person.teaches):
            said.append(f"{duty.person} may not be {duty.role}")
        if duty.day in person.cannot:
            said.append(f"{duty.person} cannot on {duty.day}")
    said += [f"{key} serves {len(on)} days" for key, on in days.items() if len(on) > people[key].most]
    at: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for key, day, start, end in uses:
        at.setdefault((key, day), []).append((start, end))
    for (key, day), spans in at.items():
        if any(a[0] < b[1] and b[0] < a[1] for a, b in combinations(spans, 2)):
            said.append(f"{key} is in two places on day {day}")
    return said


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


async def bed(world: World, *, pack: str | None = "second-experimental-primary") -> Bed:
    school = await world.school(families=1, pack=pack)
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
