"""Every page of vendor, bureau and school, and the forms on them, from application to decision."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from core.base import clock
from plugins.vendors.models import Agency, Case, Course, Score, ScoreReport
from tests.integration.vendors.test_exits import course_running, hold_and_miss, score
from tests.support import vendors as v
from tests.support.world import World


async def test_the_vendors_forms(world: World) -> None:
    county = await v.county(world)
    vendor = await world.client(county.vendor.people["vendor_manager"], page=True)
    home = "/t/vendor/vendor"
    assert (await vendor.get(home)).status_code == 200
    assert (await vendor.get(f"{home}/profile")).status_code == 200
    early = await vendor.post(f"{home}/apply/{county.bureau.ctx.tenant_id}")
    assert early.status_code == 303
    profile = {
        "legal_name": "启明艺体中心",
        "agency_kind": "non_subject",
        "contact_name": "机构甲",
        "contact_phone": "19912345678",
        "licence_until": "2028-08-31",
        "credit_code": "wrong",
    }
    assert (await vendor.post(f"{home}/profile", data=profile)).status_code == 422
    assert (await vendor.post(f"{home}/profile", data={**profile, "credit_code": ""})).status_code == 303
    assert (await vendor.post(f"{home}/certificates", data={"title": "办学许可证"})).status_code == 303
    assert (await vendor.post(f"{home}/coaches", data={"name": "教练乙", "phone": "1"})).status_code == 422
    coach = {"name": "教练乙", "phone": county.vendor.people["coach"].phone}
    assert (await vendor.post(f"{home}/coaches", data=coach)).status_code == 303
    await vendor.post(f"{home}/apply/{county.bureau.ctx.tenant_id}")
    await county.drain()

    officer = await world.client(county.bureau.people["bureau_officer"], page=True)
    head = await world.client(county.bureau.people["bureau_head"], page=True)
    async with world.house.unit(county.bureau.ctx) as uow:
        agency = (await uow.session.execute(select(Agency.id))).scalar_one()
    here = f"/t/bureau/bureau/vendors/{agency}"
    assert "启明艺体中心" in (await officer.get("/t/bureau/bureau/vendors")).text
    assert (await officer.get("/t/bureau/bureau/vendors?stand=listed")).status_code == 200
    assert "审核通过" in (await officer.get(here)).text
    assert (await officer.post(here, data={"event": "reject", "reason": ""})).status_code == 422
    assert (await officer.post(here, data={"event": "vet"})).status_code == 303
    yesterday = {"event": "publicize", "publicity_until": str(clock.today() - timedelta(days=1))}
    assert (await officer.post(here, data=yesterday)).status_code == 303
    assert (await officer.post(here, data={"event": "list"})).status_code in (403, 422)
    assert (await head.post(here, data={"event": "list"})).status_code == 303
    await county.drain()

    form = (await vendor.get(f"{home}/courses/new")).text
    assert "实验小学" in form
    async with world.house.unit(county.vendor.ctx) as uow:
        from plugins.vendors.vendor_service import coaches

        coach_id = (await coaches(uow))[0].id
    course = {
        "school": str(county.school.ctx.tenant_id), "coach": str(coach_id), "title": "少儿篮球", "outline": "运球",
        "content": ["sport"], "weekdays": ["1", "3"], "starts_at": "16:30", "ends_at": "17:30",
        "grades": ["3", "4"],
        "capacity": "20", "price_fen": "20",
    }  # fmt: skip
    late = {**course, "ends_at": "16:00"}
    assert (await vendor.post(f"{home}/courses/new", data=late)).status_code == 422
    made = await vendor.post(f"{home}/courses/new", data=course)
    page = made.headers["location"]
    assert (await vendor.get(page)).status_code == 200 and (await vendor.get(f"{page}/edit")).status_code == 200
    assert (await vendor.post(f"{page}/edit", data={**course, "title": "篮球进阶"})).status_code == 303
    assert (await vendor.post(f"{page}/submit")).status_code == 303
    await county.drain()

    office = await world.client(county.school.people["office"], page=True)
    desk = "/t/school/desk/vendors"
    assert "篮球进阶" in (await office.get(desk)).text
    async with world.house.unit(county.vendor.ctx) as uow:
        course_id = (await uow.session.execute(select(Course.id))).scalar_one()
    review = f"{desk}/courses/{course_id}"
    assert (await office.get(review)).status_code == 200
    refused = await office.post(f"{review}/approve", data={"room": str(county.school.room_id), "paid": "true"})
    assert refused.status_code == 422 and "不能满足" in refused.text
    accepted = {
        "room": str(county.school.room_id), "special_need": "true", "publicized_on": "2026-09-01",
        "filed_on": "2026-09-01", "cost_fen": "800", "reason": "校内没有篮球教师",
    }  # fmt: skip
    assert (await office.post(f"{review}/approve", data=accepted)).status_code == 303
    await county.drain()
    assert "已通过" in (await vendor.get(page)).text
    assert (await office.get(f"{desk}/{county.vendor_id}")).status_code == 200
    wrong = await office.post(f"{desk}/budget", data={"total_cost_fen": "abc"})
    assert wrong.status_code == 422 and 'value="abc"' in wrong.text and "budget-total_cost_fen-err" in wrong.text
    assert (await office.post(f"{desk}/budget", data={"total_cost_fen": "1000"})).status_code == 303
    assert "80%" in (await office.get(desk)).text
    assert (await office.post(f"{desk}/ask")).status_code == 303
    assert (await office.post(f"{desk}/score")).status_code == 303


async def test_score_and_case_pages(world: World) -> None:
    county, running = await course_running(world)
    await hold_and_miss(world, running, 1, 4)
    office = await world.client(county.school.people["office"], page=True)
    desk = f"/t/school/desk/vendors/{county.vendor_id}"
    found = {"ground": "complaint", "found_on": "2026-11-20", "words": "老师没有到，孩子在走廊等"}
    assert (await office.post(f"{desk}/findings", data={**found, "words": ""})).status_code == 422
    assert (await office.post(f"{desk}/findings", data=found)).status_code == 303
    await score(county)
    page = (await office.get(desk)).text
    assert "证据还不够" in page and "孩子在走廊等" in page and "结果一致" in page
    officer = await world.client(county.bureau.people["bureau_officer"], page=True)
    head = await world.client(county.bureau.people["bureau_head"], page=True)
    vendor = await world.client(county.vendor.people["vendor_manager"], page=True)
    async with world.house.unit(county.bureau.ctx) as uow:
        case = (await uow.session.execute(select(Case.id))).scalar_one()
        report = (
            (await uow.session.execute(select(ScoreReport.id).order_by(ScoreReport.received_at))).scalars().all()[-1]
        )
        agency = (await uow.session.execute(select(Agency.id))).scalar_one()
    base = "/t/bureau/bureau"
    for path in ("vendors", f"vendors/{agency}", f"vendors/scores/{report}", "exit-reviews", f"exit-reviews/{case}"):
        seen = await officer.get(f"{base}/{path}")
        assert seen.status_code == 200, path
        assert "2026-2027-1" not in seen.text, path
    assert "2026–2027 学年第一学期" in seen.text
    until = {"answer_until": str(clock.today() + timedelta(days=10))}
    assert (await officer.post(f"{base}/exit-reviews/{case}/notice", data={"words": "短", **until})).status_code == 422
    soon = {"words": "多次未按约开课，请说明情况。", "answer_until": str(date(2026, 11, 1))}
    assert (await officer.post(f"{base}/exit-reviews/{case}/notice", data=soon)).status_code == 422
    words = {"words": "多次未按约开课，请说明情况。", **until}
    assert (await officer.post(f"{base}/exit-reviews/{case}/notice", data=words)).status_code == 303
    verdict = {"outcome": "warned", "words": "限期整改，一个月后复查。"}
    assert (await officer.post(f"{base}/exit-reviews/{case}/decide", data=verdict)).status_code == 403
    early = await head.post(f"{base}/exit-reviews/{case}/decide", data=verdict)
    assert early.status_code == 422
    await county.drain()
    mine = f"/t/vendor/vendor/cases/{case}"
    heard = (await vendor.get(mine)).text
    assert "请说明情况" in heard and "2026–2027 学年第一学期" in heard
    assert "退出评估" in (await vendor.get("/t/vendor/vendor")).text
    assert (await vendor.post(mine, data={"answer": "已换老师，缺课已补。"})).status_code == 303
    await county.drain()
    assert (await head.post(f"{base}/exit-reviews/{case}/decide", data=verdict)).status_code == 303
    await county.drain()
    assert "限期整改" in (await vendor.get(mine)).text
    assert "警告" in (await office.get(desk)).text
    async with world.house.unit(county.vendor.ctx) as uow:
        told = (await uow.session.execute(select(ScoreReport.id))).scalars().first()
    assert (await vendor.get(f"/t/vendor/vendor/scores/{told}")).status_code == 200
    async with world.house.unit(county.school.ctx) as uow:
        assert (await uow.session.execute(select(Score.id))).scalars().all()
