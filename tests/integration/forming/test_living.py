"""Groups in force while school goes on: guests of a day, exchanges, lessons called off, and what each family pays."""

from __future__ import annotations

from datetime import date, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core.enrollment import enrolments
from core.enrollment.models import Enrolment
from core.lessons import custody, leave, queries
from core.lessons.models import Custody, Lesson
from core.lessons.oneoff import service as one_off
from core.lessons.register import Mark, save_register
from tests.support import lessons
from tests.support.forming import Bed, bed
from tests.support.lessons import MONDAY, at
from tests.support.world import World

SUNDAY = MONDAY - timedelta(days=1)
TUESDAY = MONDAY + timedelta(days=1)


async def lessons_on(made: Bed, day: date, offering_id: UUID | None = None) -> list[Lesson]:
    """The lessons of a day, cancelled ones too, in a lasting order."""
    async with made.world.house.unit(made.school.ctx) as uow:
        query = select(Lesson).where(Lesson.offering_id == (offering_id or made.offering_id), Lesson.day == day)
        return list((await uow.session.execute(query.order_by(Lesson.group_id, Lesson.id))).scalars())


async def on_list(made: Bed, lesson: Lesson) -> set[UUID]:
    async with made.world.house.unit(made.school.ctx) as uow:
        return set(await queries.expected(uow, lesson))


async def leave_care(made: Bed, student_id: UUID) -> None:
    async with made.world.house.unit(made.school.ctx) as uow:
        query = select(Enrolment.id).where(
            Enrolment.student_id == student_id,
            Enrolment.offering_id == made.offering_id,
            Enrolment.state == "enrolled",
        )
        await enrolments.withdraw(uow, (await uow.session.execute(query)).scalar_one())


@pytest.mark.req("R-153", "R-174")
async def test_a_guest_of_one_day_is_in_one_groups_list_and_in_all_that_follows(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world)
        school, family = made.school, made.school.families[0]
        await leave_care(made, family.student_id)
        choir = await lessons.group(
            world, school, title="合唱", kind="club", start=time(15, 30), end=time(16, 20), since=SUNDAY,
        )  # fmt: skip
        await made.publish(await made.solved())
        here, other, _third = await lessons_on(made, MONDAY)
        (tomorrow, *_rest) = await lessons_on(made, TUESDAY)
    with at(MONDAY, 12):
        async with world.house.unit(await world.as_(school, family.guardian)) as uow:
            asked = [await one_off.ask(uow, family.student_id, row.id) for row in (here, other, tomorrow)]
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            await one_off.take_on(uow, asked[0].id)
        # The second request is for the same hour: a child is not in two places.
        with pytest.raises(one_off.CareGone):
            async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
                await one_off.take_on(uow, asked[1].id)
        assert family.student_id in await on_list(made, here)
        assert family.student_id not in await on_list(made, other) | await on_list(made, tomorrow)
        async with world.house.unit(school.ctx) as uow:
            due = {line.id: line.due for line in await queries.lines(uow, MONDAY, offering_id=made.offering_id)}
            assert due[here.id] == len(await on_list(made, here)) and sum(due.values()) == len(made.children) + 1
            assert school.class_id is not None
            assert family.student_id in await custody.staying_today(uow, school.class_id)
            mine = await leave.lessons_of_child(uow, family.student_id, MONDAY, TUESDAY)
            assert [row.id for row in mine if row.kind == "care"] == [here.id]
    with at(MONDAY, 15, 35):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await save_register(uow, choir.on(), [Mark(family.student_id, "present")])
    with at(MONDAY, 17, 0):
        async with world.house.unit(school.ctx) as uow:
            assert await custody.mark_late(uow) == 0  # choir is over, but care goes on until half past five
        async with world.house.unit(await world.as_(school, "office")) as uow:
            saved = await save_register(uow, here.id, [Mark(family.student_id, "present")])
            assert (saved.saved, saved.strangers) == (1, ())
        async with world.house.unit(school.ctx) as uow:
            held = select(Custody.lesson_id).where(Custody.student_id == family.student_id, Custody.ended_at.is_(None))
            assert (await uow.session.execute(held)).scalar_one() == here.id
