"""Every rule of pay and subsidies that a fact of the system meets, against the real pack that says it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from core.db.switches import change_settings
from core.enrollment.errors import Objected
from core.ledger import service as ledger
from core.people.external import register_external
from plugins.pay import lists, rates, subsidies
from plugins.pay.errors import GuidelineMissing, RateOverlaps, RateWaiting, SamePerson
from plugins.pay.models import PayList, Rate
from plugins.pay.schemas import PaySettings, SettleForm, SubmitForm
from plugins.pay.subsidies import Pupils
from tenants import service as tenants
from tests.support.lessons import at
from tests.support.pay import (
    SETTLED,
    approved,
    endowed,
    hold,
    lines,
    listed,
    november,
    rate,
    rate_form,
    submitted,
    subsidised,
    subsidy_form,
)
from tests.support.world import School, World

OUTSIDER: dict[str, Any] = {"payee": "external", "mechanism": "labour_fee", "agreement": "协议 2026-7"}


def said(refused: pytest.ExceptionInfo[Objected]) -> dict[str, str]:
    for objection in refused.value.objections:
        assert objection.clause or not objection.rule, f"{objection.code} names no clause"
    return {o.rule or o.code: o.force for o in refused.value.objections}


RATES = [
    ("anhui-ten-bans", {"mechanism": "inside_performance_pay"}, {"pay.mechanism": "block"}),
    ("anhui-ten-bans", {"factors": ["time"]}, {"pay.factors": "block"}),
    ("anhui-ten-bans", {**OUTSIDER, "mechanism": "volunteer"}, {"pay.external": "warn"}),
    ("anhui-ten-bans", {**OUTSIDER, "agreement": ""}, {"pay.external_by_agreement": "warn"}),
    ("anhui-ten-bans", OUTSIDER, {}),
    ("county-plan", {"mechanism": "outside_performance_pay"}, {"pay.mechanism": "block"}),
    (
        "county-plan",
        {"mechanism": "inside_performance_pay", "set_by": "departments"},
        {"pay.rate_set_by": "block"},
    ),
    ("county-plan", OUTSIDER, {"pay.external": "warn"}),
    ("hebi", {"fund": "service", "mechanism": "inside_performance_pay"}, {}),
    ("hebi", {**OUTSIDER, "agreement": ""}, {"pay.external_by_agreement": "block"}),
    ("second-experimental-primary", {"mechanism": "labour_fee", "set_by": "departments"}, {"pay.mechanism": "block"}),
    (
        "second-experimental-primary",
        {"mechanism": "extra_work_only", "set_by": "school"},
        {"pay.rate_set_by": "block"},
    ),
    (
        "second-experimental-primary",
        {**OUTSIDER, "mechanism": "performance_pay", "set_by": "departments"},
        {"pay.external": "block"},
    ),
    ("city-free-1000", {**OUTSIDER, "set_by": "school"}, {"pay.external_grade_by": "block"}),
    ("city-free-1000", {**OUTSIDER, "set_by": "principals_meeting"}, {}),
    ("city-free-1000", {"mechanism": "labour_fee", "factors": ["time"]}, {"pay.factors": "block"}),
    ("school-free-care", {"mechanism": "performance_pay", "factors": ["attitude", "workload"], "fund": "school"}, {}),
    (
        "school-free-care",
        {"mechanism": "performance_pay", "factors": ["attitude", "workload"], "fund": "subsidy"},
        {"fee.spending": "warn"},
    ),
    ("hebi", {**OUTSIDER, "fund": "service"}, {}),
    ("changzhi-521", {"mechanism": "labour_fee"}, {"pay.mechanism": "block"}),
    ("jincun-primary", {"mechanism": "labour_fee"}, {"pay.mechanism": "block"}),
    ("weihai-free", {"mechanism": "labour_fee", "fund": "school"}, {}),
]


@pytest.mark.req(
    "R-312", "R-354", "R-355", "R-385", "R-383", "R-386", "R-388", "R-389", "R-390", "R-395", "C-11", "C-12"
)
async def test_rates_are_held_against_each_scheme(world: World) -> None:
    schools = {pack: await world.school(pack, pack=pack, families=0) for pack in {case[0] for case in RATES}}
    for pack, changes, expected in RATES:
        school = schools[pack]
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            found = rates.objections_to(uow, rate_form(**changes))
            assert {o.rule: o.force for o in found} == expected, (pack, changes)
            assert all(o.clause for o in found)


@pytest.mark.req("R-388", "R-454")
async def test_a_rate_is_proposed_by_one_and_approved_by_another(world: World, school: School) -> None:
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        with pytest.raises(Objected) as refused:
            await rates.propose(uow, rate_form(mechanism="labour_fee"))
        assert said(refused) == {"pay.mechanism": "block"}
        row = await rates.propose(uow, rate_form())
        with pytest.raises(RateWaiting):
            await rates.propose(uow, rate_form(unit_fen=7000))
    async with world.house.unit(school.ctx) as uow:
        asked_by = (await uow.get(Rate, row.id)).asked_by
    assert asked_by == school.people["finance"].account_id
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await rates.approve(uow, row.id)
    with pytest.raises(Exception, match="second_person"):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update pay_rate set decided_by = asked_by"))
    with pytest.raises(Exception, match="permission denied"):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update pay_rate set unit_fen = 1"))


async def test_the_proposer_cannot_approve_even_with_both_rights(world: World, school: School) -> None:
    finance = school.people["finance"]
    async with world.house.unit(school.ctx) as uow:
        await tenants.join(uow, [finance.account_id], "principal")
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        row = await rates.propose(uow, rate_form())
        with pytest.raises(SamePerson):
            await rates.approve(uow, row.id)


@pytest.mark.req("R-388")
async def test_a_new_rate_takes_over_and_the_past_keeps_its_own(world: World, school: School) -> None:
    old = await rate(world, school)
    new = await rate(world, school, unit_fen=8000, effective_from=date(2026, 11, 16))
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        first, second = await uow.get(Rate, old), await uow.get(Rate, new)
        assert (first.state, first.effective_to, second.state) == ("ended", date(2026, 11, 15), "in_force")
        with pytest.raises(RateOverlaps):
            await rates.propose(uow, rate_form(unit_fen=9000, effective_from=date(2026, 11, 16)))
    made, _ = await november(world, school, 0)
    await hold(world, school, [made.lessons[date(2026, 11, 13)], made.lessons[date(2026, 11, 16)]])
    (line,) = await lines(world, school, await listed(world, school))
    assert line.amount_fen == 6000 + 8000


SUBSIDIES = [
    ("anhui-ten-bans", {}, {}),
    ("anhui-ten-bans", {"rate_fen": 50000, "amount_fen": 100_000}, {}),
    ("anhui-ten-bans", {"rate_fen": 50001, "amount_fen": 100_000}, {"subsidy.per_pupil_year_max": "block"}),
    (
        "anhui-ten-bans",
        {"rate_fen": 50000, "amount_fen": 120_001, "remote_percent": 20},
        {"subsidy.actual_pupils": "block", "subsidy.per_pupil_year_max": "block"},
    ),
    ("anhui-ten-bans", {"rate_fen": 50000, "amount_fen": 120_000, "remote_percent": 20}, {}),
    ("anhui-ten-bans", {"remote_percent": 21}, {"subsidy.remote_percent_max": "block"}),
    ("anhui-ten-bans", {"amount_fen": 50001}, {"subsidy.actual_pupils": "block"}),
    ("anhui-ten-bans", {"payee": "other"}, {"subsidy.paid_to_school": "block"}),
    ("city-free-1000", {"account": "departmental_budget", "rate_fen": 100_000, "amount_fen": 200_000}, {}),
    (
        "city-free-1000",
        {"account": "departmental_budget", "rate_fen": 100_001, "amount_fen": 200_002},
        {"subsidy.control_per_pupil_year": "block"},
    ),
    ("city-free-1000", {"account": "special_account"}, {"subsidy.account_public": "block"}),
    ("city-free-1000", {"account": "departmental_budget", "goals": ""}, {"subsidy.project_goals": "block"}),
    ("hebi", {"rate_fen": 90000, "amount_fen": 900_000}, {}),
]


@pytest.mark.req("R-363", "R-364", "R-378", "R-379", "R-380", "R-382", "R-438", "C-08", "C-10")
async def test_grants_are_held_against_each_scheme(world: World) -> None:
    schools = {pack: await world.school(pack, pack=pack, families=0) for pack in {case[0] for case in SUBSIDIES}}
    for pack, changes, expected in SUBSIDIES:
        school = schools[pack]
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            found = await subsidies.objections_to(uow, subsidy_form(**changes), Pupils(2, "served"))
            assert {o.rule: o.force for o in found} == expected, (pack, changes)
            assert all(o.clause and o.quote for o in found)


@pytest.mark.req("R-367", "C-08")
async def test_a_private_school_uses_the_three_party_account(world: World) -> None:
    school = await world.school(pack="city-free-1000")
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await change_settings(uow, "pay", PaySettings(private=True))
        found = await subsidies.objections_to(uow, subsidy_form(account="departmental_budget"), Pupils(2, "served"))
        assert [o.rule for o in found] == ["subsidy.account_private"]
        assert not await subsidies.objections_to(uow, subsidy_form(account="three_party"), Pupils(2, "served"))


@pytest.mark.req("R-378")
async def test_all_documents_of_a_year_share_one_cap(world: World, school: School) -> None:
    await november(world, school)
    await subsidised(world, school, 50000)
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        more = {"level": "province", "document_no": "皖财教〔2026〕8 号"}
        fits = subsidy_form(rate_fen=25000, amount_fen=50000, **more)
        assert await subsidies.objections_to(uow, fits, Pupils(2, "served")) == []
        over = subsidy_form(rate_fen=25001, amount_fen=50002, **more)
        found = await subsidies.objections_to(uow, over, Pupils(2, "served"))
        assert [o.rule for o in found] == ["subsidy.per_pupil_year_max"]


LISTS = [
    ("anhui-ten-bans", {"fund": "subsidy"}, {}, {}),
    (
        "second-experimental-primary",
        {"fund": "school", "mechanism": "extra_work_only", "set_by": "departments"},
        {},
        {"pay.beyond_duties": "block", "pay.not_harming_duties": "block"},
    ),
    (
        "second-experimental-primary",
        {"fund": "school", "mechanism": "extra_work_only", "set_by": "departments"},
        {"attested": ["beyond_duties", "duties_done"]},
        {},
    ),
    (
        "city-free-1000",
        {"fund": "subsidy", "mechanism": "labour_fee", "factors": ["attitude", "workload"]},
        {},
        {"pay.not_harming_duties": "block"},
    ),
]


@pytest.mark.req("R-078", "R-387", "R-393", "R-396", "R-454")
@pytest.mark.parametrize(("pack", "changes", "form", "expected"), LISTS)
async def test_lists_are_held_against_the_scheme(
    world: World, pack: str, changes: dict[str, Any], form: dict[str, Any], expected: dict[str, str]
) -> None:
    school = await world.school(pack=pack)
    await rate(world, school, **changes)
    await endowed(world, school, 100_000)
    await november(world, school)
    list_id = await listed(world, school)
    if expected:
        with pytest.raises(Objected) as refused:
            await submitted(world, school, list_id, reason="说明", **form)
        assert said(refused) == expected
    else:
        assert (await submitted(world, school, list_id, **form)).state == "submitted"


@pytest.mark.req("R-381", "C-11")
async def test_the_total_stays_within_11_times_the_guideline(world: World) -> None:
    school = await world.school(pack="county-plan")
    await rate(world, school, fund="school", mechanism="inside_performance_pay")
    await november(world, school)
    list_id = await listed(world, school)
    with pytest.raises(GuidelineMissing):
        await submitted(world, school, list_id)
    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "pay", PaySettings(guideline_fen=1_000_000, base_fen=1_076_001))
    with pytest.raises(Objected) as refused:
        await submitted(world, school, list_id, reason="说明")
    assert said(refused) == {"pay.total_percent_max": "block"}
    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "pay", PaySettings(guideline_fen=1_000_000, base_fen=1_076_000))
    await approved(world, school, list_id)
    december = await world_december(world, school)
    with pytest.raises(Objected) as refused:
        await submitted(world, school, december, date(2027, 1, 4))
    assert said(refused) == {"pay.total_percent_max": "block"}, "lists of the year are added up"


async def world_december(world: World, school: School) -> Any:
    async with world.house.unit(school.ctx) as uow:
        query = text("select id from lesson where day >= '2026-12-01' and day < '2027-01-01' order by day limit 1")
        lesson = (await uow.session.execute(query)).scalar_one()
    await hold(world, school, [lesson])
    return await listed(world, school, date(2026, 12, 1), date(2027, 1, 4))


@pytest.mark.req("R-266", "C-11")
@pytest.mark.parametrize(("pack", "fen"), [("jincun-primary", 0), ("anhui-ten-bans", 24000)])
async def test_an_accident_makes_the_assessment_nought_where_the_scheme_says_so(
    world: World, pack: str, fen: int
) -> None:
    school = await world.school(pack=pack)
    mechanism = "assessed_performance_pay" if pack == "jincun-primary" else "outside_performance_pay"
    await rate(world, school, mechanism=mechanism)
    await endowed(world, school, 100_000)
    _, ids = await november(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text(
                "insert into absence_case (tenant_id, id, lesson_id, student_id, day, state, cause) "
                "values (:t, gen_random_uuid(), :lesson, :child, '2026-11-02', 'incident', '摔伤')"
            ),
            {"t": school.ctx.tenant_id, "lesson": ids[0], "child": school.families[0].student_id},
        )
    list_id = await listed(world, school)
    (line,) = await lines(world, school, list_id)
    assert (line.lessons, line.amount_fen) == (4, fen)
    assert bool(line.zeroed.get("clause")) == (fen == 0)
    assert (await approved(world, school, list_id)).state == "approved"


@pytest.mark.req("R-266")
async def test_an_accident_reported_after_the_list_was_made_stops_it(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    await rate(world, school, mechanism="assessed_performance_pay", fund="school")
    _, ids = await november(world, school)
    list_id = await listed(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text(
                "insert into absence_case (tenant_id, id, lesson_id, student_id, day, state, cause) "
                "values (:t, gen_random_uuid(), :lesson, :child, '2026-11-02', 'incident', '摔伤')"
            ),
            {"t": school.ctx.tenant_id, "lesson": ids[0], "child": school.families[0].student_id},
        )
    with pytest.raises(Objected) as refused:
        await submitted(world, school, list_id, reason="说明")
    assert said(refused) == {"pay.zero_on_safety_problem": "block"}


@pytest.mark.req("R-389")
async def test_outsiders_are_paid_by_their_own_rate(world: World, school: School) -> None:
    await rate(world, school, **OUTSIDER, unit_fen=9000)
    await endowed(world, school, 100_000)
    async with world.house.unit(school.ctx) as uow:
        outsider = (await register_external(uow, "外聘己", world.next_phone())).id
    await november(world, school, 2, teacher_id=outsider)
    (line,) = await lines(world, school, list_id := await listed(world, school))
    assert (line.payee, line.amount_fen) == ("external", 18000)
    await approved(world, school, list_id)


async def test_the_schools_own_line_per_person_warns(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 100_000)
    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "pay", PaySettings(person_month_fen=20_000))
    await november(world, school)
    list_id = await listed(world, school)
    with pytest.raises(Objected) as refused:
        await submitted(world, school, list_id)
    assert said(refused) == {"pay.person_month": "warn"}
    await submitted(world, school, list_id, reason="补上月的课")


@pytest.mark.req("R-396", "R-454")
async def test_pay_that_no_rate_gives_is_irregular(world: World, school: School) -> None:
    """The database's own role is needed to write such a thing; the list is refused all the same."""
    rate_id = await rate(world, school)
    await endowed(world, school, 100_000)
    await november(world, school)
    list_id = await listed(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(text("update pay_rate set state = 'returned' where id = :id"), {"id": rate_id})
    with pytest.raises(Objected) as refused:
        await submitted(world, school, list_id, reason="说明")
    assert said(refused) == {"pay.irregular": "block"}
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        assert (await uow.get(PayList, list_id)).state == "draft"


@pytest.mark.req("R-361", "R-363")
async def test_a_subsidy_is_settled_by_those_who_really_came(world: World) -> None:
    school = await world.school(pack="city-free-1000")
    await november(world, school)
    subsidy = await subsidised(world, school, 50000, account="departmental_budget")
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update attendance set mark = 'absent' where student_id = :child"),
            {"child": school.families[0].student_id},
        )
    finance = await world.as_(school, "finance")
    with at(SETTLED, 16):
        async with world.house.unit(finance) as uow:
            with pytest.raises(Objected) as refused:
                await subsidies.settle(uow, subsidy, SettleForm(surplus="carried_over"))
            assert said(refused) == {"subsidy.actual_pupils": "block"}
            with pytest.raises(Objected) as refused:
                await subsidies.settle(uow, subsidy, SettleForm(surplus="kept", returned_fen=25000))
            assert said(refused) == {"subsidy.surplus": "block"}
            row = await subsidies.settle(uow, subsidy, SettleForm(surplus="taken_back", returned_fen=25000))
            assert (row.state, row.settled_pupils) == ("settled", 1)
        async with world.house.unit(finance) as uow:
            assert int(await ledger.balance(uow, "bank", "subsidy")) == 25000
            assert int(await ledger.balance(uow, "subsidy_income", "subsidy")) == -25000
            assert await ledger.problems(uow) == []


async def test_a_draft_can_be_submitted_once(world: World, school: School) -> None:
    await rate(world, school)
    await endowed(world, school, 100_000)
    await november(world, school)
    list_id = await listed(world, school)
    await submitted(world, school, list_id)
    with at(SETTLED, 10):
        async with world.house.unit(await world.as_(school, "finance")) as uow:
            with pytest.raises(Exception, match="move_refused"):
                await lists.submit(uow, list_id, SubmitForm())
