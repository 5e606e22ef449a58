"""Scores that anybody can compute again; reviews that a worker opens and only people close."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from core.base.errors import Forbidden
from core.db.states import ReasonOwed
from core.lessons import ratings
from core.lessons.models import Lesson
from core.lessons.settle import close
from plugins.vendors import evaluation, exits, school_service, vendor_service
from plugins.vendors.models import Agency, Case, Course, Listed, Score, ScoreReport
from plugins.vendors.scoring import replay, verify
from plugins.vendors.states import HearFirst, SamePerson, WorkerMayNot
from tests.support import vendors as v
from tests.support.lessons import Group, at, group, teach
from tests.support.vendors import County
from tests.support.world import World

NOTICE = "贵机构本学期多次未按约开课，请说明情况。"


async def course_running(world: World, *, families: int = 6) -> tuple[County, Group]:
    """A vendor's course with its lessons since September."""
    county = await v.county(world, families=families)
    await v.listed(county)
    await v.approved(county, await v.offered(county))
    running = await group(
        world,
        county.school,
        title="少儿篮球",
        kind="vendor_course",
        plugin="vendors",
        weekdays=(1, 3),
        vendor_id=county.vendor_id,
        since=date(2026, 10, 1),
    )
    return county, running


async def score(county: County, day: date = date(2026, 11, 27)) -> Score:
    with at(day, 1, 30):
        async with county.world.house.unit(county.school.ctx) as uow:
            await uow.enqueue("vendors.score", {})
        await county.drain()
        async with county.world.house.unit(county.school.ctx) as uow:
            assert county.school.term_id is not None
            row = await evaluation.latest(uow, county.vendor_id, county.school.term_id)
    assert row is not None
    return row


async def hold_and_miss(world: World, running: Group, held: int, missed: int) -> list[UUID]:
    """The first lessons are held, the next are missed; later ones are left."""
    days = sorted(running.lessons)
    ids = [await teach(world, running, day) for day in days[:held]]
    async with world.house.unit(running.school.ctx) as uow:
        for day in days[held : held + missed]:
            await close(uow, await uow.get(Lesson, running.on(day), lock=True))
    return ids


async def test_a_score_is_told_recomputed_and_explained(world: World) -> None:
    county, running = await course_running(world)
    ids = await hold_and_miss(world, running, 5, 1)
    for family in county.school.families:
        async with world.house.unit(await world.as_(county.school, family.guardian)) as uow:
            await ratings.rate(uow, ids[0], family.student_id, 5, "孩子喜欢")
    row = await score(county)
    assert row.enough and verify(row.data, row.sha256) and replay(row.data) == row.data
    assert row.centipoints == sum(part["points"] for part in row.data["components"])
    assert row.data["measured"]["held"] == 5 and row.data["measured"]["missed"] == 1
    for org in (county.vendor, county.bureau):
        async with world.house.unit(org.ctx) as uow:
            told = (await uow.session.execute(select(ScoreReport).order_by(ScoreReport.received_at))).scalars().all()
            assert told[-1].sha256 == row.sha256 and told[-1].data == row.data
            names = [f"学生{n + 1}" for n in range(6)] + [str(f.student_id) for f in county.school.families]
            assert not any(name in str(report.data) for report in told for name in names)
    again = await score(county)
    assert again.id == row.id
    async with world.house.unit(county.vendor.ctx) as uow:
        progress = (await uow.session.execute(select(Course.progress))).scalars().all()
        assert progress and set(progress[0]) == {"held", "planned", "enrolled", "state", "at"}


async def test_without_evidence_no_score_and_no_review(world: World) -> None:
    county, running = await course_running(world)
    await hold_and_miss(world, running, 2, 2)
    row = await score(county)
    assert not row.enough and row.centipoints is None and row.data["lacking"] == ["lessons", "ratings"]
    async with world.house.unit(county.bureau.ctx) as uow:
        assert await exits.cases(uow) == []


