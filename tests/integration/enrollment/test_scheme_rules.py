"""Offerings and applications under the schemes that rule them: days, sessions, papers, what an item must have."""

from __future__ import annotations

from dataclasses import replace
from datetime import time
from pathlib import Path
from uuid import UUID

import pytest

from core.base import clock
from core.enrollment import agreements, review
from core.enrollment.errors import Objected
from core.enrollment.models import Application
from core.enrollment.offerings_service import every, propose_offering, review_offering
from core.people.models import Student
from core.policy.load import load_packs
from tests.support import menu
from tests.support.menu import CARE
from tests.support.world import School, World

CLUB = replace(CARE, kind="club", title="合唱社团", content=("club",), service=None)


async def propose(world: World, school: School, draft: object = CARE, **changes: object) -> list[str]:
    """The rule keys that object to an item; empty: proposed."""
    async with world.house.unit(await world.as_(school, "office")) as uow:
        try:
            assert school.term_id is not None
            await propose_offering(uow, school.term_id, replace(draft, **changes))  # type: ignore[type-var]
        except Objected as refused:
            assert all(o.clause for o in refused.objections)
            return sorted({o.rule for o in refused.objections})
    return []


@pytest.mark.req("R-195")
async def test_thursday_afternoon_is_off(world: World) -> None:
    school = await world.school(pack="school-free-care")
    hours = {"title": "看护", "grades": (3,)}
    thursday = await propose(world, school, periods=every([4], time(15, 30), time(16, 30)), **hours)
    assert "time.weekdays_off" in thursday
    friday = await propose(world, school, periods=every([5], time(15, 30), time(16, 30)), **hours)
    assert "time.weekdays_off" not in friday


