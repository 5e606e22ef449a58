"""Checks that plugins bring: charges against standards and boards, vendors' standing and words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from core.base import clock
from core.base.ids import new_id
from core.billing.models import Bill, BillLine
from core.lessons.models import Lesson
from plugins.fees.models import FeePosting, FeeStandard
from plugins.vendors.models import Listed, Proposal, Teacher
from tests.integration.duties.test_bans import clean, confirmed, flags, found
from tests.support.billing import priced
from tests.support.lessons import MONDAY, group
from tests.support.vendors import COURSE
from tests.support.world import School, World

# ---- ban 4: charging ----------------------------------------------------------------------------------------


async def bill(world: World, school: School, standard: UUID, unit_fen: int = 500, **more: Any) -> UUID:
    """An issued bill of one line, past the doors that would refuse it: what a check is for."""
    async with world.house.unit(school.ctx) as uow:
        row = Bill(
            term_id=school.term_id, student_id=school.families[0].student_id, number="B-1", state="issued",
            charged_fen=unit_fen * 2, due_fen=unit_fen * 2, issued_at=clock.now() + timedelta(seconds=5),
        )  # fmt: skip
        uow.session.add(row)
        await uow.session.flush()
        line = {
            "bill_id": row.id, "service": "care", "title": "课后看护", "fund": "service", "unit": "lesson",
            "unit_fen": unit_fen, "quantity": 2, "amount_fen": unit_fen * 2, "standard_id": standard, "approval": "",
        }  # fmt: skip
        uow.session.add(BillLine(**(line | more)))
        return row.id


async def irregular(world: World, school: School, words: str) -> None:
    """Exactly one flag, on the ban itself, that says what is wrong."""
    assert await found(world, school) == [("fees.irregular", "fee.irregular", "breach")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
    assert words in flag.subject


@pytest.mark.req("R-453", "R-338")
async def test_where_no_document_speaks_the_ban_the_platforms_defaults_do(world: World) -> None:
    school = await world.school(pack=None)
    await bill(world, school, new_id())
    assert await found(world, school) == [("fees.irregular", "fee.standard_approved", "breach")]


@pytest.mark.req("R-453", "R-338", "R-340", "R-341")
async def test_a_charge_by_the_posted_standard_is_clean(world: World) -> None:
    school = await world.school()
    await bill(world, school, await priced(world, school))
    assert await found(world, school) == []


@pytest.mark.req("R-453", "R-338")
async def test_a_charge_without_a_standard(world: World) -> None:
    school = await world.school()
    await bill(world, school, new_id())
    await irregular(world, school, "须按规定权限批准")
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        assert flag.ban == 4 and "十严禁之四" in flag.clause and "1 份账单" in flag.subject


@pytest.mark.req("R-453", "R-341")
async def test_a_charge_above_the_standard(world: World) -> None:
    school = await world.school()
    await bill(world, school, await priced(world, school), unit_fen=600)
    await irregular(world, school, "¥5，现为 ¥6")


@pytest.mark.req("R-453", "R-340")
async def test_a_charge_before_the_posting_or_after_it_was_taken_down(world: World) -> None:
    school = await world.school()
    bill_id = await bill(world, school, await priced(world, school))
    async with world.house.unit(school.ctx) as uow:
        row = await uow.get(Bill, bill_id)
        after, row.issued_at = row.issued_at, clock.now() - timedelta(days=3)
    await irregular(world, school, "收费前须公示")
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Bill, bill_id)).issued_at = after
    assert await found(world, school) == []
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(FeePosting).values(taken_down_at=clock.now()))
    await irregular(world, school, "收费前须公示")


@pytest.mark.req("R-453", "R-341")
async def test_a_board_that_says_something_else(world: World, database: Any) -> None:
    """The product compares a posting when it is put up; here one hangs beside it that slipped past that door."""
    school = await world.school()
    standard = await priced(world, school)
    async with world.house.unit(school.ctx) as uow:
        row = await uow.get(FeeStandard, standard)
        board = FeePosting(
            standard_id=standard, place="侧门", unit=row.unit, unit_fen=400, basis=row.basis,
            complaint_phone=row.complaint_phone, taken_down_at=None,
        )  # fmt: skip
        uow.session.add(board)
    await bill(world, school, standard)
    await irregular(world, school, "公示内容须与规定政策相符")


@pytest.mark.req("R-453", "R-333")
async def test_a_bill_where_the_service_is_free(world: World) -> None:
    """Weihai: the service is free of charge. Money for insurance or meals is another matter."""
    school = await world.school(pack="weihai-free", plugins=())
    bill_id = await bill(world, school, new_id(), fund="agency")
    assert await found(world, school) == []
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(BillLine).where(BillLine.bill_id == bill_id).values(fund="service"))
    assert await found(world, school) == [("money.free", "fee.payer", "breach")]


# ---- bans 2, 7, 8, 9: vendors --------------------------------------------------------------------------------


async def vendor_at_school(world: World, **coach: Any) -> tuple[School, UUID]:
    """A listed vendor whose registered coach teaches: nothing to flag."""
    school = await world.school()
    vendor_id = new_id()
    await group(
        world, school, title="少儿篮球", kind="vendor_course", plugin="vendors", vendor_id=vendor_id, weekdays=[3]
    )
    await confirmed(world, school)
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(
            Listed(vendor_id=vendor_id, name="启明艺体中心", state="listed", profile={"agency_kind": "non_subject"})
        )
        papers = {"certificate_until": date(2027, 8, 31), "publicized_on": MONDAY, "filed_on": MONDAY}
        uow.session.add(Teacher(staff_id=school.teacher_id, vendor_id=vendor_id, name="教练乙", **(papers | coach)))
    return school, vendor_id


@pytest.mark.req("R-456", "R-457")
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("listed", []),
        ("exit_review", []),  # not guilty before the decision
        ("suspended", ["provider.on_bureau_list", "provider.vetted"]),
        ("exited", ["provider.bad_record", "provider.on_bureau_list", "provider.vetted"]),
        ("barred", ["provider.bad_record", "provider.on_bureau_list", "provider.vetted"]),
    ],
)
async def test_a_vendor_in_a_wrong_state_with_lessons_to_give(world: World, state: str, expected: list[str]) -> None:
    school, _vendor = await vendor_at_school(world)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Listed).values(state=state))
    seen = await found(world, school)
    assert sorted(rule for _c, rule, _s in seen) == expected
    assert {check for check, _r, _s in seen} <= {"vendors.barred", "vendors.unvetted"}
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Lesson).values(state="cancelled"))
    assert await found(world, school) == []


@pytest.mark.req("R-457")
async def test_a_vendor_that_nobody_knows(world: World) -> None:
    school, _vendor = await vendor_at_school(world)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Listed).values(vendor_id=new_id()))
    assert {check for check, _r, _s in await found(world, school)} == {"vendors.unvetted"}


@pytest.mark.req("R-457", "R-303")
@pytest.mark.parametrize(
    ("papers", "words"),
    [
        ({"certificate_until": date(2026, 11, 1)}, "资质证明已过期"),
        ({"publicized_on": None}, "没有公示"),
        ({"filed_on": None}, "没有备案"),
        ({"ended_at": clock.at_school(date(2026, 11, 1), 9)}, "没有登记"),
    ],
)
async def test_each_missing_step_of_a_coach_is_named(world: World, papers: dict[str, Any], words: str) -> None:
    school, _vendor = await vendor_at_school(world, **papers)
    assert await found(world, school) == [("vendors.coach_papers", "provider.vetted", "breach")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        assert words in flag.subject and "教练乙" not in flag.subject


@pytest.mark.req("R-456")
async def test_a_coach_of_a_barred_vendor_under_another_name(world: World) -> None:
    school, _vendor = await vendor_at_school(world)
    async with world.house.unit(school.ctx) as uow:
        gone = new_id()
        uow.session.add(Listed(vendor_id=gone, name="旧机构", state="barred", profile={}))
        uow.session.add(Teacher(staff_id=school.teacher_id, vendor_id=gone, name="教练乙", ended_at=clock.now()))
    assert await found(world, school) == [("vendors.barred_coach", "provider.bad_record", "breach")]


@pytest.mark.req("R-451")
async def test_an_agency_for_school_subjects(world: World) -> None:
    school, _vendor = await vendor_at_school(world)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Listed).values(profile={"agency_kind": "subject"}))
    assert await found(world, school) == [("vendors.subject_agency", "provider.non_subject", "breach")]


@pytest.mark.req("R-458")
async def test_advertising_in_an_offer_before_anybody_reviewed_it(world: World) -> None:
    school, vendor = await vendor_at_school(world)
    content = {**{k: v for k, v in COURSE.items() if isinstance(v, (str, list))}, "coach": {"phone": "13800000000"}}
    async with world.house.unit(school.ctx) as uow:
        row = Proposal(vendor_id=vendor, vendor_name="启明艺体中心", content=content)
        uow.session.add(row)
        await uow.session.flush()
        id_ = row.id
    assert await found(world, school) == []  # the coach's number stands in a field of its own
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Proposal, id_)).content = {**content, "summary": "报名送体验课"}
    assert await found(world, school) == [("vendors.offers", "provider.commercial_activity", "breach")]


async def test_a_plugin_that_is_off_checks_nothing_and_clears_nothing(world: World) -> None:
    from tenants.service import switch_plugin

    school, _care = await clean(world)
    await bill(world, school, new_id())
    assert len(await found(world, school)) == 1
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await switch_plugin(uow, "fees", on=False)
    school.ctx = await world._refreshed(school.ctx)
    assert [check for check, _r, _s in await found(world, school)] == ["fees.irregular"]
