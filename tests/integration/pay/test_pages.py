"""Journeys over HTTP: from the rate to the money paid out, a teacher's own page, a subsidy from grant to settling."""

from __future__ import annotations

import io
import re
from datetime import date
from uuid import UUID

import httpx
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from core.db.kernel_tables import AuditEntry
from core.ledger import service as ledger
from core.ledger.types import Journal, credit, debit
from core.policy.service import effective
from plugins.pay.bans import outside
from plugins.pay.checks import outside_lists
from plugins.pay.figures import figures
from tests.support.lessons import at
from tests.support.pay import ANHUI_RATE, SETTLED, approved, endowed, listed, november, rate
from tests.support.world import School, World

EN = {"accept-language": "en"}
HAN = re.compile(r"[\u4e00-\u9fff]")


def key(html: str) -> str:
    found = re.search(r'name="_key" value="([^"]*)"', html)
    assert found, "the page offers no form"
    return found[1]


async def follow(client: httpx.AsyncClient, answer: httpx.Response) -> str:
    assert answer.status_code == 303, (answer.status_code, answer.text[:3000])
    shown = await client.get(answer.headers["location"])
    assert shown.status_code == 200, shown.text[:2000]
    return shown.text


def sent(**changes: object) -> dict[str, object]:
    return {**ANHUI_RATE, "unit_fen": "60", "effective_from": "2026-09-01", **changes}


@pytest.mark.req("R-383", "R-386", "R-387", "R-454")
async def test_from_the_rate_to_the_money_paid_out(world: World, school: School) -> None:
    base = "/t/school/desk/pay"
    finance = await world.client(school.people["finance"], page=True)
    principal = await world.client(school.people["principal"], page=True)
    await endowed(world, school, 100_000)
    with at(SETTLED, 9):
        form = await finance.get(f"{base}/rates/new")
        wrong = await finance.post(f"{base}/rates", data={**sent(mechanism="labour_fee"), "_key": key(form.text)})
        assert wrong.status_code == 422
        assert "在绩效工资以外" in wrong.text and "001#2 四（三）" in wrong.text, "the clause stands beside it"
        right = {**sent(), "_key": key(wrong.text)}
        first = await finance.post(f"{base}/rates", data=right)
        again = await finance.post(f"{base}/rates", data=right)
        assert first.headers["location"] == again.headers["location"], "sent twice, it is one rate"
        assert "这是你提出的" not in await follow(principal, first)
        assert (await finance.post(first.headers["location"] + "/approve")).status_code == 403
        assert "执行中" in await follow(principal, await principal.post(first.headers["location"] + "/approve"))

        await november(world, school)
        start = await finance.get(base)
        made = await finance.post(base, data={"month": "2026-11", "_key": key(start.text)})
        here = made.headers["location"]
        assert "正在造表" in (await finance.get(here)).text
        assert (await finance.get(here + "/progress")).status_code == 200
        await world.drain(school)
        assert (await finance.get(here + "/progress")).headers["hx-refresh"] == "true"
        listed_page = (await finance.get(here)).text
        assert "教师戊" in listed_page and "¥240" in listed_page
        assert "已提交" in await follow(finance, await finance.post(here + "/submit", data={"reason": ""}))
        assert (await finance.post(here + "/approve")).status_code == 403
        back = await principal.post(here + "/return", data={"reason": "请核对一号那一节"})
        assert "请核对一号那一节" in await follow(finance, back)
        await finance.post(here + "/submit")
        assert "待发放" in await follow(principal, await principal.post(here + "/approve"))
        paid = {"paid_on": "2026-12-02", "reference": "工资 2026-11-02"}
        assert "已发放" in await follow(finance, await finance.post(here + "/paid", data=paid))
    statement = (await finance.get("/t/school/desk/statement?fund=subsidy")).text
    assert "劳务报酬支出" in statement and "240" in statement
    assert "¥760" in (await finance.get(base)).text, "what is left to spend"


