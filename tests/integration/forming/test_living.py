"""Groups in force while school goes on: guests of a day, exchanges, lessons called off, and what each family pays."""

from __future__ import annotations

import asyncio
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from core.db.kernel_tables import Outbox
from core.enrollment import enrolments, leaving, menu_service, swap
from core.enrollment.basket import application_of
from core.enrollment.forming import board, publishing, service
from core.enrollment.forming.models import CareGroupMember
from core.enrollment.forming.problem import Duty, Group
from core.enrollment.models import Application, Enrolment
from core.enrollment.waiting import accepting
from core.lessons import custody, leave, queries, settle
from core.lessons.models import Custody, Lesson
from core.lessons.oneoff import service as one_off
from core.lessons.register import Mark, save_register
from core.people.models import Student
from core.people.service import my_child
from tests.support import lessons, menu, waiting
from tests.support.forming import Bed, bed
from tests.support.lessons import MONDAY, at
from tests.support.world import Family, World

SUNDAY = MONDAY - timedelta(days=1)
TUESDAY = MONDAY + timedelta(days=1)


async def lessons_on(made: Bed, day: date, offering_id: UUID | None = None) -> list[Lesson]:
    """The lessons of a day, cancelled ones too, in a lasting order."""
    async with made.world.house.unit(made.school.ctx) as uow:
        query = select(Lesson).where(Lesson.offering_id == (offering_id or made.offering_id), Lesson.day == day)
        return list((await uow.session.execute(query.order_by(Lesson.group_id, Lesson.id))).scalars())


async def on_list(made: Bed, lesson: Lesson) -> set[UUID]:
    async with made.world.house.unit(made.school.ctx) as uow:
        return set(await queries.expected(uow, lesson))


async def leave_care(made: Bed, student_id: UUID) -> None:
    async with made.world.house.unit(made.school.ctx) as uow:
        query = select(Enrolment.id).where(
            Enrolment.student_id == student_id,
            Enrolment.offering_id == made.offering_id,
            Enrolment.state == "enrolled",
        )
        await leaving.withdraw(uow, (await uow.session.execute(query)).scalar_one())


@pytest.mark.req("R-153", "R-174")
async def test_a_guest_of_one_day_is_in_one_groups_list_and_in_all_that_follows(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world)
        school, family = made.school, made.school.families[0]
        await leave_care(made, family.student_id)
        choir = await lessons.group(
            world, school, title="合唱", kind="club", start=time(15, 30), end=time(16, 20), since=SUNDAY,
        )  # fmt: skip
        await made.publish(await made.solved())
        here, other, _third = await lessons_on(made, MONDAY)
        (tomorrow, *_rest) = await lessons_on(made, TUESDAY)
    with at(MONDAY, 12):
        async with world.house.unit(await world.as_(school, family.guardian)) as uow:
            offered = await one_off.possible(uow, await my_child(uow, family.student_id))
            assert {care.title for care in offered if care.day == MONDAY} == {
                f"课后托管 · {group.title}" for group in await made.groups()
            }  # which of the groups
            asked = [await one_off.ask(uow, family.student_id, row.id) for row in (here, other, tomorrow)]
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            await one_off.take_on(uow, asked[0].id)
        # The second request is for the same hour: a child is not in two places.
        with pytest.raises(one_off.CareGone):
            async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
                await one_off.take_on(uow, asked[1].id)
        assert family.student_id in await on_list(made, here)
        assert family.student_id not in await on_list(made, other) | await on_list(made, tomorrow)
        async with world.house.unit(school.ctx) as uow:
            due = {line.id: line.due for line in await queries.lines(uow, MONDAY, offering_id=made.offering_id)}
            assert due[here.id] == len(await on_list(made, here)) and sum(due.values()) == len(made.children) + 1
            assert school.class_id is not None
            assert family.student_id in await custody.staying_today(uow, school.class_id)
            mine = await leave.lessons_of_child(uow, family.student_id, MONDAY, TUESDAY)
            assert [row.id for row in mine if row.kind == "care"] == [here.id]
    with at(MONDAY, 15, 35):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await save_register(uow, choir.on(), [Mark(family.student_id, "present")])
    with at(MONDAY, 17, 0):
        async with world.house.unit(school.ctx) as uow:
            assert await custody.mark_late(uow) == 0  # choir is over, but care goes on until half past five
        async with world.house.unit(await world.as_(school, "office")) as uow:
            saved = await save_register(uow, here.id, [Mark(family.student_id, "present")])
            assert (saved.saved, saved.strangers) == (1, ())
        async with world.house.unit(school.ctx) as uow:
            held = select(Custody.lesson_id).where(Custody.student_id == family.student_id, Custody.ended_at.is_(None))
            assert (await uow.session.execute(held)).scalar_one() == here.id


