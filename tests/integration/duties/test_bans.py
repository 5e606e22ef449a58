"""The ten bans: red data raises exactly its flag, clean data none; flags live, travel and stay inside their tenant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import Range

from core.base import clock
from core.base.errors import Forbidden
from core.base.ids import new_id
from core.db.kernel_tables import Outbox
from core.db.states import MoveRefused, ReasonOwed
from core.db.uow import UnitOfWork
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun
from core.enrollment.models import Application, ApplicationItem, Enrolment, Offering
from core.enrollment.plan_schemas import PlanContent
from core.enrollment.plan_service import begin
from core.lessons.models import Lesson, LessonRating
from core.people import ethics
from core.people.models import SchoolClass, Staff, Student
from tenants.duties import report, watch
from tenants.duties.bans import BANS, checks
from tenants.duties.models import Flag, SchoolDuties, SchoolFlag
from tests.support.lessons import MONDAY, at, group
from tests.support.plans import good_plan
from tests.support.world import School, World

NOTICE = "0" * 64


async def confirmed(world: World, school: School) -> None:
    """The families' guardians submitted their applications themselves, an hour apart."""
    async with world.house.unit(school.ctx) as uow:
        for number, family in enumerate(school.families):
            await uow.session.execute(
                update(Application)
                .where(Application.student_id == family.student_id)
                .values(
                    submitted_by=family.guardian.account_id,
                    notice_sha256=NOTICE,
                    submitted_at=clock.at_school(date(2026, 9, 1 + number), 9),
                )
            )


async def found(world: World, school: School) -> list[tuple[str, str, str]]:
    """Run the checks on a school day; (check, rule, severity) of the flags that stand."""
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            assert school.term_id is not None
            ran = await watch.run(uow, school.term_id)
            assert ran.failed == ()
            return [(f.check_key, f.rule, f.severity) for f in await flags(uow)]


async def flags(uow: UnitOfWork) -> list[Flag]:
    query = select(Flag).where(Flag.state != "cleared").order_by(Flag.check_key, Flag.rule, Flag.key)
    return list((await uow.session.execute(query)).scalars())


async def clean(world: World, **more: Any) -> tuple[School, Any]:
    """A school with a care group whose families agreed: nothing to flag."""
    school = await world.school(**more)
    care = await group(world, school)
    await confirmed(world, school)
    assert await found(world, school) == []
    return school, care


async def pupils(world: World, school: School, many: int) -> list[UUID]:
    """So many more children in the school's class."""
    async with world.house.unit(school.ctx) as uow:
        rows = [
            Student(class_id=school.class_id, name=f"同学{n}", name_sort=f"tx{n:03}", roll_number=f"D{n:018}")
            for n in range(many)
        ]
        uow.session.add_all(rows)
        await uow.session.flush()
        return [row.id for row in rows]


async def take_part(
    world: World, school: School, offering_id: UUID, children: Sequence[UUID], submitted: datetime | None = None
) -> None:
    async with world.house.unit(school.ctx) as uow:
        for child in children:
            application = Application(
                term_id=school.term_id, student_id=child, state="enrolled", submitted_at=submitted
            )
            uow.session.add(application)
            await uow.session.flush()
            uow.session.add(
                Enrolment(
                    application_id=application.id,
                    student_id=child,
                    offering_id=offering_id,
                    term_id=school.term_id,
                    weekdays=[],
                    starts_on=date(2026, 9, 1),
                )
            )


def test_each_ban_is_named_and_has_something_for_people() -> None:
    assert sorted(BANS) == list(range(1, 11))
    assert all(ban.watch and ban.rules for ban in BANS.values())


@pytest.mark.req("R-450", "R-451", "R-452", "R-453", "R-454", "R-456", "R-457", "R-458", "R-459")
async def test_every_check_asks_keys_that_exist(world: World) -> None:
    from core.policy.service import CATALOGUE

    school = await world.school()
    async with world.house.unit(school.ctx) as uow:
        running = checks(uow)
    assert len({c.key for c in running}) == len(running)
    assert all(rule in CATALOGUE for c in running for rule in c.rules)
    assert {1, 2, 3, 4, 5, 7, 8, 9, 10} <= {c.ban for c in running}


# ---- ban 1 --------------------------------------------------------------------------------------------------


