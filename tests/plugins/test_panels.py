"""What clubs, lunch and insurance add to other features' pages: drawn by the real templates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.base import clock
from core.web.markup import Panel
from plugins.clubs import service as clubs
from plugins.clubs.schemas import ClubForm
from plugins.insurance import service as insurance
from plugins.insurance.schemas import AccidentForm
from plugins.meals import service as meals
from plugins.meals.schemas import BanForm, LunchForm
from tests.plugins.support import enrol
from tests.support.world import School, World


async def drawn(world: World, school: School, slot: str, subject: Any) -> str:
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        panels = await uow.hooks.present("page_panels", ctx, Panel, uow=uow, slot=slot, subject=subject)
    assert world.app is not None
    environment = world.app.state.pages.environment
    return "".join(environment.get_template(p.template).render(ctx=ctx, **p.data) for p in panels)


async def test_panels_speak_of_their_own_item_and_child(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    ctx, child = await world.as_(school, "office"), school.families[0].student_id
    assert school.term_id is not None
    days = {"weekdays": [1, 2, 3, 4, 5], "grades": [3]}
    async with world.house.unit(ctx) as uow:
        club_form = {
            "title": "围棋",
            "tone": "study",
            "summary": "下棋、讲棋",
            "plan": "吃子\n复盘",
            "materials": "水杯",
        }
        club = await clubs.propose_club(
            uow,
            school.term_id,
            ClubForm.model_validate(
                club_form
                | {"weekdays": [3], "grades": [3], "starts_at": "16:00", "ends_at": "17:00"}
                | {"teacher_id": school.teacher_id}
            ),
        )
        lunch = await meals.set_up(
            uow,
            school.term_id,
            LunchForm.model_validate(
                days
                | {"caterer": "禾香团餐", "formalities": ["qualification", "open_tender"], "price_fen": 1500}
                | {"tender_by": "district_bureau", "standard_by": "district_bureau"}
            ),
        )
        for ahead in range(8):
            await meals.put_menu(uow, clock.today() + timedelta(days=ahead), "番茄炒蛋（鸡蛋）")
        await meals.put_ban(uow, child, BanForm(flags=["egg"], words="会起疹子"))
        accident = AccidentForm(insurer="青禾人寿", product="平安 A 款", cover="意外与门诊", grades=[3])
        cover = await insurance.offer(uow, school.term_id, accident)
    for item, weekdays in ((club.offering, [3]), (lunch.item, [1, 2, 3, 4, 5]), (cover.item, [])):
        await enrol(world, school, child, item.id, weekdays, clock.today())

    async def of_item(offering_id: Any) -> str:
        return await drawn(world, school, "enrollment/offering", {"offering_id": offering_id, "student_id": child})

    assert "复盘" in await of_item(club.offering.id)
    shown = await of_item(lunch.item.id)
    assert "禾香团餐" in shown and "¥15" in shown and "复盘" not in shown
    assert "自愿参加" in await of_item(cover.item.id)
    home = await drawn(world, school, "enrollment/home", {"student_id": child})
    assert "番茄炒蛋" in home and "围棋" not in home
    async with world.house.unit(ctx) as uow:
        from core.people.service import student

        view = await student(uow, child)
    page = await drawn(world, school, "people/student", view)
    assert "围棋" in page and "鸡蛋" in page and "意外险已参保" in page and "会起疹子" not in page
