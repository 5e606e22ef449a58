"""The waiting list over HTTP: joined from the menu, put ahead in public, offered, refused, accepted, told of."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from core.enrollment import applications, enrolments, menu_service, seats
from core.enrollment.basket import application_of, items_of
from core.enrollment.errors import NotForGrade, NotOnMenu
from core.enrollment.letters import letter
from core.enrollment.models import Application, Offering
from core.enrollment.waiting import accepting, lists, service
from core.enrollment.waiting.models import WaitingEvent
from core.notices.models import Message
from core.terms.models import Term
from tests.integration.draw.test_way import follow, hidden
from tests.support import draws, menu, waiting
from tests.support.database import DatabaseAddresses
from tests.support.world import Family, School, World

HOME = "/t/school/home"


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def told(world: World, school: School, kind: str) -> int:
    async with world.house.unit(school.ctx) as uow:
        return len((await uow.session.execute(select(Message.id).where(Message.kind == kind))).all())


async def lists_page(client: httpx.AsyncClient, family: Family) -> str:
    return (await client.get(f"{HOME}/waiting?child={family.student_id}")).text


@pytest.mark.req("R-133", "R-134", "R-145", "R-146", "R-213", "R-214", "R-216")
async def test_the_whole_way(world: World, database: DatabaseAddresses) -> None:
    school = await world.school(families=4, pack=None)
    # The clay club is at the hour of the chess club: rather chess than clay.
    chess, clay = await draws.clubs(world, school, draws.club("围棋社", capacity=1), draws.club("陶艺社", capacity=5))
    holder, first, second, _third = school.families
    await menu.enrol(world, school, first, [(clay, ())])
    await menu.apply(world, school, holder, [(chess, ())])
    mother = await world.client(first.guardian, page=True)
    father = await world.client(second.guardian, page=True)
    office = await world.client(school.people["office"], page=True)

    # From the menu's card to the list, with what the family would rather give up.
    shown = (await mother.get(f"{HOME}/menu?child={first.student_id}")).text
    [href] = set(re.findall(r'href="([^"]+/waiting/new[^"]+)"', shown))
    page = (await mother.get(href.replace("&amp;", "&"))).text
    assert "宁愿等这个" in page
    sent = {"_key": hidden(page, "_key"), "child": str(first.student_id), "offering": str(chess.id)}
    clash = await mother.post(f"{HOME}/waiting", data=sent)
    assert clash.status_code == 409
    assert "时间重叠" in clash.text
    sent["giving_up"] = str(clay.id)
    joined = await follow(mother, await mother.post(f"{HOME}/waiting", data=sent))
    assert "排在第一位" in joined
    assert "按登记先后，第 1 个登记" in joined
    await follow(mother, await mother.post(f"{HOME}/waiting", data=sent))  # a second tap is nothing

    # Told first, then asked: without the letter nobody joins.
    unread = await father.post(f"{HOME}/waiting", data={"child": str(second.student_id), "offering": str(chess.id)})
    assert unread.status_code == 422
    assert "请先阅读告家长书" in unread.text
    await waiting.join(world, school, second, chess)
    assert "前面还有 1 个孩子" in await lists_page(father, second)
    assert "2 人候补" in (await father.get(f"{HOME}/menu?child={second.student_id}")).text

    # Nobody is put ahead without a reason and a note; then everybody can count it.
    desk = (await office.get(f"/t/school/desk/waiting/{chess.id}")).text
    entry = re.findall(r"/desk/waiting/entries/([0-9a-f-]+)", desk)[1]
    untold = await office.post(f"/t/school/desk/waiting/entries/{entry}/jump", data={"reason": "safety", "note": ""})
    assert untold.status_code == 422
    done = await office.post(
        f"/t/school/desk/waiting/entries/{entry}/jump", data={"reason": "school_error", "note": "漏登了家长电话报名"}
    )
    assert "由学校提前安排，理由：纠正学校的差错" in await follow(office, done)
    stranger = await world.client(None, page=True)
    public = (await stranger.get("/t/school/waiting")).text
    assert "纠正学校的差错" in public
    assert "漏登" not in public and "数据库" not in public
    # Why somebody was put ahead is counted for the whole school: beside one club's name it could name a child.
    table = public[public.index("<table") :]
    assert "围棋社" in table and "提前安排" not in table
    counts = (await stranger.get("/api/t/school/waiting", headers={"accept": "application/json"})).json()
    assert counts["jumps"] == {"school_error": 1}
    assert all("jumps" not in one for one in counts["lists"])
    assert "其中 1 个由学校提前安排" in await lists_page(mother, first)

    # The place comes free: offered in order, refused, offered to the next, each told.
    async with world.house.unit(await world.as_(school, holder.guardian)) as uow:
        assert school.term_id is not None
        await applications.cancel(uow, holder.student_id, school.term_id)
    await world.drain(school)
    assert await waiting.states(world, school, chess) == [(second.student_id, "offered"), (first.student_id, "waiting")]
    quick = await father.post(f"{HOME}/basket", data={"child": str(holder.student_id), "offering": str(chess.id)})
    assert quick.status_code == 404  # not his child
    assert await told(world, school, "waiting.offered") == 1
    await follow(father, await father.post(f"{HOME}/waiting/{entry}/refuse"))
    await world.drain(school)
    assert await waiting.states(world, school, chess) == [(first.student_id, "offered")]
    assert "候补到名额，请答复" in (await mother.get(f"{HOME}?child={first.student_id}")).text
    page = await lists_page(mother, first)
    assert "接受后同时退出：陶艺社" in plain(page)

    # One tap takes it, lets the other go and says so in the application; a second tap changes nothing.
    [accept] = re.findall(r'action="([^"]+/accept)"', page)
    assert "等待班主任审核" in await follow(mother, await mother.post(accept))
    again = await mother.post(accept)
    assert again.status_code == 303
    async with world.house.unit(school.ctx) as uow:
        assert await enrolments.enrolments_of(uow, first.student_id) == []
        held = await seats.held_by(uow, first.student_id, school.term_id)
        assert {id_: place.until for id_, place in held.items()} == {chess.id: None}
        application = await application_of(uow, first.student_id, school.term_id)
        assert application is not None
        assert application.state == "submitted"
        items = {item.offering_id: item.state for item in await items_of(uow, application.id)}
        assert items == {chess.id: "chosen", clay.id: "dropped"}
        right, again_made = await lists.checked(uow, chess.id)
        assert right
        assert again_made.places == ()
    await menu.accept(world, school, application.id)
    await menu.sign(world, school, first)
    desk = (await office.get(f"/t/school/desk/waiting/{chess.id}")).text
    assert "已按登记记录核对，次序无误" in desk
    assert "漏登了家长电话报名" in desk
    assert (await office.get("/t/school/desk/waiting")).status_code == 200


@pytest.mark.req("R-145", "R-146")
async def test_the_same_by_json(world: World) -> None:
    """Joined, read, left, offered, declined and counted without a page; another family's entry is not found."""
    school = await world.school(families=3, pack=None)
    [chess] = await draws.clubs(world, school, draws.club("围棋社", capacity=1))
    holder, family, other = school.families
    await menu.apply(world, school, holder, [(chess, ())])
    await menu.notice_hash(world, school, family)
    api, client, stranger = "/api/t/school", await world.client(family.guardian), await world.client(other.guardian)
    body = {"child": str(family.student_id), "offering": str(chess.id)}
    made = (await client.post(f"{api}/home/waiting", json=body)).json()
    assert (made["state"], made["ahead"], made["waiting"], made["jumped_ahead"]) == ("waiting", 0, 1, 0)
    assert "第 1 个登记" in made["basis"]
    assert (await stranger.post(f"{api}/home/waiting/{made['id']}/leave")).status_code == 404
    assert (await stranger.get(f"{api}/home/waiting/{family.student_id}")).status_code == 404
    assert (await client.post(f"{api}/home/waiting/{made['id']}/leave")).json()["state"] == "left"
    made = (await client.post(f"{api}/home/waiting", json=body)).json()
    await waiting.give_back(world, school, chess, holder.student_id)
    await world.drain(school)
    [offered] = (await client.get(f"{api}/home/waiting/{family.student_id}")).json()
    assert offered["offer_until"]
    assert (await client.post(f"{api}/home/waiting/{made['id']}/refuse")).json()["state"] == "refused"
    late = await client.post(f"{api}/home/waiting/{made['id']}/accept")
    assert (late.status_code, late.json()["code"]) == (409, "offer_over")
    everybody = await world.client(None)
    public = (await everybody.get(f"{api}/waiting")).json()
    [counted] = public["lists"]
    assert (counted["title"], counted["waiting"], counted["let_go"]) == ("围棋社", 0, 1)
    assert (public["total"], public["jumps"]) == (1, {})
    assert (await everybody.get(f"{api}/waiting?at=2")).json()["lists"] == []


