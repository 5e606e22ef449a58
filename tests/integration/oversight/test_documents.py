"""Documents between organisations: who may send what to whom, copies, forgeries, what stays visible of a refusal."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import select

from core.base import clock
from core.base.ids import new_id
from core.db.delivery import deliver
from core.db.house import House
from core.db.kernel_tables import Outbox
from core.enrollment import figures as own_figures
from core.enrollment import review
from core.enrollment.models import Enrolment
from core.enrollment.plan_models import PlanFiling, ServicePlan
from core.people.models import Student
from tenants.oversight.collect import collect
from tenants.oversight.models import ReceivedPlan, SchoolFigures
from tests.support import menu
from tests.support.plans import good_plan
from tests.support.world import School, World

PDF = base64.b64encode(b"%PDF-1.7 a paper").decode()


def filing(**more: Any) -> dict[str, Any]:
    return {
        "plan_id": str(new_id()),
        "round": 1,
        "version": 1,
        "term_code": "2026-2027-1",
        "starts_on": "2026-09-01",
        "content": good_plan(),
        "paper": PDF,
        **more,
    }


async def _send(world: World, sender: School, to: School, kind: str, payload: dict[str, Any]) -> str:
    async with world.house.unit(sender.ctx) as uow:
        id_ = await uow.send_document(to.ctx.tenant_id, kind, payload, key=str(new_id()))
    return await deliver(world.house, sender.ctx.tenant_id, id_)


async def _received(world: World, bureau: School) -> list[ReceivedPlan]:
    async with world.house.unit(bureau.ctx) as uow:
        return list((await uow.session.execute(select(ReceivedPlan).order_by(ReceivedPlan.id))).scalars())


async def _submitted(world: World) -> tuple[School, School, dict[str, Any]]:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    office, principal = await world.client(school.people["office"]), await world.client(school.people["principal"])
    plan = (await office.put("/api/t/school/desk/plan", json={"content": good_plan()})).json()
    await principal.post(f"/api/t/school/desk/plan/{plan['id']}/adopt")
    key = {"idempotency-key": "submit-1"}
    plan = (await office.post(f"/api/t/school/desk/plan/{plan['id']}/submit", headers=key)).json()
    await world.drain(school, bureau)
    return bureau, school, plan


@pytest.mark.req("R-001", "R-003")
async def test_a_foreign_school_is_refused_and_both_sides_see_it(world: World) -> None:
    bureau = await world.bureau()
    stranger = await world.school("stranger", name="外县小学")
    assert await _send(world, stranger, bureau, "plan.filing", filing()) == "dead"
    assert await _send(world, stranger, bureau, "oversight.figures", {"x": 1}) == "dead"
    assert await _received(world, bureau) == []
    sender = await world.client(stranger.people["office"], page=True)
    page = await sender.get("/t/stranger/desk/documents?show=dead")
    assert "被拒收" in page.text and "下属学校" in page.text
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    assert "外县小学" in (await officer.get("/t/bureau/bureau/documents")).text


async def test_a_vendor_under_the_bureau_is_no_school(world: World) -> None:
    bureau = await world.bureau()
    vendor = await world.vendor()
    assert await _send(world, vendor, bureau, "plan.filing", filing()) == "dead"


@pytest.mark.parametrize(
    "broken",
    [
        {"paper": base64.b64encode(b"<html>").decode()},
        {"paper": "***"},
        {"content": {"times": {"windows": [{"window": "nowhere"}]}}},
        {"starts_on": "soon"},
        {"round": 0},
        {"extra": 1},
    ],
)
async def test_an_unreadable_plan_is_refused(world: World, broken: dict[str, Any]) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    assert await _send(world, school, bureau, "plan.filing", filing(**broken)) == "dead"
    assert await _received(world, bureau) == []


async def test_a_second_copy_of_a_filing_changes_nothing(world: World) -> None:
    bureau, school, _plan = await _submitted(world)
    async with world.house.unit(school.ctx) as uow:
        query = select(Outbox).where(Outbox.name == "plan.filing")
        sent = (await uow.session.execute(query)).scalar_one()
        payload = dict(sent.payload)
    # The same message again, as after a crash of the worker between consumer and mark.
    async with world.house.unit(school.ctx) as uow:
        again = await uow.get(Outbox, sent.id)
        again.done_at, again.sent_at = None, None
        again.available_at = again.available_at.replace(year=2020)
    assert await deliver(world.house, school.ctx.tenant_id, sent.id) in ("repeated", "done")
    # A new message of the same round with other words.
    payload["content"] = {**payload["content"], "safety": {**payload["content"]["safety"], "text": "另一种说法"}}
    assert await _send(world, school, bureau, "plan.filing", payload) == "done"
    kept = await _received(world, bureau)
    assert len(kept) == 1 and "另一种" not in str(kept[0].content)


async def test_a_new_round_waits_for_the_open_one(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    first = filing()
    assert await _send(world, school, bureau, "plan.filing", first) == "done"
    assert await _send(world, school, bureau, "plan.filing", {**first, "round": 2}) == "dead"
    assert len(await _received(world, bureau)) == 1


@pytest.mark.req("R-037")
async def test_the_bureau_checks_for_itself(world: World) -> None:
    """A school that reports a plan as clean cannot make it so: the bureau asks the rules again, and cannot pass it."""
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    faked = good_plan()
    faked["contents"]["no_load"] = False
    assert await _send(world, school, bureau, "plan.filing", filing(content=faked)) == "done"
    (row,) = await _received(world, bureau)
    assert [f["rule"] for f in row.findings] == ["content.adds_load"]
    officer = await world.client(bureau.people["bureau_officer"])
    refused = await officer.post(f"/api/t/bureau/bureau/plans/{row.id}/pass", headers={"idempotency-key": "pass-0001"})
    assert refused.status_code == 422 and refused.json()["code"] == "filing_still_objected"
    assert refused.json()["objections"][0]["clause"].startswith("001#2")


async def test_only_the_bureau_above_may_decide(world: World) -> None:
    _bureau, school, plan = await _submitted(world)
    other = await world.bureau("other")
    said = {"plan_id": plan["id"], "round": 1, "decision": "passed", "number": "BA-1", "decided_by": "冒名"}
    assert await _send(world, other, school, "plan.decision", said) == "dead"
    assert await _send(world, school, school, "plan.decision", said) == "dead"
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(ServicePlan))).scalar_one()
        assert (row.state, row.filing_number) == ("submitted", "")


async def test_a_second_decision_and_one_for_an_old_round_change_nothing(world: World) -> None:
    bureau, school, plan = await _submitted(world)
    officer = await world.client(bureau.people["bureau_officer"])
    (row,) = await _received(world, bureau)
    await officer.post(f"/api/t/bureau/bureau/plans/{row.id}/return", json={"reason": "请补充"})
    await world.drain(bureau, school)
    replay = {"plan_id": plan["id"], "round": 1, "decision": "passed", "number": "BA-9", "decided_by": "局经办"}
    assert await _send(world, bureau, school, "plan.decision", replay) == "done"
    async with world.house.unit(school.ctx) as uow:
        kept = (await uow.session.execute(select(ServicePlan))).scalar_one()
        filed = (await uow.session.execute(select(PlanFiling))).scalar_one()
        assert (kept.state, kept.filing_number, filed.decision) == ("returned", "", "returned")
    second = await officer.post(f"/api/t/bureau/bureau/plans/{row.id}/pass", headers={"idempotency-key": "pass-0002"})
    assert second.status_code == 409


async def test_another_bureau_sees_nothing(world: World) -> None:
    bureau, school, _plan = await _submitted(world)
    other = await world.bureau("other")
    (row,) = await _received(world, bureau)
    stranger = await world.client(other.people["bureau_officer"])
    for slug in ("other", "bureau"):
        for path in (f"plans/{row.id}", f"plans/{row.id}/pass", f"plans/{row.id}/return"):
            asked = {} if path.endswith(str(row.id)) else {"json": {"reason": "x"}}
            method = "POST" if asked else "GET"
            headers = {"idempotency-key": "some-key"}
            answer = await stranger.request(method, f"/api/t/{slug}/bureau/{path}", headers=headers, **asked)
            assert answer.status_code == 404, (slug, path, answer.status_code)
            assert "实验小学" not in answer.text
    assert (await stranger.get("/api/t/other/bureau/plans")).json()["total"] == 0
    assert (await stranger.get(f"/t/other/bureau/overview/{school.ctx.tenant_id}")).status_code == 404
    teacher = await world.client(school.people["teacher"])
    assert (await teacher.get("/api/t/bureau/bureau/plans")).status_code == 404
    assert (await teacher.put("/api/t/school/desk/plan", json={"content": {}})).status_code == 403


@pytest.mark.req("R-036")
async def test_where_filing_is_enough_receipt_files_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.policy.ask import EffectivePack
    from core.policy.types import Setting

    real = EffectivePack.get

    def only_file(self: EffectivePack, rule: str, /, **scope: Any) -> Setting:
        return Setting(rule, "file", is_default=False) if rule == "plan.filing" else real(self, rule, **scope)

    monkeypatch.setattr(EffectivePack, "get", only_file)
    bureau, school, plan = await _submitted(world)
    (row,) = await _received(world, bureau)
    assert row.state == "filed" and row.number
    async with world.house.unit(school.ctx) as uow:
        kept = await uow.get(ServicePlan, __import__("uuid").UUID(plan["id"]))
        assert (kept.state, kept.filing_number) == ("filed", row.number)


@pytest.mark.req("R-023", "R-024")
async def test_figures_travel_once_carry_no_names_and_the_newest_wins(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx, families=3)
    for _again in range(2):
        async with world.house.unit(school.ctx) as uow:
            await uow.enqueue("oversight.report")
        await world.drain(school, bureau)
    async with world.house.unit(school.ctx) as uow:
        sent = (await uow.session.execute(select(Outbox).where(Outbox.name == "oversight.figures"))).scalars().all()
    assert len(sent) == 1
    assert "学生" not in str(sent[0].payload["figures"]["applications"]) and "家长" not in str(sent[0].payload)
    async with world.house.unit(bureau.ctx) as uow:
        row = (await uow.session.execute(select(SchoolFigures))).scalar_one()
        assert row.figures["pupils"] == 3
    old = {**sent[0].payload, "figures": {**sent[0].payload["figures"], "pupils": 99}}
    assert await _send(world, school, bureau, "oversight.figures", old) == "done"
    newer = {**old, "sequence": 7}
    named = {**newer, "figures": {**newer["figures"], "names": ["学生1"]}}
    assert await _send(world, school, bureau, "oversight.figures", named) == "dead"
    officer = await world.client(bureau.people["bureau_officer"])
    board = (await officer.get("/api/t/bureau/bureau/figures")).json()
    assert board["schools"][0]["figures"]["pupils"] == 3
    assert await _send(world, school, bureau, "oversight.figures", newer) == "done"
    board = (await officer.get("/api/t/bureau/bureau/figures")).json()
    assert board["schools"][0]["figures"]["pupils"] == 99


@pytest.mark.req("R-023", "R-024")
async def test_places_compare_with_their_limit_and_refusals_bear_their_own_name(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx, families=5)
    first, second, turned, away, waits = school.families
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, title="阅读托管", any_days=False, capacity=10)
    await menu.publish(world, school)
    await menu.enrol(world, school, first, [(care, (1,))])
    await menu.enrol(world, school, second, [(club, ())])
    for family in (turned, away):
        id_ = await menu.apply(world, school, family, [(care, (1,))])
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            await review.class_review(uow, id_, need_confirmed=True, papers=review.papers_owed(uow))
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await review.refuse(uow, id_, reason="场地不足", other_offering_id=club.id)
    await menu.apply(world, school, waits, [(care, (1,))])
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Student, away.student_id)).left_at = clock.now()
        assert school.term_id is not None
        await uow.session.flush()
        counted = await collect(uow, school.term_id)
        # Who left, or is still being dealt with, is not among those refused who take part in nothing.
        assert (counted["refused"], counted["unmet"]) == (2, 1)
        assert (counted["seats"], counted["taken"], counted["unlimited"], counted["enrolled"]) == (10, 1, 1, 2)
        # The school's own figure is wider.
        assert (await own_figures.figures(uow, school.term_id)).whole.unmet == 2
        # A closed term still says what was.
        for row in (await uow.session.execute(select(Enrolment))).scalars():
            row.state = "completed"
        await uow.session.flush()
        over = await collect(uow, school.term_id)
        assert (over["enrolled"], over["unlimited"], over["unmet"]) == (2, 1, 1)
    async with world.house.unit(school.ctx) as uow:
        await uow.enqueue("oversight.report")
    await world.drain(school, bureau)
    async with await world.client(bureau.people["bureau_officer"], page=True) as officer:
        shown = (await officer.get(f"/t/bureau/bureau/overview/{school.ctx.tenant_id}")).text
        assert "1 / 10" in shown and "1 人参加" in shown and "未通过且未参加 1 人" in shown
        board = (await officer.get("/t/bureau/bureau?sort=unmet")).text
        assert "两个数不同" in board and "需求未满足" not in board


@pytest.mark.req("R-003")
def test_every_kind_of_document_has_a_name_for_people(house: House) -> None:
    documents = house.registry.documents
    assert {owned.plugin for owned in documents.values()} >= {None, "vendors"}
    assert [
        kind for kind, owned in documents.items() if not str(owned.item.title) or str(owned.item.title) == kind
    ] == []
