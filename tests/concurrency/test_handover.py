"""Many hands at once: at every moment exactly one holder for each child (idea 10)."""

from __future__ import annotations

import asyncio
from datetime import time
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.base.errors import KehouError
from core.lessons import custody, release
from core.lessons.models import Custody
from core.lessons.register import Mark, end_lesson, save_register, sign_in
from core.lessons.release import Handing
from core.people.models import Staff
from core.people.service import collectors
from tests.support.lessons import MONDAY, at, group
from tests.support.world import School, World


async def staff_of(world: World, school: School, post: str) -> UUID:
    async with world.house.unit(school.ctx) as uow:
        return (await uow.session.execute(select(Staff.id).where(Staff.post == post))).scalar_one()


async def unbroken(world: World, school: School) -> None:
    """No two open rows, and each link begins when the one before it ended."""
    async with world.house.unit(school.ctx) as uow:
        doubled = text("select count(*) from (select student_id from custody where ended_at is null and tenant_id = :t "
                       "group by student_id having count(*) > 1) x")  # fmt: skip
        assert (await uow.session.execute(doubled, {"t": school.ctx.tenant_id})).scalar_one() == 0
        for family in school.families:
            links = await custody.chain(uow, family.student_id, MONDAY)
            for before, after in pairwise(links):
                assert before.ended_at is not None
                assert before.ended_at <= after.started_at


async def test_two_teachers_call_the_same_children_at_once(world: World) -> None:
    school = await world.school(families=12)
    care = await group(world, school)
    other = await group(
        world, school, title="篮球", kind="club", start=time(16, 40), end=time(17, 40),
        teacher_id=await staff_of(world, school, "class_teacher"),
    )  # fmt: skip
    marks = [Mark(f.student_id, "present") for f in school.families]
    contexts = [await world.as_(school, who) for who in ("teacher", "class_teacher")]

    async def call(number: int) -> None:
        chosen = (care, other)[number % 2]
        ordered = marks if number % 3 else list(reversed(marks))
        async with world.house.unit(contexts[number % 2]) as uow:
            await save_register(uow, chosen.on(), ordered)

    with at(MONDAY, 16, 45):
        await asyncio.gather(*(call(number) for number in range(10)))
    await unbroken(world, school)
    async with world.house.unit(school.ctx) as uow:
        assert len(await custody.open_holds(uow)) == 12


async def test_a_child_is_given_away_once(world: World) -> None:
    school = await world.school(families=4)
    care = await group(world, school)
    child = school.families[0].student_id
    async with world.house.unit(school.ctx) as uow:
        key = (await collectors(uow, child))[0].key
    teacher, office = await world.as_(school, "teacher"), await world.as_(school, "office")

    async def hand(number: int) -> str:
        try:
            async with world.house.unit(office if number % 2 else teacher) as uow:
                if number % 4 == 3:
                    await custody.give_to_manager(uow, [child])
                    return "manager"
                await release.release(uow, Handing(child, key, signature="家长1"))
                return "collected"
        except KehouError as refused:
            return refused.code

    with at(MONDAY, 16, 45):
        async with world.house.unit(teacher) as uow:
            await save_register(uow, care.on(), [Mark(f.student_id, "present") for f in school.families])
        outcomes = await asyncio.gather(*(hand(number) for number in range(12)))
    assert outcomes.count("collected") == 1
    assert set(outcomes) <= {"collected", "manager", "child_not_in_care", "child_not_with_you", "handover_impossible"}
    await unbroken(world, school)
    async with world.house.unit(school.ctx) as uow:
        rows = (await uow.session.execute(select(Custody).where(Custody.stage == "collected"))).scalars().all()
        assert len(rows) == 1


@pytest.mark.req("R-217")
async def test_registers_of_one_offering_held_at_once_count_each_other(world: World) -> None:
    """Lessons of several days closed in parallel announce 1, 2, 3 …: none is counted twice or left out."""
    from core.lessons.models import Lesson
    from core.lessons.settle import close

    school = await world.school()
    care = await group(world, school)
    days = sorted(day for day in care.lessons if day < MONDAY)[:5]
    for day in days:
        with at(day, 16, 35):
            async with world.house.unit(await world.as_(school, "teacher")) as uow:
                await sign_in(uow, care.on(day))
                await save_register(uow, care.on(day), [Mark(f.student_id, "present") for f in school.families])

    async def night(lesson_id: UUID) -> None:
        async with world.house.unit(school.ctx) as uow:
            await close(uow, await uow.get(Lesson, lesson_id, lock=True))

    await asyncio.gather(*(night(care.on(day)) for day in days))
    async with world.house.unit(school.ctx) as uow:
        told = await uow.session.execute(
            text("select distinct (payload->>'held')::int as n, payload->>'lesson_id' from outbox "
                 "where tenant_id = :t and kind = 'event' and payload ? 'held' order by n"),
            {"t": school.ctx.tenant_id},
        )  # fmt: skip
        numbers = [row.n for row in told.all()]
    assert numbers in ([], [1, 2, 3, 4, 5])


async def test_ending_twice_holds_once(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    teacher = await world.as_(school, "teacher")
    with at(MONDAY, 16, 35):
        async with world.house.unit(teacher) as uow:
            await sign_in(uow, care.on())
            await save_register(uow, care.on(), [Mark(f.student_id, "present") for f in school.families])

    async def end() -> None:
        async with world.house.unit(teacher) as uow:
            await end_lesson(uow, care.on())

    with at(MONDAY, 17, 31):
        await asyncio.gather(*(end() for _number in range(6)))
    async with world.house.unit(school.ctx) as uow:
        held = text("select count(*) from transition where tenant_id = :t and machine = 'lesson' and event = 'hold'")
        assert (await uow.session.execute(held, {"t": school.ctx.tenant_id})).scalar_one() == 1
