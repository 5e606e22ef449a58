"""Draws for tests: a round over published clubs, families that rank, time that passes, and the office that draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import psycopg

from core.base import clock
from core.enrollment.draw import seed as seeds
from core.enrollment.draw import service, wishes
from core.enrollment.draw.models import DrawRound
from core.enrollment.offerings_service import every
from core.enrollment.views import OfferingDraft, OfferingView
from tests.support import menu
from tests.support.world import Family, School, World

SEED = "02 07 11 19 24 30 + 08"


def club(title: str, weekday: int = 3, capacity: int | None = 1, **changes: Any) -> OfferingDraft:
    """A club on one weekday afternoon."""
    draft = OfferingDraft(
        kind="care",
        title=title,
        grades=(3, 4),
        periods=every([weekday], time(16, 30), time(17, 30)),
        content=("arts",),
        capacity=capacity,
    )
    return replace(draft, **changes)


async def clubs(world: World, school: School, *drafts: OfferingDraft) -> list[OfferingView]:
    """Published clubs, the menu open."""
    views = [await menu.approved(world, school, draft) for draft in drafts]
    await menu.publish(world, school)
    return views


async def opened(
    world: World,
    school: School,
    views: Sequence[OfferingView],
    *,
    per_child: int = 1,
    open_now: bool = True,
    mode: str = "ranked",
    luck: bool = False,
) -> UUID:
    """A round over these offerings that families may rank in now; its number becomes public in two days."""
    now = clock.now()
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        row = await service.make_round(
            uow,
            school.term_id,
            title="周三社团",
            offering_ids=[view.id for view in views],
            opens_at=now - timedelta(hours=1),
            closes_at=now + timedelta(days=1),
            per_child=per_child,
            seed_source="双色球第 2026140 期开奖号码",
            seed_at=now + timedelta(days=2),
            mode=mode,
            luck=luck,
        )
        if open_now:
            await service.open_round(uow, row.id)
    return row.id


async def rank(
    world: World, school: School, family: Family, round_id: UUID, views: Sequence[OfferingView], version: int = 0
) -> str:
    """The family's guardian saves these wishes; returns the receipt."""
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        wish = await wishes.save(uow, round_id, family.student_id, [v.id for v in views], version=version)
        assert wish is not None
        return wish.receipt


def pass_time(superuser: str, round_id: UUID, *, closing: bool = False, seed: bool = False) -> None:
    """Let the end of the ranking, or the moment of the public value, lie in the past."""
    with psycopg.connect(superuser, autocommit=True) as admin:
        if closing:
            admin.execute(
                "update draw_round set opens_at = now() - interval '2 days', closes_at = now() - interval '1 minute' "
                "where id = %s",
                (round_id,),
            )
        if seed:
            admin.execute(
                "update draw_round set opens_at = now() - interval '3 days', closes_at = now() - interval '2 days', "
                "seed_at = now() - interval '1 minute' where id = %s",
                (round_id,),
            )


async def committed(world: World, school: School, superuser: str, round_id: UUID) -> None:
    """Ranking is over and what is committed to is public; then the seed's moment comes."""
    pass_time(superuser, round_id, closing=True)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.close_round(uow, round_id)
        await service.commit_round(uow, round_id)
    pass_time(superuser, round_id, seed=True)


async def confirmed(world: World, school: School, round_id: UUID, seed: str = SEED) -> None:
    """Office and principal give the seed; the draw waits for its worker."""
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await seeds.enter_seed(uow, round_id, seed)
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await seeds.confirm_seed(uow, round_id, seed)


async def drawn(world: World, school: School, superuser: str, round_id: UUID, seed: str = SEED) -> DrawRound:
    """The whole way from the end of the asking to the published result."""
    await committed(world, school, superuser, round_id)
    return await drawn_on(world, school, round_id, seed)


async def drawn_on(world: World, school: School, round_id: UUID, seed: str = SEED) -> DrawRound:
    """From the public value of a round that is committed to, to the published result."""
    await confirmed(world, school, round_id, seed)
    await world.drain(school)
    row = await round_of(world, school, round_id)
    assert row.state == "published", row.stopped
    return row


async def round_of(world: World, school: School, round_id: UUID) -> DrawRound:
    async with world.house.unit(school.ctx) as uow:
        return await uow.get(DrawRound, round_id)