@pytest.mark.req("R-450")
async def test_taking_part_without_a_guardians_confirmation_is_flagged(world: World) -> None:
    school, _care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        one = select(Application).where(Application.student_id == school.families[0].student_id)
        row = (await uow.session.execute(one)).scalar_one()
        row.submitted_by = school.people["office"].account_id
    assert await found(world, school) == [("families.unconfirmed", "application.guardian_confirms", "breach")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        assert "1 名学生" in flag.subject and "三年级" in flag.subject
        assert flag.clause and flag.ban == 1
        # The child is named to the school alone.
        assert "学生1" in flag.detail and "学生1" not in flag.subject + flag.words


@pytest.mark.req("R-450")
async def test_without_a_letter_read_there_is_no_confirmation(world: World) -> None:
    school, _care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Application).values(notice_sha256=""))
    assert [check for check, _rule, _s in await found(world, school)] == ["families.unconfirmed"]


@pytest.mark.req("R-450")
async def test_a_whole_class_and_a_burst_of_applications_are_signals(world: World) -> None:
    school, care = await clean(world)
    children = await pupils(world, school, 10)
    # Nine of ten newcomers, all within a minute: a burst, no whole class.
    moment = clock.at_school(date(2026, 9, 5), 8)
    await take_part(world, school, care.offering_id, children[:9], moment)
    seen = await found(world, school)
    assert ("families.pressed", "application.forced", "signal") not in seen
    await take_part(world, school, care.offering_id, children[9:], moment)
    seen = await found(world, school)
    assert seen.count(("families.pressed", "application.forced", "signal")) == 2
    async with world.house.unit(school.ctx) as uow:
        words = {flag.words for flag in await flags(uow) if flag.check_key == "families.pressed"}
    assert any("全班" in w for w in words) and any("集中提交" in w for w in words)


@pytest.mark.req("R-450", "R-024")
async def test_a_refusal_without_reason_is_flagged(world: World) -> None:
    school, care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        application = (await uow.session.execute(select(Application).limit(1))).scalars().one()
        item = ApplicationItem(
            application_id=application.id, offering_id=care.offering_id, weekdays=[], state="refused", reason="人数已满"
        )
        uow.session.add(item)
        await uow.session.flush()
        item_id = item.id
    assert await found(world, school) == []
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(ApplicationItem, item_id)).reason = " "
    assert [c for c, _r, _s in await found(world, school)] == ["families.no_reason"]


# ---- ban 2 --------------------------------------------------------------------------------------------------


@pytest.mark.req("R-451")
@pytest.mark.parametrize(
    ("field", "text", "rule", "severity"),
    [
        ("title", "奥 数 提高", "content.blocked_words", "breach"),
        ("summary", "期末冲刺", "content.flag_words", "warning"),
        ("details", {"outline": ["第 1 课 补课"]}, "content.flag_words", "warning"),
    ],
)
async def test_teaching_and_contest_words_on_the_menu(
    world: World, field: str, text: Any, rule: str, severity: str
) -> None:
    school, care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        setattr(await uow.get(Offering, care.offering_id), field, text)
    assert await found(world, school) == [("content.menu_words", rule, severity)]


@pytest.mark.req("R-451")
async def test_teaching_words_in_the_plan(world: World) -> None:
    school, _care = await clean(world)
    content = good_plan()
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        plan = await begin(uow, school.term_id, PlanContent.model_validate(content))
        assert plan.version == 1
    # The plan's rules name what is banned: that is no breach.
    assert await found(world, school) == []
    from core.enrollment.plan_service import save

    content["contents"]["items"][0]["about"] = "考试训练"
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await save(uow, plan.id, PlanContent.model_validate(content))
    assert await found(world, school) == [("content.plan_words", "content.flag_words", "warning")]


