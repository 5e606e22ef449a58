"""The publicity board and messages: masked names, fixed wording, objections, who hears of what and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.base import clock
from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from core.notices import service as notices
from core.notices.models import Message, Notice
from tests.support.world import World


@pytest.mark.req("R-461", "R-467", "R-462")
async def test_a_posting_from_draft_to_answered_objection(world: World) -> None:
    school = await world.school()
    office = await world.client(school.people["office"], page=True)
    form = {
        "kind": "hires",
        "title": "外聘人员公示",
        "body": "拟聘任以下人员。",
        "names": "张小三\n欧阳明月\n\n李四",
        "shown_from": clock.today().isoformat(),
        "shown_to": (clock.today() + timedelta(days=5)).isoformat(),
        "channels": ["letter"],
        "objections": "true",
        "_key": "0123456789",
    }
    wrong = await office.post("/t/school/desk/notices/new", data={**form, "title": "", "shown_to": "2020-01-01"})
    assert wrong.status_code == 422 and "请填写此项" in wrong.text and "拟聘任以下人员" in wrong.text
    made = await office.post("/t/school/desk/notices/new", data=form)
    assert made.status_code == 303
    path = made.headers["location"]
    id_ = path.rsplit("/", 1)[1]
    nobody = await world.client(page=True)
    assert (await nobody.get(f"/t/school/board/{id_}")).status_code == 404
    assert (await office.post(f"{path}/publish")).status_code == 303
    seen = await nobody.get(f"/t/school/board/{id_}")
    assert "张*三" in seen.text and "欧**月" in seen.text and "李*" in seen.text
    assert "张小三" not in seen.text
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(Notice))).scalar_one()
        assert "张小三" not in str(row.listing) and len(row.sha256) == 64
    assert (await office.get(f"{path}/edit")).status_code == 409

    guardian = await world.client(school.families[0].guardian, page=True)
    await world.drain(school)
    assert "新公示" in (await guardian.get("/t/school/home/messages")).text
    said = await guardian.post(f"/t/school/board/{id_}", data={"words": "资质在哪里看？", "_key": "0123456789"})
    assert said.status_code == 303
    assert (await nobody.post(f"/t/school/board/{id_}", data={"words": "x y z"})).status_code in (302, 401, 303)
    look = await office.get(path)
    assert "资质在哪里看" in look.text
    objection = look.text.split("/objections/")[1][:36]
    assert (await office.post(f"{path}/objections/{objection}", data={"answer": "见校务公开栏"})).status_code == 303
    mine = await guardian.get("/t/school/home/messages")
    assert "你的意见已答复" in mine.text and "见校务公开栏" in mine.text
    bare = await office.post(f"{path}/withdraw", data={"why": ""})
    assert bare.status_code == 422 and 'id="down-why-err"' in bare.text
    long = await office.post(f"{path}/withdraw", data={"why": "误" * 501})
    assert long.status_code == 422 and "误" * 501 in long.text, "what was typed stays"
    assert (await nobody.get(f"/t/school/board/{id_}")).status_code == 200
    await office.post(f"{path}/withdraw", data={"why": "名单有误"})
    assert "名单有误" in (await nobody.get(f"/t/school/board/{id_}")).text
    assert "外聘人员公示" not in (await nobody.get("/t/school/board")).text


async def test_the_same_thing_is_posted_once_and_replaced_whole(world: World) -> None:
    school = await world.school()
    draft = notices.Draft(kind="fees", title="收费标准", body="480 元", subject_key="fees/1")
    async with world.house.unit(school.ctx) as uow:
        first = await notices.post(uow, draft)
        assert await notices.post(uow, draft) == first
    async with world.house.unit(school.ctx) as uow:
        second = await notices.post(
            uow, notices.Draft(kind="fees", title="收费标准", body="450 元", subject_key="fees/1")
        )
    assert second != first
    board = (await (await world.client()).get("/api/t/school/board")).json()["notices"]
    assert [n["body"] for n in board] == ["450 元"]


async def test_a_message_comes_once_however_often_its_event_is_delivered(world: World) -> None:
    school = await world.school(families=2)
    async with world.house.unit(school.ctx) as uow:
        await notices.post(uow, notices.Draft(kind="menu", title="菜单"))
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        sent = (await uow.session.execute(select(Outbox).where(Outbox.name == "notices.notice.published"))).scalar_one()
        payload, id_ = dict(sent.payload), sent.id
        await uow.emit("notice.published", payload)
    await world.drain(school)
    assert await deliver(world.house, school.ctx.tenant_id, id_) == "gone"
    async with world.house.unit(school.ctx) as uow:
        kept = (await uow.session.execute(select(Message))).scalars().all()
        assert len(kept) == 2 and len({m.account_id for m in kept}) == 2


async def test_messages_are_ones_own(world: World) -> None:
    school = await world.school(families=2)
    one, two = school.families
    async with world.house.unit(school.ctx) as uow:
        told = {"child": "学生1", "due": 36050}
        await notices.tell(uow, [one.guardian.account_id], "billing.issued", told, path="home/menu", source="bill/1")
    mine = await world.client(one.guardian, page=True)
    page = await mine.get("/t/school/home/messages")
    assert "学生1的账单已发出" in page.text and "¥360.50" in page.text and "1 条未读" in page.text
    link = page.text.split('href="/t/school/home/messages/')[1][:36]
    theirs = await world.client(two.guardian, page=True)
    assert (await theirs.get(f"/t/school/home/messages/{link}")).status_code == 404
    assert "账单" not in (await theirs.get("/api/t/school/messages")).text
    opened = await mine.get(f"/t/school/home/messages/{link}")
    assert opened.status_code == 303 and opened.headers["location"] == "/t/school/home/menu"
    assert (await mine.get("/api/t/school/messages")).json()["unread"] == 0
    english = await mine.get("/t/school/home/messages", headers={"accept-language": "en"})
    assert english.status_code == 200


async def test_an_expired_posting_takes_no_objections(world: World) -> None:
    school = await world.school()
    async with world.house.unit(school.ctx) as uow:
        today = clock.today()
        id_ = await notices.post(
            uow, notices.Draft(kind="list", title="名单", names=["张三"], shown_from=today, shown_to=today)
        )
    guardian = await world.client(school.families[0].guardian, page=True)
    with clock.travelled(timedelta(days=2)):
        late = await guardian.post(f"/t/school/board/{id_}", data={"words": "我有意见", "_key": "0123456789"})
        assert late.status_code == 422 and "公示已经结束" in late.text
        assert "公示期已过" in (await guardian.get(f"/t/school/board/{id_}")).text