async def undelivered(made: Bed) -> list[str]:
    """What the workers could not deliver, and why."""
    async with made.world.house.unit(made.school.ctx) as uow:
        query = select(Outbox.name, Outbox.error).where(Outbox.done_at.is_(None), Outbox.attempts > 0)
        return [f"{name}: {why}" for name, why in (await uow.session.execute(query)).all()]


async def where(made: Bed, family: Family, day: date, *offerings: UUID) -> list[UUID]:
    """The offerings in whose lists a child stands on a day, once for each list."""
    return [
        offering_id
        for offering_id in offerings
        for lesson in await lessons_on(made, day, offering_id)
        if lesson.state != "cancelled" and family.student_id in await on_list(made, lesson)
    ]


@pytest.mark.req("R-149", "R-150", "R-174", "R-214")
async def test_who_changes_between_grouped_offerings_is_in_one_list_every_day(world: World) -> None:
    """Care and reading at the same hour, both formed: exchanged, exchanged back, and accepted from the waiting list."""
    with at(SUNDAY, 9):
        school = await world.school(families=3, pack=None)
        care = await menu.approved(world, school, any_days=False)
        reading = await menu.approved(world, school, title="阅读", capacity=2, any_days=False)
        await menu.publish(world, school)
        one, two, three = school.families
        for family, view in ((one, care), (two, care), (three, reading)):
            await menu.enrol(world, school, family, [(view, ())])
        made = Bed(world, school, care.id, {})
        await world.drain(school)
        await made.publish(await made.solved(offering_ids=[care.id, reading.id]))
        both = (care.id, reading.id)

    async def swapped(family: Family, to: UUID) -> None:
        async with world.house.unit(await world.as_(school, family.guardian)) as uow:
            (mine,) = await enrolments.enrolments_of(uow, family.student_id)
            await swap.swap(uow, mine.id, to, ())
        await world.drain(school)
        assert await undelivered(made) == []

    wednesday, thursday, friday = (MONDAY + timedelta(days=n) for n in (2, 3, 4))
    with at(TUESDAY, 9):
        await swapped(one, reading.id)
        assert await where(made, one, TUESDAY, *both) == [care.id]
        assert await where(made, one, wednesday, *both) == [reading.id]
        # Back on the same day, before reading has begun: not in its list, and not in its way.
        await swapped(one, care.id)
        assert await where(made, one, wednesday, *both) == [care.id]
        await swapped(one, reading.id)
    with at(wednesday, 9):
        entry = await waiting.join(world, school, two, reading, giving_up=[care.id])
        await swapped(one, care.id)
        assert await where(made, one, wednesday, *both) == [reading.id]
        assert await where(made, one, thursday, *both) == [care.id]
    with at(thursday, 9):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            assert school.term_id is not None
            await menu_service.shut_menu(uow, school.term_id)
        await world.drain(school)
        await menu.notice_hash(world, school, two)
        async with world.house.unit(await world.as_(school, two.guardian)) as uow:
            await accepting.accept(uow, entry)
            application = await application_of(uow, two.student_id, school.term_id)
            assert application is not None
        await menu.accept(world, school, application.id)
        await menu.sign(world, school, two)
        await world.drain(school)
        assert await undelivered(made) == []
        assert await where(made, two, friday, *both) == [reading.id]
        async with world.house.unit(school.ctx) as uow:
            query = select(CareGroupMember).where(CareGroupMember.student_id == two.student_id)
            ends = [row.valid.upper or date.max for row in (await uow.session.execute(query)).scalars()]
            assert len(ends) == 2 and min(ends) <= friday < max(ends)


async def joins(made: Bed, name: str) -> UUID:
    """One more child of the first class takes part, and the product says so."""
    async with made.world.house.unit(made.school.ctx) as uow:
        like = await uow.get(Student, made.children[0])
        child = Student(class_id=like.class_id, name=name, name_sort="xinsheng")
        uow.session.add(child)
        await uow.session.flush()
        application = Application(term_id=made.school.term_id, student_id=child.id, state="enrolled")
        uow.session.add(application)
        await uow.session.flush()
        row = Enrolment(
            application_id=application.id, student_id=child.id, offering_id=made.offering_id,
            term_id=made.school.term_id, weekdays=[], starts_on=SUNDAY,
        )  # fmt: skip
        uow.session.add(row)
        await uow.session.flush()
        await uow.emit("enrollment.enrolled", {"enrolment": row.id, "student": child.id, "offering": made.offering_id})
        return child.id


@pytest.mark.req("R-174", "R-181")
async def test_who_joins_while_groups_are_being_published_is_in_a_list(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world)
        run_id = await made.solved()
        async with world.house.unit(await made.office()) as uow:
            await publishing.publish(uow, run_id, "按报名人数安排")
            child = await joins(made, "新生")
            following = asyncio.create_task(world.drain(made.school))
            # Not committed yet: the follower waits for it instead of finding no groups.
            await asyncio.wait({following}, timeout=1)
        await following
        assert await undelivered(made) == []
        lists = [await on_list(made, row) for row in await lessons_on(made, MONDAY)]
        assert [child in names for names in lists].count(True) == 1
        # Whoever was missed all the same is found when it is told that groups hold.
        async with world.house.unit(made.school.ctx) as uow:
            await uow.session.execute(delete(CareGroupMember).where(CareGroupMember.student_id == child))
            await uow.emit("forming.published", {"offerings": [made.offering_id], "starts_on": MONDAY})
        await world.drain(made.school)
        lists = [await on_list(made, row) for row in await lessons_on(made, MONDAY)]
        assert [child in names for names in lists].count(True) == 1