@pytest.mark.req("R-451")
async def test_what_families_write_is_a_signal(world: World) -> None:
    school, care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(
            LessonRating(
                lesson_id=care.on(),
                offering_id=care.offering_id,
                student_id=school.families[0].student_id,
                stars=2,
                words="今天又讲了奥数题",
            )
        )
    assert await found(world, school) == [("content.feedback_words", "content.blocked_words", "signal")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        assert "今天又讲了" not in flag.subject + flag.words  # no sentence that a family wrote leaves the school


@pytest.mark.req("R-451")
async def test_a_subject_teacher_with_a_whole_class_is_a_signal(world: World) -> None:
    school, care = await clean(world, families=0)
    children = await pupils(world, school, 12)
    await take_part(world, school, care.offering_id, children[:10])
    async with world.house.unit(school.ctx) as uow:
        assert school.teacher_id is not None
        (await uow.get(Staff, school.teacher_id)).subject = "数学"
    assert "content.own_subject" not in [c for c, _r, _s in await found(world, school)]
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "趣味数学"
    assert ("content.own_subject", "content.banned_kinds", "signal") in await found(world, school)


async def formed(
    world: World, school: School, offering_id: UUID, number: int, children: Sequence[UUID], lead: UUID | None = None
) -> UUID:
    """A group of the offering in force on Monday, with its lead teacher."""
    day = clock.at_school(MONDAY, 9).date()
    async with world.house.unit(school.ctx) as uow:
        run = FormingRun(
            term_id=school.term_id, title="编班", state="published", offering_ids=[offering_id], mode="own_class",
            size=35, starts_on=day,
        )  # fmt: skip
        uow.session.add(run)
        await uow.session.flush()
        slots = [Range(1440 + 990, 1440 + 1050)]
        common: dict[str, Any] = {"board": uow.ctx.tenant_id, "slots": slots, "valid": Range(day, date(2027, 1, 22))}
        group_ = CareGroup(run_id=run.id, offering_id=offering_id, number=number, title=f"第 {number} 组", **common)
        uow.session.add(group_)
        await uow.session.flush()
        uow.session.add_all(CareGroupMember(group_id=group_.id, student_id=child, **common) for child in children)
        if lead is not None:
            duty = CareGroupDuty(run_id=run.id, group_id=group_.id, staff_id=lead, role="lead", weekday=1, **common)
            uow.session.add(duty)
        return group_.id


@pytest.mark.req("R-451")
async def test_a_subject_teacher_beside_a_group_of_one_class_is_a_signal(world: World) -> None:
    """The offering is of two classes and has a teacher of nothing in particular; its groups are of one class each."""
    school, care = await clean(world, families=0)
    children = await pupils(world, school, 11)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "趣味数学"
        next_door = SchoolClass(school_year=2026, grade=3, number=9)
        uow.session.add(next_door)
        math = Staff(name="教师己", name_sort="jiaoshiji", phone=world.next_phone(), post="teacher", subject="数学")
        uow.session.add(math)
        await uow.session.flush()
        other = Student(class_id=next_door.id, name="邻班", name_sort="lb", roll_number="D9")
        uow.session.add(other)
        await uow.session.flush()
    await take_part(world, school, care.offering_id, [*children[:10], other.id])
    assert "content.own_subject" not in [c for c, _r, _s in await found(world, school)]
    await formed(world, school, care.offering_id, 1, children[:10], math.id)
    await formed(world, school, care.offering_id, 2, [other.id], school.teacher_id)
    assert ("content.own_subject", "content.banned_kinds", "signal") in await found(world, school)
    async with world.house.unit(school.ctx) as uow:
        (flag,) = [f for f in await flags(uow) if f.check_key == "content.own_subject"]
        assert "第 1 组" in flag.subject and "10 人" in flag.words


# ---- ban 3 --------------------------------------------------------------------------------------------------


@pytest.mark.req("R-452")
async def test_a_day_that_is_too_long(world: World) -> None:
    """Hebi: 90 minutes in the afternoon. Two groups one after the other are added up for the child in both."""
    school, care = await clean(world, pack="hebi")
    second = await group(world, school, title="合唱", kind="club", weekdays=[2], start=time(17, 30), end=time(18, 10))
    assert second.offering_id != care.offering_id
    seen = await found(world, school)
    assert seen == [("load.too_long", "time.minutes_max", "warning")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        assert "周二" in flag.subject and "2 名学生" in flag.subject and "100" in flag.words
        assert flag.clause == "001#5 三（二）"


@pytest.mark.req("R-452")
async def test_homework_recorded_for_the_youngest(world: World) -> None:
    school, care = await clean(world, pack="hebi")
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).grades = [3, 4]
        (await uow.get(Lesson, care.on())).remark = "布置作业两页"
    assert await found(world, school) == []
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).grades = [1, 2]
    assert await found(world, school) == [("load.young_homework", "content.written_home_homework", "signal")]


# ---- ban 5 --------------------------------------------------------------------------------------------------


