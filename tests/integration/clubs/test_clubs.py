"""Clubs: proposed through the menu's own door, checked, limited a child, charged by lesson, seen by their teacher."""

from __future__ import annotations

from datetime import date, time
from typing import Any

import pytest

from core.base.clock import at_school
from core.base.ids import new_id
from core.billing.views import BilledStudent, BillingRequest, ChargeProposal
from core.enrollment.errors import Objected
from core.enrollment.service import offering, review_offering
from core.enrollment.views import ApplicationItemView, ApplicationView, EnrolmentView
from core.lessons.views import ReleaseView
from core.policy.types import Objection
from plugins.clubs import service
from plugins.clubs.models import Club
from plugins.clubs.schemas import ClubForm
from tenants.service import switch_plugin
from tests.plugins.support import enrol
from tests.support.world import School, World


def club_form(school: School, **changes: Any) -> ClubForm:
    values: dict[str, Any] = {
        "title": "少儿篮球",
        "tone": "sport",
        "summary": "运球、传球与投篮，每次都有小比赛",
        "weekdays": [2, 4],
        "starts_at": time(16, 30),
        "ends_at": time(17, 20),
        "grades": [3, 4],
        "capacity": 20,
        "teacher_id": school.teacher_id,
        "room_id": school.room_id,
        "service": "club",
        "plan": "运球\n传球\n\n比赛",
    }
    return ClubForm.model_validate(values | changes)


async def propose(world: World, school: School, **changes: Any) -> service.ClubView:
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        assert school.term_id is not None
        return await service.propose_club(uow, school.term_id, club_form(school, **changes))


@pytest.mark.req("R-285", "R-287", "R-288")
async def test_a_club_goes_to_review_and_keeps_its_file(world: World) -> None:
    school = await world.school()
    club = await propose(world, school)
    assert club.offering.state == "content_review"
    assert club.offering.content == ("club", "sport")
    assert club.plan == ("运球", "传球", "比赛")
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        accepted = await review_offering(uow, club.offering.id, accept=True)
        assert accepted.state == "approved"
        assert (await service.clubs(uow, school.term_id))[0].teacher == "教师戊"


@pytest.mark.req("R-288")
async def test_a_club_without_a_plan_is_not_accepted(world: World) -> None:
    school = await world.school()
    club = await propose(world, school, plan="")
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        with pytest.raises(Objected) as refused:
            await review_offering(uow, club.offering.id, accept=True)
    assert [o.code for o in refused.value.objections] == ["clubs.no_plan"]


@pytest.mark.req("R-126", "R-129")
async def test_a_team_that_trains_for_contests_is_refused_where_the_pack_says_so(world: World) -> None:
    school = await world.school()
    with pytest.raises(Objected) as refused:
        await propose(world, school, tone="study", level="team", title="英语竞赛队")
    assert any(o.rule == "content.banned_kinds" and o.clause for o in refused.value.objections)


async def test_changing_a_club_changes_its_item(world: World) -> None:
    school = await world.school()
    club = await propose(world, school)
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        await service.change_club(uow, club.id, club_form(school, title="校园篮球", capacity=24))
    async with world.house.unit(ctx) as uow:
        item = await offering(uow, club.offering.id)
        row = await uow.get(Club, club.id)
    assert (item.title, item.capacity, row.title) == ("校园篮球", 24, "校园篮球")


async def test_one_child_takes_no_more_clubs_than_the_school_allows(world: World) -> None:
    school = await world.school()
    ctx = await world.as_(school, "office")

    def application(count: int) -> ApplicationView:
        items = tuple(ApplicationItemView(new_id(), "club", "clubs", ()) for _ in range(count))
        assert school.term_id is not None
        return ApplicationView(new_id(), school.term_id, school.families[0].student_id, 3, "submitted", items)

    async with world.house.unit(ctx) as uow:
        assert await uow.hooks.decide("check_application", ctx, uow=uow, application=application(2)) == []
        found = await uow.hooks.decide("check_application", ctx, uow=uow, application=application(3))
        assert [o.code for o in found] == ["clubs.too_many"]
        await switch_plugin(uow, "clubs", on=True, settings={"max_per_child": 3})
        assert await uow.hooks.decide("check_application", ctx, uow=uow, application=application(3)) == []


async def test_charged_by_the_lessons_that_the_place_covers(world: World) -> None:
    school = await world.school()
    club = await propose(world, school)
    free = await propose(world, school, title="围棋", service="", weekdays=[3])
    assert school.term_id is not None
    child = school.families[0].student_id
    first, second = (
        EnrolmentView(new_id(), child, club.offering, (2, 4)),
        EnrolmentView(new_id(), child, free.offering, (3,)),
    )
    request = BillingRequest(
        school.term_id,
        "2026-2027-1",
        date(2026, 9, 1),
        (BilledStudent(child, 3, (first, second), {first.id: 31, second.id: 18}),),
    )
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        found = await uow.hooks.compute("charges", ctx, ChargeProposal, uow=uow, request=request)
    assert [(c.service, c.quantity, c.fund, c.enrolment_id) for c in found] == [("club", 31, "service", first.id)]


