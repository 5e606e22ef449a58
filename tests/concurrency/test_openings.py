"""First come, fairly: the first second of an opening is a lot, a long line tells positions, places return when said."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from core.base import clock
from core.base.clock import SCHOOL_ZONE
from core.base.context import Actor
from core.base.errors import Busy
from core.db.house import House
from core.enrollment import claims as claims_module
from core.enrollment import menu_service, seats
from core.enrollment.claims import Claims, Wish, claims_of
from core.enrollment.offerings_service import offering
from tests.concurrency.test_seats import scene, state
from tests.support import rush
from tests.support.world import School, World


@pytest.fixture
def world(house: House) -> World:
    """Without an application: these promises are below it."""
    return World(house)


async def window(world: World, school: School, **changed: object) -> None:
    """The menu's window, straight in the rows that claims read."""
    async with world.house.unit(school.ctx) as uow:
        for name, value in changed.items():
            await uow.session.execute(
                text(f"update offering_seats set {name} = :v where tenant_id = :t"),
                {"v": value, "t": school.ctx.tenant_id},
            )


@pytest.mark.req("R-216")
async def test_two_hundred_requests_win_no_more_often_than_one(world: World) -> None:
    """300 children for 150 places; 30 of them send 200 requests each, from before the opening until a second after it,
    through two web processes' worth of lines. As if drawn from an urn, their families get what chance gives them."""
    here = await scene(world, capacity=150, children=300)
    tenant, club = here.school.ctx.tenant_id, here.offering.id
    greedy, modest = here.children[::10], [c for n, c in enumerate(here.children) if n % 10]
    opens = clock.now() + timedelta(seconds=2)
    await window(world, here.school, opens_at=opens)
    lines = [Claims(world.house), Claims(world.house)]
    dice = random.Random(7)
    won: set[UUID] = set()

    async def ask(child: UUID, number: int, moment: float) -> None:
        await asyncio.sleep(max(0.0, opens.timestamp() + moment - clock.now().timestamp()))
        decision = await rush.settled(dice.choice(lines), tenant, club, Wish(child, f"{child}/{number}"))
        if decision.claimed:
            won.add(child)

    asks = [(child, 0, dice.uniform(0.05, 0.9)) for child in modest]
    asks += [(child, n, dice.uniform(-0.3, 0.9)) for child in greedy for n in range(200)]
    await asyncio.gather(*(ask(*one) for one in asks))
    for line in lines:
        await line.sold_out.close()
    assert await state(world, here.school, club) == (150, 150, 150)
    lucky = len(won & set(greedy))
    # Of 30 greedy among 300, with 150 places: 15, with a hypergeometric spread of 2.6. First in line would give 30.
    spread = math.sqrt(30 * 0.5 * 0.5 * 270 / 299)
    assert abs(lucky - 15) < 4.5 * spread


@pytest.mark.req("R-216")
async def test_who_waits_long_hears_the_position_and_keeps_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(claims_module, "BATCH", 2)
    here = await scene(world, capacity=3, children=6)
    claims, tenant, club = claims_of(world.house), here.school.ctx.tenant_id, here.offering.id
    async with world.house.unit(here.school.ctx) as uow:
        await seats.hold_offering(uow, club)
        told = await asyncio.gather(*(claims.claim(tenant, club, Wish(c, "first-tap")) for c in here.children))
        assert {a.outcome for a in told} == {"queued"}
        assert [a.position for a in told] == [1, 1, 1, 2, 3, 4]
        # Asking again, with whatever key, is no second claim: the place in the line is kept.
        again = await asyncio.gather(
            *(claims.claim(tenant, club, Wish(c, "second-tap")) for c in reversed(here.children))
        )
        assert [a.position for a in again] == [4, 3, 2, 1, 1, 1]
    settled = [await rush.settled(claims, tenant, club, Wish(c, "first-tap")) for c in here.children]
    assert [a.outcome for a in settled] == ["claimed"] * 3 + ["full"] * 3


async def test_one_account_cannot_fill_the_line_nor_spoil_a_batch(world: World) -> None:
    here = await scene(world, capacity=3, children=3)
    claims, tenant, club = claims_of(world.house), here.school.ctx.tenant_id, here.offering.id
    account = here.school.people["office"].account_id
    assert isinstance(here.school.ctx.actor, Actor)
    many = [Wish(UUID(int=number), "a-key", account) for number in range(claims_module.OF_ONE_ACCOUNT + 5)]
    spoiled = Wish(here.children[0], "spoiled", None, "a name that no jsonb can hold: \x00")
    answers = await asyncio.gather(
        *(claims.claim(tenant, club, wish) for wish in many),
        claims.claim(tenant, club, spoiled),
        *(claims.claim(tenant, club, Wish(c, "honest")) for c in here.children[1:]),
        return_exceptions=True,
    )
    assert sum(isinstance(a, Busy) for a in answers[: len(many)]) == 5
    assert isinstance(answers[len(many)], Busy)  # the one that the database refuses, and no other
    assert [a.outcome for a in answers[len(many) + 1 :] if not isinstance(a, BaseException)] == ["claimed"] * 2


@pytest.mark.req("R-216")
async def test_a_place_given_back_returns_at_the_announced_time(world: World) -> None:
    here = await scene(world, capacity=1, children=3)
    claims, tenant, club = claims_of(world.house), here.school.ctx.tenant_id, here.offering.id
    first, second, third = here.children
    assert (await claims.claim(tenant, club, Wish(first, "first"))).claimed
    local = clock.now().astimezone(SCHOOL_ZONE)
    hour = (local + timedelta(minutes=30)).replace(second=0, microsecond=0)
    async with world.house.unit(await world.as_(here.school, "office")) as uow:
        assert here.school.term_id is not None
        menu = await menu_service.menu_of(uow, here.school.term_id)
        assert menu is not None
        changed = await menu_service.prepare_menu(
            uow, menu.term_id, opens_at=menu.opens_at, closes_at=menu.closes_at, returns=[hour.time()]
        )
        assert changed.returns == (hour.time(),)
    async with world.house.unit(here.school.ctx) as uow:
        await seats.release(uow, first, [club], "cancelled")
    claims.forget(club)
    said = await claims.claim(tenant, club, Wish(second, "early"))
    assert (said.outcome, said.again) == ("full", hour)
    assert await claims.claim(tenant, club, Wish(third, "early")) == said  # from memory, with the time all the same
    async with world.house.unit(here.school.ctx) as uow:
        view = await offering(uow, club)
        assert (view.taken, view.returning, view.left) == (0, 1, 0)
        await _let_pass(world, here.school, club, hour)
    claims.forget(club)
    assert (await claims.claim(tenant, club, Wish(second, "in time"))).claimed
    assert await state(world, here.school, club) == (1, 1, 1)


async def _let_pass(world: World, school: School, club: UUID, hour: datetime) -> None:
    """As if the announced time had come."""
    async with world.house.unit(school.ctx) as uow:
        changed = await uow.session.execute(
            text("update seat_claim set returns_at = now() where tenant_id = :t and returns_at = :h returning 1"),
            {"t": school.ctx.tenant_id, "h": hour},
        )
        assert len(changed.all()) == 1
