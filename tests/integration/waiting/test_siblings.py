"""Children of one family wait together in one place; each guardian sees and answers for the own child alone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from core.enrollment import seats
from core.enrollment.basket import application_of
from core.enrollment.offerings_service import change_offering, draft_of, offering
from core.enrollment.waiting import lists
from core.enrollment.waiting.models import WaitingEntry
from core.web.i18n import fdatetime
from tests.integration.draw.test_way import follow
from tests.integration.waiting.test_way import HOME, lists_page, plain
from tests.support import draws, menu, rush, waiting
from tests.support.world import Family, School, World


@pytest.mark.req("R-145", "R-146", "R-156", "R-216")
async def test_brothers_and_sisters_wait_together(world: World) -> None:
    """Two children of one family want both places or none: one free place passes them by, in public; who is next must
    sign another agreement first and loses nothing meanwhile; two places are theirs, and one tap takes both."""
    school = await world.school(families=4, pack=None)
    care = await menu.approved(world, school)
    [chess] = await draws.clubs(world, school, draws.club("围棋社", capacity=2))
    one, two, other, holder = school.families
    await waiting.sibling_of(world, school, one, two)
    for family in (one, replace(two, guardian=one.guardian)):
        await menu.notice_hash(world, school, family)
    approved = await menu.apply(world, school, other, [(care, (1,))])
    await menu.accept(world, school, approved)  # approved, not signed
    await menu.apply(world, school, holder, [(chess, ())])
    assert school.class_id is not None
    [quick] = await rush.children(world.house, school.ctx, school.class_id, 1, holder.guardian_id)
    assert (await waiting.hold(world.house, school, chess, quick, "quick")).claimed
    mother = await world.client(one.guardian, page=True)
    father = await world.client(two.guardian, page=True)  # of the second child alone
    office = await world.client(school.people["office"], page=True)

    first = await waiting.join(world, school, one, chess)
    asked = (await mother.get(f"{HOME}/waiting/new?child={two.student_id}&offering={chess.id}")).text
    assert "和已在候补的孩子一起" in asked
    sent = {"child": str(two.student_id), "offering": str(chess.id), "together": str(one.student_id)}
    page = plain(await follow(mother, await mother.post(f"{HOME}/waiting", data=sent)))
    assert "2 个孩子一起候补，按其中最后一个的次序：按登记先后，第 2 个登记" in page
    assert "和学生1一起候补" in page and "改为分开候补" in page
    # Apart and together again, from either page.
    await follow(mother, await mother.post(f"{HOME}/waiting/{first}/apart"))
    await follow(mother, await mother.post(f"{HOME}/waiting/{first}/together", data={"sibling": str(two.student_id)}))
    assert (await father.post(f"{HOME}/waiting/{first}/apart")).status_code == 404
    third = await waiting.join(world, school, other, chess)
    assert "前面还有 2 个孩子" in await lists_page(await world.client(other.guardian, page=True), other)

    # One place: it passes the two by and is offered to the next, who must first sign what was approved before.
    await waiting.give_back(world, school, chess, quick)
    await world.drain(school)
    waits = [(one.student_id, "waiting"), (two.student_id, "waiting")]
    assert await waiting.states(world, school, chess) == [*waits, (other.student_id, "offered")]
    public = plain((await (await world.client(None, page=True)).get("/t/school/waiting")).text)
    assert "名额先给后面人数合适的" in public and re.search(r"围棋社 2 2 1 0 0 1 ", public)
    assert "已按登记记录核对，次序无误" in (await office.get(f"/t/school/desk/waiting/{chess.id}")).text
    parent = await world.client(other.guardian, page=True)
    shown = await lists_page(parent, other)
    assert "签订已核准的服务协议，或取消那份申请（学生3）" in shown and "中途不会丢" in plain(shown)
    [agreement] = set(re.findall(r"/home/agreements/[0-9a-f-]+", shown))
    assert (await parent.get(f"/t/school{agreement}")).status_code == 200
    early = await parent.post(f"{HOME}/waiting/{third}/accept")
    until = (await waiting.entry(world, school, third)).offer_until
    assert early.status_code == 409 and until is not None
    assert f"名额为学生3保留到 {fdatetime(until, 'medium')}" in plain(early.text)
    await menu.sign(world, school, other)
    async with world.house.unit(school.ctx) as uow:
        held = (await seats.held_by(uow, other.student_id, school.term_id))[chess.id]  # type: ignore[arg-type]
        assert held.until == until  # signing took nothing from it
    assert "接受之前还要做" not in await lists_page(parent, other)
    await follow(parent, await parent.post(f"{HOME}/waiting/{third}/accept"))

    # Two places: both are offered to both, and only who may choose for both may answer.
    await waiting.give_back(world, school, chess, holder.student_id)
    await world.drain(school)
    assert await waiting.states(world, school, chess) == waits
    async with world.house.unit(await world.as_(school, "office")) as uow:
        now = await offering(uow, chess.id)
        await change_offering(uow, now.id, replace(draft_of(now), capacity=3))
        await uow.enqueue("waiting.turn")
    await world.drain(school)
    assert await waiting.states(world, school, chess) == [(c, "offered") for c, _state in waits]
    second = next(e for e in await of_child(world, school, two) if e.state == "offered")
    theirs = await father.post(f"{HOME}/waiting/{second.id}/accept")
    assert theirs.status_code == 409 and "须由能替其中每个孩子选择的家长办理" in theirs.text
    assert "接受或谢绝都是一起" in plain(await lists_page(mother, one))
    for _tap in range(2):
        assert (await mother.post(f"{HOME}/waiting/{first}/accept")).status_code == 303
    async with world.house.unit(school.ctx) as uow:
        for family in (one, two):
            application = await application_of(uow, family.student_id, school.term_id)  # type: ignore[arg-type]
            assert application is not None and application.state == "submitted"
            held = (await seats.held_by(uow, family.student_id, school.term_id))[chess.id]  # type: ignore[arg-type]
            assert held.until is None
        right, again = await lists.checked(uow, chess.id)
        assert right and again.places == ()


@pytest.mark.req("R-145", "R-146", "R-156")
async def test_half_siblings_wait_together_and_each_guardian_sees_the_own_child(world: World) -> None:
    """The mother of two binds them; the second one's father learns nothing of the first, whose agreement is still to be
    signed, and takes his child out to answer for it alone."""
    school = await world.school(families=3, pack=None)
    care = await menu.approved(world, school)
    [chess] = await draws.clubs(world, school, draws.club("围棋社", capacity=2))
    one, two, holder = school.families
    await waiting.sibling_of(world, school, one, two)
    await menu.apply(world, school, holder, [(chess, ())])
    assert school.class_id is not None
    [quick] = await rush.children(world.house, school.ctx, school.class_id, 1, holder.guardian_id)
    assert (await waiting.hold(world.house, school, chess, quick, "quick")).claimed
    await menu.accept(world, school, await menu.apply(world, school, one, [(care, (1,))]))  # approved, not signed
    first = await waiting.join(world, school, one, chess)
    second = await waiting.join(world, school, two, chess)
    mother = await world.client(one.guardian, page=True)
    father = await world.client(two.guardian, page=True)
    await follow(mother, await mother.post(f"{HOME}/waiting/{first}/together", data={"sibling": str(two.student_id)}))
    for child in (quick, holder.student_id):
        await waiting.give_back(world, school, chess, child)
    await world.drain(school)
    assert await waiting.states(world, school, chess) == [(f.student_id, "offered") for f in (one, two)]

    hers, his = await lists_page(mother, one), await lists_page(father, two)
    assert "学生2" in hers and "签订已核准的服务协议，或取消那份申请（学生1）" in hers
    assert "和另外 1 个孩子一起候补" in plain(his) and "/accept" not in his
    assert "学生1" not in his and "/home/agreements/" not in his and str(one.student_id) not in his
    json = await (await world.client(two.guardian)).get(f"/api/t/school/home/waiting/{two.student_id}")
    assert json.json()[0]["together"] == [] and "学生1" not in json.text
    json = await (await world.client(one.guardian)).get(f"/api/t/school/home/waiting/{one.student_id}")
    assert json.json()[0]["together"] == [str(two.student_id)]

    assert (await father.post(f"{HOME}/waiting/{second}/accept")).status_code == 409
    assert (await mother.post(f"{HOME}/waiting/{first}/apart")).status_code == 409  # all or none is hers to answer
    for _tap in range(2):
        await follow(father, await father.post(f"{HOME}/waiting/{second}/apart"))
    assert (await father.post(f"{HOME}/waiting/{second}/accept")).status_code == 303
    assert await waiting.states(world, school, chess) == [(one.student_id, "offered")]
    async with world.house.unit(school.ctx) as uow:
        assert (await lists.checked(uow, chess.id))[0]


async def of_child(world: World, school: School, family: Family) -> list[WaitingEntry]:
    async with world.house.unit(school.ctx) as uow:
        query = select(WaitingEntry).where(WaitingEntry.student_id == family.student_id)
        return list((await uow.session.execute(query)).scalars())
