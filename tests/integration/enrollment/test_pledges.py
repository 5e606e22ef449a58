"""The teacher of each item signs its safety agreement before the item starts; a new version asks again."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from core.enrollment.forming.models import CareGroup, CareGroupDuty, FormingRun, as_slots
from core.enrollment.pledges import service
from core.enrollment.pledges.models import TeacherPledge
from core.enrollment.pledges.paper import paper
from core.identity.gateway import CodeGateway, FileGateway
from core.lessons.errors import SafetyUnsigned
from core.lessons.models import Lesson
from core.lessons.register import sign_in
from core.people.models import Staff
from tests.integration.waiting.test_way import plain
from tests.support.lessons import MONDAY, at, group
from tests.support.world import World

TUESDAY = MONDAY + timedelta(days=1)


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
        # The scheme's own words, with this item in them.
        assert "课后托管" in shown and "002#2" in shown and "学生活动的第一责任人" in shown
        sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', shown)
        assert sha256 is None  # first a code, then a signature
        asked = await phone.post(f"{here}/code")
        assert asked.status_code == 303 and "sent=" in asked.headers["location"]
        gateway = world.house.get(CodeGateway)
        assert isinstance(gateway, FileGateway)
        digits = gateway.last(school.people["teacher"].phone)
        shown = (await phone.get(asked.headers["location"])).text
        sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', shown)
        assert digits and sha256
        other_text = await phone.post(here, data={"code": digits, "sha256": "0" * 64})
        assert other_text.status_code == 409 and "内容已更新" in other_text.text
        false = await phone.post(here, data={"code": f"{(int(digits) + 1) % 10**6:06d}", "sha256": sha256[1]})
        assert false.status_code == 422 and "验证码" in false.text
        for _tap in range(2):
            assert (await phone.post(here, data={"code": digits, "sha256": sha256[1]})).status_code == 303
        async with world.house.unit(teacher) as uow:
            row = (await uow.session.execute(select(TeacherPledge))).scalar_one()
            assert (row.signer_name, row.version, row.sha256) == ("教师戊", 1, sha256[1])
            assert row.template == "teacher-safety-second-experimental-primary"
            await sign_in(uow, care.on())
    assert "已签署" in (await desk.get("/t/school/desk/safety")).text
    assert (await desk.get(f"/t/school/desk/safety/{row.id}/pdf")).content.startswith(b"%PDF")
    made = paper(row, school.ctx.name, "https://example.org", school.ctx.slug).data()
    assert made["org"] and made["qr"] and made["number"] == row.number and row.sha256 in str(made["parts"])
    stranger = await world.client(None, page=True)
    proof = (await stranger.get(f"/verify/safety/school/{row.token}")).text
    assert row.sha256 in proof and "没有改动" in proof and "课后托管" in proof and "教师戊" not in proof
    assert (await stranger.get("/verify/safety/school/nothing")).status_code == 404

    # Nobody signs for what others teach. Who stands in signs, too, and the office sees whom it waits for.
    colleague = await world.client(school.people["class_teacher"], page=True)
    assert (await colleague.get(here)).status_code == 404
    assert (await colleague.post(f"{here}/code")).status_code == 404
    async with world.house.unit(school.ctx) as uow:
        named = {s.post: s for s in (await uow.session.execute(select(Staff))).scalars()}
        lesson = await uow.get(Lesson, care.on(TUESDAY))
        lesson.usual_teacher_id, lesson.teacher_id = lesson.teacher_id, named["class_teacher"].id
        run = FormingRun(
            term_id=school.term_id,
            title="编班",
            state="published",
            offering_ids=[care.offering_id],
            mode="mixed",
            size=35,
            starts_on=MONDAY,
        )
        uow.session.add(run)
        await uow.session.flush()
        board = {"run_id": run.id, "board": school.ctx.tenant_id, "valid": Range(MONDAY, None)}
        slots = as_slots([(990, 1050)])
        one = CareGroup(**board, offering_id=care.offering_id, number=1, title="1 班", slots=slots)
        uow.session.add(one)
        await uow.session.flush()
        duty = CareGroupDuty(**board, group_id=one.id, staff_id=named["principal"].id, role="b", weekday=1, slots=slots)
        uow.session.add(duty)
    with at(MONDAY, 16, 30):
        listed = plain((await desk.get("/t/school/desk/safety")).text)
        assert "班任丁 未签署" in listed and "校长甲 未签署" in listed and "教师戊 已签署" in listed
        assert (await colleague.get(here)).status_code == 200

    # A new version of the text asks again.
    async with world.house.unit(school.ctx) as uow:
        stem, words = service.scheme_text(uow, "teacher-safety")
    monkeypatch.setattr(service, "scheme_text", lambda _uow, _stem: (stem, {**words, "version": 2}))
    async with world.house.unit(teacher) as uow:
        assert [v.id for v in await service.mine_unsigned(uow, [care.offering_id])] == [care.offering_id]
        assert await service.objections(uow, care.offering_id, row.staff_id)
    assert "已有新版" in (await stranger.get(f"/verify/safety/school/{row.token}")).text
    # Where no document wants it, nobody is kept from teaching.
    monkeypatch.undo()
    other = await world.school("other")
    elsewhere = await group(world, other)
    with at(MONDAY, 16, 20):
        async with world.house.unit(await world.as_(other, "teacher")) as uow:
            await sign_in(uow, elsewhere.on())