@pytest.mark.req("R-454")
async def test_the_file_for_the_finance_office(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 100_000)
    await november(world, school)
    list_id = await listed(world, school)
    await approved(world, school, list_id)
    finance = await world.client(school.people["finance"], page=True)
    answer = await finance.get(f"/t/school/desk/pay/{list_id}/sheet")
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    flat = [[str(cell) for cell in row] for row in rows]
    assert ["教师戊", "本校教职工", "4.0", "240.0", "240.00", "0.00", "240.00"] in flat
    assert flat[-1][0] == "合计" and flat[-1][-1] == "240.00"
    async with world.house.unit(school.ctx) as uow:
        audited = select(AuditEntry.action).where(AuditEntry.action == "pay.export")
        assert len((await uow.session.execute(audited)).all()) == 1


@pytest.mark.req("R-388", "R-454")
async def test_teachers_see_their_own_pay_and_nobody_elses(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school)
    list_id = await listed(world, school)
    teacher = await world.client(school.people["teacher"], page=True)
    other = await world.client(school.people["class_teacher"], page=True)
    assert "还没有报酬" in (await teacher.get("/t/school/teach/pay")).text, "a list that nobody approved is not shown"
    await approved(world, school, list_id)
    async with world.house.unit(school.ctx) as uow:
        line_id: UUID = (await uow.session.execute(text("select id from pay_line"))).scalar_one()
    mine = (await teacher.get("/t/school/teach/pay")).text
    assert f"/t/school/teach/pay/{line_id}" in mine and "¥240" in mine
    lessons = (await teacher.get(f"/t/school/teach/pay/{line_id}")).text
    assert lessons.count("¥60") == 4 and "课后托管" in lessons
    assert (await other.get(f"/t/school/teach/pay/{line_id}")).status_code == 404
    assert "还没有报酬" in (await other.get("/t/school/teach/pay")).text
    for path in (f"desk/pay/{list_id}", f"desk/pay/lines/{line_id}", "desk/pay", "desk/subsidies"):
        assert (await teacher.get(f"/t/school/{path}")).status_code == 403
    office = await world.client(school.people["office"], page=True)
    assert (await office.get(f"/t/school/desk/pay/{list_id}")).status_code == 403
    principal = await world.client(school.people["principal"], page=True)
    assert "教师戊" in (await principal.get(f"/t/school/desk/pay/lines/{line_id}")).text


@pytest.mark.req("R-454")
async def test_another_school_sees_nothing(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school)
    list_id = await listed(world, school)
    other = await world.school("other")
    principal = await world.client(other.people["principal"], page=True)
    assert (await principal.get(f"/t/school/desk/pay/{list_id}")).status_code == 404
    assert (await principal.get(f"/t/other/desk/pay/{list_id}")).status_code == 404
    async with world.house.unit(other.ctx) as uow:
        for table in ("pay_rate", "pay_list", "pay_line", "pay_item", "pay_seal", "pay_subsidy", "pay_receipt"):
            assert (await uow.session.execute(text(f"select count(*) from {table}"))).scalar_one() == 0


