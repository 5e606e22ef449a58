"""Story step 3 over HTTP: written, objected with clauses, corrected, filed, returned once, fixed, passed, shown."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient

from tests.support.plans import good_plan
from tests.support.world import School, World


async def _school(world: World, **more: Any) -> tuple[School, School]:
    bureau = await world.bureau()
    return bureau, await world.school(parent=bureau.ctx, **more)


async def _put(client: AsyncClient, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await client.put("/api/t/school/desk/plan", json={"content": content, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def _step(client: AsyncClient, plan: dict[str, Any], step: str, **more: Any) -> Any:
    return await client.post(f"/api/t/school/desk/plan/{plan['id']}/{step}", **more)


async def _filed(world: World, bureau: School, school: School, content: dict[str, Any] | None = None) -> dict[str, Any]:
    office = await world.client(school.people["office"])
    principal = await world.client(school.people["principal"])
    plan = await _put(office, content or good_plan())
    assert (await _step(principal, plan, "adopt")).status_code == 200
    sent = await _step(office, plan, "submit", headers={"idempotency-key": "submit-1"})
    assert sent.status_code == 200, sent.text
    await world.drain(school, bureau)
    return dict(sent.json())


@pytest.mark.req("R-032", "R-033", "R-034", "R-035", "R-036", "R-037", "R-038", "R-460")
async def test_story_from_draft_to_families(world: World) -> None:
    bureau, school = await _school(world)
    office = await world.client(school.people["office"])
    principal = await world.client(school.people["principal"])

    late = good_plan()
    late["times"]["windows"][0]["ends_at"] = "18:30"
    late["contents"]["items"].append({"title": "奥数冲刺班", "kind": "contest_training", "weekdays": [3]})
    plan = await _put(office, late)
    said = {o["code"]: o for o in plan["objections"]}
    end = said["policy.time.latest_end"]
    assert (end["section"], end["force"], end["clause"]) == ("times", "warn", "001#2 三（一）")
    assert "18:00" in end["message"] and "18:30" in end["message"] and end["quote"]
    assert said["policy.content.blocked_words"]["force"] == "block"
    refused = await _step(principal, plan, "adopt")
    assert refused.status_code == 422 and refused.json()["code"] == "plan_objected"
    assert {o["clause"] for o in refused.json()["objections"]} >= {"001#2 五（四）十严禁之二"}

    plan = await _put(office, good_plan(), based_on=plan["version"])
    assert plan["objections"] == [] and plan["version"] > 1
    assert (await _step(office, plan, "adopt")).status_code == 403
    assert (await _step(principal, plan, "adopt")).status_code == 200
    early = await _step(office, plan, "publish")
    assert early.status_code == 409 and early.json()["code"] == "plan_not_filed"
    sent = await _step(office, plan, "submit", headers={"idempotency-key": "submit-1"})
    assert sent.json()["state"] == "submitted"
    await world.drain(school, bureau)

    officer = await world.client(bureau.people["bureau_officer"])
    queue = (await officer.get("/api/t/bureau/bureau/plans")).json()
    assert queue["waiting"] == 1 and queue["plans"][0]["school"] == "实验小学"
    filing = queue["plans"][0]["id"]
    bare = await officer.post(f"/api/t/bureau/bureau/plans/{filing}/return", json={"reason": " "})
    assert bare.status_code == 422 and bare.json()["code"] == "reason_owed"
    reason = "安全措施请写明校门口值守安排"
    back = await officer.post(f"/api/t/bureau/bureau/plans/{filing}/return", json={"reason": reason})
    assert back.json()["state"] == "returned"
    await world.drain(school, bureau)

    plan = (await office.get("/api/t/school/desk/plan")).json()
    assert plan["state"] == "returned"
    inbox = (await office.get("/api/t/school/messages")).json()
    assert any(m["kind"] == "plan.returned" and reason in m["body"] for m in inbox["messages"])

    fixed = good_plan()
    fixed["safety"]["text"] += "放学时两名保安与值班领导在校门口值守。"
    plan = await _put(office, fixed)
    assert plan["state"] == "draft"
    assert (await _step(principal, plan, "adopt")).status_code == 200
    assert (await _step(office, plan, "submit", headers={"idempotency-key": "submit-2"})).status_code == 200
    await world.drain(school, bureau)
    queue = (await officer.get("/api/t/bureau/bureau/plans", params={"show": "received"})).json()
    passed = await officer.post(
        f"/api/t/bureau/bureau/plans/{queue['plans'][0]['id']}/pass", headers={"idempotency-key": "pass-1"}
    )
    assert passed.status_code == 200 and passed.json()["number"].startswith("BA")
    await world.drain(school, bureau)

    plan = (await office.get("/api/t/school/desk/plan")).json()
    assert plan["state"] == "filed" and plan["filing_number"] == passed.json()["number"]
    guardian = await world.client(school.families[0].guardian)
    assert (await guardian.get("/api/t/school/home/plan")).status_code == 404
    shown = await _step(office, plan, "publish")
    assert shown.json()["state"] == "in_force"
    await world.drain(school, bureau)

    seen = (await guardian.get("/api/t/school/home/plan")).json()
    assert "值守" in seen["content"]["safety"]["text"]
    told = (await guardian.get("/api/t/school/messages")).json()
    assert [m["kind"] for m in told["messages"]] == ["plan.published"]
    nobody = await world.client()
    board = (await nobody.get("/api/t/school/board")).json()["notices"]
    assert board[0]["kind"] == "plan" and [f[0] for f in board[0]["facts"]][:1] == ["服务时间"]


@pytest.mark.req("R-037")
async def test_warning_passes_with_a_written_reason_that_travels(world: World) -> None:
    bureau, school = await _school(world)
    office = await world.client(school.people["office"])
    principal = await world.client(school.people["principal"])
    late = good_plan()
    late["times"]["windows"][0]["ends_at"] = "18:30"
    plan = await _put(office, late)
    assert plan["blocks"] == 0 and len(plan["reasons_owed"]) == 1
    owed = await _step(principal, plan, "adopt")
    assert owed.status_code == 422 and owed.json()["code"] == "plan_reasons_owed"
    key = plan["reasons_owed"][0]
    given = await office.post("/api/t/school/desk/plan/reasons", json={"reasons": {key: "七成家长 18:30 才能到校"}})
    assert given.json()["reasons_owed"] == []
    assert (await _step(principal, plan, "adopt")).status_code == 200
    await _step(office, plan, "submit", headers={"idempotency-key": "s-11111"})
    await world.drain(school, bureau)
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    queue = await (await world.client(bureau.people["bureau_officer"])).get("/api/t/bureau/bureau/plans")
    filing = queue.json()["plans"][0]["id"]
    page = await officer.get(f"/t/bureau/bureau/plans/{filing}")
    assert page.status_code == 200
    assert "七成家长" in page.text and "001#2 三（一）" in page.text
    passed = await officer.post(f"/t/bureau/bureau/plans/{filing}/pass", data={"_key": "pass-key-1"})
    assert passed.status_code == 303

    later = good_plan()
    later["times"]["windows"][0]["ends_at"] = "18:40"
    # The reason belongs to 18:30 alone.
    await world.drain(school, bureau)
    plan = (await office.get("/api/t/school/desk/plan")).json()
    assert plan["state"] == "filed"


async def test_submitting_twice_sends_once(world: World) -> None:
    bureau, school = await _school(world)
    plan = await _filed(world, bureau, school)
    office = await world.client(school.people["office"])
    again = await _step(office, plan, "submit", headers={"idempotency-key": "submit-1"})
    assert again.status_code == 200 and again.json()["round"] == 1
    other = await _step(office, plan, "submit", headers={"idempotency-key": "submit-other"})
    assert other.status_code == 409
    without = await _step(office, plan, "submit")
    assert without.status_code == 400
    await world.drain(school, bureau)
    officer = await world.client(bureau.people["bureau_officer"])
    assert (await officer.get("/api/t/bureau/bureau/plans")).json()["total"] == 1


async def test_every_wrong_field_is_named_at_once(world: World) -> None:
    _bureau, school = await _school(world)
    office = await world.client(school.people["office"])
    wrong = good_plan()
    wrong["times"]["windows"][0]["ends_at"] = "15:00"
    wrong["contents"]["items"][0]["kind"] = "poker"
    wrong["basis"]["survey_asked"] = -1
    wrong["nonsense"] = {}
    answer = await office.put("/api/t/school/desk/plan", json={"content": wrong})
    assert answer.status_code == 422
    named = {e["field"] for e in answer.json()["errors"]}
    assert named == {"times.windows.0.ends_at", "contents.items.0.kind", "basis.survey_asked", "nonsense"}


@pytest.mark.req("R-045")
async def test_amending_keeps_the_old_version_in_force(world: World) -> None:
    bureau, school = await _school(world, pack="changzhi-521")
    office = await world.client(school.people["office"])
    plan = await _put(office, {})
    assert plan["filing"] == "none" and plan["blocks"] > 5
    bureau, school = bureau, await world.school("free", parent=bureau.ctx, pack=None)
    office = await world.client(school.people["office"])
    principal = await world.client(school.people["principal"])
    base = "/api/t/free/desk/plan"
    plan = (await office.put(base, json={"content": good_plan()})).json()
    await principal.post(f"{base}/{plan['id']}/adopt")
    shown = await office.post(f"{base}/{plan['id']}/publish")
    assert shown.json()["state"] == "in_force"
    assert (await office.put(base, json={"content": {}})).json()["code"] == "plan_locked"
    bare = await office.post(f"{base}/{plan['id']}/amend", json={"reason": ""})
    assert bare.json()["code"] == "reason_owed"
    await office.post(f"{base}/{plan['id']}/amend", json={"reason": "增加延时托管"})
    more = good_plan()
    more["safety"]["text"] = "改过的安全措施"
    amended = (await office.put(base, json={"content": more})).json()
    assert amended["state"] == "amended" and amended["shown_version"] == 1 and amended["version"] == 2
    guardian = await world.client(school.families[0].guardian)
    seen = (await guardian.get("/api/t/free/home/plan")).json()
    assert seen["version"] == 1
    await principal.post(f"{base}/{plan['id']}/adopt")
    await office.post(f"{base}/{plan['id']}/publish")
    seen = (await guardian.get("/api/t/free/home/plan")).json()
    assert seen["version"] == 2 and "改过" in seen["content"]["safety"]["text"]
    nobody = await world.client()
    board = (await nobody.get("/api/t/free/board")).json()["notices"]
    assert len([n for n in board if n["kind"] == "plan"]) == 1
