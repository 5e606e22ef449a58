"""Care for a single day, for a child that is not enrolled: asked, answered, on that day's list, and gone again."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange

from core.base import clock
from core.base.errors import NotFound
from core.db.states import ReasonOwed
from core.enrollment import seats
from core.enrollment.enrolments import enrolments_of
from core.enrollment.forming import no_mixing
from core.enrollment.forming.models import CareGroup, CareGroupMember, FormingRun
from core.enrollment.models import OfferingSeats, SeatClaim
from core.lessons import custody, leave, queries, settle
from core.lessons.models import Lesson
from core.lessons.oneoff import places, service
from core.lessons.oneoff.models import OneOff
from core.lessons.register import Mark, save_register, sign_in
from core.notices.models import Message
from core.people.models import Campus, Room, SchoolClass, Student
from core.people.service import my_child
from tests.support.lessons import MONDAY, at, group
from tests.support.world import Family, World


@pytest.mark.req("R-153")
async def test_one_day_of_care_from_the_request_to_the_gate(world: World) -> None:
    school = await world.school()
    enrolled, guest = school.families
    care = await group(world, school, families=[enrolled])
    parent, teacher = await world.as_(school, guest.guardian), await world.as_(school, "class_teacher")
    with at(MONDAY, 12):
        async with world.house.unit(parent) as uow:
            child = await my_child(uow, guest.student_id)
            found = await service.possible(uow, child)
            assert found[0].day == MONDAY and found[-1].day <= MONDAY + timedelta(days=7)
            row = await service.ask(uow, guest.student_id, care.on(), "临时加班")
            assert (await service.ask(uow, guest.student_id, care.on())).id == row.id  # a second tap
            assert found[0].lesson_id not in {c.lesson_id for c in await service.possible(uow, child)}
        async with world.house.unit(await world.as_(school, enrolled.guardian)) as uow:
            with pytest.raises(NotFound):
                await service.ask(uow, guest.student_id, care.on())  # not one's child
            with pytest.raises(service.NoSuchCare):
                await service.ask(uow, enrolled.student_id, care.on())  # takes part already
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            with pytest.raises(NotFound):
                await service.take_on(uow, row.id)  # only the child's own class teacher
        async with world.house.unit(teacher) as uow:
            lesson = await uow.get(Lesson, care.on())
            assert len(await queries.roster(uow, lesson)) == 1  # asked is not yet taken on
            await service.take_on(uow, row.id)
            await service.take_on(uow, row.id)
            assert len(await queries.roster(uow, lesson)) == 2
            assert (await queries.line(uow, lesson)).due == 2
            assert school.class_id is not None
            assert set(await custody.staying_today(uow, school.class_id)) == {
                enrolled.student_id,
                guest.student_id,
            }
            assert [r.id for r in await leave.lessons_of_child(uow, guest.student_id, MONDAY)] == [care.on()]
            # That day alone, and without an enrolment.
            tuesday = await uow.get(Lesson, care.on(MONDAY + timedelta(days=1)))
            assert len(await queries.roster(uow, tuesday)) == 1
            assert await enrolments_of(uow, guest.student_id) == []
        await world.drain(school)
    with at(MONDAY, 16, 30):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await sign_in(uow, care.on())
            marks = [Mark(f.student_id, "present") for f in school.families]
            saved = await save_register(uow, care.on(), marks)
            assert (saved.expected, saved.present, saved.strangers) == (2, 2, ())
            assert {h.student_id for h in await custody.mine_now(uow)} == {enrolled.student_id, guest.student_id}
        async with world.house.unit(parent) as uow:
            with pytest.raises(service.AlreadyCalled):
                await service.withdraw(uow, row.id)
    async with world.house.unit(school.ctx) as uow:
        told = {(m.account_id, m.kind) for m in (await uow.session.execute(select(Message))).scalars()}
        assert {(school.people["class_teacher"].account_id, "one_off.asked"),
                (guest.guardian.account_id, "one_off.taken")} <= told  # fmt: skip


@pytest.mark.req("R-134", "R-153")
async def test_pages_a_call_a_refusal_and_a_change_of_mind(world: World) -> None:
    school = await world.school(pack="shanghai-kuaile30")
    enrolled, guest = school.families
    care = await group(world, school, families=[enrolled])
    parent = await world.client(guest.guardian, page=True)
    teacher = await world.client(school.people["class_teacher"], page=True)
    tuesday = care.on(MONDAY + timedelta(days=1))
    with at(MONDAY, 12):
        form = (await parent.get(f"/t/school/home/one-off?child={guest.student_id}")).text
        assert str(care.on()) in form and "不收费" in form
        assert "班主任、课后服务办公室、校长和孩子的家长会看到" in form  # whoever reads it later is named
        ask = {"child": str(guest.student_id), "words": "开会"}
        assert (await parent.post("/t/school/home/one-off", data=ask)).status_code == 422  # which day?
        for lesson in (care.on(), tuesday):
            sent = await parent.post("/t/school/home/one-off", data={**ask, "lesson": str(lesson)})
            assert sent.status_code == 303
        async with world.house.unit(school.ctx) as uow:
            rows = (await uow.session.execute(select(OneOff).order_by(OneOff.day))).scalars().all()
        listed = (await teacher.get("/t/school/teach/one-off")).text
        assert "学生2" in listed and "001#3" in listed  # the clause that puts the class teacher in charge
        bare = await teacher.post(f"/t/school/teach/one-off/{rows[0].id}/refuse", data={"reason": " "})
        assert bare.status_code == 422 and "请写明理由，家长会看到" in bare.text and "对方" not in bare.text
        refused = await teacher.post(f"/t/school/teach/one-off/{rows[0].id}/refuse", data={"reason": "当天全校停课"})
        assert refused.status_code == 303
        assert "当天全校停课" in (await parent.get("/t/school/home/one-off")).text
        assert (await teacher.post(f"/t/school/teach/one-off/{rows[1].id}/take-on")).status_code == 303
        assert (await parent.post(f"/t/school/home/one-off/{rows[1].id}/withdraw")).status_code == 303
        # The family phones after all: written down and taken on in one step.
        assert str(tuesday) in (await teacher.get(f"/t/school/teach/one-off/call?child={guest.student_id}")).text
        call = {"child": str(guest.student_id), "lesson": str(tuesday), "words": "奶奶打来"}
        assert (await teacher.post("/t/school/teach/one-off/call", data=call)).status_code == 303
        assert "家长来电" in (await teacher.get("/t/school/teach/one-off")).text
        async with world.house.unit(school.ctx) as uow:
            states = (
                await uow.session.execute(select(OneOff.state, OneOff.by_phone).order_by(OneOff.created_at))
            ).all()
            assert [tuple(s) for s in states] == [("refused", False), ("withdrawn", False), ("taken_on", True)]
        async with world.house.unit(await world.as_(school, "office")) as uow:
            with pytest.raises(ReasonOwed):
                await service.refuse(uow, rows[0].id, "")


@pytest.mark.req("R-153", "R-168")
async def test_the_last_place_of_a_day_goes_to_one_guest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two places on the day, one child enrolled: two guests are taken on at the same moment. Without the lock both are;
    with it the second answer says that the day is full, and a room that is too small says so as well."""
    school = await world.school(families=4)
    enrolled, one, two, applicant = school.families
    care = await group(world, school, families=[enrolled])
    teacher = await world.as_(school, "class_teacher")
    tuesday = MONDAY + timedelta(days=1)

    async def asked(guest: Family, day: date) -> UUID:
        async with world.house.unit(await world.as_(school, guest.guardian)) as uow:
            return (await service.ask(uow, guest.student_id, care.on(day))).id

    async def take(row: UUID) -> None:
        async with world.house.unit(teacher) as uow:
            await service.take_on(uow, row)

    async def both(day: date) -> list[BaseException | None]:
        rows = [await asked(guest, day) for guest in (one, two)]
        return await asyncio.gather(*(take(row) for row in rows), return_exceptions=True)

    async def change(model: Any, id_: Any, **values: Any) -> None:
        async with world.house.unit(school.ctx) as uow:
            row = await uow.get(model, id_)
            for name, value in values.items():
                setattr(row, name, value)

    await change(OfferingSeats, care.offering_id, capacity=2)
    with at(MONDAY, 12):
        together, real = asyncio.Barrier(2), places.left

        async def at_once(uow: Any, lessons: Any) -> Any:
            found = await real(uow, lessons)
            await together.wait()
            return found

        async def unlocked(uow: Any, offering_id: Any) -> None: ...

        rows = [await asked(guest, tuesday) for guest in (one, two)]
        with monkeypatch.context() as broken:
            broken.setattr(seats, "hold_offering", unlocked)
            broken.setattr(places, "left", at_once)
            said = await asyncio.gather(*(take(row) for row in rows), return_exceptions=True)
        assert said == [None, None]  # red: three children for two places
        assert sorted(str(type(s)) for s in await both(MONDAY)) == sorted([str(type(None)), str(service.FullThatDay)])

        wednesday = MONDAY + timedelta(days=2)
        async with world.house.unit(school.ctx) as uow:
            assert await places.left(uow, [care.on(), care.on(tuesday), care.on(wednesday)]) == {
                care.on(): 0, care.on(tuesday): 0, care.on(wednesday): 1,
            }  # fmt: skip
            # A place that a family holds for the term's Wednesdays is nobody else's on Wednesday.
            uow.session.add(
                SeatClaim(
                    term_id=school.term_id,
                    offering_id=care.offering_id,
                    student_id=applicant.student_id,
                    key="k",
                    weekdays=[3],
                    claimed_at=clock.now(),
                )
            )
        assert all(isinstance(s, service.FullThatDay) for s in await both(wednesday))
        page = await world.client(applicant.guardian, page=True)
        assert "当天已满" in (await page.get(f"/t/school/home/one-off?child={applicant.student_id}")).text

        thursday = MONDAY + timedelta(days=3)
        await change(Room, school.room_id, capacity=1)
        assert all(isinstance(s, service.FullThatDay) for s in await both(thursday))
        await change(Room, school.room_id, capacity=45)
        # Where the school has formed groups, a guest is on the list of the very group that takes it on.
        friday = MONDAY + timedelta(days=4)
        async with world.house.unit(school.ctx) as uow:
            formed = FormingRun(
                term_id=school.term_id, title="编班", mode="mixed_age", size=35, starts_on=MONDAY, state="published",
                offering_ids=[care.offering_id],
            )  # fmt: skip
            uow.session.add(formed)
            await uow.session.flush()
            made = CareGroup(
                run_id=formed.id, offering_id=care.offering_id, number=1, title="一班", board=formed.id,
                slots=MultiRange(), valid=Range(MONDAY, friday, bounds="[]"),
            )  # fmt: skip
            uow.session.add(made)
            await uow.session.flush()
            (await uow.get(Lesson, care.on(friday))).group_id = made.id
        await take(await asked(one, friday))
        async with world.house.unit(school.ctx) as uow:
            lesson = await uow.get(Lesson, care.on(friday))
            assert [line.student.id for line in await queries.roster(uow, lesson)] == [one.student_id]
            assert (await queries.line(uow, lesson)).due == 1
            assert [row.id for row in await leave.lessons_of_child(uow, one.student_id, friday)] == [lesson.id]


