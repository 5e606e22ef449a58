"""The authority reviews a course in its own tenant: sent, returned with a reason, changed, sent again, passed."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select

from core.db.correspondence import REFUSED
from core.db.kernel_tables import AuditEntry
from core.enrollment.errors import Objected
from core.enrollment.offerings_service import change_offering, draft_of, offering, propose_offering, review_offering
from core.enrollment.vetting import service
from core.enrollment.vetting.documents import DECISION
from core.enrollment.vetting.errors import AuthorityDecides, NoAuthority, StillThere
from core.enrollment.vetting.models import OfferingFiling
from core.notices.models import Message
from tenants.oversight.models import ReceivedOffering
from tests.support.menu import CARE
from tests.support.world import World

PACK = "city-free-1000"


@pytest.mark.req("R-096", "R-097", "R-098")
async def test_a_course_goes_to_the_authority_and_comes_back(world: World) -> None:
    bureau = await world.bureau(pack=PACK)
    school = await world.school(pack=PACK, parent=bureau.ctx, families=0)
    office = await world.as_(school, "office")
    assert school.term_id is not None
    club = replace(
        CARE, kind="club", title="陶艺社", content=("arts",), room_id=school.room_id, teacher_id=school.teacher_id,
        early_ends_at=None, grades=(3, 4), reason="家长需求",
    )  # fmt: skip
    async with world.house.unit(office) as uow:
        view = await propose_offering(uow, school.term_id, club)
    here = f"/t/school/desk/offerings/{view.id}"
    desk = await world.client(school.people["office"], page=True)
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    # The authority is on the platform: nobody types its number, and without its word the school cannot pass the course.
    page = (await desk.get(here)).text
    assert "报送青禾县教育局" in page and "主管部门审核意见文号" not in page
    for deed, refusal in (({"authority": "自拟 1 号"}, AuthorityDecides), ({}, Objected)):
        with pytest.raises(refusal):
            async with world.house.unit(office) as uow:
                await review_offering(uow, view.id, accept=True, reason="家长需求", **deed)
    assert (await desk.post(f"{here}/vetting/send")).status_code == 303
    async with world.house.unit(office) as uow:
        with pytest.raises(StillThere):
            await service.send(uow, view.id)
    await world.drain(school, bureau)
    queue = (await officer.get("/t/bureau/bureau/courses")).text
    assert "陶艺社" in queue and "实验小学" in queue
    async with world.house.unit(bureau.ctx) as uow:
        first = (await uow.session.execute(select(ReceivedOffering))).scalar_one()
        assert "教师" not in str(first.content) and first.school_id == school.ctx.tenant_id
    there = f"/t/bureau/bureau/courses/{first.id}"
    shown = (await officer.get(there)).text
    assert "三年级" in shown and "退回修改" in shown
    assert (await officer.post(f"{there}/return", data={"reason": ""})).status_code == 422
    assert (await officer.post(f"{there}/return", data={"reason": "请写明每次活动内容"})).status_code == 303
    await world.drain(bureau, school)
    assert "请写明每次活动内容" in (await desk.get(here)).text
    async with world.house.unit(office) as uow:
        kinds = (await uow.session.execute(select(Message.kind))).scalars().all()
        assert "offering.authority_returned" in kinds
        now = draft_of(await offering(uow, view.id))
        plan = {"outline": ["第一课 拉坯", "第二课 上釉"]}
        await change_offering(uow, view.id, replace(now, details={**now.details, **plan}))
    await desk.post(f"{here}/vetting/send")
    await world.drain(school, bureau)
    async with world.house.unit(bureau.ctx) as uow:
        query = select(ReceivedOffering).where(ReceivedOffering.state == "received")
        second = (await uow.session.execute(query)).scalar_one()
        assert second.round == 2 and second.content["outline"] == plan["outline"]
    there = f"/t/bureau/bureau/courses/{second.id}"
    key = re.search(r'name="_key" value="([^"]+)"', (await officer.get(there)).text)
    assert key is not None
    for _ in (1, 2):  # pressed twice, passed once
        assert (await officer.post(f"{there}/pass", data={"_key": key[1]})).status_code == 303
    await world.drain(bureau, school)
    assert "KC" in (await desk.get(here)).text
    async with world.house.unit(office) as uow:
        passed = await offering(uow, view.id)
        number = passed.details["review_number"]
        assert number.startswith("KC") and passed.details["reviewed_by"] == ["district_bureau"]
        # Another room is the same course; another content is not, and its pass falls.
        moved = await change_offering(uow, view.id, replace(draft_of(passed), room_id=None))
        assert moved.details["review_number"] == number
        await change_offering(uow, view.id, draft_of(passed))
    async with world.house.unit(office) as uow:
        await review_offering(uow, view.id, accept=True, reason="家长需求")
    with pytest.raises(Objected) as refused:
        async with world.house.unit(office) as uow:
            other = replace(draft_of(await offering(uow, view.id)), summary="改为奥数训练营", reason="家长需求")
            await change_offering(uow, view.id, other)
    assert "content.reviewed_by" in {o.rule for o in refused.value.objections}
    # Back to review it may be changed, and then the school alone cannot pass it any more.
    assert (await desk.post(f"{here}/reopen", data={"reason": ""})).status_code == 422
    assert (await desk.post(f"{here}/reopen", data={"reason": "改为书画"})).status_code == 303
    async with world.house.unit(office) as uow:
        other = replace(draft_of(await offering(uow, view.id)), summary="改为书画", reason="家长需求")
        assert "review_number" not in (await change_offering(uow, view.id, other)).details
    with pytest.raises(Objected):
        async with world.house.unit(office) as uow:
            await review_offering(uow, view.id, accept=True, reason="家长需求")
    assert "报送青禾县教育局" in (await desk.get(here)).text
    # An answer from elsewhere, and one to an unknown round, are refused for good and change nothing.
    stranger = await world.bureau("elsewhere", pack=PACK)
    forged = {"offering_id": str(view.id), "round": 2, "decision": "returned", "reason": "x"}
    async with world.house.unit(stranger.ctx) as uow:
        await uow.send_document(school.ctx.tenant_id, DECISION, forged, key="forged")
    await world.drain(stranger, school)
    async with world.house.unit(school.ctx) as uow:
        rows = (await uow.session.execute(select(OfferingFiling).order_by(OfferingFiling.round))).scalars().all()
        assert [r.decision for r in rows] == ["returned", "passed"]
        assert (await uow.session.execute(select(AuditEntry).where(AuditEntry.action == REFUSED))).scalars().first()
    other = await world.client(stranger.people["bureau_officer"], page=True)
    assert (await other.get(f"/t/elsewhere/bureau/courses/{second.id}")).status_code == 404
    # A school without an authority on the platform sends nothing.
    alone = await world.school("alone", pack=PACK, families=0)
    assert alone.term_id is not None
    own = replace(club, room_id=alone.room_id, teacher_id=alone.teacher_id)
    async with world.house.unit(await world.as_(alone, "office")) as uow:
        mine = await propose_offering(uow, alone.term_id, own)
        with pytest.raises(NoAuthority):
            await service.send(uow, UUID(str(mine.id)))
