"""What families hear of lessons, in their inbox: each fact once, nobody else's."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.lessons import custody, release, settle
from core.lessons.errors import CollectorUnknown
from core.lessons.release import Handing
from core.notices.models import Message
from core.notices.words import shown
from tests.support.lessons import MONDAY, at, group, teach
from tests.support.world import Person, School, World


async def heard(world: World, school: School, person: Person) -> list[tuple[str, str]]:
    async with world.house.unit(school.ctx) as uow:
        query = select(Message).where(Message.account_id == person.account_id).order_by(Message.created_at, Message.id)
        rows = (await uow.session.execute(query)).scalars().all()
    return [(row.kind, str(shown(row.kind, row.params).title)) for row in rows]


@pytest.mark.req("R-223", "R-242")
async def test_absence_pickup_and_refusal_are_told_to_those_concerned(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    missing, other = school.families
    await teach(world, care, marks=["absent", "present"])
    await world.drain(school)
    await world.drain(school)
    assert await heard(world, school, missing.guardian) == [("absence.opened", "学生1没有到课")]
    assert ("absence.to_follow", "请追踪：学生1没有到课") in await heard(world, school, school.people["class_teacher"])
    with at(MONDAY, 17, 35):
        with pytest.raises(CollectorUnknown):
            async with world.house.unit(await world.as_(school, "teacher")) as uow:
                await release.release(uow, Handing(other.student_id, f"guardian:{missing.guardian_id}", signature="x"))
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            key = f"guardian:{other.guardian_id}"
            await release.release(uow, Handing(other.student_id, key, signature="家长2"))
        await world.drain(school)
    assert [kind for kind, _title in await heard(world, school, other.guardian)] == [
        "handover.refused",
        "child.collected",
    ]
    assert len(await heard(world, school, missing.guardian)) == 1


async def test_late_and_cancelled(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    await teach(world, care)
    with at(MONDAY, 17, 50):
        async with world.house.unit(school.ctx) as uow:
            await custody.mark_late(uow)
        await world.drain(school)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await settle.cancel(uow, care.lessons[max(care.lessons)], "运动会")
    await world.drain(school)
    kinds = await heard(world, school, school.families[0].guardian)
    assert kinds == [("pickup.late", "请来接学生1"), ("lesson.cancelled", "课后托管取消一次")]