@pytest.mark.req("R-153")
async def test_what_was_asked_is_looked_at_again_when_it_is_answered(world: World) -> None:
    school = await world.school()
    enrolled, guest = school.families
    care = await group(world, school, families=[enrolled])
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    teacher = await world.client(school.people["class_teacher"], page=True)
    with at(MONDAY, 12):
        async with world.house.unit(await world.as_(school, guest.guardian)) as uow:
            asked = [(await service.ask(uow, guest.student_id, care.on(d))).id for d in (MONDAY, tuesday, wednesday)]
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await settle.cancel(uow, care.on(tuesday), "全校停课")
    parent = await world.client(guest.guardian, page=True)
    with at(MONDAY, 18):  # Monday's care is over, Tuesday's is called off
        for one_off_id in asked[:2]:
            async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
                with pytest.raises(service.CareGone):
                    await service.take_on(uow, one_off_id)
        answer = await teacher.post(f"/t/school/teach/one-off/{asked[1]}/take-on")
        assert answer.status_code == 303
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            await service.take_on(uow, asked[2])
            states = {r[0]: r[1] for r in (await uow.session.execute(select(OneOff.id, OneOff.state))).all()}
            assert [states[id_] for id_ in asked] == ["requested", "requested", "taken_on"]
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await settle.cancel(uow, care.on(wednesday), "停电")
        assert "本节已取消" in (await parent.get("/t/school/home/one-off")).text


