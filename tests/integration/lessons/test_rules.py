"""The pack at the doors of a lesson: coming late, leaving early, handing over, leave, and the gate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta

import pytest
from sqlalchemy import select, update

from core.db.kernel_tables import AuditEntry
from core.lessons import absences, custody, leave, register, release
from core.lessons.errors import CollectorUnknown, LessonObjected, RegisterFirst, ReleaseObjected
from core.lessons.models import AbsenceCase, Custody, Lesson
from core.lessons.register import Mark
from core.lessons.release import Handing
from core.notices.models import Message
from core.people.models import SchoolClass
from core.people.service import collectors
from core.policy.models import PolicyVerdict
from tests.support.lessons import MONDAY, Group, at, group, teach
from tests.support.world import School, World


async def call(
    world: World, care: Group, marks: Sequence[str], notes: Sequence[str] = ("", ""), who: str = "teacher"
) -> list[str]:
    """The rules that object to these marks; empty: saved."""
    rows = [Mark(f.student_id, m, n) for f, m, n in zip(care.school.families, marks, notes, strict=True)]
    with at(MONDAY, 16, 35):
        try:
            async with world.house.unit(await world.as_(care.school, who)) as uow:
                await register.save_register(uow, care.on(), rows)
        except LessonObjected as refused:
            assert all(o.clause for o in refused.objections)
            return [o.rule for o in refused.objections]
    return []


async def hand_class(world: World, school: School) -> None:
    with at(MONDAY, 16, 20):
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            assert school.class_id is not None
            await custody.hand_class(uow, school.class_id)


async def release_first(world: World, school: School, hour: int, minute: int, who: str = "teacher") -> list[str]:
    """The rules that object to handing the first child to its guardian; empty: handed over."""
    child = school.families[0].student_id
    with at(MONDAY, hour, minute):
        try:
            async with world.house.unit(await world.as_(school, who)) as uow:
                key = (await collectors(uow, child))[0].key
                await release.release(uow, Handing(child, key, signature="家长1"))
        except ReleaseObjected as refused:
            return [o.rule for o in refused.objections]
    return []


@pytest.mark.req("R-220")
async def test_the_roll_waits_for_the_class_teachers_handover(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    care = await group(world, school)
    assert await call(world, care, ("present", "present")) == ["attendance.class_handover"]
    await hand_class(world, school)
    assert await call(world, care, ("present", "present")) == []


async def test_the_office_may_call_the_roll_without_the_class_teacher(world: World) -> None:
    school = await world.school(pack="weihai-free")
    care = await group(world, school)
    assert await call(world, care, ("present", "present"), who="office") == []


async def test_a_silent_scheme_asks_for_no_handover(world: World) -> None:
    school = await world.school(pack="anhui-ten-bans")
    care = await group(world, school)
    assert await call(world, care, ("present", "leave")) == []


@pytest.mark.req("R-233")
async def test_leave_goes_through_the_leave_procedure(world: World) -> None:
    school = await world.school(pack="weihai-free")
    care = await group(world, school)
    await hand_class(world, school)
    assert await call(world, care, ("present", "leave")) == ["attendance.leave_procedure"]
    # What the family told by phone and the teacher wrote down is a leave with its reason.
    assert await call(world, care, ("present", "leave"), ("", "母亲来电：发烧")) == []
    tuesday = MONDAY + timedelta(days=1)
    with at(tuesday, 8):
        async with world.house.unit(await world.as_(school, school.families[1].guardian)) as uow:
            await leave.ask_leave(uow, school.families[1].student_id, tuesday, "看病")
    with at(tuesday, 16, 20):
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            assert school.class_id is not None
            await custody.hand_class(uow, school.class_id)
    with at(tuesday, 16, 35):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            rows = [Mark(f.student_id, m) for f, m in zip(school.families, ("present", "leave"), strict=True)]
            await register.save_register(uow, care.on(tuesday), rows)


@pytest.mark.req("R-116", "R-452")
async def test_no_homework_is_noted_for_the_lower_grades(world: World) -> None:
    school = await world.school(pack="changzhi-521")
    care = await group(world, school)
    note = ("布置家庭作业：生字两行", "")
    assert await call(world, care, ("present", "present"), note) == []  # grade 3
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(SchoolClass).values(grade=2))
    assert await call(world, care, ("present", "present"), note) == ["content.written_home_homework"]
    assert await call(world, care, ("present", "present"), ("在校完成生字练习", "")) == []


@pytest.mark.req("R-182")
async def test_a_late_teacher_is_let_in_and_noted_an_early_one_is_held(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    care = await group(world, school)
    await teach(world, care, minutes_late=12, ended=False)
    with at(MONDAY, 17, 10), pytest.raises(LessonObjected) as refused:
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await register.end_lesson(uow, care.on())
    assert refused.value.objections[0].rule == "staff.late_or_early"
    with at(MONDAY, 17, 30):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            assert (await register.end_lesson(uow, care.on())).state == "held"
    async with world.house.unit(school.ctx) as uow:
        lesson = await uow.get(Lesson, care.on())
        kept = select(AuditEntry.detail).where(AuditEntry.action == "lesson.teacher_late")
        detail = (await uow.session.execute(kept)).scalar_one()
        verdict = (
            await uow.session.execute(select(PolicyVerdict).where(PolicyVerdict.act == "lesson.end"))
        ).scalar_one()
    assert "12" in lesson.remark and detail["objections"][0]["clause"]
    assert (verdict.outcome, verdict.subject_id) == ("refused", care.on()), "the refusal can be explained later"


async def test_a_silent_scheme_keeps_no_book_of_late_teachers(world: World) -> None:
    school = await world.school(pack="anhui-ten-bans")
    care = await group(world, school)
    await teach(world, care, minutes_late=12)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Lesson, care.on())).remark == ""


@pytest.mark.req("R-221")
async def test_nothing_ends_before_the_roll_was_called_and_the_clause_is_told(world: World) -> None:
    school = await world.school(pack="county-plan")
    care = await group(world, school)
    with at(MONDAY, 17, 30), pytest.raises(RegisterFirst) as refused:
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await register.end_lesson(uow, care.on())
    assert refused.value.params["objections"][0]["rule"] == "attendance.roll_call"


@pytest.mark.req("R-250", "R-240")
async def test_children_are_led_out_and_their_own_teacher_is_greeted(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    care = await group(world, school)
    await hand_class(world, school)
    await teach(world, care)
    assert await release_first(world, school, 17, 35) == ["pickup.led_out"]
    with at(MONDAY, 17, 36):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await custody.lead_out(uow, care.on())
    assert await release_first(world, school, 17, 37, "office") == ["pickup.greeted"]
    assert await release_first(world, school, 17, 38) == []


async def test_who_is_fetched_before_the_end_need_not_be_led_out(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    care = await group(world, school)
    await hand_class(world, school)
    await teach(world, care, ended=False)
    assert await release_first(world, school, 17, 0) == []


@pytest.mark.req("R-241")
async def test_whoever_was_not_announced_meets_the_clause(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    care = await group(world, school)
    await hand_class(world, school)
    await teach(world, care, ended=False)
    with at(MONDAY, 17, 0), pytest.raises(CollectorUnknown) as refused:
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await release.release(uow, Handing(school.families[0].student_id, "collector:x", signature="叔叔"))
    assert refused.value.params["objections"][0]["rule"] == "pickup.other_told"


@pytest.mark.req("R-247")
async def test_late_follows_the_season_of_the_day(world: World) -> None:
    """school-free-care: in winter an hour after the end; half an hour would be summer's."""
    school = await world.school(pack="school-free-care")
    care = await group(world, school, end=time(17))
    await teach(world, care, ended=False)
    for minute, moved in ((45, 0), (59, 0)):
        with at(MONDAY, 17, minute):
            async with world.house.unit(school.ctx) as uow:
                assert await custody.mark_late(uow) == moved
    with at(MONDAY, 18, 1):
        async with world.house.unit(school.ctx) as uow:
            assert await custody.mark_late(uow) == 2
    async with world.house.unit(school.ctx) as uow:
        stages = select(Custody.stage).where(Custody.ended_at.is_(None))
        assert set((await uow.session.execute(stages)).scalars()) == {"late"}


