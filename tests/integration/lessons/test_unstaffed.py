"""A group that begins without its teacher: the office and the B of the group hear of it, once, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.lessons import settle, unstaffed
from core.lessons.models import Lesson
from core.notices.models import Message
from core.people.models import Staff
from tests.support.forming import bed
from tests.support.lessons import MONDAY, at
from tests.support.world import World


@pytest.mark.req("R-175", "R-178", "R-182")
async def test_who_is_told_when_a_teacher_does_not_come(world: World) -> None:
    with at(MONDAY - timedelta(days=1), 9):
        made = await bed(world)
        person = await world.person("替班辛")
        run_id = await made.solved(alternate=True)
        found = await made.look(run_id)
        await made.publish(run_id)
        async with world.house.unit(made.school.ctx) as uow:
            query = select(Lesson).where(Lesson.day == MONDAY, Lesson.group_id == found.rows[0].id)
            lesson = (await uow.session.execute(query)).scalar_one()
            b = next(
                duty.staff_id
                for duty in found.duties
                if duty.group_id == lesson.group_id and duty.weekday == 1 and duty.staff_id != lesson.teacher_id
            )
            for staff in (await uow.session.execute(select(Staff))).scalars():
                staff.account_id = staff.account_id if staff.id != b else person.account_id
            # The others' teachers are there.
            here = select(Lesson).where(Lesson.day == MONDAY, Lesson.id != lesson.id)
            for other in (await uow.session.execute(here)).scalars():
                other.signed_in_at = other.created_at

    async def said(kind: str) -> list[Message]:
        async with world.house.unit(made.school.ctx) as uow:
            return list((await uow.session.execute(select(Message).where(Message.kind == kind))).scalars())

    with at(MONDAY, lesson.starts_at.hour, lesson.starts_at.minute - 5):
        async with world.house.unit(made.school.ctx) as uow:
            assert await unstaffed.warn(uow) == 0  # not begun yet
    with at(MONDAY, lesson.starts_at.hour, lesson.starts_at.minute + 1):
        for first in (1, 0):
            async with world.house.unit(made.school.ctx) as uow:
                assert await unstaffed.warn(uow) == first
        office, beside = await said("lesson.unstaffed"), await said("lesson.stand_by")
        assert office and {m.params["group"] for m in office} == {found.rows[0].title}
        assert "002#2" in office[0].params["why"]  # the clause that wants a teacher for each class
        assert [m.account_id for m in beside] == [person.account_id]
        async with await world.client(made.school.people["office"], page=True) as desk:
            assert "没有老师到岗" in (await desk.get(f"/t/{made.school.ctx.slug}/desk/messages")).text
        # Somebody sent in the place is waited for anew; once signed in, nothing more is said.
        async with world.house.unit(await made.office()) as uow:
            await settle.stand_in(uow, lesson.id, b)
        async with world.house.unit(made.school.ctx) as uow:
            assert await unstaffed.warn(uow) == 1
            row = await uow.get(Lesson, lesson.id)
            row.signed_in_at = row.created_at
        async with world.house.unit(made.school.ctx) as uow:
            assert await unstaffed.warn(uow) == 0
