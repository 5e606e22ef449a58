"""The teacher of each item signs its safety agreement before the item starts; a new version asks again."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from core.enrollment.pledges import service
from core.enrollment.pledges.models import TeacherPledge
from core.lessons.errors import SafetyUnsigned
from core.lessons.register import sign_in
from tests.support.lessons import MONDAY, at, group
from tests.support.world import World


@pytest.mark.req("R-161")
async def test_no_lesson_begins_unsigned_where_the_scheme_wants_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = await world.school(pack="second-experimental-primary")
    care = await group(world, school, signed=False)
    teacher = await world.as_(school, "teacher")
    phone = await world.client(school.people["teacher"], page=True)
    desk = await world.client(school.people["office"], page=True)
    here = f"/t/school/teach/safety/{care.offering_id}"
    with at(MONDAY, 16, 20):
        with pytest.raises(SafetyUnsigned) as refused:
            async with world.house.unit(teacher) as uow:
                await sign_in(uow, care.on())
        assert "002#2" in refused.value.objections[0].clause
        assert here in (await phone.get("/t/school/teach")).text
        assert "未签署" in (await desk.get("/t/school/desk/safety")).text
        shown = (await phone.get(here)).text
        assert "课后托管" in shown and "002#2" in shown
        sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', shown)
        assert sha256
        assert "内容已更新" not in shown
        wrong = await phone.post(here, data={"sha256": "0" * 64})
        assert wrong.headers["location"].endswith(here)  # not what was shown: to be read again
        for _tap in range(2):
            assert (await phone.post(here, data={"sha256": sha256[1]})).status_code == 303
        async with world.house.unit(teacher) as uow:
            row = (await uow.session.execute(select(TeacherPledge))).scalar_one()
            assert (row.signer_name, row.version, row.sha256) == ("教师戊", 1, sha256[1])
            await sign_in(uow, care.on())
    assert "已签署" in (await desk.get("/t/school/desk/safety")).text
    assert (await desk.get(f"/t/school/desk/safety/{row.id}/pdf")).content.startswith(b"%PDF")
    # A new version of the text asks again.
    plain = service.template_text("teacher-safety")
    monkeypatch.setattr(service, "template_text", lambda _stem: {**plain, "version": 2})
    async with world.house.unit(teacher) as uow:
        assert [v.id for v in await service.mine_unsigned(uow, [care.offering_id])] == [care.offering_id]
        assert await service.objections(uow, care.offering_id, row.staff_id)
    # Where no document wants it, nobody is kept from teaching.
    monkeypatch.undo()
    other = await world.school("other")
    elsewhere = await group(world, other)
    with at(MONDAY, 16, 20):
        async with world.house.unit(await world.as_(other, "teacher")) as uow:
            await sign_in(uow, elsewhere.on())
