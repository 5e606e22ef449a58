"""What leaving, cancelling, refusing and signing leave behind: application, places, days and agreement agree."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.base import clock
from core.billing.drafts import Calendar
from core.db.states import MoveRefused
from core.enrollment import agreements, applications, enrolments, review, seats, swap
from core.enrollment.basket import application_of, basket_of, items_of
from core.enrollment.errors import PlaceLost
from core.enrollment.models import Agreement, Application
from core.enrollment.offerings_service import every, offering
from core.terms.service import timetable_days
from tests.support import menu
from tests.support.lessons import at
from tests.support.world import Family, School, World

CLUB: dict[str, Any] = {
    "kind": "club",
    "content": ("sport",),
    "any_days": False,
    "grades": (3, 4),
    "early_ends_at": None,
    "capacity": 1,
}
TOMORROW = timedelta(days=1)


async def club(world: World, school: School, title: str, day: int) -> Any:
    return await menu.approved(world, school, title=title, periods=every([day], time(16, 30), time(17, 30)), **CLUB)


async def taken(world: World, school: School, *ids: UUID) -> list[int]:
    async with world.house.unit(school.ctx) as uow:
        return [(await offering(uow, id_)).taken for id_ in ids]


async def enrolled(world: World, school: School, family: Family) -> dict[UUID, Any]:
    async with world.house.unit(school.ctx) as uow:
        return {e.offering.id: e for e in await enrolments.enrolments_of(uow, family.student_id)}


async def leave(world: World, school: School, family: Family, offering_id: UUID) -> None:
    """One tap of the guardian."""
    row = (await enrolled(world, school, family))[offering_id]
    parent = await world.client(family.guardian)
    assert (await parent.post(f"/api/t/school/home/enrolments/{row.id}/withdraw")).status_code == 200


async def standing(world: World, school: School, family: Family) -> tuple[str, dict[UUID, str], list[Agreement]]:
    """The application's state, its items' states, and the agreements that are offered or in force."""
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        row = await application_of(uow, family.student_id, school.term_id)
        assert row is not None
        items = {i.offering_id: i.state for i in await items_of(uow, row.id)}
        found = await agreements.agreements_of(uow, family.student_id)
        return row.state, items, [a for a in found if a.state in ("offered", "in_force")]


async def cancel(world: World, school: School, family: Family) -> None:
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        assert school.term_id is not None
        await applications.cancel(uow, family.student_id, school.term_id)


@pytest.mark.req("R-149", "R-156", "R-214")
async def test_who_left_an_item_is_out_of_the_application_and_of_the_agreement(world: World) -> None:
    school = await world.school()
    ball, art = await club(world, school, "篮球社团", 2), await club(world, school, "美术社团", 4)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family, other = school.families
    await menu.enrol(world, school, family, [(ball, ()), (care, (1,))])
    await menu.accept(world, school, await menu.apply(world, school, family, [(art, ())], key="more"))
    # While the agreement that adds art waits, the family leaves basketball: what it will sign says so.
    await leave(world, school, family, ball.id)
    state, items, open_ones = await standing(world, school, family)
    assert (state, items[ball.id], items[art.id]) == ("agreement_pending", "dropped", "chosen")
    [offered] = [a for a in open_ones if a.state == "offered"]
    assert "美术社团" in str(offered.content) and "篮球社团" not in str(offered.content)
    await menu.apply(world, school, other, [(ball, ())])
    await menu.sign(world, school, family)
    assert set(await enrolled(world, school, family)) == {art.id, care.id}
    assert await taken(world, school, ball.id, art.id, care.id) == [1, 1, 1]
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        ticked = await basket_of(uow, family.student_id, school.term_id)
        assert {c.offering_id for c in ticked} == {art.id, care.id}
    # With a change before the school, and the last item left: the change goes on, the agreement in force ends.
    await leave(world, school, family, art.id)
    await menu.apply(world, school, family, [(art, ())], key="art again")
    await leave(world, school, family, care.id)
    state, items, open_ones = await standing(world, school, family)
    assert (state, items[care.id], items[art.id], open_ones) == ("submitted", "dropped", "chosen", [])
    # A place that is not held any more is not enrolled in.
    async with world.house.unit(school.ctx) as uow:
        row = await application_of(uow, family.student_id, school.term_id)
        assert row is not None
    await menu.accept(world, school, row.id)
    async with world.house.unit(school.ctx) as uow:
        await seats.hold_child(uow, family.student_id)
        await seats.release(uow, family.student_id, [art.id], "expired")
    with pytest.raises(PlaceLost):
        await menu.sign(world, school, family)
    assert await enrolled(world, school, family) == {}


@pytest.mark.req("R-149", "R-156")
async def test_what_is_cancelled_cannot_be_signed_and_days_come_back(world: World) -> None:
    school = await world.school()
    art = await club(world, school, "美术社团", 4)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family, other = school.families
    # A first application, cancelled while its agreement waits.
    await menu.accept(world, school, await menu.apply(world, school, other, [(care, (1,))]))
    ctx = await world.as_(school, other.guardian)
    _state, _items, [waiting] = await standing(world, school, other)
    await cancel(world, school, other)
    state, _items, open_ones = await standing(world, school, other)
    assert (state, open_ones) == ("cancelled", [])
    with pytest.raises(MoveRefused):
        await agreements.sign(world.house, ctx, waiting.id, "000000", waiting.sha256)
    # A change that is taken back: its agreement goes, the days of the item and of the place are the enrolment's again.
    await menu.enrol(world, school, family, [(care, (1, 3))])
    await menu.accept(world, school, await menu.apply(world, school, family, [(care, (2,)), (art, ())], key="change"))
    await cancel(world, school, family)
    state, items, open_ones = await standing(world, school, family)
    assert (state, items[art.id], [a.state for a in open_ones]) == ("enrolled", "dropped", ["in_force"])
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        [held] = (await seats.held_by(uow, family.student_id, school.term_id)).values()
        assert (held.offering_id, held.weekdays) == (care.id, (1, 3))
        row = await application_of(uow, family.student_id, school.term_id)
        assert row is not None
        assert [tuple(i.weekdays) for i in await items_of(uow, row.id) if i.state == "chosen"] == [(1, 3)]
        [ticked] = await basket_of(uow, family.student_id, school.term_id)
        assert ticked.weekdays == (1, 3)


@pytest.mark.req("R-134", "R-150", "R-214")
async def test_other_days_count_from_tomorrow_and_may_be_refused(world: World) -> None:
    school = await world.school()
    art = await club(world, school, "美术社团", 4)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    first = date(2026, 9, 7)
    await menu.accept(world, school, await menu.apply(world, school, family, [(care, (1,))]))
    with at(first, 8):
        await menu.sign(world, school, family)
    assert (await enrolled(world, school, family))[care.id].starts_on == first
    id_ = await menu.apply(world, school, family, [(care, (1, 3))], key="other days")
    await menu.accept(world, school, id_)
    await menu.sign(world, school, family)
    today = clock.today()
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        [(_child, rows)] = await enrolments.enrolments_for_billing(uow, school.term_id)
        assert sorted((e.weekdays, e.starts_on, e.ends_on) for e in rows) == [
            ((1,), first, today),
            ((1, 3), today + TOMORROW, None),
        ]
        days = await timetable_days(uow, school.term_id)
        counted = sum(Calendar(days).of(e)[0] for e in rows)
        assert counted == sum(
            1 for day, n in days.items() if (n == 1 and day >= first) or (n == 3 and day > today)
        )  # no Wednesday before it was agreed
    # The school cannot give further days: it says so with a reason and another offer, and all is as it was.
    id_ = await menu.apply(world, school, family, [(care, (1, 3, 5))], key="more days")
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await review.refuse(uow, id_, reason="周五没有老师", other_offering_id=art.id)
    state, items, _open = await standing(world, school, family)
    assert (state, items) == ("enrolled", {care.id: "chosen"})
    async with world.house.unit(school.ctx) as uow:
        [held] = (await seats.held_by(uow, family.student_id, school.term_id)).values()
        assert held.weekdays == (1, 3)
        assert [tuple(i.weekdays) for i in await items_of(uow, id_)] == [(1, 3)]
    page = await world.client(family.guardian, page=True)
    said = (await page.get(f"/t/school/home/applications/{id_}")).text
    assert "周五没有老师" in said and "周一、周三" in said and "美术社团" in said
    # An addition that is refused bars nothing either: the child takes part, and may swap.
    id_ = await menu.apply(world, school, family, [(art, ())], key="addition")
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await review.refuse(uow, id_, reason="需要先参加选拔", other_offering_id=care.id)
    state, items, _open = await standing(world, school, family)
    assert (state, items) == ("enrolled", {care.id: "chosen", art.id: "refused"})
    row = (await enrolled(world, school, family))[care.id]
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        await swap.swap(uow, row.id, care.id, (2,))
    await leave(world, school, family, care.id)
    state, _items, open_ones = await standing(world, school, family)
    assert (state, open_ones) == ("withdrawn", [])
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Application, id_)).state == "withdrawn"