@pytest.mark.req("R-454")
async def test_one_person_at_two_places(world: World) -> None:
    school, _care = await clean(world)
    other = await group(world, school, title="合唱", weekdays=[1], start=time(17, 0), end=time(18, 0), families=[])
    assert await found(world, school) == [("pay.two_places", "pay.irregular", "signal")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        assert "教师戊" in flag.detail and "教师戊" not in flag.subject + flag.words
        await uow.session.execute(
            update(Lesson).where(Lesson.offering_id == other.offering_id).values(starts_at=time(17, 30))
        )
    assert await found(world, school) == []


@pytest.mark.req("R-455")
async def test_somebody_not_clear_who_still_has_lessons(world: World) -> None:
    school, _care = await clean(world)
    async with world.house.unit(await world.as_(school, school.people["principal"])) as uow:
        teacher = (await uow.session.execute(select(Lesson.teacher_id).limit(1))).scalar_one()
        await ethics.change(uow, teacher, "question", "家长反映，正在核查")
    assert await found(world, school) == [("staff.not_clear", "staff.ethics_problem", "breach")]
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
        name = (await uow.session.execute(select(Staff.name).where(Staff.id == teacher))).scalar_one()
        assert name not in flag.subject + flag.words + flag.detail, "only the principal may know whose record it is"
    async with world.house.unit(await world.as_(school, school.people["principal"])) as uow:
        await ethics.change(uow, teacher, "clear", "核查完毕，情况不属实")
    assert await found(world, school) == []


# ---- bans 9 and 10 ------------------------------------------------------------------------------------------


async def _vendor_course(world: World, school: School, **more: Any) -> Any:
    """A vendor's course in which the families take part. The plugin is off, so that only the core's checks run."""
    return await group(
        world, school, title="少儿篮球", kind="vendor_course", vendor_id=new_id(), weekdays=[3],
        start=time(16, 30), end=time(17, 30), **more,
    )  # fmt: skip


async def _school_with_vendor(world: World) -> tuple[School, Any]:
    school = await world.school(plugins=())
    course = await _vendor_course(world, school)
    await confirmed(world, school)
    assert await found(world, school) == []
    return school, course


@pytest.mark.req("R-458")
@pytest.mark.parametrize(
    "text", ["课后可加微信了解", "官网 www.qiming.com", "电话 13800000000", "每次 30 元", "扫 码 领 取"]
)
async def test_advertising_in_a_vendors_words(world: World, text: str) -> None:
    school, course = await _school_with_vendor(world)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, course.offering_id)).summary = text
    assert await found(world, school) == [("outside.selling", "provider.commercial_activity", "breach")]


@pytest.mark.req("R-458")
async def test_the_schools_own_words_are_no_advertising(world: World) -> None:
    """A school may print its own telephone number and the posted price."""
    school, care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).summary = "咨询 0550-1230315，每次 5 元"
    assert await found(world, school) == []


@pytest.mark.req("R-458")
async def test_families_who_tell_of_selling_are_a_signal(world: World) -> None:
    school, course = await _school_with_vendor(world)
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(
            LessonRating(
                lesson_id=next(iter(course.lessons.values())),
                offering_id=course.offering_id,
                student_id=school.families[0].student_id,
                stars=1,
                words="教练让我们加群买课",
            )
        )
    assert await found(world, school) == [("outside.selling", "provider.commercial_activity", "signal")]


@pytest.mark.req("R-459")
@pytest.mark.parametrize("how", ["empty", "empty group", "outside", "off_menu"])
async def test_a_vendor_in_the_schools_rooms_without_a_reason(world: World, how: str) -> None:
    school, course = await _school_with_vendor(world)
    async with world.house.unit(school.ctx) as uow:
        if how == "empty":
            await uow.session.execute(update(Enrolment).values(ends_on=date(2026, 11, 1)))
        elif how == "empty group":
            of_nobody = await formed(world, school, course.offering_id, 1, [])
            await uow.session.execute(update(Lesson).values(group_id=of_nobody))
        elif how == "outside":
            await uow.session.execute(update(Lesson).values(ends_at=time(19, 30)))
        else:
            await uow.session.execute(
                update(Offering).where(Offering.id == course.offering_id).values(state="suspended")
            )
    seen = await found(world, school)
    assert seen == [("outside.premises", "provider.business_premises", "breach")]
    async with world.house.unit(school.ctx) as uow:
        assert (await flags(uow))[0].key.split("/")[1] == how.split()[0]


# ---- silence ------------------------------------------------------------------------------------------------