@pytest.mark.req("R-014", "R-153", "R-171")
async def test_a_guest_is_kept_apart_as_the_group_is(world: World) -> None:
    """While classes do not mix, and never on another campus, is a child offered or given another's group."""
    school = await world.school(families=3)
    enrolled, guest, mate = school.families
    care = await group(world, school, families=[enrolled])
    days = [MONDAY + timedelta(days=n) for n in range(5)]
    async with world.house.unit(school.ctx) as uow:
        mine = await uow.get(SchoolClass, (await uow.get(Student, guest.student_id)).class_id)
        south = Campus(name="南校区")
        other = SchoolClass(
            school_year=mine.school_year, grade=mine.grade, number=mine.number + 5, campus_id=mine.campus_id
        )
        uow.session.add_all([south, other])
        await uow.session.flush()
        (await uow.get(Student, enrolled.student_id)).class_id = other.id
        formed = FormingRun(
            term_id=school.term_id, title="编班", mode="same_grade", size=35, starts_on=MONDAY, state="published",
            offering_ids=[care.offering_id],
        )  # fmt: skip
        uow.session.add(formed)
        await uow.session.flush()
        valid = Range(MONDAY, days[-1], bounds="[]")
        made = CareGroup(
            run_id=formed.id, offering_id=care.offering_id, number=1, title="一班", board=formed.id,
            slots=MultiRange(), valid=valid,
        )  # fmt: skip
        uow.session.add(made)
        await uow.session.flush()
        uow.session.add(
            CareGroupMember(
                group_id=made.id, student_id=enrolled.student_id, board=formed.id, slots=MultiRange(), valid=valid
            )
        )
        for day in days:
            (await uow.get(Lesson, care.on(day))).group_id = made.id
        mine_id, other_id, south_id = mine.id, other.id, south.id

    async def offered() -> set[date]:
        async with world.house.unit(await world.as_(school, guest.guardian)) as uow:
            return {c.day for c in await service.possible(uow, await my_child(uow, guest.student_id))} & set(days)

    async def refused(row: UUID) -> None:
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            with pytest.raises(service.KeptApart):
                await service.take_on(uow, row)

    with at(MONDAY, 12):
        assert await offered() == set(days)  # one grade, one campus: no reason to keep them apart
        async with world.house.unit(await world.as_(school, guest.guardian)) as uow:
            asked = (await service.ask(uow, guest.student_id, care.on(days[1]))).id
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await no_mixing.begin(uow, "流感高发")
        assert await offered() == set()
        await refused(asked)
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            with pytest.raises(service.NoSuchCare):
                await service.log_call(uow, mate.student_id, care.on(days[2]))
            with pytest.raises(service.KeptApart):  # a call about what was asked already
                await service.log_call(uow, guest.student_id, care.on(days[1]))
        async with world.house.unit(school.ctx) as uow:  # the own class's group stays open
            (await uow.get(Student, enrolled.student_id)).class_id = mine_id
        assert days[2] in await offered()
        async with world.house.unit(await world.as_(school, "office")) as uow:
            (await uow.get(Student, enrolled.student_id)).class_id = other_id
            await no_mixing.end(uow)
        assert days[2] in await offered()
        async with world.house.unit(school.ctx) as uow:
            (await uow.get(SchoolClass, mine_id)).campus_id = south_id
            other_class = await uow.get(SchoolClass, other_id)
            other_class.campus_id = (await uow.get(Room, school.room_id)).campus_id
        assert await offered() == set()
        await refused(asked)