@pytest.mark.req("R-146", "R-214")
async def test_an_offer_binds_nobody_to_what_may_not_be_chosen(world: World) -> None:
    """Between offer and answer the item's plugin is switched off, or its grades change: the offer is not accepted, as
    nobody could choose the item from the menu either, and the application stays as it was."""
    school = await world.school(families=2, pack=None)
    [chess] = await draws.clubs(world, school, draws.club("围棋社", capacity=1))
    holder, family = school.families
    await menu.apply(world, school, holder, [(chess, ())])
    entry = await waiting.join(world, school, family, chess)
    await waiting.give_back(world, school, chess, holder.student_id)
    await world.drain(school)
    assert await waiting.states(world, school, chess) == [(family.student_id, "offered")]
    ctx = await world.as_(school, family.guardian)
    for change, back, refusal in (
        ({"plugin": "clubs"}, {"plugin": None}, NotOnMenu),
        ({"grades": [1, 2]}, {"grades": [3, 4]}, NotForGrade),
    ):
        await changed(world, school, chess.id, change)
        async with world.house.unit(replace(ctx, plugins=ctx.plugins - {"clubs"})) as uow:
            assert school.term_id is not None
            shown = await menu_service.menu_of(uow, school.term_id)
            assert shown is not None
            sha256 = (await letter(uow, await uow.get(Term, school.term_id), shown)).sha256
            await applications.read_notice(uow, family.student_id, school.term_id, sha256)
            with pytest.raises(refusal):
                await accepting.accept(uow, entry)
            await uow.session.rollback()
        await changed(world, school, chess.id, back)
    await menu.notice_hash(world, school, family)
    async with world.house.unit(ctx) as uow:
        application = await uow.get(Application, await accepting.accept(uow, entry))
        assert application.state == "submitted"