async def test_the_lower_grades_are_late_after_their_own_end(world: World) -> None:
    school = await world.school(pack="anhui-ten-bans")
    care = await group(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(SchoolClass).values(grade=1))
        await uow.session.execute(update(Lesson).where(Lesson.id == care.on()).values(early_ends_at=time(17, 0)))
    await teach(world, care, ended=False)
    with at(MONDAY, 17, 16):
        async with world.house.unit(school.ctx) as uow:
            assert await custody.mark_late(uow) == 2


async def absent(world: World, care: Group, day: date = MONDAY) -> AbsenceCase:
    await teach(world, care, day, marks=("absent",), ended=False)
    async with world.house.unit(care.school.ctx) as uow:
        return (await uow.session.execute(select(AbsenceCase))).scalar_one()


@pytest.mark.req("R-222")
async def test_an_absence_is_closed_when_those_named_were_reached(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    case = await absent(world, await group(world, school))
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(SchoolClass).values(class_teacher_id=None))
    with at(MONDAY, 17), pytest.raises(LessonObjected) as refused:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await absences.explain(uow, case.id, "奶奶接走了")
    assert [o.rule for o in refused.value.objections] == ["attendance.absence_contacts"]
    with at(MONDAY, 17):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await absences.explain(uow, case.id, "奶奶接走了", told=["class_teacher"])


