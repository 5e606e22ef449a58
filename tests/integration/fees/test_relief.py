"""Relief that nobody else can see (idea 8): sealed, decided by a second person, without a trace for other roles."""

from __future__ import annotations

import difflib
import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.base.errors import Forbidden, NotFound
from core.billing.models import Bill
from core.billing.run import start_run
from core.db.kernel_tables import AuditEntry, Transition
from plugins.fees import relief
from plugins.fees.errors import OtherPerson, ReliefLive
from plugins.fees.models import FeeRelief
from plugins.fees.schemas import ReliefAsk, ReliefDecision, ReliefEntry
from tests.support.billing import ready
from tests.support.world import School, World

SECRET = "父亲重病住院，没有收入"


def wish(school: School, family: int = 0) -> ReliefAsk:
    return ReliefAsk(
        student_id=school.families[family].student_id, ground="illness", words=SECRET, evidence="住院证明 3 号"
    )


async def asked(world: World, school: School, family: int = 0) -> FeeRelief:
    async with world.house.unit(await world.as_(school, school.families[family].guardian)) as uow:
        return await relief.ask(uow, wish(school, family))


@pytest.mark.req("R-345", "R-347")
async def test_sealed_and_opened_only_for_finance(world: World, school: School) -> None:
    row = await asked(world, school)
    assert SECRET.encode() not in bytes(row.ground_sealed)
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        told = await relief.opened(uow, await uow.get(FeeRelief, row.id))
    assert (told.words, told.evidence) == (SECRET, "住院证明 3 号")
    async with world.house.unit(school.ctx) as uow:
        lines = (await uow.session.execute(select(AuditEntry))).scalars().all()
        moves = (await uow.session.execute(select(Transition))).scalars().all()
    looked = [line for line in lines if line.action == "sensitive.read"]
    assert {line.subject_id for line in looked} == {row.id}, "who looked is on record, at the request"
    student = str(school.families[0].student_id)
    for line in [*lines, *moves]:
        if line.subject_id == row.id:
            told_there = str(getattr(line, "detail", "")) + str(getattr(line, "reason", ""))
            assert student not in told_there and SECRET not in told_there


async def test_whoever_entered_it_does_not_decide(world: World, school: School) -> None:
    finance = await world.as_(school, "finance")
    entry = ReliefEntry(**wish(school).model_dump(), percent=60, until_on="2027-01-22")  # type: ignore[arg-type]
    async with world.house.unit(finance) as uow:
        row = await relief.enter(uow, entry)
    with pytest.raises(OtherPerson):
        async with world.house.unit(finance) as uow:
            await relief.decide(uow, row.id, ReliefDecision(verdict="grant"))
    with pytest.raises(DBAPIError):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update fees_relief set decided_by = asked_by"))
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        decided = await relief.decide(uow, row.id, ReliefDecision(verdict="grant"))
    assert (decided.state, decided.percent, decided.clause) == ("granted", 60, "001#2 四（四）")


async def test_who_may_not(world: World, school: School) -> None:
    row = await asked(world, school)
    for who in ("office", "teacher", "class_teacher"):
        with pytest.raises(Forbidden):
            async with world.house.unit(await world.as_(school, who)) as uow:
                await relief.decide(uow, row.id, ReliefDecision(verdict="grant"))
    other = await world.as_(school, school.families[1].guardian)
    with pytest.raises(NotFound):
        async with world.house.unit(other) as uow:
            await relief.mine(uow, row.id)
    with pytest.raises(NotFound):
        async with world.house.unit(other) as uow:
            await relief.ask(uow, wish(school))
    with pytest.raises(ReliefLive):
        await asked(world, school)


@pytest.mark.req("R-346")
async def test_scheme_that_says_free_is_free(world: World) -> None:
    school = await world.school("hebi", pack=None)
    from core.policy import service as policy

    async with world.house.unit(school.ctx) as uow:
        assert policy.effective(uow).get("fee.hardship").value is None
    row = await asked(world, school)
    assert row.percent == 50, "without a word of the scheme, the school's usual share"


async def test_declined_with_reason_and_way_to_object(world: World, school: School) -> None:
    row = await asked(world, school)
    here = f"/t/school/desk/relief/{row.id}"
    async with await world.client(school.people["finance"], page=True) as client:
        assert SECRET in (await client.get(here)).text
        assert (await client.post(f"{here}/decide", data={"verdict": "decline"})).status_code == 422
        answer = await client.post(f"{here}/decide", data={"verdict": "decline", "answer": "证明材料已过期，请补交"})
        assert answer.status_code == 303
        assert (await client.get("/t/school/desk/relief?show=declined")).status_code == 200
    async with await world.client(school.families[0].guardian, page=True) as client:
        html = (await client.get(f"/t/school/home/relief/{row.id}")).text
        assert "证明材料已过期" in html and "001#2 四（四）" in html and "投诉电话" in html
        assert (await client.get("/t/school/home/relief")).status_code == 200


