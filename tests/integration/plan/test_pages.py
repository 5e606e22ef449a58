"""The pages of the plan and of the rules, as a browser without JavaScript uses them."""

from __future__ import annotations

import re

import pytest

from tests.support.plans import good_plan
from tests.support.world import World


@pytest.mark.req("R-045", "R-040")
async def test_a_plan_is_written_section_by_section(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    office = await world.client(school.people["office"], page=True)
    empty = await office.get("/t/school/desk/plan")
    assert "还没有服务方案" in empty.text
    begun = await office.post("/t/school/desk/plan", data={"term": str(school.term_id)})
    assert begun.status_code == 303
    page = await office.get(begun.headers["location"])
    assert "必须改正" in page.text and "001#2 四（二）" in page.text
    edit = re.search(r'href="([^"]+/sections/times)"', page.text)
    assert edit is not None
    form = {
        "windows.0.window": "afternoon",
        "windows.0.weekdays": ["1", "2", "3", "4", "5"],
        "windows.0.dismissal": "15:50",
        "windows.0.starts_at": "16:00",
        "windows.0.ends_at": "15:00",
        "mode": "自愿选择天数",
        "based_on": "1",
        "_key": "0123456789",
    }
    wrong = await office.post(edit[1], data=form)
    assert wrong.status_code == 422
    assert "结束时间要晚于开始时间" in wrong.text and "自愿选择天数" in wrong.text
    saved = await office.post(edit[1], data={**form, "windows.0.ends_at": "18:30"})
    assert saved.status_code == 303
    page = await office.get(saved.headers["location"])
    assert "结束时间不得晚于 18:00，现为 18:30" in page.text and "16:00" in page.text
    stale = await office.post(edit[1], data={**form, "windows.0.ends_at": "17:45"})
    assert stale.status_code == 422 and "修改过" in stale.text
    dropped = await office.post(edit[1], data={**form, "based_on": "2", "windows.0.drop": "1"})
    assert dropped.status_code == 303
    api = await world.client(school.people["office"])
    assert (await api.get("/api/t/school/desk/plan")).json()["content"]["times"]["windows"] == []


async def test_every_page_of_the_way_is_drawn(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    office = await world.client(school.people["office"], page=True)
    principal = await world.client(school.people["principal"], page=True)
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    guardian = await world.client(school.families[0].guardian, page=True)
    api = await world.client(school.people["office"])
    plan = (await api.put("/api/t/school/desk/plan", json={"content": good_plan()})).json()
    base = f"/t/school/desk/plan/{plan['id']}"
    for section in ("basis", "times", "contents", "staffing", "providers", "funds", "safety", "rules"):
        assert (await office.get(f"{base}/sections/{section}")).status_code == 200, section
    assert (await office.get(f"{base}/sections/nothing")).status_code == 404
    assert "还没有公示" in (await guardian.get("/t/school/home/plan")).text
    assert (await principal.post(f"{base}/adopt")).status_code == 303
    page = await office.get("/t/school/desk/plan")
    key = re.search(r'name="_key" value="([^"]+)"', page.text)
    assert key is not None
    for _twice in range(2):
        assert (await office.post(f"{base}/submit", data={"_key": key[1]})).status_code == 303
    await world.drain(school, bureau)
    queue = await officer.get("/t/bureau/bureau/plans")
    filing = re.search(r'href="(/t/bureau/bureau/plans/[0-9a-f-]{36})"', queue.text)
    assert filing is not None and queue.text.count('btn-primary btn-sm"') == 1
    assert "没有发现问题" in (await officer.get(filing[1])).text
    assert (await officer.get(filing[1] + "/paper")).content.startswith(b"%PDF-")
    bare = await officer.post(filing[1] + "/return", data={"reason": "", "_key": "0123456789"})
    assert bare.status_code == 422
    assert (await officer.post(filing[1] + "/pass", data={"_key": "0123456789"})).status_code == 303
    await world.drain(school, bureau)
    assert (await office.post(f"{base}/publish")).status_code == 303
    await world.drain(school, bureau)
    bare = await office.post(f"{base}/amend", data={"reason": " "})
    assert bare.status_code == 422 and 'id="amend-reason-err"' in bare.text
    seen = await guardian.get("/t/school/home/plan")
    assert "教育局备案号 BA" in seen.text and "足球社团" in seen.text
    assert (await office.get(f"{base}/versions/1")).status_code == 200
    assert (await office.get(f"{base}/paper?round_=1")).content.startswith(b"%PDF-")
    assert (await office.get(f"{base}/paper?round_=9")).status_code == 404
    for path in ("bureau", f"bureau/overview/{school.ctx.tenant_id}", "bureau/documents", "bureau/rules"):
        assert (await officer.get(f"/t/bureau/{path}")).status_code == 200, path


async def test_rules_name_clause_source_and_what_they_replaced(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    await world.school("second", parent=bureau.ctx, pack="second-experimental-primary", name="第二实验小学")
    office = await world.client(school.people["office"], page=True)
    page = await office.get("/t/school/desk/rules")
    assert "结束时间原则上不晚于18:00" in page.text and "001#2 三（一）" in page.text and "平台默认" in page.text
    assert "结束时间" in (await office.get("/t/school/desk/rules?q=18:00")).text
    guardian = await world.client(school.families[0].guardian, page=True)
    assert "001#2" in (await guardian.get("/t/school/home/rules")).text
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    both = await officer.get("/t/bureau/bureau/rules?pack=second-experimental-primary")
    assert "17:40" in both.text and "十严禁" in both.text
    assert (await officer.get("/t/bureau/bureau/rules?pack=weihai-free")).status_code == 404


@pytest.mark.req("R-041")
async def test_the_worker_starts_closes_and_reminds(world: World) -> None:
    from datetime import date

    from core.base import clock
    from core.terms.service import open_term

    school = await world.school(pack=None)
    next_term = (clock.today().replace(day=1).year + 1, 2, 22)
    starts, ends = date(*next_term), date(next_term[0], 7, 3)
    async with world.house.unit(school.ctx) as uow:
        term = await open_term(uow, "2026-2027-2", starts, ends)
    office = await world.client(school.people["office"])
    principal = await world.client(school.people["principal"])
    base, ask = "/api/t/school/desk/plan", {"term": str(term.id)}

    async def daily() -> None:
        async with world.house.unit(school.ctx) as uow:
            await uow.enqueue("plan.daily")
        await world.drain(school)

    from datetime import timedelta

    with clock.travelled(timedelta(days=(starts - clock.today()).days - 5)):
        await daily()
        kinds = [m["kind"] for m in (await office.get("/api/t/school/messages")).json()["messages"]]
        assert kinds == ["plan.late"]
        content = good_plan()
        content["basis"]["starts_on"] = starts.isoformat()
        plan = (await office.put(base, params=ask, json={"content": content})).json()
        assert plan["objections"] == []
        await principal.post(f"{base}/{plan['id']}/adopt")
        shown = await office.post(f"{base}/{plan['id']}/publish")
        assert shown.json()["state"] == "published"
        await daily()
        assert (await office.get(base, params=ask)).json()["state"] == "published"
    with clock.travelled(timedelta(days=(starts - clock.today()).days)):
        await daily()
        assert (await office.get(base, params=ask)).json()["state"] == "in_force"
    with clock.travelled(timedelta(days=(ends - clock.today()).days + 1)):
        await daily()
        assert (await office.get(base, params=ask)).json()["state"] == "closed"