async def changed(world: World, school: School, offering_id: UUID, columns: dict[str, Any]) -> None:
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Offering).where(Offering.id == offering_id).values(**columns))


@pytest.mark.req("R-146", "R-150", "R-214")
async def test_rather_this_than_that_on_its_days(world: World) -> None:
    """Care on all days and a club on Wednesday, in the middle of the term and after the window: accepting the club
    takes Wednesday out of the care, in the application at once and in the enrolment when the agreement is signed."""
    school = await world.school(families=2, pack=None)
    care = await menu.approved(world, school)
    [chess] = await draws.clubs(world, school, draws.club("围棋社", capacity=1))
    holder, family = school.families
    await menu.enrol(world, school, family, [(care, (1, 3, 5))])
    await menu.apply(world, school, holder, [(chess, ())])
    entry = await waiting.join(world, school, family, chess, giving_up=[care.id])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        await menu_service.shut_menu(uow, school.term_id)
    await waiting.give_back(world, school, chess, holder.student_id)
    await world.drain(school)
    client = await world.client(family.guardian, page=True)
    shown = plain(await lists_page(client, family))
    assert "课后托管（周三）" in shown
    # The letter has another closing date now: told first, also now.
    assert "接受之前还要做： 阅读告家长书" in shown
    assert (await client.post(f"{HOME}/waiting/{entry}/accept")).status_code == 422
    await menu.notice_hash(world, school, family)
    await follow(client, await client.post(f"{HOME}/waiting/{entry}/accept"))
    async with world.house.unit(school.ctx) as uow:
        assert [e.weekdays for e in await enrolments.enrolments_of(uow, family.student_id)] == [(1, 3, 5)]
        held = await seats.held_by(uow, family.student_id, school.term_id)
        assert {id_: (place.weekdays, place.until) for id_, place in held.items()} == {
            care.id: ((1, 5), None),
            chess.id: ((3,), None),
        }
        application = await application_of(uow, family.student_id, school.term_id)
    assert application is not None
    await menu.accept(world, school, application.id)
    await menu.sign(world, school, family)
    async with world.house.unit(school.ctx) as uow:
        mine = await enrolments.enrolments_of(uow, family.student_id)
        assert {e.offering.id: e.weekdays for e in mine} == {care.id: (1, 5), chess.id: (3,)}


