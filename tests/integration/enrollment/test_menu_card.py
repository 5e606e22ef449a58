"""What the office puts on an item's card: a picture, hours of a season, and the authority's own review (R-096)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time

import pytest

from core.enrollment.errors import Objected
from core.enrollment.offerings_service import (
    change_offering,
    draft_of,
    offering,
    propose_offering,
    review_offering,
    season_of,
)
from tests.support import menu
from tests.support.menu import CARE
from tests.support.world import World
from tests.unit.web.test_pictures import exif, jpeg, png


@pytest.mark.req("R-090", "R-091", "R-208")
async def test_a_picture_and_winter_times_over_the_pages(world: World) -> None:
    school = await world.school(families=1)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    office = await world.client(school.people["office"], page=True)
    here = f"/t/school/desk/offerings/{care.id}"
    # A picture: refused beside its field, kept without what a camera knows, shown on the card with its words.
    wrong = await office.post(f"{here}/cover", files={"file": ("a.png", b"no picture")}, data={"alt": "下棋"})
    assert wrong.status_code == 422 and "请上传 JPG 或 PNG 图片" in wrong.text
    photo = jpeg((0xE1, exif(">", 6)))
    sent = await office.post(f"{here}/cover", files={"file": ("a.jpg", photo)}, data={"alt": '孩子们在"下棋"'})
    assert sent.status_code == 303, sent.text
    parent = await world.client(school.families[0].guardian, page=True)
    shown = (await parent.get("/t/school/home/menu")).text
    found = re.search(r'<img src="(/t/school/covers/[^"]+)" alt="孩子们在&#34;下棋&#34;"', shown)
    assert found, shown
    picture = await parent.get(found[1])
    assert picture.headers["content-type"] == "image/jpeg" and b"GPS" not in picture.content
    assert "immutable" in picture.headers["cache-control"]
    stranger = await world.school("other", families=1)
    foreign = await world.client(stranger.families[0].guardian, page=True)
    assert (await foreign.get(found[1])).status_code == 404
    assert (await foreign.get(found[1].replace("/school/", "/other/"))).status_code == 404
    assert (await parent.post(f"{here}/cover", files={"file": ("a.png", png())}, data={"alt": "x"})).status_code == 403
    await office.post(f"{here}/cover", files={"file": ("b.png", png())}, data={"alt": "阅读角"})
    assert (await parent.get(found[1])).status_code == 404, "its address changes with the picture"
    assert (await office.post(f"{here}/cover/remove")).status_code == 303
    assert "/covers/" not in (await parent.get("/t/school/home/menu")).text
    # Winter times: all of them or none; the family reads them, and the form shows them again.
    form = {
        "title": "课后托管", "grades": ["1", "2", "3"], "weekdays": ["1", "2"], "starts_at": "16:30",
        "ends_at": "17:30", "any_days": "true", "content": ["homework"], "reason": "学校统一安排",
        "early_ends_at": "17:10", "season_from": "2026-11-01", "season_to": "2026-12-31",
    }  # fmt: skip
    assert "另一季的时间要填全" in (await office.post(f"{here}/edit", data=form)).text
    done = await office.post(f"{here}/edit", data={**form, "season_starts_at": "16:10", "season_ends_at": "17:20"})
    assert done.status_code == 303, re.sub("<[^>]+>", " ", done.text)
    async with world.house.unit(school.ctx) as uow:
        periods = (await offering(uow, care.id)).periods
    assert [(p.weekday, p.ends_at, p.valid_from, p.valid_to) for p in periods if p.weekday == 1] == [
        (1, time(17, 20), date(2026, 11, 1), date(2026, 12, 31)),
        (1, time(17, 30), date(2027, 1, 1), None),
        (1, time(17, 30), None, date(2026, 10, 31)),
    ]
    assert season_of(periods)[1] is not None
    again = (await office.get(f"{here}/edit")).text
    assert all(f'value="{said}"' in again for said in ("16:30", "2026-11-01", "2026-12-31", "16:10", "17:20"))
    seen = (await parent.get(f"/t/school/home/menu/{care.id}")).text
    assert "16:10–17:20（11月1日至12月31日）" in seen and "16:30–17:30（1月1日起）" in seen


@pytest.mark.req("R-096", "R-097")
async def test_a_course_waits_for_the_authority_where_the_rules_say_so(world: World) -> None:
    school = await world.school(pack="city-free-1000")
    office = await world.as_(school, "office")
    assert school.term_id is not None
    club = replace(
        CARE, kind="club", title="陶艺社", content=("arts",), room_id=school.room_id, teacher_id=school.teacher_id,
        early_ends_at=None, grades=(3, 4), reason="家长需求",
    )  # fmt: skip
    async with world.house.unit(office) as uow:
        view = await propose_offering(uow, school.term_id, club)
    desk = await world.client(school.people["office"], page=True)
    assert "课程还要经区教育局等部门审核" in (await desk.get(f"/t/school/desk/offerings/{view.id}")).text
    with pytest.raises(Objected) as refused:
        async with world.house.unit(office) as uow:
            await review_offering(uow, view.id, accept=True, reason="家长需求")
    assert "content.reviewed_by" in {o.rule for o in refused.value.objections}
    body = {"reason": "家长需求", "authority": "区教课审〔2026〕12 号"}
    assert (await desk.post(f"/t/school/desk/offerings/{view.id}/approve", data=body)).status_code == 303
    assert "区教课审〔2026〕12 号" in (await desk.get(f"/t/school/desk/offerings/{view.id}")).text
    async with world.house.unit(office) as uow:
        now = await offering(uow, view.id)
        later = await change_offering(uow, view.id, replace(draft_of(now), details={}, summary="拉坯、上釉"))
        assert later.details["review_number"] == body["authority"], "a plugin's own form does not lose it"
