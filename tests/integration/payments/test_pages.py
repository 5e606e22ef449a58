"""From the run to the receipt through pages and API, by the people who do it."""

from __future__ import annotations

import io
import re
from typing import Any

import pypdf
import pytest

from core.billing.models import Bill, Receipt
from core.enrollment import enrolments, leaving
from tests.integration.payments.till import Till
from tests.support.billing import enrolled, ready
from tests.support.world import World

DESK = "/t/school/desk"


async def page(world: World, who: Any, path: str, status: int = 200) -> str:
    async with await world.client(who, page=True) as client:
        answer = await client.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.text


async def billed(till: Till) -> list[Bill]:
    """The run as finance starts it in the browser."""
    await ready(till.world, till.school)
    finance = till.school.people["finance"]
    html = await page(till.world, finance, f"{DESK}/billing?preview=true")
    assert "试算结果" in html and "¥410" in html
    key = re.search(r'name="_key" value="([^"]+)"', html)
    assert key
    async with await till.world.client(finance, page=True) as client:
        first = await client.post(f"{DESK}/billing/runs", data={"_key": key[1]})
        second = await client.post(f"{DESK}/billing/runs", data={"_key": key[1]})
    assert first.status_code == 303 and first.headers["location"] == second.headers["location"]
    run = first.headers["location"]
    assert "billing-job" in await page(till.world, finance, run)
    assert "hx-get" in await page(till.world, finance, f"{run}/progress")
    await till.run()
    async with await till.world.client(finance, page=True) as client:
        assert (await client.get(f"{run}/progress")).headers["hx-refresh"] == "true"
    assert "已生成账单" in await page(till.world, finance, run)
    return await till.all(Bill)


@pytest.mark.req("R-344", "R-347")
async def test_family_pays_and_gets_a_receipt(till: Till) -> None:
    world, school = till.world, till.school
    bills = await billed(till)
    bill = next(b for b in bills if b.student_id == school.families[0].student_id)
    parent, stranger = school.families[0].guardian, school.families[1].guardian
    assert "待缴费" in await page(world, parent, "/t/school/home/bills")
    html = await page(world, parent, f"/t/school/home/bills/{bill.id}")
    assert "去缴费 ¥205" in html and "青发改〔2026〕18 号" in html
    await page(world, stranger, f"/t/school/home/bills/{bill.id}", 404)
    async with await world.client(parent, page=True) as client:
        answer = await client.post(f"/t/school/home/bills/{bill.id}/pay")
    assert answer.status_code == 303 and answer.headers["location"].startswith(till.standin.base + "/pay/")
    session = answer.headers["location"].rpartition("/")[2]
    till.standin.act(f"checkout/{session}/pay", {"type": "wechat_pay"})
    with till.standin.world.lock:
        success = till.standin.world.objects[session]["success_url"].removeprefix("http://kehou.test")
    assert "缴费成功" in await page(world, parent, success)
    receipt = (await till.all(Receipt))[0]
    async with await world.client(parent, page=True) as client:
        paper = await client.get(f"/t/school/home/receipts/{receipt.id}/pdf")
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(paper.content)).pages).replace(" ", "")
    assert receipt.number in text and "贰佰零伍元整" in text and "家长1" in text
    await page(world, stranger, f"/t/school/home/receipts/{receipt.id}/pdf", 404)
    proof = await page(world, None, f"/verify/receipt/school/{receipt.token}")
    assert "真实有效" in proof and "¥205" in proof and "学生1" not in proof
    assert re.search(r"付款时间.*?\d{4}年", proof, re.DOTALL)
    for forged in ("school/unknown", "nowhere/unknown"):
        assert "查无此收据" in await page(world, None, f"/verify/receipt/{forged}", 404)
    assert "¥205.00" in text, "the total in the same form as the rows"
    assert receipt.number in await page(world, parent, "/t/school/home/receipts")
    assert "已缴费" in await page(world, school.people["finance"], f"{DESK}/billing/bills/{bill.id}")
    await till.agree()


@pytest.mark.req("R-149", "R-344")
async def test_who_left_an_item_is_told_before_paying_for_it(till: Till) -> None:
    """The unpaid bill says that it may be made anew; it can be paid all the same, and the note goes with its cause."""
    world, school = till.world, till.school
    mine = next(b for b in await billed(till) if b.student_id == school.families[0].student_id)
    paths = ("/t/school/home/bills", f"/t/school/home/bills/{mine.id}")
    told = "学生1已退出“课后看护”，账单可能会重新计算，可先联系学校财务再缴费"

    async def says() -> list[bool]:
        return [told in await page(world, school.families[0].guardian, path) for path in paths]

    assert await says() == [False, False]
    async with till.house.unit(await till.guardian()) as uow:
        [one] = await enrolments.enrolments_of(uow, mine.student_id)
        await leaving.leave(uow, one.id)
    assert await says() == [True, True]
    assert "已退出" not in await page(world, school.families[1].guardian, paths[0])
    assert "去缴费 ¥205" in await page(world, school.families[0].guardian, paths[1])
    await enrolled(world, school, one.offering.id, only=[mine.student_id])  # back, or other days of the same item
    assert await says() == [False, False]


