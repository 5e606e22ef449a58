"""Order beyond arrival: numbers drawn, priority by the written rule, and lists that go on in the next term."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
from sqlalchemy import select

from core.base.errors import NotFound
from core.enrollment.draw.errors import ByDraw
from core.enrollment.draw.models import DrawWish
from core.enrollment.term_end import end_chunk
from core.enrollment.waiting import office
from core.enrollment.waiting.models import WaitingEntry
from core.notices.models import Message
from core.terms.models import Term
from core.terms.service import open_term
from tests.support import draws, menu, waiting
from tests.support.database import DatabaseAddresses
from tests.support.world import World


@pytest.mark.req("R-145", "R-216")
async def test_who_missed_in_a_draw_comes_in_the_draws_order(world: World, database: DatabaseAddresses) -> None:
    school = await world.school(families=4, pack=None)
    [chess] = await draws.clubs(world, school, draws.club("围棋社", capacity=1))
    round_id = await draws.opened(world, school, [chess])
    *ranked, late = school.families
    for family in ranked:
        await draws.rank(world, school, family, round_id, [chess])
    with pytest.raises(ByDraw):
        await waiting.join(world, school, late, chess)
    await draws.committed(world, school, database.superuser, round_id)
    await draws.confirmed(world, school, round_id)
    await world.drain(school)
    row = await draws.round_of(world, school, round_id)
    numbers = row.record["outcome"]["numbers"]
    receipts = sorted(numbers, key=lambda receipt: numbers[receipt])
    async with world.house.unit(school.ctx) as uow:
        of = {w.receipt: w.student_id for w in (await uow.session.execute(select(DrawWish))).scalars()}
    winner, *missed = [of[receipt] for receipt in receipts]
    await waiting.join(world, school, late, chess)  # nobody's number waits for somebody who is quicker
    for child in reversed(missed):
        await waiting.join(world, school, next(f for f in ranked if f.student_id == child), chess)
    assert [child for child, _state in await waiting.states(world, school, chess)] == [*missed, late.student_id]
    await waiting.give_back(world, school, chess, winner)
    await world.drain(school)
    assert (await waiting.states(world, school, chess))[0] == (missed[0], "offered")


@pytest.mark.req("R-145", "R-148", "R-216")
async def test_priority_and_the_next_term(world: World, database: DatabaseAddresses) -> None:
    """The written rule puts a child first when the school has confirmed it; who still waits when the term is closed
    goes on waiting, in order, on the offering of the same name, and is offered a place before anybody else."""
    school = await world.school(families=3, pack="hebi")
    draft = draws.club("围棋社", capacity=1)
    [chess] = await draws.clubs(world, school, draft)
    one, two, three = school.families
    await menu.apply(world, school, three, [(chess, ())])
    first = await waiting.join(world, school, one, chess)
    second = await waiting.join(world, school, two, chess)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await office.set_priority(uow, second, True)
        old_term = school.term_id
        assert old_term is not None
        await office.set_rule(uow, old_term, hours=2, wakes_at=time(8), sleeps_at=time(20), carry=True)
        next_term = (await open_term(uow, "2026-2027-2", date(2027, 2, 20), date(2027, 7, 5))).id
    assert [child for child, _s in await waiting.states(world, school, chess)] == [two.student_id, one.student_id]

    async with world.house.unit(school.ctx) as uow:
        while await end_chunk(uow, await uow.get(Term, old_term)):
            pass
    assert await waiting.states(world, school, chess) == []
    school.term_id = next_term
    again = await menu.approved(world, school, replace(draft, capacity=1, room_id=None))
    await menu.publish(world, school)
    await world.drain(school)
    assert await waiting.states(world, school, again) == [(two.student_id, "offered"), (one.student_id, "waiting")]
    async with world.house.unit(school.ctx) as uow:
        made = select(WaitingEntry.carried_from).where(WaitingEntry.offering_id == again.id)
        assert set((await uow.session.execute(made)).scalars()) == {first, second}
        kinds = (await uow.session.execute(select(Message.kind).where(Message.kind.like("waiting.%")))).scalars().all()
    assert sorted(kinds) == ["waiting.carried", "waiting.carried", "waiting.offered"]
    # A quick stranger finds the place kept, and once more nothing is carried twice.
    assert (await waiting.hold(world.house, school, again, three.student_id, "quick")).outcome == "full"
    async with world.house.unit(school.ctx) as uow:
        await uow.enqueue("waiting.turn")
    await world.drain(school)
    assert len(await waiting.states(world, school, again)) == 2
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(NotFound):
            await office.set_priority(uow, school.families[0].student_id, True)