@pytest.mark.req("R-225")
async def test_an_accident_is_reported_to_all_whom_the_scheme_names(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    case = await absent(world, await group(world, school))
    with at(MONDAY, 17):
        with pytest.raises(LessonObjected) as refused:
            async with world.house.unit(await world.as_(school, "office")) as uow:
                await absences.explain(uow, case.id, "路上摔伤", incident=True)
        assert [o.rule for o in refused.value.objections] == ["attendance.emergency_reported_to"]
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await absences.explain(uow, case.id, "路上摔伤", incident=True, told=["grade_head", "duty_manager"])
        await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        told = (await uow.session.execute(select(Message).where(Message.kind == "absence.incident"))).scalars().all()
    people = {row.account_id for row in told}
    assert {school.people["principal"].account_id, school.families[0].guardian.account_id} <= people


@pytest.mark.req("R-224")
async def test_the_office_sees_the_clause_beside_absences_left_open(world: World) -> None:
    school = await world.school(pack="weihai-free")
    care = await group(world, school)
    await hand_class(world, school)
    await absent(world, care)
    office = await world.client(school.people["office"], page=True)
    with at(MONDAY, 18):
        assert "无故脱管" not in (await office.get("/t/school/desk/absences")).text
    with at(MONDAY + timedelta(days=1), 8):
        assert "无故脱管" in (await office.get("/t/school/desk/absences")).text


async def test_pages_show_the_clause_and_what_the_scheme_says_of_late_children(world: World) -> None:
    school = await world.school(pack="jincun-primary")
    care = await group(world, school)
    teacher = await world.client(school.people["teacher"], page=True)
    with at(MONDAY, 16, 35):
        marks = {f"s.{f.student_id}": "present" for f in school.families}
        refused = await teacher.post(f"/t/school/teach/lessons/{care.on()}/register", data=marks)
        assert refused.status_code == 409 and "004#1" in refused.text
        gate = await teacher.get("/t/school/teach/pickup")
    assert "晚接学生的等候地点" in gate.text
    office = await world.client(school.people["office"], page=True)
    assert "晚接学生的等候地点" in (await office.get("/t/school/desk/handover")).text
