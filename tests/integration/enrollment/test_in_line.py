"""A guardian in a rush: the page says the position, asks again by itself, and the place in the line is kept."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest

from core.base import clock
from core.enrollment import claims, seats
from core.enrollment.basket import put
from tests.integration.enrollment.test_pages import follow, hidden
from tests.support import menu
from tests.support.world import World


@pytest.mark.req("R-216")
async def test_the_page_says_the_position_and_keeps_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "ANSWER_SECONDS", 0.2)
    school = await world.school(families=1)
    view = await menu.approved(world, school, title="少儿篮球", capacity=5, any_days=False)
    await menu.publish(world, school)
    [family] = school.families
    await menu.notice_hash(world, school, family)
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        await put(uow, family.student_id, view.term_id, 3, view.id, view.weekdays)
    parent = await world.client(family.guardian, page=True)
    page = (await parent.get("/t/school/home/apply")).text
    assert "data-again" not in page
    send = {"child": str(family.student_id), "need": "双职工家庭"}
    send |= {name: hidden(page, name) for name in ("sha256", "shown", "_key")}
    async with world.house.unit(school.ctx) as uow:
        await seats.hold_offering(uow, view.id)  # the rush, as it were
        told = await parent.post("/t/school/home/apply", data=send)
        assert told.status_code == 202
        assert '<div class="note info' in told.text and 'role="alert"' not in told.text  # no error: it is calm
        assert "你排在第 1 位" in told.text and 'data-again="2"' in told.text
        assert "双职工家庭" in told.text and hidden(told.text, "_key") == send["_key"]
    status = await follow(parent, await parent.post("/t/school/home/apply", data=send))
    assert "等待班主任审核" in status


@pytest.mark.req("R-216")
async def test_the_office_announces_the_times_and_families_read_them(world: World) -> None:
    school = await world.school(families=1)
    view = await menu.approved(world, school, title="少儿篮球", capacity=1, any_days=False)
    await menu.publish(world, school)
    office = await world.client(school.people["office"], page=True)
    form = (await office.get("/t/school/desk/menu/window")).text
    opens, closes = (re.search(rf'name="{name}"[^>]*value="([^"]+)"', form) for name in ("opens_at", "closes_at"))
    assert opens and closes
    send = {"opens_at": opens[1], "closes_at": closes[1], "returns": "18:30，12点"}
    wrong = await office.post("/t/school/desk/menu/window", data=send)
    assert wrong.status_code == 422 and "请写成 12:00、18:00 这样的时间" in wrong.text and "18:30，12点" in wrong.text
    await follow(office, await office.post("/t/school/desk/menu/window", data={**send, "returns": "18：30 12:00"}))
    assert 'value="12:00、18:30"' in (await office.get("/t/school/desk/menu/window")).text

    family = school.families[0]
    claimed = await claims.claims_of(world.house).claim(
        school.ctx.tenant_id, view.id, claims.Wish(family.student_id, "tap")
    )
    assert claimed.claimed
    async with world.house.unit(school.ctx) as uow:
        await seats.release(uow, family.student_id, [view.id], "cancelled")
    parent = await world.client(family.guardian, page=True)
    one = (await parent.get(f"/t/school/home/menu/{view.id}")).text
    assert "退回的名额每天 12:00、18:30 放出，下次有 1 个" in one
    assert "名额已满" in one
    claims.claims_of(world.house).forget(view.id)
    said = await claims.claims_of(world.house).claim(school.ctx.tenant_id, view.id, claims.Wish(family.student_id, "b"))
    assert said.outcome == "full" and said.again is not None
    local = clock.school_time(said.again)
    assert local.time() in (time(12), time(18, 30)) and said.again - clock.now() <= timedelta(days=1)