@pytest.mark.req("R-179", "R-181")
async def test_new_groups_leave_called_off_lessons_and_stand_ins_as_they_are(world: World) -> None:
    """Influenza on Wednesday: all lessons are called off. Thursday: one group's is, another has a stand-in."""
    wednesday, thursday, friday = (MONDAY + timedelta(days=n) for n in (2, 3, 4))
    with at(SUNDAY, 9):
        made = await bed(world)
        await made.publish(await made.solved())
        names = {row.id: (row.number, row.title) for row in await made.groups()}
        async with world.house.unit(await made.office()) as uow:
            for lesson in await lessons_on(made, wednesday):
                await settle.cancel(uow, lesson.id, "流感停课")
            off, other, _third = await lessons_on(made, thursday)
            await settle.cancel(uow, off.id, "教师生病")
            assert off.group_id is not None and other.group_id is not None
            teachers = {row.teacher_id for row in await lessons_on(made, thursday)}
            spare = next(id_ for id_ in made.staff.values() if id_ not in teachers)
            await settle.stand_in(uow, other.id, spare)
    with at(MONDAY, 9):
        # Formed anew from Tuesday on, as it was, and with one group more.
        again = await made.make(starts_on=TUESDAY, title="期中调整", size=6, mode="same_grade")
        async with world.house.unit(await made.office()) as uow:
            await service.copy_in_force(uow, again)
        await made.publish(again)
        fresh = {(row.number, row.title): row.id for row in await made.groups(again)}
        assert set(fresh) == set(names.values())
        assert {row.state for row in await lessons_on(made, wednesday)} == {"cancelled"}
        there = {row.group_id: row for row in await lessons_on(made, thursday)}
        assert there[fresh[names[off.group_id]]].state == "cancelled"
        held = there[fresh[names[other.group_id]]]
        assert (held.id, held.state, held.teacher_id) == (other.id, "planned", spare)
        assert held.usual_teacher_id == other.teacher_id
        assert sum(row.state == "planned" for row in there.values()) == 2
        assert {row.state for row in await lessons_on(made, friday)} == {"planned"}
        # Solved anew there are more groups than before: none of them meets on the Wednesday that was called off.
        more = await made.solved(starts_on=TUESDAY, title="分小组", size=4, mode="own_class")
        await made.publish(more)
        assert len(await made.groups(more)) > len(fresh)
        assert {row.state for row in await lessons_on(made, wednesday)} == {"cancelled"}
        assert sum(row.state == "planned" for row in await lessons_on(made, friday)) == len(await made.groups(more))
        # Many groups stand on one page, so that a child can be dragged to any of them.
        many = await made.solved(starts_on=TUESDAY, title="两人一组", size=2, mode="own_class")
        page = board.drawn(await made.look(many), 1)
        assert page.pager.pages == 1 and len(page.columns) == len(await made.groups(many)) > 12


@pytest.mark.req("R-178", "R-181")
async def test_a_later_forming_begins_with_the_groups_of_all_earlier_ones(world: World) -> None:
    """Care and reading were formed one after the other; formed together they go on as they were, day duties too."""
    with at(SUNDAY, 9):
        made = await bed(world)
        reading = await lessons.group(
            world, made.school, title="阅读", start=time(15, 20), end=time(16, 10), since=SUNDAY
        )  # fmt: skip
        runs = [
            await made.solved(offering_ids=[id_], starts_on=TUESDAY) for id_ in (made.offering_id, reading.offering_id)
        ]
        for run_id in runs:
            await made.publish(run_id)
        before = [await made.look(run_id) for run_id in runs]
        both = await made.make(
            offering_ids=[made.offering_id, reading.offering_id], starts_on=MONDAY + timedelta(days=2), title="合编"
        )
        async with world.house.unit(await made.office()) as uow:
            await service.copy_in_force(uow, both)
        after = await made.look(both)

        def seen(groups: list[Group]) -> set[tuple[str, int, tuple[str, ...], str | None]]:
            return {(g.course, g.number, g.children, g.room) for g in groups}

        def duties(of: list[Duty]) -> set[tuple[str, int, str, int]]:
            return {(d.person, d.day, d.role, d.start) for d in of}

        assert seen(after.proposal.groups) == set.union(*(seen(b.proposal.groups) for b in before))
        assert duties(after.proposal.duties) == set.union(*(duties(b.proposal.duties) for b in before))
