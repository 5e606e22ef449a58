"""A crowd gives way to everybody else, and only while somebody else waits."""

from __future__ import annotations

import asyncio

import pytest

from core.db.giving_way import PAUSE, PAUSES, PORTION, Others, others_of
from tests.support import menu
from tests.support.world import World


class Watched(Others):
    """Knows the most that ever waited."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0

    def came(self) -> None:
        super().came()
        self.most = max(self.most, self.waiting)


@pytest.mark.parametrize(("waiting", "turns"), [(0, 4), (1, 4 * PORTION)])
async def test_others_have_a_turn_after_each_answer_while_they_wait(waiting: int, turns: int) -> None:
    others, seen = Others(), 0
    for _ in range(waiting):
        others.came()

    async def crowd() -> None:
        for _ in range(4 * PORTION):
            await others.give_way(20)

    answering = asyncio.create_task(crowd())
    while not answering.done():
        await asyncio.sleep(0)
        seen += 1
    assert seen >= turns
    if not waiting:
        assert seen < 2 * turns


async def test_a_large_crowd_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    others, pauses = Others(), list[float]()

    async def slept(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("core.db.giving_way.asyncio.sleep", slept)
    others.came()
    for _ in range(256):
        await others.give_way(256)
    assert pauses == [PAUSE] * PAUSES


async def test_whoever_is_not_of_the_crowd_waits_until_the_answer(world: World) -> None:
    school = await world.school()
    club = await menu.approved(world, school, title="少儿篮球", capacity=3, any_days=False)
    await menu.publish(world, school)
    others = world.house.services[Others] = Watched()
    assert others_of(world.house) is others
    nobody, parent = await world.client(), await world.client(school.families[0].guardian)

    claim = {"student_id": str(school.families[0].student_id), "offering_id": str(club.id)}
    claimed = await parent.post("/api/t/school/home/claims", json=claim, headers={"idempotency-key": "k"})
    assert (claimed.status_code, others.most) == (200, 0)
    for client, path, status in (
        (parent, "/api/t/school/home/menu", 200),
        (nobody, "/api/t/school/home/menu", 401),
        (parent, "/api/t/nowhere/home/menu", 404),
        (parent, "/api/t/school/desk/offerings", 403),
        (nobody, "/health/live", 200),
        (nobody, "/nothing/here", 404),
    ):
        assert (await client.get(path)).status_code == status
        assert others.waiting == 0, path
    assert others.most == 1
    assert (await parent.post("/api/t/school/home/claims", content="no json")).status_code == 422
    assert (await parent.options("/api/t/school/home/menu")).status_code == 204
    # A caller that hangs up half-way.
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(parent.get("/api/t/school/home/menu"), 0.001)
    await asyncio.sleep(0.1)
    assert others.waiting == 0