async def test_back_before_the_payment_is_known(till: Till) -> None:
    bill = (await billed(till))[0]
    parent = next(f.guardian for f in till.school.families if f.student_id == bill.student_id)
    attempt = await till.begin(bill.id) if parent == till.school.families[0].guardian else None
    if attempt is None:
        from core.billing.payments import begin

        attempt = await begin(till.house, await till.world.as_(till.school, parent), bill.id)
    html = await page(till.world, parent, f"/t/school/home/bills/{bill.id}/back?attempt={attempt.id}")
    assert "正在确认付款结果" in html


async def test_finance_pages(till: Till) -> None:
    world, school = till.world, till.school
    bills = await billed(till)
    finance = school.people["finance"]
    attempt = await till.begin(next(b.id for b in bills if b.student_id == school.families[0].student_id))
    till.pay(attempt)
    await till.hooks("checkout.session.completed")
    await till.run()
    paid = next(b for b in await till.all(Bill) if b.state == "paid")
    unpaid = next(b for b in await till.all(Bill) if b.state == "issued")
    assert "学生1" in await page(world, finance, f"{DESK}/billing/bills?show=paid")
    assert "学生2" not in await page(world, finance, f"{DESK}/billing/bills?show=paid")
    here = f"{DESK}/billing/bills/{paid.id}"
    assert "办理退费" in await page(world, finance, here)
    key = "refund-key-0001"
    async with await world.client(finance, page=True) as client:
        form = {"amount": "300", "reason": "退班", "_key": key}
        assert "不超过剩余可退金额" in (await client.post(f"{here}/refund", data=form)).text
        good = {"amount": "100.50", "reason": "退班", "_key": key}
        for _ in range(2):
            assert (await client.post(f"{here}/refund", data=good)).status_code == 303
        assert (await client.post(f"{here}/refund", data={**good, "amount": "5"})).status_code == 422
    assert [r.amount_fen for r in await till.refunds()] == [10050]
    void = f"{DESK}/billing/bills/{unpaid.id}/void"
    assert "作废账单" in await page(world, finance, void)
    async with await world.client(finance, page=True) as client:
        assert (await client.post(void, data={"reason": " "})).status_code == 422
        long = await client.post(void, data={"reason": "错" * 3000})
        assert long.status_code == 422 and "错" * 3000 in long.text
        assert (await client.post(void, data={"reason": "开错"})).status_code == 303
    assert (await till.get(Bill, unpaid.id)).state == "void"
    family = next(f.guardian for f in school.families if f.student_id == unpaid.student_id)
    assert "已作废" in await page(world, family, "/t/school/home/bills")
    told = await page(world, family, f"/t/school/home/bills/{unpaid.id}")
    assert "作废的理由：开错" in told and "去缴费" not in told
    for path in ("alerts", "alerts?closed=true", "payouts", "statement", "statement?fund=school", "billing"):
        await page(world, finance, f"{DESK}/{path}")
    await page(world, finance, f"{DESK}/statement?fund=nothing", 404)
    async with await world.client(finance, page=True) as client:
        booked = {"key": "po-1", "fund": "service", "amount": "100", "_key": "payout-key-1"}
        assert (await client.post(f"{DESK}/payouts", data=booked)).status_code == 303
        assert "po-1" in (await client.get(f"{DESK}/payouts")).text
        shown = await client.post(f"{DESK}/statement/publish", data={"fund": "service"})
        public = shown.headers["location"]
        books = await client.get(f"{DESK}/statement/books?fund=service")
        assert "balance Assets:Receivable" in books.text
        assert books.headers["content-type"].lower().count("charset") == 1
        standing = (await client.get(f"{DESK}/statement")).text
        assert "减：" in standing and "期末结余的构成" in standing
    html = await page(world, None, public)
    assert "收支公示" in html and "账簿与公示时不一致" not in html
    assert public in await page(world, None, "/t/school/public/statements")
    async with await world.client() as client:
        paper = await client.get(f"{public}/pdf")
    assert paper.content.startswith(b"%PDF")
    for who in ("office", "teacher", "class_teacher"):
        await page(world, school.people[who], f"{DESK}/billing", 403)
        await page(world, school.people[who], here, 403)


