"""A place that comes free is the list's, however many are quicker, whoever joins, answers or leaves meanwhile."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.enrollment.views import OfferingView
from core.enrollment.waiting import lists, service
from core.enrollment.waiting.offers import offer_places
from tests.concurrency.test_seats import state, world  # noqa: F401 - the fixture
from tests.support import draws, menu, rush, waiting
from tests.support.database import DatabaseAddresses
from tests.support.planted import without
from tests.support.world import Family, School, World

ROUNDS = 4


async def full(world: World, families: int) -> tuple[School, OfferingView, list[UUID]]:  # noqa: F811
    """A club with one place, which a child has that nobody waits for; and strangers."""
    school = await world.school(families=families)
    [view] = await draws.clubs(world, school, draws.club("围棋社", capacity=1))
    assert school.class_id is not None
    quick = await rush.children(world.house, school.ctx, school.class_id, 6, school.families[0].guardian_id)
    assert (await waiting.hold(world.house, school, view, quick[0], "first")).claimed
    return school, view, quick


async def ask(world: World, school: School, view: OfferingView) -> None:  # noqa: F811
    """The workers, as often as the list moves under them."""
    done = False
    while not done:
        async with world.house.unit(school.ctx) as uow:
            done = await offer_places(uow, view.id)


async def snatched(world: World, school: School, view: OfferingView, quick: list[UUID], key: str) -> list[UUID]:  # noqa: F811
    """The holder gives the place back while five strangers tap as fast as they can; who of them got it."""
    await waiting.give_back(world, school, view, quick[0])
    said = await asyncio.gather(
        *(waiting.hold(world.house, school, view, child, f"{key}-{child}") for child in quick[1:])
    )
    return [child for child, decision in zip(quick[1:], said, strict=True) if decision.claimed]


@pytest.mark.req("R-145", "R-216")
async def test_a_freed_place_is_snatched_without_the_check_and_the_lists_with_it(
    world: World,  # noqa: F811
    database: DatabaseAddresses,
) -> None:
    school, view, quick = await full(world, 1)
    waiter = school.families[0].student_id
    await waiting.join(world, school, school.families[0], view)
    async with without(database, "list"):
        [thief] = await snatched(world, school, view, quick, "red")  # red: the fastest finger has it
    await waiting.give_back(world, school, view, thief)
    assert (await waiting.hold(world.house, school, view, quick[0], "again")).outcome == "waiting"
    assert await snatched(world, school, view, quick, "green") == []
    assert (await state(world, school, view.id))[0] == 0  # free, and kept
    await ask(world, school, view)
    assert await waiting.states(world, school, view) == [(waiter, "offered")]
    assert await state(world, school, view.id) == (1, 1, 1)


@pytest.mark.req("R-145", "R-216")
async def test_everybody_at_once_and_no_place_is_lost_or_given_twice(
    world: World,  # noqa: F811
    database: DatabaseAddresses,
) -> None:
    """Workers, strangers, families that join and leave, and offers that are refused, in the same moment, again and
    again: no deadlock, and after each time the list is in order and nothing is idle."""
    school, view, quick = await full(world, 6)
    people: dict[UUID, TenantContext] = {}
    for family in school.families:
        await menu.notice_hash(world, school, family)
        people[family.student_id] = await world.as_(school, family.guardian)

    async def deed(family: Family, name: str) -> None:
        async with world.house.unit(people[family.student_id]) as uow:
            if name == "join":
                await service.join(uow, family.student_id, view.id)
                return
            mine = [r for r in await lists.live(uow, view.id) if r.student_id == family.student_id]
            for row in mine:
                await (service.refuse if row.state == "offered" else service.leave)(uow, row.id)

    first, second, third, *others = school.families
    await deed(first, "join")
    await deed(second, "join")
    for number in range(ROUNDS):
        keys = [f"{number}-{child}" for child in quick]
        work = [
            waiting.give_back(world, school, view, quick[0]),
            *(waiting.hold(world.house, school, view, child, key) for child, key in zip(quick[1:], keys, strict=False)),
            *(ask(world, school, view) for _ in range(3)),
            *(deed(family, "join") for family in (third, *others)),
            deed(first if number % 2 else second, "out"),
            deed(second if number % 2 else first, "join"),
        ]
        for answer in await asyncio.gather(*work, return_exceptions=True):
            assert not isinstance(answer, Exception) or isinstance(answer, KehouError), answer
        await ask(world, school, view)
        taken, rows, distinct = await state(world, school, view.id)
        assert taken == rows == distinct == 1
        listed = await waiting.states(world, school, view)
        assert [said for _child, said in listed].count("offered") == 1, listed
        async with world.house.unit(school.ctx) as uow:
            right, again = await lists.checked(uow, view.id)
            assert right
            assert again.passed_over == ()
