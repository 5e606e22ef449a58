"""The school's list of what has to be made public, its to-do, and what the bureau is told of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.base import clock
from core.billing import statements
from core.enrollment import menu_service
from core.enrollment.models import Offering
from core.notices import service as notices
from tenants.oversight.collect import collect
from tenants.publication import service
from tests.support.billing import offered
from tests.support.lessons import at
from tests.support.world import School, World

OVER = date(2027, 1, 25)


async def states(world: World, school: School) -> dict[str, str]:
    async with world.house.unit(school.ctx) as uow:
        return {d.rule: d.state for d in await service.of_school(uow)}


@pytest.mark.req("R-358", "R-359", "R-461")
async def test_accounts_are_on_the_to_do_list_until_they_are_published(world: World) -> None:
    school = await world.school(pack="anhui-ten-bans")
    assert school.term_id is not None
    with at(OVER, 9):
        found = await states(world, school)
        assert found == {
            "publication.channels": "todo",
            "publication.accounts_each_term": "todo",
            "publication.spending_regularly": "todo",
            "refund.lessons_not_held": "done",
        }
        async with await world.client(school.people["office"], page=True) as client:
            desk = (await client.get("/t/school/desk")).text
            assert "应公开的事项" in desk and "3 项待处理" in desk
            listed = (await client.get("/t/school/desk/publication")).text
            assert "001#2 四（四）" in listed and "未公开" in listed
        async with await world.client(school.families[0].guardian, page=True) as client:
            assert (await client.get("/t/school/desk/publication")).status_code == 403
        async with world.house.unit(school.ctx) as uow:
            figures = await collect(uow, school.term_id)
            assert {f["key"]: f["value"] for f in figures["more"]}["publication.broken"] == 3
    # The statement's day is the database's: it was published after the term, as far as the school's clock goes.
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await statements.publish(uow, school.term_id, "service")
        draft = notices.Draft(kind="fees", title="收支公示", channels=["notice_board"])
        await notices.post(uow, draft)
    with at(OVER, 9):
        found = await states(world, school)
    assert found["publication.channels"] == "done" and found["publication.spending_regularly"] == "done"


@pytest.mark.req("R-465", "R-164")
async def test_a_menu_that_comes_after_the_first_day_came_late(world: World) -> None:
    school = await world.school(pack="changzhi-521")
    assert school.term_id is not None
    with at(date(2026, 8, 1), 9):
        assert set((await states(world, school)).values()) == {"coming"}
    with at(date(2026, 9, 1), 9):
        assert (await states(world, school))["publication.menu_before_term"] == "todo"
    async with world.house.unit(await world.as_(school, "office")) as uow:
        offering_id = await offered(uow, school.term_id, service=None)
        (await uow.get(Offering, offering_id)).state = "approved"
        await uow.session.flush()

        opens = clock.now()
        await menu_service.prepare_menu(uow, school.term_id, opens_at=opens, closes_at=opens + timedelta(days=9))
        await menu_service.publish_menu(uow, school.term_id)
    found = await states(world, school)
    assert found["publication.menu_before_term"] == "late"
    assert found["publication.family_duties"] == "todo", "no shown plan says what families owe"
    async with world.house.unit(school.ctx) as uow:
        assert (await service.missing(uow), await service.broken(uow)) == (1, 2)


async def test_a_scheme_that_demands_nothing_makes_no_list(world: World) -> None:
    school = await world.school(pack="weihai-free")
    assert await states(world, school) == {}
    async with await world.client(school.people["finance"], page=True) as client:
        assert "没有要公开的事项" in (await client.get("/t/school/desk/publication")).text
