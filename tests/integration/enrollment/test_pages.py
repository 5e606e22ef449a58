"""The same way over HTTP, as a browser without JavaScript goes it."""

from __future__ import annotations

import re

import httpx
import pytest

from core.identity.gateway import CodeGateway, FileGateway
from tests.support import menu
from tests.support.world import World


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


async def follow(client: httpx.AsyncClient, response: httpx.Response) -> str:
    assert response.status_code == 303, (response.status_code, response.text[:2000])
    page = await client.get(response.headers["location"])
    assert page.status_code == 200, page.text[:2000]
    return page.text


@pytest.mark.req("R-090", "R-132", "R-136", "R-150", "R-156")
async def test_a_guardian_goes_all_the_way(world: World) -> None:
    school = await world.school()
    office = await world.client(school.people["office"], page=True)
    form = {
        "title": "课后托管",
        "grades": ["1", "2", "3"],
        "weekdays": ["1", "2", "3", "4", "5"],
        "starts_at": "16:30",
        "ends_at": "17:30",
        "time_window": "afternoon",
        "content": ["homework"],
        "any_days": "true",
    }
    page = await office.get("/t/school/desk/offerings/new")
    key = hidden(page.text, "_key")
    wrong = await office.post("/t/school/desk/offerings", data={**form, "_key": key, "title": "奥数冲刺班"})
    assert wrong.status_code == 422
    assert "属于禁止开展的内容" in wrong.text
    assert "001#2" in wrong.text  # the clause is shown
    assert "奥数冲刺班" in wrong.text  # what was typed stays
    shown = await follow(office, await office.post("/t/school/desk/offerings", data={**form, "_key": key}))
    again = await office.post("/t/school/desk/offerings", data={**form, "_key": key})
    assert again.status_code == 303  # the same form sent twice is one offering
    here = re.search(r'action="(/t/school/desk/offerings/[0-9a-f-]+)/approve"', shown)
    assert here
    bare = await office.post(f"{here[1]}/reject", data={"reason": " "})
    assert bare.status_code == 422 and 'id="f-reason-err"' in bare.text
    long = await office.post(f"{here[1]}/reject", data={"reason": "长" * 301})
    assert long.status_code == 422 and "长" * 301 in long.text, "nothing typed is lost, nothing is cut off"
    await follow(office, await office.post(f"{here[1]}/approve", data={"reason": ""}))
    await menu.publish(world, school)
    assert "课后托管" in (await office.get("/t/school/desk/menu")).text

    family = school.families[0]
    parent = await world.client(family.guardian, page=True)
    assert "菜单" in (await parent.get("/t/school/home")).text
    listed = (await parent.get("/t/school/home/menu?day=1&kind=care")).text
    assert "课后托管" in listed
    offering_id = here[1].rsplit("/", 1)[1]
    one = (await parent.get(f"/t/school/home/menu/{offering_id}")).text
    assert "checked" not in one  # nothing is ticked beforehand
    basket = {"child": str(family.student_id), "offering": offering_id}
    no_day = await parent.post("/t/school/home/basket", data=basket)
    assert no_day.status_code == 422 and "至少选择一天" in no_day.text
    # The refused form stands at its own address; opened again, that leads back to a page.
    assert "课后服务" in await follow(parent, await parent.get("/t/school/home/basket"))
    assert 'href="/t/school"' in (await parent.get("/t/school/home/nowhere")).text
    await follow(parent, await parent.post("/t/school/home/basket", data={**basket, "weekdays": ["2", "4"]}))
    # What is only chosen is not said to be done.
    for where in ("/t/school/home", "/t/school/home/menu"):
        seen = (await parent.get(where)).text
        assert "选了 1 项，还没有提交" in seen and "去提交" in seen and "已选" not in seen
    assert "待提交" in seen
    applying = (await parent.get("/t/school/home/apply")).text
    assert "先阅读告家长书" in applying
    sha256, key = hidden(applying, "sha256"), hidden(applying, "_key")
    send = {"child": str(family.student_id), "sha256": sha256, "_key": key, "need": "双职工家庭"}
    send["shown"] = hidden(applying, "shown")
    unread = await parent.post("/t/school/home/apply", data=send)
    assert unread.status_code == 422
    assert "请先阅读告家长书" in unread.text
    letter = (await parent.get("/t/school/home/notice")).text
    assert "安全措施" in letter
    await follow(parent, await parent.post("/t/school/home/notice", data={k: send[k] for k in ("child", "sha256")}))
    status = await follow(parent, await parent.post("/t/school/home/apply", data=send))
    assert "等待班主任审核" in status
    for where in ("/t/school/home", "/t/school/home/menu"):
        seen = (await parent.get(where)).text
        assert "已提交 1 项" in seen and "去提交" not in seen and "待提交" not in seen
    # Other days wait to be submitted again; as they were, nothing waits.
    for days, waits in ((["2"], True), (["2", "4"], False)):
        await follow(parent, await parent.post("/t/school/home/basket", data={**basket, "weekdays": days}))
        seen = (await parent.get("/t/school/home/menu")).text
        assert ("待提交" in seen, "去提交" in seen, "选了 1 项，还没有提交" in seen) == (waits, waits, waits)
    # Sent again with another note, the note is what changes.
    applying = (await parent.get("/t/school/home/apply")).text
    assert "提交修改" in applying
    more = {**send, **{name: hidden(applying, name) for name in ("_key", "shown")}, "need": "双职工家庭，祖母来接"}
    await follow(parent, await parent.post("/t/school/home/apply", data=more))

    teacher = await world.client(school.people["class_teacher"], page=True)
    queue = (await teacher.get("/t/school/teach/review")).text
    assert "学生1" in queue
    assert "祖母来接" in queue
    none = await follow(teacher, await teacher.post("/t/school/teach/review/pass", data={}))
    assert "请先勾选要通过的申请" in none
    application_id = re.search(r'name="id" value="([0-9a-f-]+)"', queue)
    assert application_id
    one = (await teacher.get(f"/t/school/teach/review/{application_id[1]}")).text
    assert "审核通过" in one
    await follow(teacher, await teacher.post(f"/t/school/teach/review/{application_id[1]}/pass", data={}))

    assert "学生1" in (await office.get("/t/school/desk/applications")).text
    bulk = await office.post("/t/school/desk/applications/review", data={"id": [application_id[1]]})
    assert bulk.status_code == 200
    await follow(office, await office.post("/t/school/desk/applications/approve", data={"id": [application_id[1]]}))
    assert "已核准" in (await office.get(f"/t/school/desk/applications/{application_id[1]}")).text

    home = (await parent.get("/t/school/home")).text
    agreement = re.search(r"/t/school/home/agreements/[0-9a-f-]+", home)
    assert agreement
    paper = (await parent.get(agreement[0])).text
    assert "周二、周四 16:30–17:30" in paper
    asked = await follow(parent, await parent.post(f"{agreement[0]}/code"))
    gateway = world.house.get(CodeGateway)
    assert isinstance(gateway, FileGateway)
    code = gateway.last(family.guardian.phone)
    bad = await parent.post(f"{agreement[0]}/sign", data={"sha256": hidden(asked, "sha256"), "code": "1"})
    assert bad.status_code == 422
    signed = await follow(
        parent, await parent.post(f"{agreement[0]}/sign", data={"sha256": hidden(asked, "sha256"), "code": str(code)})
    )
    assert "协议已签订" in signed
    pdf = await parent.get(f"{agreement[0]}/pdf")
    assert pdf.content.startswith(b"%PDF")

    from sqlalchemy import select

    from core.enrollment.models import Agreement

    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(Agreement))).scalars().one()
    anyone = await world.client(page=True)
    proof = (await anyone.get(f"/verify/agreement/school/{row.token}")).text
    assert row.sha256 in proof
    assert "学生1" not in proof
    assert (await anyone.get("/verify/agreement/school/made-up-token")).status_code == 404

    home = (await parent.get("/t/school/home")).text
    enrolment = re.search(r"/t/school/home/enrolments/[0-9a-f-]+", home)
    assert enrolment
    assert (await parent.get(enrolment[0])).status_code == 200
    assert "确认退出" in (await parent.get(f"{enrolment[0]}/withdraw")).text
    left = await follow(parent, await parent.post(f"{enrolment[0]}/withdraw"))
    assert "已参加" not in left


