"""What each scheme says about providers, asked with what really happened: who chose, who reviewed, what it costs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from core.base.errors import Invalid
from core.base.money import Fen
from core.billing.views import BillDraft
from core.db.switches import change_settings
from core.enrollment.errors import Objected
from core.enrollment.models import Offering
from plugins.vendors import checks, exits
from plugins.vendors.models import Proposal
from tests.support import vendors as v
from tests.support.world import World
from tests.unit.billing.test_worked import charge

TENDERED: dict[str, Any] = {
    "method": "tender",
    "selected_by": "school",
    "selection_on": v.BEFORE,
    "selection_number": "招采〔2026〕3 号",
    "selection_posted_on": v.BEFORE + timedelta(days=1),
    "reviewed_by": ("district_bureau",),
    "review_number": "区教课审〔2026〕9 号",
    "paid": False,
}


def said(refused: Any) -> dict[str, str]:
    return {o.rule or o.code: o.clause for o in refused.value.objections}


async def total(world: World, county: v.County, fen: int) -> None:
    async with world.house.unit(county.school.ctx) as uow:
        await change_settings(uow, "vendors", checks.VendorSettings(total_cost_fen=fen))


@pytest.mark.req("C-17", "R-302", "R-304", "R-313", "R-330")
async def test_where_the_school_selects_its_own_tender_lets_an_agency_in(world: World) -> None:
    county = await v.county(world, pack="city-free-1000")
    await v.listed(county)
    course_id = await v.offered(county)
    with pytest.raises(Objected) as refused:
        await v.approved(county, course_id, paid=False)
    assert said(refused)["provider.selector"] == "000#3 五（二）"
    assert said(refused)["provider.content_reviewed_by"] == "000#3 五（四）"
    assert "provider.procurement" in said(refused)
    offering_id = await v.approved(county, course_id, **TENDERED)
    async with world.house.unit(county.school.ctx) as uow:
        row = await uow.get(Proposal, course_id)
        assert row.selection == {
            "by": "school",
            "method": "tender",
            "on": "2026-09-01",
            "number": "招采〔2026〕3 号",
            "posted_on": "2026-09-02",
        }
        assert (row.reviewed_by, row.review_number) == (["school", "district_bureau"], "区教课审〔2026〕9 号")
        assert (await uow.get(Offering, offering_id)).state == "approved"


@pytest.mark.req("C-17", "R-300")
async def test_where_the_bureau_selects_a_schools_own_choice_is_refused(world: World) -> None:
    county = await v.county(world, pack="anhui-ten-bans")
    await v.listed(county)
    course_id = await v.offered(county)
    with pytest.raises(Objected) as refused:
        await v.approved(county, course_id, **{**TENDERED, "method": "government_purchase"})
    assert said(refused) == {"provider.selector": "001#2 五（二）"}
    await v.approved(county, course_id)


@pytest.mark.req("R-302", "R-307")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"selection_on": None}, "selection_on"),
        ({"selection_on": date(2099, 1, 1)}, "selection_on"),
        ({"selection_number": " "}, "selection_number"),
        ({"selection_posted_on": None}, "selection_posted_on"),
        ({"selection_posted_on": v.BEFORE - timedelta(days=1)}, "selection_posted_on"),
        ({"review_number": ""}, "review_number"),
    ],
)
async def test_a_selection_that_is_not_on_paper_is_none(world: World, change: dict[str, Any], field: str) -> None:
    county = await v.county(world, pack="city-free-1000")
    await v.listed(county)
    course_id = await v.offered(county)
    with pytest.raises(Invalid) as refused:
        await v.approved(county, course_id, **{**TENDERED, **change})
    assert field in {f.field for f in refused.value.fields}


@pytest.mark.req("R-305", "C-16", "R-339")
async def test_the_cap_bites_at_the_price_and_at_the_total(world: World) -> None:
    county = await v.county(world, pack="city-free-1000")
    await v.listed(county)
    course_id = await v.offered(county)
    with pytest.raises(Objected) as unknown:
        await v.approved(county, course_id, **TENDERED, cost_fen=10_000)
    assert said(unknown) == {"provider.agency_cost_percent_max": "000#3 五（二）"}
    await total(world, county, 100_000)
    with pytest.raises(Objected) as above:
        await v.approved(county, course_id, **TENDERED, cost_fen=50_001)
    assert said(above) == {"provider.agency_cost_percent_max": "000#3 五（二）"}
    await v.approved(county, course_id, **TENDERED, cost_fen=50_000)
    async with world.house.unit(county.school.ctx) as uow:
        await checks.refuse_total(uow, county.school.term_id, 100_000)
        with pytest.raises(Objected):
            await checks.refuse_total(uow, county.school.term_id, 99_999)
        with pytest.raises(Objected):
            await checks.refuse_total(uow, county.school.term_id, 0)
    async with await world.client(county.school.people["office"], page=True) as client:
        here = f"/t/{county.school.ctx.slug}/desk/vendors"
        low = await client.post(f"{here}/budget", data={"total_cost_fen": "999"}, follow_redirects=True)
        assert "000#3 五（二）" in low.text


@pytest.mark.req("R-305", "C-16")
async def test_over_the_cap_no_family_is_billed_for_an_agency(world: World) -> None:
    """The total fell after the course was agreed: bills of its children wait, those of others do not."""
    county = await v.county(world, pack="city-free-1000")
    await v.listed(county)
    await total(world, county, 100_000)
    await v.approved(county, await v.offered(county), **TENDERED, cost_fen=50_000)
    term_id = county.school.term_id
    assert term_id is not None
    inside, outside = (family.student_id for family in county.school.families)
    drafts = (
        BillDraft(inside, term_id, (charge("vendor_course", 2000),), (), Fen(2000)),
        BillDraft(outside, term_id, (charge("care", 500),), (), Fen(500)),
    )
    async with world.house.unit(county.school.ctx) as uow:
        assert await checks.of_bills(uow, drafts) == []
    await total(world, county, 99_000)
    async with world.house.unit(county.school.ctx) as uow:
        found = await checks.of_bills(uow, drafts)
        assert [(o.rule, o.subject_id) for o in found] == [("provider.agency_cost_percent_max", inside)]
        assert await checks.of_bills(uow, drafts[1:]) == []


@pytest.mark.req("R-296", "C-15")
@pytest.mark.parametrize("pack", ["hebi", "jincun-primary"])
async def test_schemes_without_agencies_refuse_every_agency(world: World, pack: str) -> None:
    county = await v.county(world, pack=pack)
    await v.listed(county)
    with pytest.raises(Objected) as refused:
        await v.approved(county, await v.offered(county))
    assert any(o.blocks and o.rule == "provider.banned_kinds" and o.clause for o in refused.value.objections)


@pytest.mark.req("R-304", "R-315")
async def test_without_a_bureau_above_nobody_could_decide_on_an_exit(world: World) -> None:
    """Gate and mechanism are facts of the platform: the score is only worth something where somebody decides on it."""
    school = await world.school("alone", pack="anhui-ten-bans")
    facts = checks.Facts(None, "", None, True, True, True, "government_purchase", None)
    async with world.house.unit(school.ctx) as uow:
        found = {o.rule for o in await checks.objections(uow, facts) if o.blocks}
    assert "exit.mechanism" in found
    school = await world.school("alone2", pack="city-free-1000")
    async with world.house.unit(school.ctx) as uow:
        found = {o.rule for o in await checks.objections(uow, facts) if o.blocks}
    assert "provider.gates" in found


@pytest.mark.req("R-320", "C-22")
async def test_what_follows_on_an_exit_is_the_schemes(world: World) -> None:
    for pack, follows in (("anhui-ten-bans", {"cancel_training_qualification"}), ("weihai-free", set())):
        bureau = await world.bureau(f"b-{pack}", pack=pack)
        async with world.house.unit(bureau.ctx) as uow:
            assert exits.following(uow) == follows
