"""Lessons for tests: an offering with enrolled children, dated lessons, and a clock set to a school afternoon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.clock import travelled
from core.base.ids import new_id
from core.enrollment.models import Application, Enrolment, Offering, OfferingPeriod, OfferingSeats
from core.enrollment.offerings_service import offering as offering_view
from core.enrollment.pledges import service as pledges
from core.lessons.models import Lesson
from core.lessons.planning import plan_lessons
from core.lessons.register import Mark, end_lesson, save_register, sign_in
from core.people.service import me_as_staff
from tests.support.world import Family, School, World

MONDAY = date(2026, 11, 23)
START, END = time(16, 30), time(17, 30)


@contextmanager
def at(day: date, hour: int, minute: int = 0) -> Iterator[None]:
    """The product's clock shows this moment at school."""
    with travelled(clock.at_school(day, hour, minute) - clock.now()):
        yield


@dataclass(slots=True)
class Group:
    """An offering that runs, with its lessons of the term."""

    school: School
    offering_id: UUID
    lessons: dict[date, UUID]

    def on(self, day: date = MONDAY) -> UUID:
        return self.lessons[day]


async def group(
    world: World,
    school: School,
    *,
    title: str = "课后托管",
    kind: str = "care",
    plugin: str | None = None,
    weekdays: Sequence[int] = (1, 2, 3, 4, 5),
    start: time = START,
    end: time = END,
    families: Sequence[Family] | None = None,
    teacher_id: UUID | None = None,
    vendor_id: UUID | None = None,
    service: str | None = None,
    since: date = date(2026, 11, 1),
    enrolled_from: date = date(2026, 9, 1),
    signed: bool = True,
) -> Group:
    """A running offering with the families' children in it and its lessons planned from `since` on.

    `signed`: the school's teacher has signed the item's safety agreement (R-161).
    """
    async with world.house.unit(school.ctx) as uow:
        offering = Offering(
            id=new_id(),
            term_id=school.term_id,
            kind=kind,
            plugin=plugin,
            title=title,
            state="running",
            grades=[1, 2, 3, 4, 5, 6],
            room_id=school.room_id,
            teacher_id=teacher_id or school.teacher_id,
            vendor_id=vendor_id,
            service=service,
        )
        uow.session.add(offering)
        await uow.session.flush()
        uow.session.add(OfferingSeats(id=offering.id, term_id=school.term_id, grades=[1, 2, 3, 4, 5, 6]))
        uow.session.add_all(
            OfferingPeriod(offering_id=offering.id, weekday=day, starts_at=start, ends_at=end) for day in weekdays
        )
        for family in families if families is not None else school.families:
            await _enrol(uow, school, family, offering.id, enrolled_from)
        await uow.session.flush()
        await plan_lessons(uow, offering.id, since=since)
        rows = (await uow.session.execute(select(Lesson).where(Lesson.offering_id == offering.id))).scalars()
        made = Group(school, offering.id, {row.day: row.id for row in rows})
    if signed and vendor_id is None:
        for who in ("teacher", "class_teacher"):
            async with world.house.unit(await world.as_(school, who)) as uow:
                me = await me_as_staff(uow)
                if me is not None:
                    text = await pledges.text_for(uow, await offering_view(uow, made.offering_id), me)
                    await pledges.record(uow, made.offering_id, me, text.sha256)
    return made


async def _enrol(uow: object, school: School, family: Family, offering_id: UUID, starts_on: date) -> None:
    from core.db.uow import UnitOfWork

    assert isinstance(uow, UnitOfWork)
    query = select(Application).where(Application.student_id == family.student_id)
    application = (await uow.session.execute(query)).scalar_one_or_none()
    if application is None:
        application = Application(term_id=school.term_id, student_id=family.student_id, state="enrolled")
        uow.session.add(application)
        await uow.session.flush()
    uow.session.add(
        Enrolment(
            application_id=application.id,
            student_id=family.student_id,
            offering_id=offering_id,
            term_id=school.term_id,
            weekdays=[],
            starts_on=starts_on,
        )
    )


async def teach(
    world: World,
    group: Group,
    day: date = MONDAY,
    *,
    who: str = "teacher",
    marks: Sequence[str] = (),
    signed: bool = True,
    called: bool = True,
    ended: bool = True,
    minutes_late: int = 0,
) -> UUID:
    """The teacher's whole lesson on a day: signs in, calls everybody present (or by `marks`), ends it."""
    lesson_id = group.on(day)
    school = group.school
    moment = datetime.combine(day, START)
    for wanted, minute in ((signed, minutes_late), (called, minutes_late + 5), (ended, 60)):
        if not wanted:
            continue
        with at(day, moment.hour, moment.minute + minute) if minute < 30 else at(day, 17, 30):
            async with world.house.unit(await world.as_(school, who)) as uow:
                if minute == minutes_late:
                    await sign_in(uow, lesson_id)
                elif minute == minutes_late + 5:
                    chosen = list(marks) + ["present"] * (len(school.families) - len(marks))
                    await save_register(
                        uow,
                        lesson_id,
                        [Mark(f.student_id, m) for f, m in zip(school.families, chosen, strict=True)],
                    )
                else:
                    await end_lesson(uow, lesson_id)
    return lesson_id