@pytest.mark.req("R-134", "R-153")
async def test_a_long_list_shows_first_who_waits_and_keeps_what_was_typed(world: World) -> None:
    school = await world.school()
    care = await group(world, school, families=[])
    tuesday = MONDAY + timedelta(days=1)
    async with world.house.unit(school.ctx) as uow:
        classmates = [Student(class_id=school.class_id, name=f"同学{n}", name_sort=f"tx{n:03}") for n in range(103)]
        uow.session.add_all(classmates)
        await uow.session.flush()
        for number, child in enumerate(classmates):
            uow.session.add(
                OneOff(
                    student_id=child.id,
                    offering_id=care.offering_id,
                    state="taken_on" if number < 101 else "requested",
                    lesson_id=care.on() if number < 101 else care.on(tuesday),
                    day=MONDAY if number < 101 else tuesday,
                    words="临时加班",
                    asked_name="家长",
                )
            )
    office = await world.client(school.people["office"], page=True)
    with at(MONDAY, 9):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            assert (await service.count(uow), await service.count(uow, waiting=True)) == (103, 2)
            page = await service.for_me(uow, limit=20)
            assert [a.row.state for a in page] == ["requested"] * 2 + ["taken_on"] * 18
            assert page[0].lesson.day == tuesday
            mine = page[0].row.id
        first = (await office.get("/t/school/teach/one-off")).text
        last = (await office.get("/t/school/teach/one-off?at=6")).text
        assert "同学101" in first and "共 103 条" in first and "同学101" not in last and last.count("row-end") == 3
        long = "当天全校停课" * 60
        again = await office.post(f"/t/school/teach/one-off/{mine}/refuse", data={"reason": long})
        assert again.status_code == 422 and long in again.text
        # A lesson that is called off later is said to be so, whatever was answered before.
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await settle.cancel(uow, care.on(), "停电")
        assert "本节已取消" in (await office.get("/t/school/teach/one-off?at=6")).text