@pytest.mark.req("R-361", "R-363", "R-378", "R-379")
async def test_a_subsidy_from_the_grant_to_its_settling(world: World, school: School) -> None:
    base = "/t/school/desk/subsidies"
    finance = await world.client(school.people["finance"], page=True)
    await november(world, school)
    grant = {
        "title": "课后服务财政补贴", "level": "county", "covers": "term", "document_no": "青财教〔2026〕31 号",
        "document_on": "2026-11-02", "rate_fen": "250", "remote_percent": "0", "amount_fen": "600",
        "payee": "school", "account": "school_finance", "goals": "", "reason": "",
    }  # fmt: skip
    with at(SETTLED, 9):
        form = await finance.get(f"{base}/new")
        assert "2 名学生" in form.text and 'value="1000' in form.text, "the amount is proposed from the registers"
        over = await finance.post(base, data={**grant, "_key": key(form.text)})
        assert over.status_code == 422 and "001#2 四（三）" in over.text
        recorded = await finance.post(base, data={**grant, "amount_fen": "500", "_key": key(over.text)})
        shown = await follow(finance, recorded)
        assert "待拨付" in shown and "¥500" in shown
        here = recorded.headers["location"]
        money = {"amount_fen": "300", "received_on": "2026-11-20", "bank_reference": "NB-1"}
        for _ in range(2):
            assert "¥300" in await follow(finance, await finance.post(here + "/receive", data=money))
        more = {"amount_fen": "300", "received_on": "2026-11-27", "bank_reference": "NB-2"}
        assert (await finance.post(here + "/receive", data=more)).status_code == 422, "more than was granted"
        tomorrow = {**more, "amount_fen": "1", "received_on": "2026-12-03"}
        assert (await finance.post(here + "/receive", data=tomorrow)).status_code == 422
        done = await finance.post(here + "/settle", data={"returned_fen": "0", "surplus": "", "reason": ""})
        assert "已结算" in await follow(finance, done)
    assert "财政补助收入" in (await finance.get("/t/school/desk/statement?fund=subsidy")).text
    principal = await world.client(school.people["principal"], page=True)
    assert "青财教〔2026〕31 号" in (await principal.get(base)).text
    assert (await principal.get(f"{base}/new")).status_code == 403


@pytest.mark.req("R-454")
async def test_pay_booked_outside_of_lists_is_found(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school)
    await approved(world, school, await listed(world, school))
    first, last = date(2026, 9, 1), date(2027, 1, 22)
    async with world.house.unit(school.ctx) as uow:
        assert await outside_lists(uow, first, last) == []
        lines = (debit("staff_expense", "subsidy", 5000), credit("bank", "subsidy", 5000))
        await ledger.post(uow, Journal("bonus", "bonus:1", date(2026, 11, 30), lines, "test"))
        assert [e.key for e in await outside_lists(uow, first, last)] == ["bonus:1"]
        assert await outside_lists(uow, first, date(2026, 11, 29)) == []
        with at(SETTLED, 9):
            assert school.term_id is not None
            shown = {f.key: f.value for f in await figures(uow, school.term_id)}
            (flag,) = await outside(uow, effective(uow), school.term_id)
    assert shown == {"pay.subsidies": 0, "pay.paid": 24000, "pay.outside_lists": 1}
    assert flag.severity == "breach" and flag.objection.clause and "2026-11-30" in flag.subject


async def test_every_page_in_english(world: World, school: School) -> None:
    rate_id = await rate(world, school)
    await endowed(world, school, 200_000)
    await november(world, school)
    list_id = await listed(world, school)
    await approved(world, school, list_id)
    async with world.house.unit(school.ctx) as uow:
        line_id = (await uow.session.execute(text("select id from pay_line"))).scalar_one()
    finance = await world.client(school.people["finance"], page=True)
    pages = ("", f"/{list_id}", f"/lines/{line_id}", "/rates", "/rates/new")
    for path in (*(f"desk/pay{p}" for p in pages), "desk/subsidies", "desk/subsidies/new"):
        answer = await finance.get(f"/t/school/{path}", headers=EN)
        assert answer.status_code == 200
        title = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.S)
        assert title and (not HAN.search(title[1]) or path.startswith("desk/pay/lines")), title and title[1]
    shown = await finance.get(f"/t/school/desk/pay/rates/{rate_id}", headers=EN)
    assert "／lesson" in shown.text and "课次" not in shown.text
    line = await (await world.client(school.people["teacher"], page=True)).get(
        f"/t/school/teach/pay/{line_id}", headers=EN
    )
    assert "After-school care" in line.text and "课后看护" not in line.text
