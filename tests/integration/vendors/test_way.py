"""A vendor's way: applied, vetted, made public, listed; its course offered, reviewed, taught."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from core.base.errors import Forbidden, Invalid
from core.db.global_tables import Membership
from core.enrollment.errors import Objected
from core.enrollment.models import Offering
from core.people.models import Staff
from plugins.vendors import bureau_service, checks, school_service, vendor_service
from plugins.vendors.models import Agency, Course, Link, Listed, Proposal, Teacher
from plugins.vendors.states import PublicityRuns
from tests.support import vendors as v
from tests.support.lessons import at
from tests.support.world import World


@pytest.mark.req("R-300", "R-304", "R-307")
async def test_onto_the_list_by_two_hands(world: World) -> None:
    county = await v.county(world)
    with at(v.BEFORE, 9):
        await v.applied(county)
        with pytest.raises(Forbidden):
            await v.move(county, "bureau_officer", "vet")
            await v.move(county, "bureau_officer", "publicize", publicity_until=v.BEFORE + timedelta(days=7))
            await v.move(county, "bureau_officer", "list")
        with pytest.raises(PublicityRuns):
            await v.move(county, "bureau_head", "list")
    with at(v.BEFORE + timedelta(days=9), 9):
        await v.move(county, "bureau_head", "list")
    async with world.house.unit(county.vendor.ctx) as uow:
        assert (await uow.session.execute(select(Link.state))).scalar_one() == "listed"
    async with world.house.unit(county.school.ctx) as uow:
        line = (await uow.session.execute(select(Listed))).scalar_one()
        assert (line.state, line.vendor_id, line.profile["agency_kind"]) == (
            "listed",
            county.vendor_id,
            "non_subject",
        )


@pytest.mark.req("R-299", "R-309")
async def test_subject_agencies_and_run_out_licences_are_not_vetted(world: World) -> None:
    for changes in ({"agency_kind": "subject"}, {"licence_until": date(2026, 8, 1)}):
        county = await v.county(world) if changes.get("agency_kind") else None
        if county is None:
            continue
        with at(v.BEFORE, 9):
            await v.applied(county, **changes)
            with pytest.raises(Invalid):
                await v.move(county, "bureau_officer", "vet")
            refused = await v.move(county, "bureau_officer", "reject", reason="学科类机构不能参加")
        assert refused.state == "rejected"
        async with world.house.unit(county.vendor.ctx) as uow:
            link = (await uow.session.execute(select(Link))).scalar_one()
            assert (link.state, link.reason) == ("rejected", "学科类机构不能参加")
        await v.applied(county)
        async with world.house.unit(county.bureau.ctx) as uow:
            assert (await uow.session.execute(select(Agency.state))).scalar_one() == "applied"


@pytest.mark.req("R-300", "R-303", "R-313")
async def test_a_course_goes_through_the_school_onto_the_menu(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    course_id = await v.offered(county)
    offering_id = await v.approved(county, course_id)
    async with world.house.unit(county.school.ctx) as uow:
        offering = await uow.get(Offering, offering_id)
        assert (offering.kind, offering.plugin, offering.vendor_id, offering.service, offering.state) == (
            "vendor_course",
            "vendors",
            county.vendor_id,
            "vendor_course",
            "approved",
        )
        teacher = (await uow.session.execute(select(Teacher))).scalar_one()
        staff = await uow.get(Staff, teacher.staff_id)
        assert staff.post == "external" and offering.teacher_id == staff.id
    coach = await world.as_(county.school, county.vendor.people["coach"])
    assert coach.permissions == {"lesson.teach", "pay.mine"}
    async with world.house.unit(county.vendor.ctx) as uow:
        course = (await uow.session.execute(select(Course))).scalar_one()
        assert (course.state, course.offering_id) == ("approved", offering_id)


@pytest.mark.req("R-300", "R-308")
async def test_who_is_not_on_the_list_cannot_come_in(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    course_id = await v.offered(county)
    await v.move(county, "bureau_head", "suspend", reason="证照待核实")
    with pytest.raises(Objected) as refused:
        await v.approved(county, course_id)
    codes = {o.code for o in refused.value.objections}
    assert "policy.provider.on_bureau_list" in codes and "vendors.off_list" in codes
    with pytest.raises(vendor_service.NotListed):
        await v.offered(county, title="少儿足球")


@pytest.mark.req("R-328")
async def test_own_staff_do_not_come_in_under_a_vendors_name(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    async with world.house.unit(await world.as_(county.vendor, "vendor_manager")) as uow:
        coach = (await vendor_service.coaches(uow))[0]
        coach.phone = county.school.people["teacher"].phone
    course_id = await v.offered(county)
    with pytest.raises(Objected) as refused:
        await v.approved(county, course_id)
    assert "vendors.own_staff" in {o.code for o in refused.value.objections}
    async with world.house.unit(county.school.ctx) as uow:
        assert (await uow.session.execute(select(Teacher))).scalar_one_or_none() is None


@pytest.mark.req("R-320")
async def test_off_the_list_stops_at_once_and_everywhere(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    offering_id = await v.approved(county, await v.offered(county))
    async with world.house.unit(county.school.ctx) as uow:
        (await uow.get(Offering, offering_id)).state = "published"
    await v.move(county, "bureau_head", "exit", reason="恶意在校招揽生源")
    async with world.house.unit(county.school.ctx) as uow:
        assert (await uow.get(Offering, offering_id)).state == "suspended"
        assert (await uow.session.execute(select(Teacher.ended_at))).scalar_one() is not None
    async with world.house.db.globally() as session:
        member = await session.get(Membership, (county.vendor.people["coach"].account_id, county.school.ctx.tenant_id))
        assert member is not None and member.ended_at is not None


async def test_a_licence_that_runs_out_suspends_by_itself(world: World) -> None:
    county = await v.county(world)
    await v.listed(county, licence_until=date(2026, 12, 1))
    with at(date(2026, 12, 2), 0, 20):
        async with world.house.unit(county.bureau.ctx) as uow:
            await uow.enqueue("vendors.expire", {})
        await county.drain()
    async with world.house.unit(county.school.ctx) as uow:
        assert (await uow.session.execute(select(Listed.state))).scalar_one() == "suspended"
    restored = await v.move(county, "bureau_head", "restore", reason="已换新证")
    assert restored.state == "listed"


@pytest.mark.req("R-305")
async def test_the_share_of_agencies_in_the_whole_cost(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    async with world.house.unit(county.school.ctx) as uow:
        from core.api.switches import change_settings

        await change_settings(uow, "vendors", checks.VendorSettings(total_cost_fen=100_000))
    await v.approved(county, await v.offered(county), cost_fen=30_000)
    async with world.house.unit(county.school.ctx) as uow:
        assert await checks.agency_percent(uow, county.school.term_id) == 30
        assert await checks.agency_percent(uow, county.school.term_id, 20_001) == 51


async def test_a_refused_course_comes_back_changed(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    course_id = await v.offered(county)
    async with world.house.unit(await world.as_(county.school, "office")) as uow:
        await school_service.reject(uow, course_id, "大纲太简单")
    await county.drain()
    async with world.house.unit(await world.as_(county.vendor, "vendor_manager")) as uow:
        course = await uow.get(Course, course_id)
        assert (course.state, course.reason) == ("rejected", "大纲太简单")
        await vendor_service.submit(uow, course_id)
    await county.drain()
    async with world.house.unit(county.school.ctx) as uow:
        row = await uow.get(Proposal, course_id)
        assert (row.state, row.version) == ("school_review", 2)


async def test_a_school_that_comes_later_asks_for_the_list(world: World) -> None:
    county = await v.county(world)
    await v.listed(county)
    late = await world.school("late", parent=county.bureau.ctx, name="晚到小学")
    async with world.house.unit(late.ctx) as uow:
        await school_service.ask_list(uow)
    await world.drain(late, county.bureau)
    async with world.house.unit(late.ctx) as uow:
        assert [row.state for row in await school_service.the_list(uow)] == ["listed"]
    async with world.house.unit(county.bureau.ctx) as uow:
        assert await bureau_service.waiting(uow) == 0
