"""Order beyond arrival: numbers drawn, priority by the written rule, and lists that go on in the next term."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, time
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core.base import clock
from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.draw.errors import ByDraw
from core.enrollment.draw.models import DrawWish
from core.enrollment.models import OfferingSeats
from core.enrollment.offerings_service import every
from core.enrollment.term_end import end_chunk
from core.enrollment.waiting import carrying, lists, office
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


@pytest.mark.req("R-145", "R-148", "R-150")
async def test_nobody_is_carried_to_days_that_were_not_chosen(world: World) -> None:
    """The club of Tuesdays and Thursdays comes on Mondays and Thursdays: who waited for both goes on for Thursdays, and
    who waited for Tuesdays is asked for other days, and keeps its place in the order meanwhile."""
    school = await world.school(families=3, pack=None)
    draft = draws.club("围棋社", any_days=True, periods=every([2, 4], time(16, 30), time(17, 30)))
    [chess] = await draws.clubs(world, school, draft)
    tuesdays, both, holder = school.families
    await menu.apply(world, school, holder, [(chess, (2, 4))])
    await waiting.join(world, school, tuesdays, chess, weekdays=(2,))
    await waiting.join(world, school, both, chess, weekdays=(2, 4))
    old_term = school.term_id
    assert old_term is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await office.set_rule(uow, old_term, hours=2, wakes_at=time(8), sleeps_at=time(20), carry=True)
        await open_term(uow, "2026-2027-2", date(2027, 2, 20), date(2027, 7, 5))
    async with world.house.unit(school.ctx) as uow:
        while await end_chunk(uow, await uow.get(Term, old_term)):
            pass
        school.term_id = (await uow.session.execute(select(Term.id).where(Term.id != old_term))).scalar_one()
    again = await menu.approved(world, school, replace(draft, periods=every([1, 4], time(16, 30), time(17, 30))))
    await menu.publish(world, school)
    await world.drain(school)
    first, second = tuesdays.student_id, both.student_id
    assert await waiting.states(world, school, again) == [(first, "blocked"), (second, "offered")]
    async with world.house.unit(school.ctx) as uow:
        one, two = await lists.live(uow, again.id)
        assert (one.why, one.weekdays, two.weekdays) == ("wrong_days", [2], [4])
        told = select(Message.kind, Message.account_id).where(Message.kind.in_(("waiting.carried", "waiting.dayless")))
        assert {tuple(row) for row in (await uow.session.execute(told)).all()} == {
            ("waiting.dayless", tuesdays.guardian.account_id),
            ("waiting.carried", both.guardian.account_id),
        }
    with clock.travelled(clock.at_school(date(2027, 3, 1), 10) - clock.now()):
        parent = await world.client(tuesdays.guardian, page=True)
        seen = (await parent.get(f"/t/school/home/waiting?child={first}")).text
        assert "请重新选择日子" in seen and "修改登记" in seen
        assert (await parent.get(f"/t/school/home/waiting/new?child={first}&offering={again.id}")).status_code == 200
        await menu.notice_hash(world, school, tuesdays)
        sent = {"child": str(first), "offering": str(again.id), "weekdays": "1"}
        assert (await parent.post("/t/school/home/waiting", data=sent)).status_code == 303
    assert (await waiting.states(world, school, again))[0] == (first, "waiting")
    async with world.house.unit(school.ctx) as uow:
        assert (await lists.checked(uow, again.id))[0]


@pytest.mark.req("R-145", "R-148", "R-216")
async def test_lists_are_carried_a_part_at_a_time_and_end_with_what_is_not_continued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a list is, a transaction locks a handful of children, and the order stays. What the next term does
    not go on with ends when that term has begun, and its families are told; nothing is asked of it ever after."""
    school = await world.school(families=4, pack=None)
    chess, clay = [draws.club(title, day, capacity=1) for title, day in (("围棋社", 3), ("陶艺社", 5))]
    views = await draws.clubs(world, school, chess, clay)
    holder, *waiters = school.families
    await menu.apply(world, school, holder, [(view, ()) for view in views])
    for family in waiters:
        await waiting.join(world, school, family, views[0])
    old = await waiting.join(world, school, waiters[0], views[1])
    old_term = school.term_id
    assert old_term is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await office.set_rule(uow, old_term, hours=2, wakes_at=time(8), sleeps_at=time(20), carry=True)
        school.term_id = (await open_term(uow, "2026-2027-2", date(2027, 2, 20), date(2027, 7, 5))).id
    async with world.house.unit(school.ctx) as uow:
        while await end_chunk(uow, await uow.get(Term, old_term)):
            pass
    locked: list[int] = []
    real = seats.hold_children

    async def counted(uow: UnitOfWork, children: Collection[UUID]) -> None:
        locked.append(len(children))
        await real(uow, children)

    monkeypatch.setattr(carrying, "CHUNK", 2)
    with monkeypatch.context() as patch:
        patch.setattr(carrying.seats, "hold_children", counted)
        again = await menu.approved(world, school, chess)
        await menu.publish(world, school)
        async with world.house.unit(school.ctx) as uow:  # no offers yet: those lock whole lists
            await uow.session.execute(update(OfferingSeats).where(OfferingSeats.id == again.id).values(claimable=False))
        await world.drain(school)
    assert await waiting.states(world, school, again) == [(f.student_id, "waiting") for f in waiters]
    assert locked[:2] == [2, 1]
    assert (await waiting.entry(world, school, old)).state == "carried"
    with clock.travelled(clock.at_school(date(2027, 3, 1), 10) - clock.now()):
        for _turn in range(2):
            async with world.house.unit(school.ctx) as uow:
                await uow.enqueue("waiting.turn")
            await world.drain(school)
    assert (await waiting.entry(world, school, old)).state == "ended"
    async with world.house.unit(school.ctx) as uow:
        told = (await uow.session.execute(select(Message).where(Message.kind == "waiting.ended"))).scalars().all()
        assert [m.account_id for m in told] == [waiters[0].guardian.account_id]
        assert (await lists.checked(uow, views[1].id))[0]