@pytest.mark.req("R-134", "R-145")
async def test_what_time_and_others_do(world: World, database: DatabaseAddresses) -> None:
    """An offer lapses to the next; who cannot have the place keeps its order and keeps nobody from it; the database
    itself refuses a jump without a reason; the log cannot be changed; a child that left the school is off the list."""
    school = await world.school(families=3, pack=None)
    chess, clay = await draws.clubs(world, school, draws.club("围棋社", capacity=1), draws.club("陶艺社", capacity=5))
    one, two, three = school.families
    await menu.apply(world, school, three, [(chess, ())])
    first = await waiting.join(world, school, one, chess)
    second = await waiting.join(world, school, two, chess)
    await waiting.give_back(world, school, chess, three.student_id)
    await world.drain(school)
    waiting.let_offers_pass(database.superuser)
    async with world.house.unit(school.ctx) as uow:
        await uow.enqueue("waiting.turn")
    await world.drain(school)
    assert (await waiting.entry(world, school, first)).state == "lapsed"
    assert await told(world, school, "waiting.lapsed") == 1
    offered = await waiting.entry(world, school, second)
    assert offered.state == "offered"
    assert offered.offer_until is not None

    # Joined again, at the end; then a place at the same hour stands in the way: told why, and others may have it.
    again = await waiting.join(world, school, one, chess)
    await menu.apply(world, school, one, [(clay, ())], key="clay")
    client = await world.client(two.guardian, page=True)
    await follow(client, await client.post(f"{HOME}/waiting/{second}/refuse"))
    await world.drain(school)
    blocked = await waiting.entry(world, school, again)
    assert (blocked.state, blocked.why, blocked.number) == ("blocked", "clash", 3)
    assert await told(world, school, "waiting.blocked") == 1
    mother = await world.client(one.guardian, page=True)
    assert "时间冲突" in await lists_page(mother, one)
    assert (await waiting.hold(world.house, school, chess, two.student_id, "free-again")).claimed
    await waiting.give_back(world, school, chess, two.student_id)
    # The family says "rather this one": the place is offered to it.
    async with world.house.unit(await world.as_(school, one.guardian)) as uow:
        await service.join(uow, one.student_id, chess.id, giving_up=[clay.id])
    await world.drain(school)
    assert (await waiting.entry(world, school, again)).state == "offered"

    for bad in (
        "update waiting_entry set jumped_at = now() where tenant_id = :t",
        "update waiting_entry set jumped_at = now(), jump_reason = 'friend', jump_note = 'note', jump_by = 'x', "
        "jump_account = gen_random_uuid() where tenant_id = :t",
    ):
        with pytest.raises(IntegrityError):
            async with world.house.unit(school.ctx) as uow:
                await uow.session.execute(text(bad), {"t": school.ctx.tenant_id})
    with pytest.raises(Exception, match="permission denied"):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update waiting_event set kind = 'join'"))

    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update student set left_at = current_date where id = :s"), {"s": one.student_id}
        )
        await uow.enqueue("waiting.turn")
    await world.drain(school)
    assert (await waiting.entry(world, school, again)).state == "ended"
    async with world.house.unit(school.ctx) as uow:
        assert (await lists.checked(uow, chess.id))[0]
        assert (await uow.session.execute(select(WaitingEvent.kind).where(WaitingEvent.entry_id == again))).all()
