"""Windows where each tap is a request, children who are drawn together, earlier bad luck, and the API of the draw."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core.enrollment.draw import program, service, wishes
from core.enrollment.draw.models import DrawTogether, DrawWish
from core.enrollment.models import SeatClaim
from core.people.models import Guardianship
from tests.integration.draw.test_way import follow, hidden, moment, second_guardian
from tests.support import draws
from tests.support.database import DatabaseAddresses
from tests.support.world import Family, School, World

HOME, API = "/t/school/home", "/api/t/school/home/draws"


async def winners(world: World, school: School) -> set[UUID]:
    async with world.house.unit(school.ctx) as uow:
        return set(
            (await uow.session.execute(select(SeatClaim.student_id).where(SeatClaim.released_at.is_(None)))).scalars()
        )


async def receipt_of(world: World, school: School, family: Family, round_id: UUID) -> str:
    async with world.house.unit(school.ctx) as uow:
        wish = await wishes.wish_of(uow, round_id, family.student_id)
        assert wish is not None
        return wish.receipt


def seed_with(row_wishes: list[dict[str, object]], *order: str) -> str:
    """A public number that gives these receipts the best numbers, in this order."""
    receipts = [str(line["receipt"]) for line in row_wishes]
    for seed in map(str, range(5000)):
        number = program.numbers(seed, receipts)
        if [number[receipt] for receipt in order] == list(range(1, len(order) + 1)):
            return seed
    raise AssertionError(order)


@pytest.mark.req("R-145", "R-213", "R-216")
async def test_a_window_is_one_batch_in_which_taps_and_seconds_count_for_nothing(
    world: World, database: DatabaseAddresses
) -> None:
    """Two courses that overlap, one place each. One family taps 200 times, one last; the written rule counts too."""
    school = await world.school(families=3, pack="hebi")
    chess, clay = await draws.clubs(world, school, draws.club("围棋社"), draws.club("陶艺社"))
    office = await world.client(school.people["office"], page=True)
    form = {
        "_key": hidden((await office.get("/t/school/desk/draws/new")).text, "_key"),
        "title": "周三社团",
        "offerings": [str(chess.id), str(clay.id)],
        "mode": "window",
        "opens_at": moment(-0.01),
        "closes_at": moment(0.01),
        "per_child": "1",
        "seed_source": "双色球第 2026140 期开奖号码",
        "seed_at": moment(0.0101),
    }
    hasty = await office.post("/t/school/desk/draws", data=form)
    assert hasty.status_code == 422
    assert "10 分钟以后" in hasty.text
    sent = await office.post("/t/school/desk/draws", data={**form, "seed_at": moment(1)})
    assert "限时申请" in await follow(office, sent)
    here = sent.headers["location"]
    round_id = UUID(here.rsplit("/", 1)[1])
    await follow(office, await office.post(f"{here}/open"))

    eager, last, favoured = school.families
    mother = await world.client(eager.guardian, page=True)
    seen = (await mother.get(f"{HOME}/wishes")).text
    assert "第一个点和最后一个点机会相同" in seen and "时段 1" not in seen  # there is one slot alone
    assert "限时申请" in (await mother.get(f"{HOME}/messages")).text
    tap = {"child": str(eager.student_id), "offering": str(chess.id), "on": "true"}
    asked = await follow(mother, await mother.post(f"{HOME}/wishes/{round_id}/request", data=tap))
    assert "撤回「围棋社」" in asked and "上移" not in asked  # one request has no order
    counted = (await office.get(here)).text
    assert "已填志愿" not in counted and re.search(r"已申请</dt>\s*<dd[^>]*>1<", counted)
    first = await receipt_of(world, school, eager, round_id)
    father = await world.client(await second_guardian(world, school, eager))
    said = (await father.post(f"{API}/{round_id}/requests", json=tap)).json()
    assert (said["receipt"], said["version"], said["ranked"]) == (first, 1, [str(chess.id)])
    async with world.house.unit(await world.as_(school, eager.guardian)) as uow:
        for _tap in range(200):
            await wishes.request(uow, round_id, eager.student_id, chess.id)
        await wishes.request(uow, round_id, eager.student_id, clay.id)
        await wishes.request(uow, round_id, eager.student_id, clay.id, on=False)
    both = await follow(
        mother, await mother.post(f"{HOME}/wishes/{round_id}/request", data={**tap, "offering": str(clay.id)})
    )
    assert "「陶艺社」上移" in both  # these overlap, so which one is wanted more does count
    await follow(
        mother, await mother.post(f"{HOME}/wishes/{round_id}/request", data={**tap, "offering": str(clay.id), "on": ""})
    )
    for family in (favoured, last):
        client = await world.client(family.guardian)
        body = {"child": str(family.student_id), "offering": str(chess.id), "on": True}
        assert (await client.post(f"{API}/{round_id}/requests", json=body)).status_code == 200
        foreign = await client.post(f"{API}/{round_id}/requests", json={**body, "child": str(eager.student_id)})
        assert foreign.status_code == 404
    await office.post(f"{here}/priority", data={"student": str(favoured.student_id), "on": "true"})

    # One line each, whoever tapped how often; then the same program, the same file, the same sentences.
    await draws.committed(world, school, database.superuser, round_id)
    record = (await draws.round_of(world, school, round_id)).record
    assert record["rules"]["mode"] == "window"
    assert len(record["wishes"]) == 3
    lines = {line["receipt"]: line["ranked"] for line in record["wishes"]}
    assert lines[first] == [[str(chess.id), 1]]
    late, put_first = [await receipt_of(world, school, family, round_id) for family in (last, favoured)]
    assert lines[put_first] == [[str(chess.id), 0]]
    shut = await father.post(f"{API}/{round_id}/requests", json=tap)
    assert (shut.status_code, shut.json()["code"]) == (409, "wishes_shut")
    assert (await father.get(f"{API}/{round_id}/outcome?child={eager.student_id}")).json() == []
    await draws.confirmed(world, school, round_id, seed_with(record["wishes"], late, first))
    await world.drain(school)
    assert await winners(world, school) == {favoured.student_id}
    drawn = await draws.round_of(world, school, round_id)
    program.verify(drawn.record, program.own_hash())
    (why,) = (await father.get(f"{API}/{round_id}/outcome?child={eager.student_id}")).json()
    assert (why["kind"], why["course"]) == ("draw.missed.class", None)
    assert "在优先类别内已经录满（到 3 号）" in why["text"]
    (seen_round,) = (await father.get(f"{API}?child={eager.student_id}")).json()
    assert (seen_round["mode"], seen_round["state"], seen_round["seed"]) == ("window", "published", drawn.seed)
    assert seen_round["commitment"] == drawn.record["commitment"]
    receipt = (await father.get(f"{API}/{round_id}/receipt?child={eager.student_id}")).json()
    assert program.leaf(receipt["line"]) == receipt["leaf"] == seen_round["wish"]["leaf"]
    assert receipt["line"] in drawn.record["wishes"]
    listed = (await (await world.client(school.people["office"])).get("/api/t/school/desk/draws")).json()
    assert (listed["total"], listed["rounds"][0]["id"]) == (1, str(round_id))
    assert (await father.get("/api/t/school/desk/draws")).status_code == 403


@pytest.mark.req("R-216")
async def test_friends_are_drawn_together_or_not_at_all(world: World, database: DatabaseAddresses) -> None:
    """One place in 围棋, two in 陶艺. Two friends rank both; the third child wants 围棋 and has the worst number."""
    school = await world.school(families=3, pack="hebi")
    chess, clay = await draws.clubs(world, school, draws.club("围棋社"), draws.club("陶艺社", capacity=2))
    round_id = await draws.opened(world, school, [chess, clay])
    one, two, three = school.families
    mother, father = await world.client(one.guardian, page=True), await world.client(two.guardian, page=True)
    join, page = f"{HOME}/wishes/{round_id}/together", f"{HOME}/wishes"
    shown = (await mother.get(page)).text
    assert "要么都录取，要么都不安排" in shown and "如实排序也不一定最有利" in shown

    # Both consent: one makes a code, the other enters it; nobody binds a child that is not theirs.
    invited = await follow(mother, await mother.post(join, data={"child": str(one.student_id)}))
    async with world.house.unit(school.ctx) as uow:
        code = (await uow.session.execute(select(DrawTogether.party))).scalar_one()
    assert code in invited
    await draws.rank(world, school, one, round_id, [chess, clay])
    wrong = await father.post(join, data={"child": str(two.student_id), "code": "AAAA-AAAA"})
    assert wrong.status_code == 422 and "没有这个邀请码" in wrong.text
    assert (await father.post(join, data={"child": str(one.student_id), "code": code})).status_code == 404
    assert "学生1" in await follow(
        father, await father.post(join, data={"child": str(two.student_id), "code": code.lower()})
    )
    assert "和学生2一起抽签" in (await mother.get(f"{HOME}/messages")).text
    assert "同伴还没有填" in (await mother.get(page)).text
    stranger = await world.client(three.guardian)
    full = await stranger.post(f"{API}/{round_id}/together", json={"child": str(three.student_id), "code": code})
    assert full.json() == {"code": code, "children": 3}
    assert (await stranger.post(f"{API}/{round_id}/apart", json={"child": str(three.student_id)})).json()[
        "children"
    ] == 1
    async with world.house.unit(school.ctx) as uow:
        saved = {w.student_id: w for w in (await uow.session.execute(select(DrawWish))).scalars()}
        assert [saved[f.student_id].line.get("together") for f in (one, two, three)] == [code, code, None]
        assert saved[two.student_id].line["ranked"] == []

    # A child that is put first loses that beside another family's, since the file would tell them of it.
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await wishes.set_priority(uow, round_id, one.student_id, True)
    await draws.rank(world, school, two, round_id, [chess, clay], version=saved[two.student_id].version)
    await draws.rank(world, school, three, round_id, [chess], version=saved[three.student_id].version)
    assert "同伴还没有填" not in (await mother.get(page)).text
    await draws.committed(world, school, database.superuser, round_id)
    record = (await draws.round_of(world, school, round_id)).record
    assert {cls for line in record["wishes"] for _course, cls in line["ranked"]} == {1}
    pair = [await receipt_of(world, school, family, round_id) for family in (one, two)]
    await draws.confirmed(world, school, round_id, seed_with(record["wishes"], *pair))
    await world.drain(school)
    drawn = (await draws.round_of(world, school, round_id)).record
    program.verify(drawn, program.own_hash())
    assert drawn["outcome"]["struck"] == [[code, str(chess.id)]]
    assert [drawn["outcome"]["given"][receipt] for receipt in pair] == [[str(clay.id)]] * 2
    assert await winners(world, school) == {family.student_id for family in school.families}
    assert "第 1 志愿「围棋社」没有让一起抽签的孩子都抽中" in (await mother.get(page)).text


@pytest.mark.req("R-216")
async def test_brothers_and_sisters_are_bound_by_one_tap_and_keep_their_class(world: World) -> None:
    school = await world.school(families=3, pack="hebi")
    (chess,) = await draws.clubs(world, school, draws.club("围棋社", capacity=2))
    round_id = await draws.opened(world, school, [chess])
    one, two, other = school.families
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(Guardianship(student_id=two.student_id, guardian_id=one.guardian_id, relation="母亲"))
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await wishes.set_priority(uow, round_id, one.student_id, True)
    mother = await world.client(one.guardian)
    await draws.rank(world, school, one, round_id, [chess])
    body = {"child": str(one.student_id), "sibling": str(two.student_id)}
    for _twice in range(2):
        joined = (await mother.post(f"{API}/{round_id}/together", json=body)).json()
        assert joined["children"] == 2
    foreign = await mother.post(f"{API}/{round_id}/together", json={**body, "sibling": str(other.student_id)})
    assert foreign.status_code == 404
    async with world.house.unit(school.ctx) as uow:
        wish = await wishes.wish_of(uow, round_id, one.student_id)
        assert wish is not None
        assert wish.line["ranked"] == [[str(chess.id), 0]] and wish.line["together"] == joined["code"]
    await mother.post(f"{API}/{round_id}/apart", json={"child": str(two.student_id)})
    async with world.house.unit(school.ctx) as uow:
        wish = await wishes.wish_of(uow, round_id, one.student_id)
        assert wish is not None and "together" not in wish.line
        assert (await uow.session.execute(select(func.count(DrawTogether.id)))).scalar_one() == 1


@pytest.mark.req("R-145", "R-216")
async def test_bad_luck_is_a_stated_class_once_and_only_where_the_school_wants_it(
    world: World, database: DatabaseAddresses
) -> None:
    """The one who missed a full course comes before the other next time, whatever the numbers, and not a third time."""
    school = await world.school(pack="hebi")
    one_place = [draws.club(title, weekday=day) for day, title in ((2, "围棋社"), (3, "陶艺社"), (4, "合唱团"))]
    chess, clay, choir = await draws.clubs(world, school, *one_place)
    first = await draws.opened(world, school, [chess])
    for family in school.families:
        await draws.rank(world, school, family, first, [chess])
    await draws.drawn(world, school, database.superuser, first)
    (lucky_id,) = await winners(world, school)
    lucky, unlucky = sorted(school.families, key=lambda family: family.student_id != lucky_id)

    plain = await draws.opened(world, school, [choir])
    assert len((await draws.round_of(world, school, plain)).classes) == 2
    second = await draws.opened(world, school, [clay], luck=True)
    row = await draws.round_of(world, school, second)
    assert row.classes[1:] == ["上一次没有抽中的学生", "其他学生"]
    for round_id, view in ((plain, choir), (second, clay)):
        for family in school.families:
            await draws.rank(world, school, family, round_id, [view])
    await draws.committed(world, school, database.superuser, second)
    record = (await draws.round_of(world, school, second)).record
    lines = {line["receipt"]: line["ranked"][0][1] for line in record["wishes"]}
    theirs, mine = [await receipt_of(world, school, family, second) for family in (lucky, unlucky)]
    assert (lines[theirs], lines[mine]) == (2, 1)
    await draws.confirmed(world, school, second, seed_with(record["wishes"], theirs, mine))
    await world.drain(school)
    assert {unlucky.student_id} < await winners(world, school)
    client = await world.client(lucky.guardian, page=True)
    assert "在上一次没有抽中的一类内已经录满（到 2 号）" in (await client.get(f"{HOME}/wishes")).text
    assert "上次未抽中 2 号" in (await client.get(f"/t/school/draw/{second}")).text
    async with world.house.unit(school.ctx) as uow:
        wish = await wishes.wish_of(uow, plain, unlucky.student_id)
        assert wish is not None and wish.line["ranked"][0][1] == 1  # there it does not count

    # It was given something since; now the other one is the unlucky one.
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.cancel_round(uow, plain, "改期")
    third = await draws.opened(world, school, [choir], luck=True)
    for family in school.families:
        await draws.rank(world, school, family, third, [choir])
    async with world.house.unit(school.ctx) as uow:
        classes = [await wishes.wish_of(uow, third, family.student_id) for family in (lucky, unlucky)]
        assert [wish.line["ranked"][0][1] for wish in classes if wish] == [1, 2]