@pytest.mark.req("R-346")
async def test_an_open_request_is_on_the_first_page_of_those_who_decide(world: World, school: School) -> None:
    async def to_do(role: str) -> bool:
        async with await world.client(school.people[role], page=True) as client:
            page = re.sub(r"<[^>]+>|\s", "", (await client.get("/t/school/desk")).text)
            return re.search(r"困难减免\w*?\d+项待处理", page) is not None

    assert not await to_do("finance")
    await asked(world, school)
    assert await to_do("finance") and await to_do("principal")
    assert not await to_do("office"), "nobody else hears of it"


async def test_family_asks_and_takes_back_on_the_phone(world: World, school: School) -> None:
    form = wish(school).model_dump(mode="json") | {"_key": "relief-key-01"}
    async with await world.client(school.families[0].guardian, page=True) as client:
        made = await client.post("/t/school/home/relief", data=form)
        assert (await client.post("/t/school/home/relief", data=form)).headers["location"] == made.headers["location"]
        assert (await client.post(f"{made.headers['location']}/withdraw")).status_code == 303
    async with world.house.unit(school.ctx) as uow:
        assert [r.state for r in (await uow.session.execute(select(FeeRelief))).scalars()] == ["ended"]


async def test_entered_by_number_on_the_roll(world: World, school: School) -> None:
    async with await world.client(school.people["finance"], page=True) as client:
        found = await client.get("/t/school/desk/relief/new?roll=L000000000000000000")
        assert "学生1" in found.text
        assert "没有找到" in (await client.get("/t/school/desk/relief/new?roll=学生1")).text
        form = wish(school).model_dump(mode="json") | {"percent": "50", "until_on": "2027-01-22", "_key": "roll-key-1"}
        assert (await client.post("/t/school/desk/relief", data=form)).status_code == 303


# -- the twin test ---------------------------------------------------------------------------------------------------

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


PHONE = re.compile(r"199[\d*…]{4,}\d*")
ROLL = re.compile(r"[*…]+\d{2,4}\b")


def masked(text_: str, number: int) -> str:
    """A page without ids, and with the twin's own number taken out."""
    text_ = ROLL.sub("ROLL", PHONE.sub("PHONE", UUID.sub("ID", text_)))
    for word in (f"学生{number}", f"家长{number}", f"xuesheng{number:04}", f"L{number - 1:018}"):
        text_ = text_.replace(word, "TWIN")
    return text_


async def _twins(world: World, school: School) -> None:
    """Two children, equal but for relief: the first has it granted, and both are billed."""
    await ready(world, school)
    row = await asked(world, school)
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await relief.decide(uow, row.id, ReliefDecision(verdict="grant", percent=100))
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await start_run(uow, school.term_id)
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        states = {b.state for b in (await uow.session.execute(select(Bill))).scalars()}
    assert states == {"issued", "settled"}


@pytest.mark.req("R-347")
async def test_twins_look_alike_to_everyone_without_the_right(world: World, school: School) -> None:
    await _twins(world, school)
    pages = 0
    for role in ("office", "class_teacher", "teacher"):
        async with await world.client(school.people[role], page=True) as client:
            for path in _addresses(world):
                answers = []
                for number, family in enumerate(school.families[:2], start=1):
                    url = path.replace("{student}", str(family.student_id))
                    answer = await client.get(url)
                    answers.append((answer.status_code, masked(answer.text, number)))
                assert _differences(answers) == [], f"{role} sees a difference at {path}"
                pages += answers[0][0] == 200
    assert pages > 0, "no page about a child was seen at all"


def _differences(answers: list[tuple[int, str]]) -> list[str]:
    (one, first), (two, second) = answers
    if one != two:
        return [f"{one} and {two}"]
    lines = difflib.unified_diff(first.splitlines(), second.splitlines(), lineterm="", n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _addresses(world: World) -> list[str]:
    """Every page and API address about one child, of every feature and plugin."""
    assert world.app is not None
    found = set()
    for route in world.app.routes:
        path = re.sub(
            r"\{(\w+):?\w*\}", lambda m: "{" + m[1] + "}", route.path.replace(":uuid", "").replace(":str", "")
        )
        names = re.findall(r"\{(\w+)\}", path)
        if sorted(names) == ["student_id", "tenant"]:
            found.add(path.replace("{tenant}", "school").replace("{student_id}", "{student}"))
    return sorted(found)


async def test_lists_do_not_tell_either(world: World, school: School) -> None:
    """Pages of the desk and of teachers that name both children say nothing of relief."""
    await _twins(world, school)
    assert world.app is not None
    seen = 0
    for role in ("office", "class_teacher", "teacher"):
        async with await world.client(school.people[role], page=True) as client:
            for route in world.app.routes:
                if not route.path.startswith(
                    ("/t/{tenant:str}/desk", "/t/{tenant:str}/teach", "/t/{tenant:str}/public")
                ):
                    continue
                if route.path.count("{") > 1 or "GET" not in getattr(route, "methods", {"GET"}):
                    continue
                answer = await client.get(route.path.replace("{tenant:str}", "school"))
                if answer.status_code != 200 or "html" not in answer.headers.get("content-type", ""):
                    continue
                seen += 1
                lines = [found[0] for found in re.finditer(r"<(tr|li|option)\b.*?</\1>", answer.text, re.S)]
                one, two = ({masked(x, n) for x in lines if f"学生{n}" in x} for n in (1, 2))
                assert one ^ two == set(), (role, route.path)
    assert seen > 5
