"""Exchanging an item or its days in mid-term: both halves or neither, exact places, once."""

from __future__ import annotations

import asyncio
from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.enrollment import enrolments, swap
from core.enrollment.agreements import agreements_of
from core.enrollment.basket import application_of
from core.enrollment.errors import Full, Overlap, SwapNothing, SwapPending
from core.enrollment.models import Enrolment, Menu, OfferingSeats
from core.enrollment.offerings_service import every, offering
from core.enrollment.waiting.errors import ForTheList
from core.notices.models import Message
from core.people.models import Guardianship
from core.people.service import MayNotChoose
from tests.support import menu, waiting
from tests.support.world import School, World

CLUB: dict[str, Any] = {
    "kind": "club",
    "content": ("sport",),
    "any_days": False,
    "grades": (3, 4),
    "early_ends_at": None,
    "capacity": 1,
}


async def taken(world: World, school: School, *ids: Any) -> list[int]:
    async with world.house.unit(school.ctx) as uow:
        return [(await offering(uow, id_)).taken for id_ in ids]


async def enrolled(world: World, school: School, number: int = 0) -> list[Any]:
    async with world.house.unit(school.ctx) as uow:
        return await enrolments.enrolments_of(uow, school.families[number].student_id)


async def swapped(world: World, school: School, row: Any, to: Any, days: Any = (), number: int = 0) -> Any:
    async with world.house.unit(await world.as_(school, school.families[number].guardian)) as uow:
        return await swap.swap(uow, row, to, days)


@pytest.mark.req("R-149", "R-214")
async def test_one_item_for_another_in_one_step(world: World) -> None:
    school = await world.school()
    ball = await menu.approved(world, school, title="篮球社团", periods=every([2], time(16, 30), time(17, 30)), **CLUB)
    art = await menu.approved(world, school, title="美术社团", periods=every([4], time(16, 30), time(17, 30)), **CLUB)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    await menu.enrol(world, school, family, [(ball, ()), (care, (1, 3))])
    # In mid-term no window is open; a swap asks for none.
    async with world.house.unit(school.ctx) as uow:
        past = clock.now() - timedelta(minutes=1)
        (await uow.session.execute(select(Menu))).scalar_one().closes_at = past
        for seats in (await uow.session.execute(select(OfferingSeats))).scalars():
            seats.closes_at = past
    old = next(e for e in await enrolled(world, school) if e.offering.id == ball.id)
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        _row, _child, found = await swap.options(uow, old.id)
        assert [v.title for v in found] == ["美术社团"]
        seen = await swap.look(uow, old.id, art.id, ())
        assert seen.starts_on == clock.today() + timedelta(days=1)
        assert (seen.new.words, seen.difference()) == ("免费", "费用不变")
        care_row = next(e for e in await enrolled(world, school) if e.offering.id == care.id)
        with pytest.raises(Overlap):
            await swap.look(uow, care_row.id, care.id, (2,))  # basketball is on Tuesday
        with pytest.raises(SwapNothing):
            await swap.look(uow, care_row.id, care.id, (1, 3))
    new = await swapped(world, school, old.id, art.id)
    assert await swapped(world, school, old.id, art.id) == new  # a second tap
    assert await taken(world, school, ball.id, art.id, care.id) == [0, 1, 1]
    async with world.house.unit(school.ctx) as uow:
        before, after = await uow.get(Enrolment, old.id), await uow.get(Enrolment, new)
        assert (before.state, before.ends_on) == ("withdrawn", clock.today())
        assert (after.state, after.starts_on) == ("enrolled", clock.today() + timedelta(days=1))
        signed, offered = sorted(await agreements_of(uow, family.student_id), key=lambda a: a.state)
        assert (signed.state, offered.state) == ("in_force", "offered")
        assert "美术社团" in str(offered.content) and "篮球社团" not in str(offered.content)
        application = await application_of(uow, family.student_id, school.term_id)  # type: ignore[arg-type]
        assert application is not None and application.state == "enrolled"
    await menu.sign(world, school, family)
    async with world.house.unit(school.ctx) as uow:
        states = sorted(a.state for a in await agreements_of(uow, family.student_id))
        assert states == ["in_force", "superseded"]
        assert len(await enrolments.enrolments_of(uow, family.student_id)) == 2
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        told = (await uow.session.execute(select(Message).where(Message.kind == "enrollment.swapped"))).scalars().all()
        assert {m.account_id for m in told} == {
            family.guardian.account_id,
            school.people["class_teacher"].account_id,
        }
    # Other days of the same item: the old days hold through today, the place stays one place.
    care_row = next(e for e in await enrolled(world, school) if e.offering.id == care.id)
    await swapped(world, school, care_row.id, care.id, (2, 5))
    assert {e.weekdays for e in await enrolled(world, school) if e.offering.id == care.id} == {(2, 5)}
    assert await taken(world, school, care.id) == [1]
    with pytest.raises(NotFound):
        await swapped(world, school, new, ball.id, number=1)  # not one's child


