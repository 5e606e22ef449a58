"""Insurance: policies live by their dates, accident insurance is nobody's condition, claims find their policy."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from core.api.figures import Figure
from core.base import clock
from core.base.clock import travelled
from core.base.ids import new_id
from core.billing.views import BilledStudent, BillingRequest, ChargeProposal
from core.db.kernel_tables import AuditEntry
from core.db.states import ReasonOwed, history
from core.enrollment.errors import Objected
from core.enrollment.service import propose_offering
from core.enrollment.views import EnrolmentView, OfferingDraft, PlanView
from core.notices.models import Message
from core.people.models import Student
from plugins.insurance import service
from plugins.insurance.schemas import AccidentForm, ClaimForm, PolicyForm
from plugins.insurance.states import POLICY
from tests.plugins.support import enrol
from tests.support.world import School, World


def policy(kind: str = "liability", number: str = "QH-1", first: int = -100, last: int = 265) -> PolicyForm:
    today = clock.today()
    return PolicyForm.model_validate(
        {
            "kind": kind,
            "insurer": "青禾财产保险",
            "number": number,
            "starts_on": today + timedelta(days=first),
            "ends_on": today + timedelta(days=last),
        }
    )


ACCIDENT = {"insurer": "青禾人寿", "product": "学生平安 A 款", "cover": "意外身故、伤残与门诊", "grades": [3, 4]}


async def offered(world: World, school: School) -> service.AccidentView:
    ctx = await world.as_(school, "office")
    assert school.term_id is not None
    async with world.house.unit(ctx) as uow:
        return await service.offer(uow, school.term_id, AccidentForm.model_validate(ACCIDENT))


@pytest.mark.req("R-403")
@pytest.mark.parametrize(
    ("first", "last", "state"),
    [(-10, 300, "in_force"), (-300, 10, "expiring"), (-300, -1, "lapsed"), (5, 300, "recorded"), (0, 31, "in_force")],
)
async def test_a_policy_is_in_the_state_that_its_dates_say(world: World, first: int, last: int, state: str) -> None:
    school = await world.school()
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert (await service.record(uow, policy(first=first, last=last))).state == state


@pytest.mark.req("R-403")
async def test_time_moves_policies_and_a_new_one_renews_the_old(world: World) -> None:
    school = await world.school()
    async with world.house.unit(await world.as_(school, "office")) as uow:
        old = (await service.record(uow, policy(last=40))).id
    for days, state in ((20, "expiring"), (50, "lapsed")):
        with travelled(timedelta(days=days)):
            async with world.house.unit(school.ctx) as uow:
                await uow.enqueue("insurance.turn", key=f"turn-{days}")
            assert set(await world.drain(school)) == {"done"}
            async with world.house.unit(school.ctx) as uow:
                assert {p.id: p.state for p in await service.policies(uow)}[old] == state
                told = (
                    (await uow.session.execute(select(Message).where(Message.source.contains(state)))).scalars().all()
                )
                people = {school.people[role].account_id for role in ("office", "principal")}
                assert {message.account_id for message in told} == people
                assert "QH-1" in told[0].params["body"]
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.record(uow, policy(number="QH-2", first=41, last=400))
        assert {p.id: p.state for p in await service.policies(uow)}[old] == "renewed"
        assert [m.event for m in await history(uow, POLICY, old)] == ["start", "near_end", "lapse", "renew"]


async def test_the_same_number_twice_is_refused_at_its_field(world: World) -> None:
    school = await world.school()
    client = await world.client(school.people["office"], page=True)
    sent = {
        "kind": "liability",
        "insurer": "青禾财产",
        "number": "QH-9",
        "starts_on": "2026-09-01",
        "ends_on": "2027-08-31",
    }
    assert (await client.post("/t/school/desk/insurance/policies", data=sent)).status_code == 303
    again = await client.post("/t/school/desk/insurance/policies", data=sent)
    assert again.status_code == 422 and "这个保单号已经登记过" in again.text
    assert "QH-9" in (await client.get("/t/school/desk/insurance")).text


@pytest.mark.req("R-403")
async def test_the_school_without_liability_insurance_shows_in_its_figures(world: World) -> None:
    school = await world.school()

    async def days_left() -> int:
        async with world.house.unit(school.ctx) as uow:
            shown = await uow.hooks.present("figures", school.ctx, Figure, uow=uow, term_id=school.term_id)
        return next(f.value for f in shown if f.key == "insurance.liability_days")

    assert await days_left() == 0
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.record(uow, policy(last=9))
    assert await days_left() == 10


@pytest.mark.req("R-404")
async def test_accident_insurance_is_on_the_menu_without_hours_or_limit(world: World) -> None:
    school = await world.school()
    view = await offered(world, school)
    item = view.item
    assert (item.kind, item.weekdays, item.capacity, item.state) == ("insurance", (), None, "content_review")
    again = await offered(world, school)
    assert again.row.id == view.row.id and again.item.id == item.id


@pytest.mark.req("R-406")
async def test_nothing_may_ask_for_insurance(world: World) -> None:
    school = await world.school()
    assert school.term_id is not None
    draft = OfferingDraft(kind="care", title="托管", grades=(3,), details={"requires": ["insurance"]}, reason="方便")
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(Objected) as refused:
            await propose_offering(uow, school.term_id, draft)
    assert [o.rule for o in refused.value.objections if o.blocks] == ["insurance.condition"]


@pytest.mark.req("R-406")
async def test_saying_no_changes_nothing_else(world: World) -> None:
    school = await world.school()
    view = await offered(world, school)
    family = school.families[0]
    await enrol(world, school, school.families[1].student_id, view.item.id, [])
    client = await world.client(family.guardian, page=True)
    assert "自愿参加" in (await client.get("/t/school/home/insurance")).text
    for _ in range(2):
        answer = await client.post(f"/t/school/home/insurance/{family.student_id}/decline")
        assert answer.status_code == 303
    assert "不参加" in (await client.get("/t/school/home/insurance")).text
    async with world.house.unit(school.ctx) as uow:
        assert await service.status_of(uow, family.student_id, view) == "declined"
        assert await service.status_of(uow, school.families[1].student_id, view) == "insured"
    await enrol(world, school, family.student_id, view.item.id, [])
    async with world.house.unit(school.ctx) as uow:
        assert await service.status_of(uow, family.student_id, view) == "insured"
    stranger = await client.post(f"/t/school/home/insurance/{school.families[1].student_id}/decline")
    assert stranger.status_code == 404


async def test_collected_for_the_insurer_once_a_term(world: World) -> None:
    school = await world.school()
    view = await offered(world, school)
    child = school.families[0].student_id
    enrolment = EnrolmentView(new_id(), child, view.item, ())
    assert school.term_id is not None
    student = BilledStudent(child, 3, (enrolment,), {enrolment.id: 0})
    request = BillingRequest(school.term_id, "2026-2027-1", clock.today(), (student,))
    async with world.house.unit(school.ctx) as uow:
        found = await uow.hooks.compute("charges", school.ctx, ChargeProposal, uow=uow, request=request)
    assert [(c.service, c.quantity, c.fund) for c in found] == [("insurance", 1, "agency")]


@pytest.mark.req("R-408")
async def test_the_insurers_list_has_no_formulas(world: World) -> None:
    school = await world.school()
    view = await offered(world, school)
    child = school.families[0].student_id
    await enrol(world, school, child, view.item.id, [])
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Student, child)).name = '=HYPERLINK("http://x","点我")'
    client = await world.client(school.people["office"], page=True)
    answer = await client.get("/t/school/desk/insurance/insured.xlsx")
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[3] == ["序号", "姓名", "班级", "学籍号"]
    assert rows[4][1] == '=HYPERLINK("http://x","点我")'
    assert b"<f>" not in _sheet(answer.content)
    async with world.house.unit(school.ctx) as uow:
        assert (
            await uow.session.execute(select(AuditEntry).where(AuditEntry.action == "insurance.export"))
        ).scalar_one()


def _sheet(body: bytes) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return book.read("xl/worksheets/sheet1.xml")


@pytest.mark.req("R-409")
async def test_a_claim_finds_the_policy_of_that_day(world: World) -> None:
    school = await world.school()
    child = school.families[0].student_id
    today = clock.today()
    async with world.house.unit(await world.as_(school, "office")) as uow:
        before = await service.record(uow, policy(number="OLD-1", first=-400, last=-36))
        await service.record(uow, policy(number="NEW-1", first=-35, last=330))
        form = ClaimForm(happened_on=today - timedelta(days=60), account="课间在操场摔倒，左手骨折")
        claim = await service.open_claim(uow, child, form)
        assert claim.policy_id == before.id
        stored = (await uow.session.execute(text("select account_sealed from insurance_claim"))).scalar_one()
        assert "骨折" not in bytes(stored).decode("utf-8", "ignore")
        with pytest.raises(service.NotInForce):
            await service.open_claim(uow, child, ClaimForm(happened_on=today - timedelta(days=500), account="很久以前"))
        with pytest.raises(ReasonOwed):
            await service.close_claim(uow, claim.id, " ")
        await service.close_claim(uow, claim.id, "赔付 1,200 元")
        assert (claim.state, claim.closed_at is not None) == ("claim_closed", True)


async def test_a_claim_by_its_pages(world: World) -> None:
    school = await world.school()
    child = school.families[0].student_id
    office = await world.client(school.people["office"], page=True)
    path = f"/t/school/desk/insurance/claims/new/{child}"
    assert (await office.get(path)).status_code == 200
    sent = {"happened_on": str(clock.today()), "account": "下楼时扭伤"}
    refused = await office.post(path, data=sent)
    assert refused.status_code == 422 and "没有有效的保单" in refused.text
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.record(uow, policy())
    assert (await office.post(path, data=sent)).status_code == 303
    async with world.house.unit(school.ctx) as uow:
        claim = (await service.claims(uow))[0]
    opened = await office.post(f"/t/school/desk/insurance/claims/{claim.id}/open")
    assert opened.status_code == 200 and "下楼时扭伤" in opened.text
    closed = await office.post(f"/t/school/desk/insurance/claims/{claim.id}/close", data={"result": "已赔付"})
    assert closed.status_code == 303
    assert "已赔付" in (await office.get("/t/school/desk/insurance")).text
    assert (await office.get("/t/school/desk/insurance/accident")).status_code == 200
    assert (await office.post("/t/school/desk/insurance/accident", data=_flat(ACCIDENT))).status_code == 303


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    return {name: [str(v) for v in value] if isinstance(value, list) else value for name, value in values.items()}


@pytest.mark.req("R-403", "R-404")
async def test_a_plan_is_asked_what_the_pack_says_of_insurance(world: World) -> None:
    school = await world.school()
    assert school.term_id is not None
    plan = PlanView(new_id(), school.term_id, "draft", 1, {})
    async with world.house.unit(await world.as_(school, "office")) as uow:
        before = await service.objections_to_plan(uow, plan)
        await service.record(uow, policy())
        after = await service.objections_to_plan(uow, plan)
    assert len(after) <= len(before)
    assert all(o.rule.startswith("insurance.") for o in before)


@pytest.mark.req("R-407")
async def test_a_policy_that_is_silent_on_who_bears_what_is_told_to_the_plan(world: World) -> None:
    school = await world.school(pack="hebi")
    assert school.term_id is not None
    plan = PlanView(new_id(), school.term_id, "draft", 1, {})
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.record(uow, policy())
        found = await service.objections_to_plan(uow, plan)
    assert [(o.rule, bool(o.clause)) for o in found] == [("insurance.shared_liability", True)]
