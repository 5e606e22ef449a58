"""Two parents, one child: who may decide, what one of them has not seen, and taps that come twice."""

from __future__ import annotations

import re
from datetime import time
from typing import Any

import pytest
from sqlalchemy import func, select

from core.base.errors import NotFound
from core.db.house import House
from core.enrollment import agreements, applications, basket, enrolments, leaving, review, seats, swap
from core.enrollment.basket import Choice, application_of, items_of
from core.enrollment.errors import ChangedMeanwhile
from core.enrollment.models import SeatClaim, SigningCode
from core.enrollment.offerings_service import every, offering
from core.identity.gateway import CodeGateway, FileGateway
from core.lessons.oneoff import service as one_offs
from core.people.models import Guardian, Guardianship
from core.people.service import MayNotChoose, my_child
from tenants import service as tenants
from tests.support import menu
from tests.support.lessons import MONDAY, at, group
from tests.support.world import Family, Person, School, World

CLUB: dict[str, Any] = {
    "kind": "club",
    "content": ("sport",),
    "any_days": False,
    "grades": (3, 4),
    "early_ends_at": None,
    "capacity": 1,
}


async def club(world: World, school: School, title: str, day: int) -> Any:
    return await menu.approved(world, school, title=title, periods=every([day], time(16, 30), time(17, 30)), **CLUB)


async def other_parent(world: World, school: School, family: Family, *, may_choose: bool = True) -> Family:
    """The same child, with its other guardian."""
    person: Person = await world.person("另一位家长")
    async with world.house.unit(school.ctx) as uow:
        await tenants.join(uow, [person.account_id], "guardian")
        row = Guardian(account_id=person.account_id, name=person.name, phone=person.phone)
        uow.session.add(row)
        await uow.session.flush()
        link = {"student_id": family.student_id, "guardian_id": row.id, "relation": "父亲", "may_choose": may_choose}
        uow.session.add(Guardianship(**link))
        return Family(person, family.student_id, row.id)


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


@pytest.mark.req("R-132", "R-149", "R-153", "R-156")
async def test_who_may_only_look_decides_nothing(world: World) -> None:
    school = await world.school()
    art = await club(world, school, "美术社团", 4)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    looker = await other_parent(world, school, family, may_choose=False)
    ctx, child, term = await world.as_(school, looker.guardian), family.student_id, school.term_id
    assert term is not None
    id_ = await menu.apply(world, school, family, [(care, (1, 3)), (art, ())])
    with pytest.raises(MayNotChoose):
        await menu.apply(world, school, looker, [(care, (1,))], key="drops art and a day")
    async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
        line = next(i for i in await items_of(uow, id_) if i.offering_id == art.id)
        await review.steer(uow, id_, line.id, care.id, "名额紧张")
    with pytest.raises(MayNotChoose):
        await review.answer_steer(world.house, ctx, child, id_, accept=False, key="answer")
    await review.answer_steer(
        world.house, await world.as_(school, family.guardian), child, id_, accept=False, key="answer"
    )
    with pytest.raises(MayNotChoose):
        async with world.house.unit(ctx) as uow:
            await applications.cancel(uow, child, term)
    await menu.accept(world, school, id_)
    async with world.house.unit(ctx) as uow:
        [paper] = await agreements.agreements_of(uow, child)
        assert (await agreements.my_agreement(uow, paper.id)).id == paper.id  # may be read
    with pytest.raises(MayNotChoose):
        await agreements.send_signing_code(world.house, ctx, paper.id)
    with pytest.raises(MayNotChoose):
        await agreements.sign(world.house, ctx, paper.id, "000000", paper.sha256)
    await menu.sign(world, school, family)
    async with world.house.unit(ctx) as uow:
        rows = await enrolments.enrolments_of(uow, child)
    for row in rows:
        with pytest.raises(MayNotChoose):
            async with world.house.unit(ctx) as uow:
                await leaving.leave(uow, row.id)
    with pytest.raises(MayNotChoose):
        async with world.house.unit(ctx) as uow:
            await swap.swap(uow, rows[0].id, care.id, (2,))
    page = await world.client(looker.guardian, page=True)
    for path, more in (("basket", {"weekdays": ["2"]}), ("basket/remove", {})):
        said = await page.post(f"/t/school/home/{path}", data={"child": str(child), "offering": str(care.id), **more})
        assert said.status_code == 403 and "你不能为这个孩子选课" in said.text
    for row in rows:
        assert (await page.get(f"/t/school/home/enrolments/{row.id}")).status_code == 200
        assert (await page.post(f"/t/school/home/enrolments/{row.id}/withdraw")).status_code == 403
    api = await world.client(looker.guardian)
    assert (await api.post(f"/api/t/school/home/enrolments/{rows[0].id}/withdraw")).status_code == 403
    assert len([e for e in rows if e.ends_on is None]) == 2
    # Care for one day, too, is asked by who may choose.
    later = await group(world, school, families=[school.families[1]])
    with at(MONDAY, 12):
        with pytest.raises(MayNotChoose):
            async with world.house.unit(ctx) as uow:
                await one_offs.ask(uow, child, later.on())
        with pytest.raises(NotFound):
            async with world.house.unit(await world.as_(school, school.families[1].guardian)) as uow:
                await one_offs.ask(uow, child, later.on())


