"""The responsibility list of a school: made from its rules, answered with reasons, told to its bureau."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from core.base import clock
from core.base.errors import Forbidden, Invalid
from core.db.kernel_tables import Outbox
from core.web.uploads import LARGEST, WrongScan
from tenants.duties import report, service
from tenants.duties.models import Duty
from tenants.duties.service import NoteOwed, Recorded
from tests.support.lessons import MONDAY, at
from tests.support.world import School, World

PDF = b"%PDF-1.7 a paper"


async def made(world: World, *, pack: str = "jincun-primary", **more: object) -> School:
    school = await world.school(pack=pack, **more)  # type: ignore[arg-type]
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            assert await service.refresh(uow) > 0
            assert await service.refresh(uow) == 0
    return school


async def duty(world: World, school: School, rule: str) -> Duty:
    async with world.house.unit(school.ctx) as uow:
        return (await uow.session.execute(select(Duty).where(Duty.rule == rule))).scalar_one()


async def record(world: World, school: School, rule: str, said: Recorded, who: str = "office") -> Duty:
    row = await duty(world, school, rule)
    with at(MONDAY, 10):
        async with world.house.unit(await world.as_(school, who)) as uow:
            return await service.record(uow, row.id, said)


@pytest.mark.req("R-441", "R-474")
async def test_what_is_done_needs_no_note_and_what_is_not_needs_one(world: World) -> None:
    school = await made(world)
    kept = await record(world, school, "safety.fever_by_plan", Recorded({"done": True}, MONDAY))
    assert (kept.state, kept.note, kept.recorded_by, kept.objections) == ("kept", "", "办公乙", [])
    with pytest.raises(NoteOwed):
        await record(world, school, "safety.spaced", Recorded({"done": False}, MONDAY, "  "))
    said = Recorded({"done": False}, MONDAY, "教室不够，下周分两处")
    failed = await record(world, school, "safety.spaced", said)
    (objection,) = failed.objections
    assert failed.state == ("not_kept" if objection["force"] == "block" else "excused")
    assert objection["clause"].startswith("004#1") and objection["rule"] == "safety.spaced" and failed.revision
    # Put right later: recorded again, the history keeps both.
    assert (await record(world, school, "safety.spaced", Recorded({"done": True}, MONDAY))).state == "kept"


@pytest.mark.req("R-441")
async def test_a_day_to_come_a_stranger_and_a_wrong_file_are_refused(world: World) -> None:
    school = await made(world)
    with pytest.raises(Invalid):
        await record(world, school, "safety.spaced", Recorded({"done": True}, MONDAY + timedelta(days=1)))
    with pytest.raises(Forbidden):
        await record(world, school, "safety.spaced", Recorded({"done": True}, MONDAY), who="teacher")
    for name, body in (("x.pdf", b"<html>"), ("y.pdf", b"%PDF-" + b"0" * LARGEST)):
        with pytest.raises(WrongScan):
            await record(world, school, "safety.spaced", Recorded({"done": True}, MONDAY, "", (name, body)))
    assert (await duty(world, school, "safety.spaced")).state == "open"


@pytest.mark.req("R-441", "R-448")
async def test_evidence_is_kept_and_given_back_as_it_came(world: World) -> None:
    school = await made(world)
    row = await record(world, school, "safety.rules", Recorded({"parts": []}, MONDAY, "正在制定", ("制度.pdf", PDF)))
    office = await world.client(school.people["office"], page=True)
    got = await office.get(f"/t/school/desk/duties/{row.id}/evidence")
    assert got.content == PDF and got.headers["content-type"].startswith("application/pdf")
    assert got.headers["content-disposition"].startswith("attachment")
    other = await world.school("other", name="第二小学", pack="jincun-primary")
    stranger = await world.client(other.people["principal"], page=True)
    for slug in ("school", "other"):
        for rest in ("", "/evidence"):
            assert (await stranger.get(f"/t/{slug}/desk/duties/{row.id}{rest}")).status_code == 404
    none = await duty(world, school, "safety.spaced")
    assert (await office.get(f"/t/school/desk/duties/{none.id}/evidence")).status_code == 404


@pytest.mark.req("R-422")
async def test_a_line_is_late_after_its_day(world: World) -> None:
    school = await made(world)
    async with world.house.unit(school.ctx) as uow:
        with at(date(2026, 9, 15), 10):
            early = await service.sums(uow, "2026-2027-1")
        with at(date(2026, 9, 16), 10):
            later = await service.sums(uow, "2026-2027-1")
            total, rows = await service.listed(uow, "2026-2027-1", show="overdue", size=100)
    assert early.overdue == 0 < later.overdue == total
    assert {row.due_on for row in rows} == {date(2026, 9, 15)}
    assert early.all == later.all


async def test_a_rule_that_is_gone_leaves_the_list_but_not_the_archive(world: World) -> None:
    school = await made(world)
    await record(world, school, "safety.spaced", Recorded({"done": True}, MONDAY))
    async with world.house.unit(school.ctx) as uow:
        from core.db.correspondence import organisation

        (await organisation(uow)).pack = "hebi"
    school.ctx = await world._refreshed(school.ctx)
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            await service.refresh(uow)
            _total, rows = await service.listed(uow, "2026-2027-1", size=100)
    kept = await duty(world, school, "safety.spaced")
    assert (kept.applies, kept.state) == (False, "kept")
    assert "safety.spaced" not in {row.rule for row in rows} and "complaint.collected" in {row.rule for row in rows}
    office = await world.client(school.people["office"], page=True)
    assert "现行规定不再有这一项" in (await office.get(f"/t/school/desk/duties/{kept.id}")).text


@pytest.mark.req("R-441")
async def test_the_form_shows_the_clause_and_asks_why(world: World) -> None:
    school = await made(world)
    office = await world.client(school.people["office"], page=True)
    listed = await office.get("/t/school/desk/duties?group=safety")
    assert listed.status_code == 200 and "004#1" in listed.text and "安全保卫负责人" in listed.text
    row = await duty(world, school, "safety.disinfected_early")
    path = f"/t/school/desk/duties/{row.id}"
    assert "不得：" in (await office.get(path)).text
    form = {"done_on": clock.today().isoformat(), "_key": "0123456789"}
    blank = await office.post(path, data=form)
    assert blank.status_code == 422 and "请选择是否做到" in blank.text
    refused = await office.post(path, data={**form, "done": "no"})
    assert refused.status_code == 422
    assert "不允许：" in refused.text and "004#1" in refused.text and "请写明原因" in refused.text
    for _again in range(2):
        sent = await office.post(path, data={**form, "done": "no", "note": "误操作，已提醒"})
        assert sent.status_code == 303
    async with world.house.unit(school.ctx) as uow:
        from core.db.states import history
        from tenants.duties.states import DUTY

        assert [m.event for m in await history(uow, DUTY, row.id)] == ["fail"]
    parts = await duty(world, school, "safety.trained")
    page = await office.get(f"/t/school/desk/duties/{parts.id}")
    assert 'type="checkbox"' in page.text
    number = await duty(world, school, "safety.queue_metres_min")
    sent = await office.post(f"/t/school/desk/duties/{number.id}", data={**form, "number": "0", "_key": "9876543210"})
    assert sent.status_code == 422 and "不得少于" in sent.text
    principal = await world.client(school.people["finance"], page=True)
    assert (await principal.get("/t/school/desk/duties")).status_code == 403


@pytest.mark.req("R-023", "R-426", "R-433")
async def test_the_bureau_sees_counts_and_what_was_not_kept(world: World) -> None:
    bureau = await world.bureau()
    school = await made(world, pack="anhui-ten-bans", parent=bureau.ctx)
    await record(world, school, "fee.actual_cost", Recorded({"done": True}, MONDAY))
    await record(world, school, "fee.withheld", Recorded({"done": False}, MONDAY, "十月挪用一笔，已归还"))
    with at(MONDAY, 11):
        await world.drain(school, bureau)
    async with world.house.unit(bureau.ctx) as uow:
        ((found, row, _flags),) = await report.schools(uow)
        assert row is not None and found.name == "实验小学"
        assert row.done == 1 and [one["rule"] for one in row.not_kept] == ["fee.withheld"]
        assert row.overdue > 0 and row.waiting > 0
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    assert "实验小学" in (await officer.get("/t/bureau/bureau/schools-duties")).text
    page = (await officer.get(f"/t/bureau/bureau/schools-duties/{school.ctx.tenant_id}")).text
    assert "十月挪用一笔，已归还" in page and "001#2 四（四）" in page
    # The evidence and the list itself stay in the school.
    line = await duty(world, school, "fee.withheld")
    assert (await officer.get(f"/t/bureau/bureau/duties/{line.id}")).status_code == 404
    other = await world.bureau("elsewhere")
    stranger = await world.client(other.people["bureau_officer"], page=True)
    assert (await stranger.get(f"/t/elsewhere/bureau/schools-duties/{school.ctx.tenant_id}")).status_code == 404


@pytest.mark.req("R-422", "R-425", "R-426")
async def test_the_bureau_answers_for_its_own_duties(world: World) -> None:
    bureau = await world.bureau(pack="changzhi-521")
    school = await world.school(parent=bureau.ctx, pack="changzhi-521")
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            await uow.enqueue(report.CHECK)
        await world.drain(school, bureau)
    head = await world.client(bureau.people["bureau_head"], page=True)
    page = await head.get("/t/bureau/bureau/duties")
    assert "监管环节" in page.text and "003#1 四（二）" in page.text
    row = await duty(world, bureau, "oversight.phases")
    form = {"done_on": clock.today().isoformat(), "_key": "0123456789", "parts": ["early_planning", "midterm_check"]}
    owed = await head.post(f"/t/bureau/bureau/duties/{row.id}", data=form)
    assert owed.status_code == 422 and "年度考核" in owed.text
    done = await head.post(f"/t/bureau/bureau/duties/{row.id}", data={**form, "note": "学年末考核"})
    assert done.status_code == 303
    assert (await duty(world, bureau, "oversight.phases")).state in ("excused", "not_kept")


async def test_a_bureau_reports_to_nobody_and_a_school_alone_neither(world: World) -> None:
    school = await made(world)
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            await uow.enqueue(report.CHECK)
        assert set(await world.drain(school)) <= {"done", "skipped"}
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.session.execute(select(Outbox).where(Outbox.name == report.REPORT))).first() is None


async def test_lists_are_paged(world: World) -> None:
    school = await made(world)
    office = await world.client(school.people["office"], page=True)
    assert "at=2" in (await office.get("/t/school/desk/duties")).text
    assert (await office.get("/t/school/desk/duties?at=2")).status_code == 200
    refreshed = await office.post("/t/school/desk/duties/refresh")
    assert refreshed.status_code == 303


async def test_the_json_of_a_school_and_its_bureau(world: World) -> None:
    bureau = await world.bureau()
    school = await made(world, pack="anhui-ten-bans", parent=bureau.ctx)
    await record(world, school, "fee.withheld", Recorded({"done": False}, MONDAY, "已归还"))
    with at(MONDAY, 11):
        await world.drain(school, bureau)
    office = await world.client(school.people["office"])
    listed = (await office.get("/api/t/school/desk/duties")).json()
    assert listed["term"] == "2026-2027-1" and listed["total"] == len(listed["duties"]) == 9
    (failed,) = [one for one in listed["duties"] if one["state"] == "not_kept"]
    assert failed["rule"] == "fee.withheld" and failed["objections"][0]["clause"] == "001#2 四（四）"
    assert (await office.get("/api/t/school/desk/bans")).json() == {"total": 0, "flags": []}
    officer = await world.client(bureau.people["bureau_officer"])
    board = (await officer.get("/api/t/bureau/bureau/bans")).json()
    assert board["total"] == 0 and set(board["by_ban"]) == {str(n) for n in range(1, 11)}
    told = (await officer.get(f"/api/t/bureau/bureau/schools-duties/{school.ctx.tenant_id}")).json()
    assert told["reported"] and [one["note"] for one in told["not_kept"]] == ["已归还"]
    elsewhere = await world.bureau("elsewhere")
    stranger = await world.client(elsewhere.people["bureau_head"])
    path = f"/api/t/elsewhere/bureau/schools-duties/{school.ctx.tenant_id}"
    assert (await stranger.get(path)).status_code == 404