@pytest.mark.req("R-149", "R-214")
async def test_the_last_place_goes_to_one_and_the_other_keeps_what_it_had(world: World) -> None:
    school = await world.school()
    art = await menu.approved(world, school, title="美术社团", periods=every([4], time(16, 30), time(17, 30)), **CLUB)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    for family in school.families:
        await menu.enrol(world, school, family, [(care, (1,))])
    rows = [(await enrolled(world, school, n))[0].id for n in (0, 1)]
    outcomes = await asyncio.gather(
        *(swapped(world, school, row, art.id, (), n) for n, row in enumerate(rows)), return_exceptions=True
    )
    assert [isinstance(o, Full) for o in outcomes].count(True) == 1
    assert await taken(world, school, art.id, care.id) == [1, 1]
    loser = next(n for n, o in enumerate(outcomes) if isinstance(o, Full))
    [kept] = await enrolled(world, school, loser)
    assert (kept.offering.id, kept.ends_on) == (care.id, None)  # nothing of the losing half was done
    # While another change waits for the school, no swap goes past it; and who may not choose may not swap.
    winner = school.families[1 - loser]
    [mine] = await enrolled(world, school, 1 - loser)
    await menu.apply(world, school, winner, [(care, (1,))], key="adds-care")
    with pytest.raises(SwapPending):
        await swapped(world, school, mine.id, care.id, (2,), 1 - loser)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Guardianship, (await ship(uow, winner.student_id)))).may_choose = False
    with pytest.raises(MayNotChoose):
        await swapped(world, school, mine.id, care.id, (2,), 1 - loser)


@pytest.mark.req("R-214")
async def test_a_place_that_is_waited_for_is_nobodys_to_swap_into(world: World) -> None:
    school = await world.school(families=3)
    art = await menu.approved(world, school, title="美术社团", periods=every([4], time(16, 30), time(17, 30)), **CLUB)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    has, waits, swaps = school.families
    assert (await waiting.hold(world.house, school, art, has.student_id, "first")).claimed
    await menu.enrol(world, school, swaps, [(care, (1,))])
    await waiting.join(world, school, waits, art)
    await waiting.give_back(world, school, art, has.student_id)
    [row] = await enrolled(world, school, 2)
    with pytest.raises(ForTheList):
        await swapped(world, school, row.id, art.id, (), 2)
    assert [e.id for e in await enrolled(world, school, 2)] == [row.id]
    await world.drain(school)
    assert await waiting.states(world, school, art) == [(waits.student_id, "offered")]


async def ship(uow: Any, student_id: Any) -> Any:
    query = select(Guardianship.id).where(Guardianship.student_id == student_id)
    return (await uow.session.execute(query)).scalar_one()


@pytest.mark.req("R-149", "R-214")
async def test_the_pages_show_the_difference_before_anything_is_done(world: World) -> None:
    school = await world.school()
    art = await menu.approved(world, school, title="美术社团", periods=every([4], time(16, 30), time(17, 30)), **CLUB)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    await menu.enrol(world, school, family, [(care, (1,))])
    [row] = await enrolled(world, school)
    parent = await world.client(family.guardian, page=True)
    here = f"/t/school/home/enrolments/{row.id}"
    assert f"{here}/swap" in (await parent.get(here)).text
    listed = (await parent.get(f"{here}/swap")).text
    assert "美术社团" in listed and "余 1 个名额" in listed and "换日子" in listed
    asked = (await parent.get(f"{here}/swap/{art.id}")).text
    assert "费用不变" in asked and "不需要说明理由" in asked
    days = await parent.post(f"{here}/swap/{care.id}", data={"_key": "swap-key-0"})
    assert days.status_code == 422  # which days?
    for _tap in range(2):
        done = await parent.post(f"{here}/swap/{art.id}", data={"_key": "swap-key-1"})
        assert done.status_code == 303
    assert [e.offering.id for e in await enrolled(world, school)] == [art.id]
    # Leaving is one screen, with no reason to give.
    [now] = await enrolled(world, school)
    page = (await parent.get(f"/t/school/home/enrolments/{now.id}/withdraw")).text
    assert 'name="reason"' not in page
    assert (await parent.post(f"/t/school/home/enrolments/{now.id}/withdraw")).status_code == 303
    assert await enrolled(world, school) == []


@pytest.mark.req("R-149", "R-214")
async def test_no_swap_into_the_hour_of_a_place_that_is_held(world: World) -> None:
    """A place won, offered or claimed and not yet applied for is the child's as well: nothing else fits at its time."""
    school = await world.school(pack=None)
    [ball, chess, robots] = [
        await menu.approved(
            world, school, **{**CLUB, "capacity": 3}, title=title, periods=every([day], time(16, 30), time(17, 30))
        )
        for title, day in (("篮球社团", 2), ("围棋社团", 3), ("机器人社团", 3))
    ]
    await menu.publish(world, school)
    family = school.families[0]
    await menu.enrol(world, school, family, [(ball, ())])
    assert (await waiting.hold(world.house, school, chess, family.student_id, "tap")).claimed
    [row] = await enrolled(world, school)
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        _row, _child, found = await swap.options(uow, row.id)
        assert robots.id not in {view.id for view in found} and chess.id in {view.id for view in found}
    with pytest.raises(Overlap):
        await swapped(world, school, row.id, robots.id)
    assert await taken(world, school, ball.id, chess.id, robots.id) == [1, 1, 0]
    # The place that is held may be what it is exchanged for.
    await swapped(world, school, row.id, chess.id)
    assert await taken(world, school, ball.id, chess.id, robots.id) == [0, 1, 0]
