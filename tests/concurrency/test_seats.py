"""A place is never given twice: not by callers at once, not by several processes, not by one that is killed.

Each promise is first shown to break without the lock that keeps it, then to hold with it.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from core.base.ids import new_id
from core.db.house import House
from core.enrollment import seats
from core.enrollment.claims import Decision, Wish, claims_of
from core.enrollment.offerings_service import every
from core.enrollment.views import OfferingView
from tests.support import menu, rush
from tests.support.database import MASTER_KEY, DatabaseAddresses
from tests.support.planted import without
from tests.support.world import School, World

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Scene:
    school: School
    offering: OfferingView
    children: list[UUID]


@pytest.fixture
def world(house: House) -> World:
    """Without an application: these races are below it."""
    return World(house)


async def scene(world: World, *, capacity: int, children: int) -> Scene:
    school = await world.school(families=1)
    offering = await menu.approved(world, school, capacity=capacity, title="少儿篮球", any_days=False)
    await menu.publish(world, school)
    assert school.class_id is not None
    ids = await rush.children(world.house, school.ctx, school.class_id, children, school.families[0].guardian_id)
    return Scene(school, offering, ids)


async def state(world: World, school: School, offering_id: UUID) -> tuple[int, int, int]:
    """(counter, live claims, children with a live claim)."""
    async with world.house.unit(school.ctx) as uow:
        row = (
            await uow.session.execute(
                text(
                    "select s.taken, count(c.id), count(distinct c.student_id) from offering_seats s "
                    "left join seat_claim c on c.tenant_id = s.tenant_id and c.offering_id = s.id "
                    "and c.released_at is null where s.tenant_id = :t and s.id = :o group by s.taken"
                ),
                {"t": school.ctx.tenant_id, "o": offering_id},
            )
        ).one()
    return row[0], row[1], row[2]


async def claim_apart(world: World, scene: Scene, wishes: list[tuple[UUID, UUID]]) -> list[Decision | Exception]:
    """Each claim in a statement of its own, at once, as that many processes would."""
    claims = claims_of(world.house)

    async def one(offering_id: UUID, child: UUID) -> Decision:
        decided = await claims._decide(scene.school.ctx.tenant_id, [(offering_id, Wish(child, str(new_id())))])
        return decided[0]

    answers = await asyncio.gather(*(one(*wish) for wish in wishes), return_exceptions=True)
    return [a for a in answers if isinstance(a, Decision | Exception)]


def yeses(answers: list[Decision | Exception]) -> int:
    return sum(isinstance(a, Decision) and a.claimed for a in answers)


async def test_last_place_without_the_lock_is_given_twice_and_with_it_once(
    world: World, database: DatabaseAddresses
) -> None:
    here = await scene(world, capacity=1, children=6)
    wishes = [(here.offering.id, child) for child in here.children]
    async with without(database, "offering", "check"):
        assert yeses(await claim_apart(world, here, wishes)) > 1  # red: the lock is what keeps the promise
    async with world.house.unit(here.school.ctx) as uow:
        for child in here.children:
            await seats.release(uow, child, [here.offering.id], "cancelled")
        await uow.session.execute(
            text("update offering_seats set taken = 0 where tenant_id = :t"), {"t": here.school.ctx.tenant_id}
        )
    assert yeses(await claim_apart(world, here, wishes)) == 1
    assert await state(world, here.school, here.offering.id) == (1, 1, 1)


async def test_one_child_two_overlapping_offerings_at_once(world: World, database: DatabaseAddresses) -> None:
    here = await scene(world, capacity=50, children=2)
    other = await menu.approved(
        world, here.school, title="合唱", any_days=False, capacity=50, periods=every([2], time(17), time(18))
    )
    await menu.publish(world, here.school)
    unlucky, child = here.children
    async with without(database, "children"):
        answers = await claim_apart(world, here, [(here.offering.id, unlucky), (other.id, unlucky)])
        assert yeses(answers) == 2  # red: two places at the same hour
    for _ in range(3):
        answers = await claim_apart(world, here, [(here.offering.id, child), (other.id, child)])
        assert yeses(answers) == 1
        async with world.house.unit(here.school.ctx) as uow:
            await seats.release(uow, child, [here.offering.id, other.id], "cancelled")


async def test_the_same_child_asking_at_once_gets_one_place_and_one_answer(world: World) -> None:
    here = await scene(world, capacity=3, children=3)
    claims, tenant = claims_of(world.house), here.school.ctx.tenant_id
    child = here.children[0]
    answers = await asyncio.gather(
        *(claims.claim(tenant, here.offering.id, Wish(child, f"tap-{n}")) for n in range(20)),
        *(claims.claim(tenant, here.offering.id, Wish(c, "one")) for c in here.children[1:]),
    )
    assert {a.outcome for a in answers} == {"claimed"}
    assert len({a.claim_id for a in answers[:20]}) == 1
    assert await state(world, here.school, here.offering.id) == (3, 3, 3)


async def test_order_of_arrival(world: World) -> None:
    here = await scene(world, capacity=5, children=20)
    claims, tenant = claims_of(world.house), here.school.ctx.tenant_id
    answers = await asyncio.gather(
        *(claims.claim(tenant, here.offering.id, Wish(child, "k" * 8)) for child in here.children)
    )
    assert [a.outcome for a in answers] == ["claimed"] * 5 + ["full"] * 15


async def test_sold_out_is_said_from_memory_but_not_to_who_holds_a_place(world: World) -> None:
    here = await scene(world, capacity=1, children=3)
    claims, tenant = claims_of(world.house), here.school.ctx.tenant_id
    first, second, third = here.children
    assert (await claims.claim(tenant, here.offering.id, Wish(first, "k-first"))).claimed
    assert (await claims.claim(tenant, here.offering.id, Wish(second, "k-second"))).outcome == "full"
    before = claims.batches
    assert (await claims.claim(tenant, here.offering.id, Wish(third, "k-third"))).outcome == "full"
    assert claims.batches == before  # no query
    assert (await claims.claim(tenant, here.offering.id, Wish(first, "k-first"))).claimed
    # A place given back is heard of, and the next one gets it.
    async with world.house.unit(here.school.ctx) as uow:
        await seats.release(uow, first, [here.offering.id], "cancelled")
    deadline = asyncio.get_running_loop().time() + 10
    while not (await claims.claim(tenant, here.offering.id, Wish(third, "k-third"))).claimed:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    # The same wish repeated late does not take the place back.
    assert (await claims.claim(tenant, here.offering.id, Wish(first, "k-first"))).outcome in ("released", "full")


async def test_unfinished_places_come_back_before_anybody_hears_full(world: World) -> None:
    here = await scene(world, capacity=1, children=2)
    claims, tenant = claims_of(world.house), here.school.ctx.tenant_id
    first, second = here.children
    assert (await claims.claim(tenant, here.offering.id, Wish(first, "k-first"))).until is not None
    async with world.house.unit(here.school.ctx) as uow:
        await uow.session.execute(
            text("update seat_claim set held_until = now() - interval '1 second' where tenant_id = :t"), {"t": tenant}
        )
    assert (await claims.claim(tenant, here.offering.id, Wish(second, "k-second"))).claimed
    assert await state(world, here.school, here.offering.id) == (1, 1, 1)


async def test_who_holds_one_club_does_not_keep_the_others_waiting(world: World) -> None:
    """Claims on several clubs are one commit, but for a club that somebody holds, which then waits for itself."""
    here = await scene(world, capacity=2, children=6)
    other = await menu.approved(
        world, here.school, title="合唱", any_days=False, capacity=2, periods=every([4], time(17), time(18))
    )
    await menu.publish(world, here.school)
    claims, tenant = claims_of(world.house), here.school.ctx.tenant_id

    async def ask(offering_id: UUID, child: UUID) -> Decision:
        return await claims.claim(tenant, offering_id, Wish(child, f"k-{offering_id}"))

    async with world.house.unit(here.school.ctx) as uow:
        await uow.session.execute(
            text("select 1 from offering_seats where tenant_id = :t and id = :o for update"),
            {"t": tenant, "o": other.id},
        )
        held = [asyncio.create_task(ask(other.id, child)) for child in here.children[:3]]
        free = await asyncio.gather(*(ask(here.offering.id, child) for child in here.children[3:]))
        assert [a.outcome for a in free] == ["claimed", "claimed", "full"]
        assert not any(task.done() for task in held)
    assert [a.outcome for a in await asyncio.gather(*held)] == ["claimed", "claimed", "full"]
    assert await state(world, here.school, here.offering.id) == (2, 2, 2)
    assert await state(world, here.school, other.id) == (2, 2, 2)


@pytest.mark.parametrize(("seed", "clubs"), [(1, 1), (2, 3)])
async def test_three_processes_one_of_them_killed(
    world: World, database: DatabaseAddresses, seed: int, clubs: int
) -> None:
    """Seats sold exactly, over one club and over several that are decided in one commit."""
    here = await scene(world, capacity=150, children=400)
    offerings = [here.offering.id]
    for number in range(1, clubs):
        periods = every([1 + number], time(18), time(19))
        offerings.append(
            (
                await menu.approved(
                    world, here.school, title=f"社团{number}", any_days=False, capacity=60, periods=periods
                )
            ).id
        )
    await menu.publish(world, here.school)
    dice = random.Random(seed)
    settings = {"database_url": database.app, "master_key": MASTER_KEY, "pool_size": 4}
    processes = []
    for number in range(3):
        wishes = [  # most children ask in several processes, and for several clubs
            [str(offering_id), str(child), f"p{number}-{child}"]
            for offering_id in offerings
            for child in dice.sample(here.children, 250)
        ]
        dice.shuffle(wishes)
        order = {"settings": settings, "tenant": str(here.school.ctx.tenant_id), "wishes": wishes, "at_once": 32}
        processes.append(_client(order))
    journal = await asyncio.to_thread(_race, processes, dice.randrange(5, 60))
    told = Counter(outcome for _offering, _child, outcome, _claim in journal)
    assert told["full"] > 0
    for offering_id, capacity in zip(offerings, [150, 60, 60], strict=False):
        # Filled to the last place, no child twice.
        assert await state(world, here.school, offering_id) == (capacity, capacity, capacity)
    winners = {(offering, child): claim for offering, child, outcome, claim in journal if outcome == "claimed"}
    async with world.house.unit(here.school.ctx) as uow:
        live = await uow.session.execute(
            text(
                "select offering_id::text, student_id::text, id::text from seat_claim "
                "where tenant_id = :t and released_at is null"
            ),
            {"t": here.school.ctx.tenant_id},
        )
        held = {(row[0], row[1]): row[2] for row in live.all()}
    assert winners.items() <= held.items()  # whoever was told yes has the place, the killed process's clients too


def _client(order: dict[str, object]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.rush"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return process


def _race(processes: list[subprocess.Popen[str]], victim_answers: int) -> list[list[str]]:
    """Start all together; kill the first after some answers; read what each had said."""
    journal: list[list[str]] = []
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        victim = processes[0]
        assert victim.stdout is not None
        for _ in range(victim_answers):
            line = victim.stdout.readline()
            if line:
                journal.append(json.loads(line))
        victim.kill()
        for process in processes:
            assert process.stdout is not None
            for line in process.stdout:
                if line.endswith("\n"):
                    journal.append(json.loads(line))
            process.wait(60)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
    return journal