async def test_other_families_see_nothing(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    mine, other = school.families
    application_id = await menu.apply(world, school, mine, [(care, (1,))])
    await menu.accept(world, school, application_id)
    async with world.house.unit(school.ctx) as uow:
        from sqlalchemy import select

        from core.enrollment.models import Agreement

        agreement_id = (await uow.session.execute(select(Agreement.id))).scalar_one()
    stranger = await world.client(other.guardian, page=True)
    for path in (
        f"home/applications/{application_id}",
        f"home/agreements/{agreement_id}",
        f"home/agreements/{agreement_id}/pdf",
        f"home/menu?child={mine.student_id}",
    ):
        assert (await stranger.get(f"/t/school/{path}")).status_code == 404, path
    assert (await stranger.post(f"/t/school/home/agreements/{agreement_id}/code")).status_code == 404
    assert (await stranger.get("/t/school/desk/menu")).status_code == 403
    assert (await stranger.get("/t/school/teach/review")).status_code == 403


@pytest.mark.req("R-134", "R-146")
async def test_refusing_on_the_desk(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    other = await menu.approved(world, school, title="阅读托管", any_days=False)
    await menu.publish(world, school)
    application_id = await menu.apply(world, school, school.families[0], [(care, (1,))])
    async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
        from core.enrollment import review

        await review.class_review(uow, application_id)
    office = await world.client(school.people["office"], page=True)
    here = f"/t/school/desk/applications/{application_id}"
    assert "其他可选安排" in (await office.get(here)).text
    bare = await office.post(f"{here}/refuse", data={"reason": "场地不足"})
    assert bare.status_code == 422
    assert "场地不足" in bare.text
    told = await follow(
        office, await office.post(f"{here}/refuse", data={"reason": "场地不足", "other": str(other.id)})
    )
    assert "未通过" in told
    parent = await world.client(school.families[0].guardian, page=True)
    seen = (await parent.get(f"/t/school/home/applications/{application_id}")).text
    assert "场地不足" in seen
    assert "阅读托管" in seen
