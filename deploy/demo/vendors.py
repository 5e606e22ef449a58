"""What vendors' courses were like in the last weeks: one taught as agreed, one that was often not there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from core.enrollment import service as enrollment
from core.lessons import service as lessons
from core.lessons.models import Attendance, Lesson
from core.lessons.ratings import rate
from core.lessons.settle import close
from core.people.models import Guardian, Guardianship
from core.terms import service as terms
from deploy.demo.afternoons import DAYS, WORDS, afternoon, teachers_of
from deploy.demo.stage import Org, Person, Stage
from plugins.vendors import evaluation, school_service

WEEKS = timedelta(days=20)
"""Families signed three weeks ago; so long have their children gone to the vendors' lessons."""
ABSENT = 1
"""Place on the stage of the vendor that missed its lessons."""


async def play_vendors(stage: Stage) -> None:
    """Lessons of the vendors' courses before the last school days: the first vendor's held, the second's missed."""
    school = stage.school
    assert school.term_id is not None
    first = stage.today - WEEKS
    async with stage.house.unit(school.ctx) as uow:
        courses = await enrollment.offerings(uow, school.term_id, kind="vendor_course")
        for view in courses:
            await lessons.plan_lessons(uow, view.id, since=first)
        query = select(Lesson.day).where(Lesson.vendor_id.is_not(None), Lesson.day.between(first, stage.today))
        days = sorted(set((await uow.session.execute(query)).scalars()) - {stage.today})
    teachers = await teachers_of(stage, school)
    absent = stage.vendors[ABSENT].ctx.tenant_id if len(stage.vendors) > ABSENT else None
    held = {view.id for view in courses if view.vendor_id != absent}
    for day in days[:-DAYS] if len(days) > DAYS else days:
        await afternoon(stage, school, day, teachers, only=held)


async def judge_vendors(stage: Stage) -> None:
    """Lessons nobody gave are missed, families say what they think, the nightly score is computed, a review opens."""
    school = stage.school
    async with stage.house.unit(school.ctx) as uow:
        query = select(Lesson).where(
            Lesson.vendor_id.is_not(None), Lesson.day < stage.today, Lesson.state.in_(("planned", "roll_called"))
        )
        for lesson in (await uow.session.execute(query.with_for_update())).scalars():
            await close(uow, lesson)
    await _rate(stage, school)
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        for vendor in stage.vendors[ABSENT : ABSENT + 1]:
            await school_service.find(
                uow, vendor.ctx.tenant_id, "complaint", "教师多次未到，学生在走廊等候。", stage.today
            )
    async with stage.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        for vendor in stage.vendors:
            await evaluation.evaluate(uow, vendor.ctx.tenant_id, school.term_id, await _code(stage, school))
        await school_service.tell_progress(uow, school.term_id)
    await _deliver(stage, (school, *stage.vendors, stage.bureau))


async def _deliver(stage: Stage, orgs: Sequence[Org]) -> None:
    """Letters between the organisations are there at once; everything else is left to the workers."""
    for org in orgs:
        async with stage.house.unit(org.ctx) as uow:
            query = select(Outbox.id).where(
                Outbox.kind == "document", Outbox.done_at.is_(None), Outbox.dead_at.is_(None), Outbox.attempts == 0
            )
            waiting = list((await uow.session.execute(query.order_by(Outbox.id))).scalars())
        for message in waiting:
            await deliver(stage.house, org.ctx.tenant_id, message)


async def _code(stage: Stage, school: Org) -> str:
    async with stage.house.unit(school.ctx) as uow:
        return (await terms.current_term(uow)).code


async def _rate(stage: Stage, school: Org) -> None:
    """One guardian of each child that was there rates one lesson of each course."""
    async with stage.house.unit(school.ctx) as uow:
        rows = await uow.session.execute(
            select(
                Attendance.student_id, Lesson.id, Lesson.offering_id, Guardian.account_id, Guardian.name, Guardian.phone
            )
            .join(Lesson, (Lesson.tenant_id == Attendance.tenant_id) & (Lesson.id == Attendance.lesson_id))
            .join(
                Guardianship,
                (Guardianship.tenant_id == Attendance.tenant_id) & (Guardianship.student_id == Attendance.student_id),
            )
            .join(Guardian, (Guardian.tenant_id == Guardianship.tenant_id) & (Guardian.id == Guardianship.guardian_id))
            .where(Lesson.vendor_id.is_not(None), Lesson.state == "held", Attendance.mark == "present")
            .where(Guardian.account_id.is_not(None))
            .order_by(Lesson.day.desc(), Attendance.student_id)
        )
        chosen: dict[tuple[UUID, UUID], tuple[UUID, Person]] = {}
        for row in rows.all():
            person = Person(row.account_id, row.name, row.phone)
            chosen.setdefault((row.offering_id, row.student_id), (row.id, person))
    for place, ((_offering, student_id), (lesson_id, person)) in enumerate(chosen.items()):
        if place % 2:
            continue
        words = WORDS[place % len(WORDS)] if place % 4 == 0 else ""
        async with stage.house.unit(await stage.as_(school, person)) as uow:
            await rate(uow, lesson_id, student_id, 5 - place % 3 // 2, words)
