"""Model test: whatever families and the office do in whatever order, the contract of the list holds after each step.

No place is free while a child that may have it waits, or children who wait together and are no more than what is free;
nobody is passed over but by a jump that names its reason; the
log replayed gives the list; strangers never take what the list is waiting for; who left is never offered anything.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
from sqlalchemy import text

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.enrollment.offerings_service import change_offering, draft_of, offering
from core.enrollment.views import OfferingView
from core.enrollment.waiting import lists, office, service, siblings
from core.enrollment.waiting.offers import offer_places
from core.enrollment.waiting.states import JUMP_REASONS
from core.enrollment.waiting.units import parties
from tests.support import draws, menu, rush, waiting
from tests.support.database import DatabaseAddresses
from tests.support.world import Family, School, World

NO_REASON = text(
    "select count(*) from waiting_event where kind = 'jump' and (reason = '' or btrim(note) = '' or account_id is null)"
)

CLAIMS = text(
    "select count(*), count(*) filter (where held_until is null or held_until >= clock_timestamp()) "
    "from seat_claim where offering_id = :o and released_at is null"
)
STEPS = 60


@dataclass
class Model:
    """One school, one offering with two places, six families, and strangers who are always quick."""

    world: World
    database: DatabaseAddresses
    school: School
    view: OfferingView
    dice: random.Random
    strangers: list[UUID]
    people: dict[UUID, TenantContext] = field(default_factory=dict)
    pairs: tuple[tuple[Family, Family], ...] = ()
    left: set[UUID] = field(default_factory=set)
    keys: int = 0

    async def step(self) -> str:
        """One deed that is possible now, by somebody."""
        rows = await waiting.states(self.world, self.school, self.view)
        offered = [f for f in self.school.families if (f.student_id, "offered") in rows]
        queued = [f for f in self.school.families if (f.student_id, "waiting") in rows]
        async with self.world.house.unit(self.school.ctx) as uow:
            free = (await offering(uow, self.view.id)).left
        deeds = ["quick", "quick", "join"] if free else ["join"] * 4 + ["quick", "back"]
        deeds += ["refuse", "pass"] * bool(offered) + ["leave", "jump"] * bool(queued)
        deeds += ["more"] * (self.dice.random() < 0.1)
        bound = [a for a, b in self.pairs if a in queued and b in queued]
        deeds += (["bind"] * 4 + ["apart", "back2", "back", "back", "join", "join"]) * bool(bound)
        deed = self.dice.choice(deeds)
        among = {"refuse": offered, "leave": queued, "jump": queued, "bind": bound, "apart": bound}.get(
            deed, self.school.families
        )
        try:
            await getattr(self, f"_{deed}")(self.dice.choice(among))
        except KehouError as refused:
            return f"{deed}: {refused.code}"
        return deed

    async def ask(self) -> None:
        """The workers."""
        async with self.world.house.unit(self.school.ctx) as uow:
            assert await offer_places(uow, self.view.id)

    async def _join(self, family: Family) -> None:
        async with self.world.house.unit(self.people[family.student_id]) as uow:
            await service.join(uow, family.student_id, self.view.id)
        self.left.discard(family.student_id)

    async def _quick(self, _family: Family) -> None:
        rows = await waiting.states(self.world, self.school, self.view)
        awaited = "waiting" in {state for _child, state in rows}
        stranger = self.dice.choice(self.strangers)
        self.keys += 1
        had = stranger in await self._holders()
        said = await waiting.hold(self.world.house, self.school, self.view, stranger, f"quick-{self.keys}")
        assert had or not (awaited and said.claimed)

    async def _holders(self) -> set[UUID]:
        query = text("select student_id from seat_claim where offering_id = :o and released_at is null")
        async with self.world.house.unit(self.school.ctx) as uow:
            return set((await uow.session.execute(query, {"o": self.view.id})).scalars())

    async def _back(self, _family: Family) -> None:
        """Somebody who is not on the list gives a place back."""
        listed = {child for child, _state in await waiting.states(self.world, self.school, self.view)}
        holders = sorted(await self._holders() - listed, key=str)
        if holders:
            await waiting.give_back(self.world, self.school, self.view, self.dice.choice(holders))

    async def _back2(self, family: Family) -> None:
        """Two places come free before the workers look."""
        await self._back(family)
        await self._back(family)

    async def _bind(self, family: Family) -> None:
        sibling = next(b for a, b in self.pairs if a is family)
        async with self.world.house.unit(self.people[family.student_id]) as uow:
            await siblings.bind(uow, await self._of(family), sibling.student_id)

    async def _apart(self, family: Family) -> None:
        async with self.world.house.unit(self.people[family.student_id]) as uow:
            await siblings.apart(uow, await self._of(family))

    async def _of(self, family: Family) -> UUID:
        async with self.world.house.unit(self.school.ctx) as uow:
            return next(r.id for r in await lists.live(uow, self.view.id) if r.student_id == family.student_id)

    async def _refuse(self, family: Family) -> None:
        async with self.world.house.unit(self.people[family.student_id]) as uow:
            await service.refuse(uow, await self._of(family))

    async def _leave(self, family: Family) -> None:
        async with self.world.house.unit(self.people[family.student_id]) as uow:
            await service.leave(uow, await self._of(family))
        self.left.add(family.student_id)

    async def _pass(self, _family: Family) -> None:
        waiting.let_offers_pass(self.database.superuser)

    async def _jump(self, family: Family) -> None:
        async with self.world.house.unit(await self.world.as_(self.school, "office")) as uow:
            await office.jump(uow, await self._of(family), self.dice.choice(list(JUMP_REASONS)), "家访后确认")

    async def _more(self, _family: Family) -> None:
        async with self.world.house.unit(await self.world.as_(self.school, "office")) as uow:
            now = await offering(uow, self.view.id)
            await change_offering(uow, now.id, replace(draft_of(now), capacity=min(3, (now.capacity or 0) + 1)))

    async def check(self, trace: list[str]) -> None:
        async with self.world.house.unit(self.school.ctx) as uow:
            now = await offering(uow, self.view.id)
            rows = await lists.live(uow, self.view.id)
            held, good = (await uow.session.execute(CLAIMS, {"o": now.id})).one()
            right, again = await lists.checked(uow, self.view.id)
            assert right, trace
            assert again.passed_over == (), trace
            assert (await uow.session.execute(NO_REASON)).scalar_one() == 0
        assert now.taken == held, trace
        free = (now.capacity or 0) - good  # a place whose time is over is nobody's
        for party in parties(rows):  # nothing idle: whoever waits is more than what is free
            assert len(party) > free or {row.state for row in party} != {"waiting"}, trace
            assert len({row.state for row in party}) == 1, trace  # all or none
            assert len({row.offer_until for row in party}) == 1 or party[0].state != "offered", trace
        assert not {row.student_id for row in rows} & self.left, trace


@pytest.mark.req("R-145", "R-146", "R-216")
@pytest.mark.parametrize("seed", [4, 6])
async def test_the_contract_holds_after_every_step(world: World, database: DatabaseAddresses, seed: int) -> None:
    school = await world.school(families=6)
    [view] = await draws.clubs(world, school, draws.club("围棋社", capacity=2))
    assert school.class_id is not None
    quick = await rush.children(world.house, school.ctx, school.class_id, 5, school.families[0].guardian_id)
    model = Model(world, database, school, view, random.Random(seed), quick)
    for family in school.families:
        await menu.notice_hash(world, school, family)
        model.people[family.student_id] = await world.as_(school, family.guardian)
    model.pairs = ((school.families[0], school.families[1]), (school.families[2], school.families[3]))
    for one, other in model.pairs:
        await waiting.sibling_of(world, school, one, other)
        model.people[other.student_id] = model.people[one.student_id]
        await menu.notice_hash(world, school, replace(other, guardian=one.guardian))
    for child in quick[:2]:
        assert (await waiting.hold(world.house, school, view, child, "first-come")).claimed
    await two_wait_together(model)
    trace: list[str] = []
    for number in range(STEPS):
        trace.append(await model.step())
        if number % 6:  # sometimes the workers are late
            await model.ask()
            await model.check(trace)
    await model.ask()
    await model.check(trace)
    assert {"join", "back", "refuse", "leave", "pass", "jump"} <= set(trace), trace
    async with world.house.unit(school.ctx) as uow:
        events = await lists.events_of(uow, view.id)
    assert {"bind", "pass"} <= {event.kind for event in events}, trace


async def two_wait_together(model: Model) -> None:
    """The random walk begins where a unit was passed by once, and then got both of its places."""
    first, second, third = (model.school.families[n] for n in (0, 1, 4))
    for family in (first, second, third):
        await model._join(family)
    await model._bind(first)
    await model._back(first)
    await model.ask()
    await model.check(["passed by"])
    waits = [(first.student_id, "waiting"), (second.student_id, "waiting")]
    assert await waiting.states(model.world, model.school, model.view) == [*waits, (third.student_id, "offered")]
    await model._refuse(third)
    await model._back(first)
    await model.ask()
    await model.check(["both"])
    assert {state for _child, state in await waiting.states(model.world, model.school, model.view)} == {"offered"}