@pytest.mark.req("R-315", "R-318", "R-320")
async def test_a_review_from_signal_to_decision(world: World) -> None:
    county, running = await course_running(world)
    await hold_and_miss(world, running, 1, 4)
    await score(county)
    async with world.house.unit(county.bureau.ctx) as uow:
        (case,) = await exits.cases(uow)
        assert case.state == "opened" and case.triggers[0]["rule"] == "exit.missed_lessons_max"
        assert case.school_id == county.school.ctx.tenant_id
    officer = await world.as_(county.bureau, "bureau_officer")
    head = await world.as_(county.bureau, "bureau_head")
    day = date(2026, 11, 28)
    with at(day, 9):
        async with world.house.unit(officer) as uow:
            with pytest.raises(ReasonOwed):
                await exits.notice(uow, case.id, "  ", day + timedelta(days=10))
        async with world.house.unit(officer) as uow:
            await exits.notice(uow, case.id, NOTICE, day + timedelta(days=10))
        await county.drain()
        async with world.house.unit(head) as uow:
            with pytest.raises(HearFirst):
                await exits.decide(uow, case.id, "exited", "事实清楚")
    async with world.house.unit(county.vendor.ctx) as uow:
        (mine,) = await vendor_service.cases(uow)
        assert mine.state == "noticed" and mine.evidence["score"] == case.evidence["score"]
    async with world.house.unit(await world.as_(county.vendor, "vendor_manager")) as uow:
        await vendor_service.answer(uow, case.id, "教练生病，已补派老师")
    await county.drain()
    with at(day + timedelta(days=1), 9):
        async with world.house.unit(officer) as uow:
            with pytest.raises(Forbidden):
                await exits.decide(uow, case.id, "exited", "事实清楚")
        async with world.house.unit(head) as uow:
            decided = await exits.decide(uow, case.id, "exited", "未按约开课四次，取消培训资质")
            assert (decided.state, decided.answer) == ("decided", "教练生病，已补派老师")
        await county.drain()
    for org in (county.school, county.vendor):
        async with world.house.unit(org.ctx) as uow:
            copy = await uow.get(Case, case.id)
            assert (copy.state, copy.outcome) == ("decided", "exited")
            assert copy.sanctions == ["cancel_training_qualification"], "as the bureau's scheme says (R-320)"
    async with world.house.unit(county.bureau.ctx) as uow:
        assert (await uow.session.execute(select(Agency.state))).scalar_one() == "exited"
    async with world.house.unit(county.school.ctx) as uow:
        assert (await uow.session.execute(select(Listed.state))).scalar_one() == "exited"
    await score(county, date(2026, 12, 3))
    async with world.house.unit(county.bureau.ctx) as uow:
        assert len(await exits.cases(uow)) == 1


async def test_a_worker_opens_but_never_decides_and_nobody_decides_alone(world: World) -> None:
    county, running = await course_running(world)
    await hold_and_miss(world, running, 1, 4)
    await score(county)
    async with world.house.unit(county.bureau.ctx) as uow:
        (case,) = await exits.cases(uow)
    for act in (
        lambda uow: exits.decide(uow, case.id, "dismissed", "系统"),
        lambda uow: exits.notice(uow, case.id, NOTICE, date(2027, 6, 1)),
    ):
        with pytest.raises(WorkerMayNot):
            async with world.house.unit(county.bureau.ctx) as uow:
                await act(uow)
    assert not county.bureau.ctx.as_worker().permissions
    head = await world.as_(county.bureau, "bureau_head")
    async with world.house.unit(head) as uow:
        await exits.notice(uow, case.id, NOTICE, date(2027, 1, 5))
    with at(date(2027, 2, 1), 9):
        async with world.house.unit(head) as uow:
            with pytest.raises(SamePerson):
                await exits.decide(uow, case.id, "kept", "整改到位")


@pytest.mark.req("R-317", "R-319")
async def test_an_established_ground_opens_a_review(world: World) -> None:
    county, _running = await course_running(world)
    async with world.house.unit(await world.as_(county.school, "office")) as uow:
        await school_service.find(uow, county.vendor_id, "complaint", "老师迟到两次", date(2026, 11, 20))
    await score(county)
    async with world.house.unit(county.bureau.ctx) as uow:
        assert await exits.cases(uow) == []
    async with world.house.unit(await world.as_(county.school, "office")) as uow:
        await school_service.find(uow, county.vendor_id, "recruiting", "在教室发招生传单", date(2026, 11, 21))
    await score(county)
    async with world.house.unit(county.bureau.ctx) as uow:
        (case,) = await exits.cases(uow)
        assert case.triggers[0]["clause"] and len(case.evidence["findings"]) == 2