async def test_api(till: Till) -> None:
    world, school = till.world, till.school
    await ready(world, school)
    finance, parent = school.people["finance"], school.families[0].guardian
    api = "/api/t/school"
    async with await world.client(finance) as client:
        assert (await client.post(f"{api}/desk/billing/runs")).json()["code"] == "idempotency_key_missing"
        made = await client.post(f"{api}/desk/billing/runs", headers={"idempotency-key": "run-1"})
        assert made.status_code == 202
        again = await client.post(f"{api}/desk/billing/runs", headers={"idempotency-key": "run-1"})
        assert again.json()["id"] == made.json()["id"]
        await till.run()
        run = (await client.get(f"{api}/desk/billing/runs/{made.json()['id']}")).json()
        assert (run["finished"], run["bills"], run["holds"]) == (True, 2, [])
        assert (await client.get(f"{api}/desk/billing/preview")).json()["billed_before"] == 2
        bills = (await client.get(f"{api}/desk/billing/bills")).json()
        assert bills["total"] == 2
    async with await world.client(parent) as client:
        mine = (await client.get(f"{api}/home/bills")).json()["bills"]
        assert len(mine) == 1
        pay = f"{api}/home/bills/{mine[0]['id']}/pay"
        assert (await client.post(pay)).status_code == 400
        opened = (await client.post(pay, headers={"idempotency-key": "pay-1"})).json()
        assert opened["url"].startswith(till.standin.base) and opened["amount_fen"] == 20500
    till.standin.act(f"checkout/{opened['url'].rpartition('/')[2]}/pay", {"type": "alipay"})
    await till.hooks("checkout.session.completed")
    await till.run()
    async with await world.client(parent) as client:
        view = (await client.get(f"{api}/home/bills/{mine[0]['id']}")).json()
        assert (view["state"], view["payments"][0]["state"]) == ("paid", "succeeded")
        assert len((await client.get(f"{api}/home/receipts")).json()["receipts"]) == 1
    async with await world.client(finance) as client:
        body = {"attempt_id": view["payments"][0]["id"], "amount_fen": 30000, "reason": "退班"}
        wrong = await client.post(f"{api}/desk/billing/refunds", json=body, headers={"idempotency-key": "r-1"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "refund_above_paid")
        good = await client.post(
            f"{api}/desk/billing/refunds", json={**body, "amount_fen": 500}, headers={"idempotency-key": "r-2"}
        )
        assert (good.status_code, good.json()["state"]) == (202, "approved")
    async with await world.client(school.families[1].guardian) as client:
        assert (await client.post(pay, headers={"idempotency-key": "x"})).status_code == 404


async def test_doctor_says_what_is_missing(till: Till) -> None:
    from plugins.payments_stripe.check import check

    settings = till.house.settings
    assert await check(settings) == []
    bare = settings.model_copy(update={"stripe_key": None, "stripe_webhook_secret": None})
    assert len(await check(bare)) == 2
    gone = settings.model_copy(update={"stripe_api_base": "http://127.0.0.1:9"})
    assert "Stripe" in (await check(gone))[0]


@pytest.mark.req("R-352", "R-354")
async def test_spending_page(till: Till) -> None:
    school = till.school
    here = f"/t/{school.ctx.slug}/desk/spending"
    values = {
        "fund": "school", "item": "service_costs", "amount": "12.50", "payee": "保洁公司", "paid_on": "2026-09-10",
        "voucher": "发票 7", "invoiced": "12.50", "_key": "spending-key-01",
    }  # fmt: skip
    async with await till.world.client(school.people["finance"], page=True) as client:
        assert (await client.get(here)).status_code == 200
        refused = await client.post(here, data={**values, "item": "management_fee", "_key": "spending-key-02"})
        assert refused.status_code == 422 and "管理费" in refused.text and "001#2 四（三）" in refused.text
        assert (await client.post(here, data=values)).status_code == 303
        assert (await client.post(here, data=values)).status_code == 303
        shown = (await client.get(here)).text
        assert shown.count("保洁公司") == 1 and "¥12.50" in shown
        back = shown.partition('action="' + here + "/")[2].partition('"')[0]
        assert (await client.post(f"{here}/{back}", data={"reason": "记错了"})).status_code == 303
        assert "已撤销" in (await client.get(here)).text
    async with await till.world.client(school.people["office"], page=True) as client:
        assert (await client.get(here)).status_code == 403