@pytest.mark.req("R-240")
async def test_a_child_with_a_club_to_come_is_handed_over_only_with_a_reason(world: World) -> None:
    school = await world.school()
    club = await propose(world, school)
    child = school.families[0].student_id
    await enrol(world, school, child, club.offering.id, [2, 4])
    ctx = await world.as_(school, "teacher")

    async def asked(at: Any) -> list[Objection]:
        release = ReleaseView(new_id(), child, "guardian:x", "母亲", at)
        async with world.house.unit(ctx) as uow:
            return list(await uow.hooks.decide("check_release", ctx, uow=uow, release=release))

    tuesday = date(2026, 9, 8)
    found = await asked(at_school(tuesday, 16, 10))
    assert [(o.code, o.force) for o in found] == [("clubs.club_to_come", "warn")]
    assert await asked(at_school(tuesday, 17, 25)) == []
    assert await asked(at_school(date(2026, 9, 9), 16, 10)) == []


async def test_the_form_keeps_what_was_typed_and_says_all_errors(world: World) -> None:
    school = await world.school()
    client = await world.client(school.people["office"], page=True)
    answer = await client.post(
        "/t/school/desk/clubs", data={"title": "篮", "summary": "好", "weekdays": ["2"], "grades": ["3"]}
    )
    assert answer.status_code == 422
    assert "负责教师" in answer.text and 'value="篮"' in answer.text


async def test_sent_twice_is_one_club_and_a_refusal_can_be_mended(world: World) -> None:
    school = await world.school()
    client = await world.client(school.people["office"], page=True)
    sent = {
        "_key": "0123456789abcdef",
        "title": "少儿篮球",
        "tone": "sport",
        "level": "beginner",
        "summary": "运球、传球与投篮",
        "weekdays": ["2", "4"],
        "starts_at": "16:30",
        "ends_at": "19:30",
        "grades": ["3", "4"],
        "capacity": "20",
        "teacher_id": str(school.teacher_id),
        "plan": "运球",
    }
    refused = await client.post("/t/school/desk/clubs", data=sent)
    assert refused.status_code == 422 and "001#" in refused.text
    mended = {**sent, "ends_at": "17:20"}
    first = await client.post("/t/school/desk/clubs", data=mended)
    second = await client.post("/t/school/desk/clubs", data=mended)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    shown = await client.get(first.headers["location"])
    assert shown.status_code == 200 and "少儿篮球" in shown.text
    assert (await client.get("/t/school/desk/clubs")).text.count("少儿篮球") >= 1
    edit = await client.get(first.headers["location"] + "/edit")
    assert edit.status_code == 200 and "17:20" in edit.text


async def test_a_teacher_sees_the_clubs_that_are_theirs_and_no_others(world: World) -> None:
    school = await world.school()
    club = await propose(world, school)
    own = await world.client(school.people["teacher"], page=True)
    other = await world.client(school.people["class_teacher"], page=True)
    assert "少儿篮球" in (await own.get("/t/school/teach/clubs")).text
    assert (await own.get(f"/t/school/teach/clubs/{club.id}")).status_code == 200
    assert (await other.get(f"/t/school/teach/clubs/{club.id}")).status_code == 404
    assert (await own.get("/t/school/desk/clubs")).status_code == 403


@pytest.mark.req("R-112", "R-116", "R-172", "R-197", "R-451")
@pytest.mark.parametrize(
    ("pack", "changes", "rule"),
    [
        ("second-experimental-primary", {"capacity": 36}, "class.size_max"),
        ("anhui-ten-bans", {"materials": "奥数练习册"}, "content.blocked_words"),
        ("anhui-ten-bans", {"plan": "复习\n期末冲刺"}, "content.flag_words"),
        ("hebi", {"summary": "每周布置作业，家长签字"}, "content.written_home_homework"),
        ("jinan-yanshan", {"weekdays": [3]}, "content.club_days"),
    ],
)
async def test_a_club_is_asked_what_its_scheme_rules(
    world: World, pack: str, changes: dict[str, Any], rule: str
) -> None:
    school = await world.school(pack=pack)
    with pytest.raises(Objected) as refused:
        await propose(world, school, grades=[1, 2, 3, 4], **changes)
    said = [o for o in refused.value.objections if o.rule == rule]
    assert said and said[0].clause