@pytest.mark.req("R-450", "R-458", "R-459")
async def test_where_the_documents_are_silent_only_the_platforms_default_speaks(world: World) -> None:
    """A school without a pack: nobody forbade advertising there, but a guardian's word is always wanted."""
    school = await world.school(pack=None, plugins=())
    await _vendor_course(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(update(Offering).values(summary="扫码优惠"))
    assert await found(world, school) == [("families.unconfirmed", "application.guardian_confirms", "breach")]


# ---- the life of a flag -------------------------------------------------------------------------------------


@pytest.mark.req("R-450")
async def test_a_flag_opens_once_is_answered_cleared_and_opens_again(world: World) -> None:
    school, care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "奥数"
    for _again in range(2):
        assert len(await found(world, school)) == 1
    async with world.house.unit(school.ctx) as uow:
        (first,) = await flags(uow)
    with pytest.raises(Forbidden):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await watch.acknowledge(uow, first.id, "误判")
    with pytest.raises(ReasonOwed):
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            await watch.acknowledge(uow, first.id, "  ")
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await watch.acknowledge(uow, first.id, "名称写错，已通知修改")
    with pytest.raises(MoveRefused):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await watch.acknowledge(uow, first.id, "再说一次")
    await found(world, school)
    async with world.house.unit(school.ctx) as uow:
        (still,) = await flags(uow)
        assert (still.state, still.reason, still.acknowledged_by) == ("acknowledged", "名称写错，已通知修改", "校长甲")
        (await uow.get(Offering, care.offering_id)).title = "数独"
    assert await found(world, school) == []
    async with world.house.unit(school.ctx) as uow:
        gone = await uow.get(Flag, first.id)
        assert gone.state == "cleared" and gone.cleared_at is not None
        (await uow.get(Offering, care.offering_id)).title = "奥数"
    await found(world, school)
    async with world.house.unit(school.ctx) as uow:
        back = await uow.get(Flag, first.id)
        assert (back.state, back.reason, back.cleared_at) == ("open", "", None)


async def test_a_failing_check_clears_nothing_and_stops_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    school, care = await clean(world)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "奥数"
    assert len(await found(world, school)) == 1
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "数独"
        real = checks(uow)

    async def broken(*_args: object) -> list[Any]:
        raise RuntimeError("no such table")

    from dataclasses import replace

    turned = [replace(c, run=broken) if c.key == "content.menu_words" else c for c in real]
    monkeypatch.setattr(watch, "checks", lambda _uow: turned)
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            assert school.term_id is not None
            assert (await watch.run(uow, school.term_id)).failed == ("content.menu_words",)
            assert [f.check_key for f in await flags(uow)] == ["content.menu_words"]


async def test_another_school_sees_nothing_of_it(world: World) -> None:
    school, care = await clean(world)
    other = await world.school("other", name="第二小学")
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "奥数尖子"
    await found(world, school)
    assert await found(world, other) == []
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
    stranger = await world.client(other.people["principal"], page=True)
    for slug in ("school", "other"):
        assert (await stranger.get(f"/t/{slug}/desk/bans/{flag.id}")).status_code == 404
        answer = await stranger.post(f"/t/{slug}/desk/bans/{flag.id}", data={"reason": "x", "_key": "0123456789"})
        assert answer.status_code == 404
    assert "尖子" not in (await stranger.get("/t/other/desk/bans")).text


# ---- to the bureau ------------------------------------------------------------------------------------------


async def reported(world: World, school: School, bureau: School) -> None:
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            await uow.enqueue(report.CHECK)
        await world.drain(school, bureau)


@pytest.mark.req("R-430", "R-431", "R-451")
async def test_flags_reach_the_bureau_and_leave_it(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    care = await group(world, school)
    await confirmed(world, school)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "奥数尖子"
        (await uow.get(Application, (await _an_application(uow)).id)).submitted_by = None
    await reported(world, school, bureau)
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    board = (await officer.get("/t/bureau/bureau/bans")).text
    assert "奥数尖子" in board and "实验小学" in board and "001#2 五（四）十严禁之二" in board
    assert "讲义" in board  # what people must watch
    assert "学生1" not in board and "学生2" not in board
    assert "尖子" not in (await officer.get("/t/bureau/bureau/bans?ban=1")).text
    async with world.house.unit(school.ctx) as uow:
        sent = (await uow.session.execute(select(Outbox).where(Outbox.name == report.REPORT))).scalars().all()
        assert len(sent) == 1 and "学生1" not in str(sent[0].payload)
    # Nothing new on the same day: nothing is sent.
    await reported(world, school, bureau)
    async with world.house.unit(school.ctx) as uow:
        assert len((await uow.session.execute(select(Outbox).where(Outbox.name == report.REPORT))).scalars().all()) == 1
    # A person answers: the bureau reads the reason.
    with at(MONDAY, 11):
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            flag = next(f for f in await flags(uow) if f.ban == 2)
            await watch.acknowledge(uow, flag.id, "名称写错，今天改")
        await world.drain(school, bureau)
    assert "名称写错，今天改" in (await officer.get("/t/bureau/bureau/bans")).text
    # The cause goes: so does the flag.
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "数独"
    await confirmed(world, school)
    await reported(world, school, bureau)
    async with world.house.unit(bureau.ctx) as uow:
        states = (await uow.session.execute(select(SchoolFlag.state))).scalars().all()
        assert list(states) == ["cleared", "cleared"]
        assert await report.flags_by_ban(uow) == {}


async def _an_application(uow: UnitOfWork) -> Application:
    return (await uow.session.execute(select(Application).order_by(Application.id).limit(1))).scalar_one()


@pytest.mark.req("R-001", "R-003")
async def test_only_a_school_below_may_report_and_an_old_report_changes_nothing(world: World) -> None:
    from core.db.delivery import deliver

    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    stranger = await world.school("stranger", name="外县小学")

    def body(sequence: int, **more: Any) -> dict[str, Any]:
        said = {
            "sequence": sequence, "as_of": clock.now().isoformat(), "term_code": "2026-2027-1",
            "done": 0, "waiting": 0, "overdue": 0,
        }  # fmt: skip
        return {**said, **more}

    async def send(sender: School, payload: dict[str, Any]) -> str:
        async with world.house.unit(sender.ctx) as uow:
            id_ = await uow.send_document(bureau.ctx.tenant_id, report.REPORT, payload, key=str(new_id()))
        return await deliver(world.house, sender.ctx.tenant_id, id_)

    assert await send(stranger, body(1)) == "dead"
    assert await send(school, body(1, names=["学生1"])) == "dead"
    assert await send(school, body(2, done=7)) == "done"
    assert await send(school, body(1, done=3)) == "done"
    async with world.house.unit(bureau.ctx) as uow:
        row = (await uow.session.execute(select(SchoolDuties))).scalar_one()
        assert (row.sequence, row.done) == (2, 7)


async def test_the_pages_are_drawn_and_answer_once(world: World) -> None:
    school, care = await clean(world)
    principal = await world.client(school.people["principal"], page=True)
    empty = await principal.get("/t/school/desk/bans")
    assert empty.status_code == 200 and "要由人来看" in empty.text and "没有警示" in empty.text
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(Offering, care.offering_id)).title = "<b>奥数</b>"
    await found(world, school)
    async with world.house.unit(school.ctx) as uow:
        (flag,) = await flags(uow)
    listed = (await principal.get("/t/school/desk/bans")).text
    assert "&lt;b&gt;奥数" in listed and "<b>奥数" not in listed
    page = await principal.get(f"/t/school/desk/bans/{flag.id}")
    assert "十严禁之二" in page.text
    path = f"/t/school/desk/bans/{flag.id}"
    assert (await principal.post(path, data={"reason": "", "_key": "0123456789"})).status_code == 422
    for _again in range(2):
        sent = await principal.post(path, data={"reason": "已整改", "_key": "0123456789"})
        assert sent.status_code == 303
    teacher = await world.client(school.people["teacher"], page=True)
    assert (await teacher.get("/t/school/desk/bans")).status_code == 403
    now = await principal.post("/t/school/desk/bans/check")
    assert now.status_code == 303
    english = await principal.get("/t/school/desk/bans", headers={"cookie": "kehou_locale=en"})
    assert english.status_code == 200


@pytest.mark.req("R-450", "R-451")
async def test_several_events_cause_one_check_soon(world: World) -> None:
    """Two changes of the menu within the calm: one check of the ten bans, a little later."""
    school = await world.school()
    with at(MONDAY, 10):
        async with world.house.unit(school.ctx) as uow:
            await uow.emit("offering.changed", {"id": new_id()})
            await uow.emit("plan.adopted", {"id": new_id()})
        await world.drain(school)
        async with world.house.unit(school.ctx) as uow:
            query = select(Outbox).where(Outbox.name == report.CHECK)
            (job,) = (await uow.session.execute(query)).scalars().all()
            assert job.available_at > clock.now()
