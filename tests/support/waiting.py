"""Waiting lists for tests: families that join and answer, time that passes, and the workers that offer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import psycopg
from sqlalchemy import select

from core.db.house import House
from core.enrollment import seats
from core.enrollment.claims import Decision, Wish, claims_of
from core.enrollment.views import OfferingView
from core.enrollment.waiting import lists, service
from core.enrollment.waiting.models import WaitingEntry
from core.people.models import Guardianship
from tests.support import menu, rush
from tests.support.world import Family, School, World


async def join(
    world: World,
    school: School,
    family: Family,
    view: OfferingView,
    giving_up: Collection[UUID] = (),
    weekdays: Sequence[int] = (),
) -> UUID:
    """The guardian reads the letter and puts the child on the list; returns the entry's id."""
    await menu.notice_hash(world, school, family)
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        return (await service.join(uow, family.student_id, view.id, weekdays, giving_up)).id


async def hold(house: House, school: School, view: OfferingView, student_id: UUID, key: str) -> Decision:
    """Somebody claims a place first come, as a rush does."""
    return await rush.settled(claims_of(house), school.ctx.tenant_id, view.id, Wish(student_id, key))


async def give_back(world: World, school: School, view: OfferingView, student_id: UUID) -> None:
    """A place comes free, and this process has heard of it: "full" from memory would answer in the list's stead."""
    async with world.house.unit(school.ctx) as uow:
        await seats.hold_child(uow, student_id)
        await seats.release(uow, student_id, [view.id], "cancelled")
    claims_of(world.house).forget(view.id)


async def states(world: World, school: School, view: OfferingView) -> list[tuple[UUID, str]]:
    """The list as it stands: children and states in order."""
    async with world.house.unit(school.ctx) as uow:
        return [(row.student_id, row.state) for row in await lists.live(uow, view.id)]


async def entry(world: World, school: School, entry_id: UUID) -> WaitingEntry:
    async with world.house.unit(school.ctx) as uow:
        return (await uow.session.execute(select(WaitingEntry).where(WaitingEntry.id == entry_id))).scalar_one()


def let_offers_pass(superuser: str) -> None:
    """The deadline of every offer lies in the past."""
    with psycopg.connect(superuser, autocommit=True) as admin:
        admin.execute("update waiting_entry set offer_until = now() - interval '1 minute' where state = 'offered'")
        admin.execute(
            "update seat_claim set held_until = now() - interval '1 minute' where held_until is not null "
            "and released_at is null and key like 'list/%'"
        )


async def sibling_of(world: World, school: School, family: Family, other: Family) -> None:
    """The other family's child is this family's too: its guardian may choose for both."""
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(
            Guardianship(
                guardian_id=family.guardian_id, student_id=other.student_id, relation="mother", may_choose=True
            )
        )
