"""The county's afternoons: lessons of the last school days held and handed over, and today's under way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from uuid import UUID

from sqlalchemy import select, update

from core.base import clock
from core.base.context import TenantContext
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.enrollment.models import Offering
from core.lessons import custody
from core.lessons import service as lessons
from core.lessons.models import Attendance, Lesson
from core.lessons.ratings import rate
from core.people.models import Staff
from core.people.service import collectors
from core.terms import service as terms
from deploy.demo.stage import Org, Person, Stage

DAYS = 3
"""So many school days before today are played."""
WORDS = ("老师很耐心。", "孩子很喜欢，回家还在说。", "希望多一些动手的时间。")


@contextmanager
def at(day: date, moment: time) -> Iterator[None]:
    """The product's clock shows this moment at school."""
    with clock.travelled(clock.at_school(day, moment.hour, moment.minute) - clock.now()):
        yield


async def play_afternoons(stage: Stage) -> None:
    """The first school's last days, each lesson signed in, called, ended, and every child handed over."""
    school = stage.school
    assert school.term_id is not None
    async with stage.house.unit(school.ctx) as uow:
        days = [day for day in sorted(await terms.timetable_days(uow, school.term_id)) if day < stage.today][-DAYS:]
        since = days[0] if days else stage.today
        for view in await enrollment.offerings(uow, school.term_id):
            if view.periods:
                await lessons.plan_lessons(uow, view.id, since=since)
    teachers = await teachers_of(stage, school)
    for day in days:
        await afternoon(stage, school, day, teachers)
    await _rated(stage, school)
    # What lessons still have to hear of the menu would put today's hours back.
    await stage.drain(school, name="lessons.")
    await _today(stage, school)


async def afternoon(
    stage: Stage, school: Org, day: date, teachers: dict[UUID, TenantContext], *, only: Collection[UUID] | None = None
) -> None:
    """One day's planned lessons, or those of some offerings `only`."""
    for lesson in await _lessons_of(stage, school, day):
        if only is not None and lesson.offering_id not in only:
            continue
        teacher = teachers.get(lesson.teacher_id) if lesson.teacher_id else None
        async with stage.house.unit(school.ctx) as uow:
            children = [view.student_id for view in await enrollment.enrolled_on(uow, lesson.offering_id, day)]
        if teacher is None or not children:
            continue
        with at(day, lesson.starts_at):
            async with stage.house.unit(teacher) as uow:
                await lessons.sign_in(uow, lesson.id)
                await lessons.save_register(uow, lesson.id, _marks(children, day))
        with at(day, lesson.ends_at):
            async with stage.house.unit(teacher) as uow:
                await lessons.end_lesson(uow, lesson.id)
                await _hand_over(uow, day, children)


def _marks(children: list[UUID], day: date) -> list[lessons.Mark]:
    """Nearly all there; now and then a child on leave."""
    return [
        lessons.Mark(child, "leave" if (child.int + day.toordinal()) % 17 == 0 else "present") for child in children
    ]


async def _hand_over(uow: UnitOfWork, day: date, children: list[UUID]) -> None:
    """Everybody is collected by one of those who may; each signs."""
    held = await custody.open_holds(uow)
    for child in children:
        known = await collectors(uow, child)
        if child not in held or not known:
            continue
        person = known[day.toordinal() % len(known)]
        who = {
            "holder_key": person.key,
            "holder_name": person.name,
            "holder_relation": person.relation,
            "signature": person.name,
        }
        await custody.advance(uow, [child], "collect", holder=who)


async def _today(stage: Stage, school: Org) -> None:
    """The personas' own lessons are moved to the present hour, so that whoever looks may call the roll."""
    moment = clock.school_time(clock.now()).replace(second=0, microsecond=0)
    midnight = moment.replace(hour=0, minute=5)
    starts = max(midnight, moment - timedelta(minutes=20 + moment.minute % 5))
    ends = min(starts + timedelta(minutes=70), moment.replace(hour=23, minute=55))
    mine = [school.staff_ids[role] for role in ("class_teacher", "teacher") if role in school.staff_ids]
    if starts >= ends:
        return
    async with stage.house.unit(school.ctx) as uow:
        await uow.session.execute(
            update(Lesson)
            .where(Lesson.day == stage.today, Lesson.state == "planned", Lesson.teacher_id.in_(mine))
            .values(starts_at=starts.time(), ends_at=ends.time(), early_ends_at=None)
        )


async def _rated(stage: Stage, school: Org) -> None:
    """Some guardians say what they think of the lessons that their children had."""
    async with stage.house.unit(school.ctx) as uow:
        query = (
            select(Attendance.lesson_id, Attendance.student_id)
            .join(Lesson, (Lesson.tenant_id == Attendance.tenant_id) & (Lesson.id == Attendance.lesson_id))
            .join(Offering, (Offering.tenant_id == Lesson.tenant_id) & (Offering.id == Lesson.offering_id))
            .where(Lesson.state == "held", Attendance.mark == "present", Offering.kind != "care")
            .order_by(Attendance.id)
        )
        there = {(row.student_id): row.lesson_id for row in (await uow.session.execute(query)).all()}
    for place, family in enumerate(school.families):
        lesson_id = there.get(family.student_id)
        if lesson_id is None:
            continue
        async with stage.house.unit(await stage.as_(school, family.guardian)) as uow:
            await rate(uow, lesson_id, family.student_id, 5 - place % 4 // 2, WORDS[place % len(WORDS)])


async def _lessons_of(stage: Stage, school: Org, day: date) -> list[Lesson]:
    async with stage.house.unit(school.ctx) as uow:
        query = select(Lesson).where(Lesson.day == day, Lesson.state == "planned").order_by(Lesson.starts_at, Lesson.id)
        found = list((await uow.session.execute(query)).scalars())
        uow.session.expunge_all()
        return found


async def teachers_of(stage: Stage, school: Org) -> dict[UUID, TenantContext]:
    """A context for everybody who has lessons here, by their id as staff."""
    async with stage.house.unit(school.ctx) as uow:
        rows = (await uow.session.execute(select(Staff).where(Staff.account_id.is_not(None)))).scalars().all()
        people = {row.id: Person(row.account_id, row.name, row.phone) for row in rows if row.account_id}
        wanted = select(Lesson.teacher_id).distinct()
        ids = set((await uow.session.execute(wanted)).scalars()) - {None}
    return {id_: await stage.as_(school, people[id_]) for id_ in ids if id_ in people}
