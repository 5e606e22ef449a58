"""The register: one class at once, corrected without losing anything, held only by both signals."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import func, select

from core.base.errors import NotFound
from core.db.kernel_tables import Outbox
from core.db.states import ReasonOwed
from core.lessons import absences, queries, settle
from core.lessons.errors import NotNow, RegisterClosed, RegisterFirst
from core.lessons.models import AbsenceCase, Attendance, AttendanceChange, Lesson
from core.lessons.register import Mark, end_lesson, save_register, sign_in
from tests.support.lessons import MONDAY, at, group, teach
from tests.support.world import World

TUESDAY = date(2026, 11, 24)


async def test_held_is_signed_called_and_ended(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    lesson_id = await teach(world, care)
    async with world.house.unit(school.ctx) as uow:
        lesson = await uow.get(Lesson, lesson_id)
        assert (lesson.state, lesson.expected, lesson.present) == ("held", 2, 2)
        told = (await uow.session.execute(select(Outbox.payload).where(Outbox.name.like("%held%")))).scalars().all()
    payload = next(iter(told), None)
    assert payload is None or payload["lesson_id"] == str(lesson_id)


@pytest.mark.req("R-217", "R-221")
async def test_the_same_register_twice_is_once_and_corrections_keep_the_old_value(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    a, b = (f.student_id for f in school.families)
    for _again in range(2):
        with at(MONDAY, 16, 30):
            async with world.house.unit(await world.as_(school, "teacher")) as uow:
                saved = await save_register(uow, care.on(), [Mark(a, "present"), Mark(b, "absent", "没来")])
    assert (saved.expected, saved.present, saved.absent, saved.saved) == (2, 1, 1, 0)
    with at(MONDAY, 16, 40):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            saved = await save_register(uow, care.on(), [Mark(b, "present")])
    assert saved.present == 2
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.session.execute(select(func.count()).select_from(Attendance))).scalar_one() == 2
        change = (await uow.session.execute(select(AttendanceChange))).scalar_one()
        assert (change.old_mark, change.new_mark, change.old_note) == ("absent", "present", "没来")
        case = (await uow.session.execute(select(AbsenceCase))).scalar_one()
        assert case.state == "explained" and case.cause


@pytest.mark.req("R-223", "R-224")
async def test_an_absence_stays_open_until_a_cause_is_written(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    await teach(world, care, marks=["absent"])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        (case,) = await absences.listed(uow)
        assert case.class_teacher == "班任丁"
        with pytest.raises(ReasonOwed):
            await absences.explain(uow, case.id, "  ")
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await absences.contact(uow, case.id, "打了母亲电话，没人接")
        await absences.explain(uow, case.id, "奶奶放学时接走，忘了请假")
        assert await absences.open_count(uow) == 0


async def test_after_the_lesson_only_the_office_corrects_with_a_reason(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    lesson_id = await teach(world, care)
    mark = [Mark(school.families[0].student_id, "leave")]
    with at(MONDAY, 18):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            with pytest.raises(RegisterClosed):
                await save_register(uow, lesson_id, mark)
        async with world.house.unit(await world.as_(school, "office")) as uow:
            with pytest.raises(ReasonOwed):
                await save_register(uow, lesson_id, mark)
        async with world.house.unit(await world.as_(school, "office")) as uow:
            saved = await save_register(uow, lesson_id, mark, reason="家长补交请假条")
            assert saved.on_leave == 1
            (change,) = await queries.changes(uow, lesson_id)
    assert change["reason"] == "家长补交请假条" and change["changed_by"] == "办公乙"
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Lesson, lesson_id)).state == "held"


async def test_contradicting_signals_open_a_review_and_are_never_held(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    called = await teach(world, care, MONDAY, signed=False)
    signed = await teach(world, care, TUESDAY, called=False, ended=False)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Lesson, called)).state == "disputed"
    with at(date(2026, 11, 25), 8):
        async with world.house.unit(school.ctx) as uow:
            await settle.close(uow, await uow.get(Lesson, signed, lock=True))
            assert {line.id for line in await queries.to_settle(uow)} == {called, signed}
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            with pytest.raises(RegisterClosed):
                await save_register(uow, signed, [Mark(school.families[0].student_id, "present")])
        async with world.house.unit(await world.as_(school, "office")) as uow:
            with pytest.raises(ReasonOwed):
                await settle.resolve(uow, called, held=True, reason="")
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await settle.resolve(uow, called, held=True, reason="巡视记录可以证明")
            await settle.resolve(uow, signed, held=False, reason="当天活动取消")
            assert (await uow.get(Lesson, called)).settled_by == "办公乙"
            assert (await uow.get(Lesson, signed)).state == "missed"


async def test_the_night_closes_what_is_over(world: World) -> None:
    school = await world.school()
    care = await group(world, school, since=date(2026, 11, 23))
    await teach(world, care, MONDAY, ended=False)
    with at(date(2026, 11, 25), 0, 30):
        async with world.house.unit(school.ctx) as uow:
            await uow.enqueue("lessons.close_days", {})
        await world.drain(school)
        async with world.house.unit(school.ctx) as uow:
            held = await uow.get(Lesson, care.on(MONDAY))
            assert (held.state, held.ended_by) == ("held", "系统")
            assert (await uow.get(Lesson, care.on(TUESDAY))).state == "missed"
            assert (await uow.get(Lesson, care.on(date(2026, 11, 25)))).state == "planned"


async def test_a_lesson_has_its_day_its_teacher_and_its_school(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    other = await world.school("other", name="别的小学")
    with at(MONDAY, 12):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            with pytest.raises(NotNow):
                await sign_in(uow, care.on())
    with at(MONDAY, 16, 30):
        for org, who in ((school, "class_teacher"), (other, "teacher")):
            async with world.house.unit(await world.as_(org, who)) as uow:
                with pytest.raises(NotFound):
                    await sign_in(uow, care.on())
                with pytest.raises(NotFound):
                    await save_register(uow, care.on(), [])
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            with pytest.raises(RegisterFirst):
                await end_lesson(uow, care.on())
            strangers = await save_register(uow, care.on(), [Mark(other.families[0].student_id, "present")])
    assert strangers.strangers == (other.families[0].student_id,) and strangers.saved == 0