@pytest.mark.req("R-202")
async def test_an_item_keeps_to_the_sessions_of_its_grades(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    late = every([1], time(16, 10), time(17, 20))
    assert "time.sessions" in await propose(world, school, periods=late, grades=(1, 2, 3), early_ends_at=None)
    assert "time.sessions" not in await propose(world, school, periods=late, grades=(3, 4))
    assert "time.school_days" in await propose(world, school, periods=every([6], time(16, 10), time(17)), grades=(3,))


@pytest.mark.req("R-197", "R-201")
async def test_clubs_keep_to_the_club_days(world: World) -> None:
    school = await world.school(pack="jinan-yanshan")
    hours = (time(16), time(16, 40))
    assert "content.club_days" in await propose(world, school, CLUB, periods=every([3], *hours), grades=(3,))
    assert "content.club_days" not in await propose(world, school, CLUB, periods=every([2], *hours), grades=(3,))


@pytest.mark.req("R-150")
async def test_care_lets_families_choose_their_days(world: World) -> None:
    school = await world.school(pack="weihai-free")
    assert "enrolment.any_days" in await propose(world, school, any_days=False)
    assert "enrolment.any_days" not in await propose(world, school, any_days=True)


@pytest.mark.req("R-113", "R-116")
async def test_no_item_says_that_it_sets_homework(world: World) -> None:
    city = await world.school(pack="city-free-1000")
    words = "每周布置书面作业"
    assert "content.sets_homework" in await propose(world, city, CLUB, summary=words)
    assert "content.sets_homework" not in await propose(world, city, CLUB, summary="不布置作业")
    hebi = await world.school("hebi", pack="hebi")
    assert "content.written_home_homework" in await propose(world, hebi, summary=words, grades=(1, 2, 3))
    assert "content.written_home_homework" not in await propose(world, hebi, summary=words, grades=(3, 4))


async def _accepted(world: World, school: School, **changes: object) -> list[str]:
    """The rules that object to accepting care; empty: accepted."""
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        view = await propose_offering(uow, school.term_id, replace(CARE, reason="家长需求", **changes))  # type: ignore[arg-type]
    async with world.house.unit(await world.as_(school, "office")) as uow:
        try:
            await review_offering(uow, view.id, accept=True, reason="家长需求")
        except Objected as refused:
            return sorted({o.rule for o in refused.objections if o.blocks})
    return []


@pytest.mark.req("R-180", "R-288")
async def test_an_item_is_accepted_with_its_teacher_and_its_place(world: World) -> None:
    yan = await world.school(pack="jinan-yanshan")
    afternoon = {"periods": every([1], time(15, 40), time(16, 20)), "grades": (3,)}
    assert await _accepted(world, yan, **afternoon) == ["class.plan_and_teacher"]
    assert await _accepted(world, yan, **afternoon, teacher_id=yan.teacher_id) == []
    shanghai = await world.school("shanghai", pack="shanghai-kuaile30")
    led = {**afternoon, "teacher_id": shanghai.teacher_id}
    assert await _accepted(world, shanghai, **led) == ["staffing.fixed_teacher_and_place"]
    led["periods"] = every([2], time(15, 40), time(16, 20))
    assert await _accepted(world, shanghai, **led, room_id=shanghai.room_id) == []


async def _applied(world: World, school: School) -> UUID:
    place = {"room_id": school.room_id, "teacher_id": school.teacher_id}
    care = await menu.approved(world, school, periods=every([1], time(15, 40), time(16, 15)), grades=(3,), **place)
    await menu.publish(world, school)
    return await menu.apply(world, school, school.families[0], [(care, (1,))])


@pytest.mark.req("R-137", "R-138")
async def test_the_employers_stamp_comes_on_paper_and_a_reviewer_has_seen_it(world: World) -> None:
    school = await world.school(pack="shanghai-kuaile30")
    id_ = await _applied(world, school)
    teacher = await world.as_(school, "class_teacher")
    with pytest.raises(Objected) as refused:
        async with world.house.unit(teacher) as uow:
            assert review.papers_owed(uow) == ["employer_stamp"]
            await review.class_review(uow, id_, need_confirmed=True)
    assert [o.rule for o in refused.value.objections] == ["application.forms"]
    page = await world.client(school.people["class_teacher"], page=True)
    path = f"/t/school/teach/review/{id_}"
    assert "已收到纸质材料：单位证明章" in (await page.get(path)).text
    await page.post(f"{path}/pass", data={"need_confirmed": "true", "papers": "employer_stamp"})
    async with world.house.unit(school.ctx) as uow:
        row = await uow.get(Application, id_)
        assert (row.state, row.papers) == ("class_reviewed", ["employer_stamp"])


async def test_where_no_class_teacher_reviews_the_school_sees_the_papers(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    care = await menu.approved(world, school, periods=every([1], time(16, 10), time(17)), grades=(3,))
    await menu.publish(world, school)
    id_ = await menu.apply(world, school, school.families[0], [(care, (1,))])
    office = await world.as_(school, "office")
    with pytest.raises(Objected):
        async with world.house.unit(office) as uow:
            await review.approve(uow, id_, reason="同意")
    async with world.house.unit(office) as uow:
        await review.approve(uow, id_, reason="同意", papers=["parent_signature"])


@pytest.mark.req("R-144")
async def test_only_the_schools_own_pupils_are_taken(world: World) -> None:
    school = await world.school(pack="hebi")
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    id_ = await menu.apply(world, school, school.families[0], [(care, (1,))])
    async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
        await review.class_review(uow, id_, need_confirmed=True)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Student, school.families[0].student_id)).left_at = clock.now()
    with pytest.raises(Objected) as refused:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await review.approve(uow, id_, reason="同意")
    assert "application.own_pupils" in [o.rule for o in refused.value.objections]


@pytest.mark.req("R-156", "R-160")
async def test_the_paper_is_all_the_agreements_that_any_scheme_wants(world: World) -> None:
    packs = sorted({p.key for p in load_packs(Path(__file__).parents[3] / "tenants" / "packs")})
    for number, pack in enumerate(packs):
        school = await world.school(f"school{number}", pack=pack, families=0)
        async with world.house.unit(school.ctx) as uow:
            assert [o for o in agreements.objections_to_text(uow) if o.blocks] == [], pack


@pytest.mark.req("R-156")
async def test_a_paper_without_the_safety_agreement_is_not_offered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = await world.school(pack="weihai-free")
    plain = agreements.agreement_text
    monkeypatch.setattr(agreements, "agreement_text", lambda uow: replace(plain(uow), covers=("service",)))
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    id_ = await menu.apply(world, school, school.families[0], [(care, (1,))])
    with pytest.raises(Objected) as refused:
        await menu.accept(world, school, id_)
    assert refused.value.objections[0].rule == "agreement.kinds"