@pytest.mark.req("R-132", "R-150", "R-156")
async def test_nobody_overwrites_what_the_other_parent_has_just_chosen(world: World, house: House) -> None:
    school = await world.school()
    ball, art = await club(world, school, "篮球社团", 2), await club(world, school, "美术社团", 4)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    mother = school.families[0]
    father = await other_parent(world, school, mother)
    child, term = mother.student_id, school.term_id
    assert term is not None
    # Both have looked at an empty application; both hold places; one is quicker.
    intents = []
    for parent, view in ((mother, ball), (father, art)):
        sha256 = await menu.notice_hash(world, school, parent)
        ctx = await world.as_(school, parent.guardian)
        async with house.unit(ctx) as uow:
            me = await my_child(uow, child)
            intent = await applications.intend(uow, me, term, [Choice(view.id, ())], sha256)
        assert intent is not None
        await applications.take_places(house, ctx, intent, f"k-{view.id}")
        intents.append((ctx, intent, sha256))
    ctx, intent, sha256 = intents[0]
    async with house.unit(ctx) as uow:
        await applications.write(uow, child, term, intent, sha256, "")
    for again in (intent, intents[1][1]):  # the same once more is no second choice; another one is not what was seen
        outcome: Any = None
        try:
            async with house.unit(intents[1][0]) as uow:
                await applications.write(uow, child, term, again, sha256, "")
        except ChangedMeanwhile as refused:
            outcome = refused
        assert (outcome is None) == (again is intent)
    async with house.unit(school.ctx) as uow:
        row = await application_of(uow, child, term)
        assert row is not None and row.revision == 1
        chosen = {i.offering_id for i in await items_of(uow, row.id) if i.state == "chosen"}
        kept = {h.offering_id for h in (await seats.held_by(uow, child, term)).values() if h.until is None}
        assert chosen == kept == {ball.id}  # no place for good without a line; the other's lapses
        assert [(await offering(uow, v.id)).taken for v in (ball, art)] == [1, 1]
    # The same form twice is once, in whatever order the browser names the items.
    parent_ctx = await world.as_(school, mother.guardian)
    wanted = [Choice(art.id, ()), Choice(ball.id, ()), Choice(care.id, (3, 1))]
    ids = set()
    for choices in (wanted, list(reversed(wanted)), sorted(wanted, key=lambda c: c.offering_id)):
        ids.add(await applications.submit(
            house, parent_ctx, child, term, choices, notice_sha256=sha256, key="one-form"
        ))  # fmt: skip
    assert len(ids) == 1
    # Both sign: the second one finds it signed.
    await menu.accept(world, school, ids.pop())
    async with house.unit(school.ctx) as uow:
        [paper] = [a for a in await agreements.agreements_of(uow, child) if a.state == "offered"]
    await menu.sign(world, school, mother)
    assert (
        await agreements.sign(house, await world.as_(school, father.guardian), paper.id, "", paper.sha256) == paper.id
    )


class Watching(FileGateway):
    """Looks, while a code is under way, whether it is in the books and free of locks."""

    house: House
    school: School
    seen: int = 0

    async def send(self, phone: str, digits: str) -> None:
        async with self.house.unit(self.school.ctx) as uow:
            self.seen = (await uow.session.execute(select(func.count()).select_from(SigningCode))).scalar_one()
        await super().send(phone, digits)


@pytest.mark.req("R-136", "R-156")
async def test_a_tap_entrusts_what_the_page_showed(world: World, house: House) -> None:
    school = await world.school()
    ball = await club(world, school, "篮球社团", 2)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family, neighbour = school.families
    async with house.unit(school.ctx) as uow:
        # The guardian's second child, with a basket of its own.
        link = {"student_id": neighbour.student_id, "guardian_id": family.guardian_id, "relation": "母亲"}
        uow.session.add(Guardianship(**link))
    term = school.term_id
    assert term is not None
    second = str(neighbour.student_id)
    await menu.notice_hash(world, school, Family(family.guardian, neighbour.student_id, family.guardian_id))
    async with house.unit(await world.as_(school, family.guardian)) as uow:
        await basket.put(uow, neighbour.student_id, term, 3, care.id, (1,))
    page = await world.client(family.guardian, page=True)
    shown = (await page.get(f"/t/school/home/apply?child={second}")).text
    send = {name: hidden(shown, name) for name in ("child", "sha256", "shown", "_key")}
    assert send["child"] == second
    # The other parent adds a club meanwhile: the tap entrusts nothing, and the page shows what is there now.
    async with house.unit(await world.as_(school, neighbour.guardian)) as uow:
        await basket.put(uow, neighbour.student_id, term, 3, ball.id, ())
    refused = await page.post("/t/school/home/apply", data={**send, "need": "双职工家庭"})
    assert refused.status_code == 409 and "选择已变化" in refused.text
    assert "篮球社团" in refused.text and "双职工家庭" in refused.text
    async with house.unit(school.ctx) as uow:
        assert await application_of(uow, neighbour.student_id, term) is None
        assert (await uow.session.execute(select(func.count()).select_from(SeatClaim))).scalar_one() == 0
    # A form with a mistake is shown again for the child that it is about.
    long = await page.post("/t/school/home/apply", data={**send, "need": "长" * 301})
    assert hidden(long.text, "child") == second and "长" * 301 in long.text
    done = await page.post("/t/school/home/apply", data={**send, "shown": hidden(refused.text, "shown")})
    assert done.status_code == 303
    await menu.accept(world, school, done.headers["location"].rsplit("/", 1)[1])  # type: ignore[arg-type]
    # The code is in the books before the message goes out, so no lock waits for the gateway.
    known = house.get(CodeGateway)
    assert isinstance(known, FileGateway)
    gateway = Watching(known.path)
    gateway.house, gateway.school = house, school
    house.services[CodeGateway] = gateway
    ctx = await world.as_(school, family.guardian)
    async with house.unit(ctx) as uow:
        [paper] = await agreements.agreements_of(uow, neighbour.student_id)
    await agreements.send_signing_code(house, ctx, paper.id)
    assert gateway.seen == 1
