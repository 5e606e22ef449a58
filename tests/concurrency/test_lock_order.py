"""Locks are taken in one order: the child before its application, rows of places by their id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from core.enrollment import menu_service, review, seats
from tests.concurrency.test_seats import world  # noqa: F401 - the fixture
from tests.support import draws, menu
from tests.support.database import DatabaseAddresses
from tests.support.world import World


async def _blocked(superuser: str) -> None:
    """Until somebody waits for a lock."""
    async with await psycopg.AsyncConnection.connect(superuser, autocommit=True) as admin:
        while True:
            found = await admin.execute("select 1 from pg_stat_activity where wait_event_type = 'Lock'")
            if await found.fetchone() is not None:
                return
            await asyncio.sleep(0.01)


async def _free_meanwhile(superuser: str, deed: Awaitable[object], table: str, row: UUID) -> None:
    """While `deed` waits for the lock that the caller holds, nobody holds this row."""
    task = asyncio.ensure_future(deed)
    try:
        await asyncio.wait_for(_blocked(superuser), 20)
        async with await psycopg.AsyncConnection.connect(superuser) as other:
            await other.execute(f"select 1 from {table} where id = %s for update nowait", (row,))
            await other.rollback()
    except psycopg.errors.LockNotAvailable:
        task.cancel()
        pytest.fail(f"{table} is locked before what everybody else locks first")


async def test_a_refusal_locks_the_child_before_its_application(
    world: World,  # noqa: F811
    database: DatabaseAddresses,
) -> None:
    school = await world.school(pack=None)
    [chess, choir] = await draws.clubs(world, school, draws.club("围棋社"), draws.club("合唱团", weekday=5))
    family = school.families[0]
    application_id = await menu.apply(world, school, family, [(chess, ())])
    office = await world.as_(school, "office")

    async def refuse() -> None:
        async with world.house.unit(office) as uow:
            await review.refuse(uow, application_id, reason="名额调整", other_offering_id=choir.id)

    async with world.house.unit(school.ctx) as uow:
        await seats.hold_child(uow, family.student_id)
        await _free_meanwhile(database.superuser, refuse(), "application", application_id)


async def test_rows_of_places_are_locked_by_their_id(
    world: World,  # noqa: F811
    database: DatabaseAddresses,
) -> None:
    school = await world.school(pack=None)
    views = await draws.clubs(world, school, *(draws.club(f"社团{n}", weekday=n) for n in (1, 2, 3)))
    first, *_rest, last = sorted((view.id for view in views), key=lambda id_: id_.bytes)
    async with await psycopg.AsyncConnection.connect(database.superuser, autocommit=True) as admin:
        # As rows lie after some claims: the first one behind the others.
        await admin.execute("update offering_seats set taken = taken where id = %s", (first,))

    async def shut() -> None:
        async with world.house.unit(school.ctx) as uow:
            # As the planner reads a large part of a table: in the order in which the rows lie.
            for plan in ("indexscan", "bitmapscan"):
                await uow.session.execute(text(f"set local enable_{plan} = off"))
            assert school.term_id is not None
            await menu_service.shut_menu(uow, school.term_id)

    async with world.house.unit(school.ctx) as uow:
        await seats.hold_offering(uow, first)
        await _free_meanwhile(database.superuser, shut(), "offering_seats", last)
