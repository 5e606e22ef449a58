"""From approved children to groups that lessons, registers and families live by; nothing can clash in the database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from core.base.ids import new_id
from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from core.enrollment import leaving
from core.enrollment.errors import GroupsClash, Objected, RoomTaken
from core.enrollment.forming import making, moves, publishing, service, wishes
from core.enrollment.forming.errors import BeingFormed, NotBeingFormed, NotPlaced, RoomInUse, RoomTooSmall, StaffInUse
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun
from core.enrollment.forming.solver import propose
from core.enrollment.models import Enrolment
from core.enrollment.offerings_service import change_offering, draft_of, every, offering, propose_offering
from core.enrollment.views import OfferingDraft
from core.lessons import queries
from core.lessons.models import Lesson
from core.lessons.planning import counts
from core.lessons.register import Mark, save_register
from tests.support.database import DatabaseAddresses
from tests.support.forming import Bed, bed, wrong
from tests.support.lessons import MONDAY, at
from tests.support.world import World

SUNDAY = MONDAY - timedelta(days=1)


async def lessons_on(made: Bed, day: date) -> list[Lesson]:
    async with made.world.house.unit(made.school.ctx) as uow:
        query = select(Lesson).where(Lesson.offering_id == made.offering_id, Lesson.day == day)
        rows = (await uow.session.execute(query.order_by(Lesson.starts_at, Lesson.id))).scalars().all()
        return [row for row in rows if row.state != "cancelled"]


async def due(made: Bed, lesson: Lesson) -> set[UUID]:
    async with made.world.house.unit(made.school.ctx) as uow:
        return {line.student.id for line in await queries.roster(uow, lesson)}


@pytest.mark.req("R-166", "R-168", "R-169", "R-174", "R-179", "R-180", "R-205")
async def test_published_groups_become_the_lessons_and_registers(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world)
        before = await lessons_on(made, MONDAY)
        run_id = await made.solved()
        found = await made.look(run_id)
        assert wrong(found.problem, found.proposal) == []
        assert found.run.state == "proposed" and len(found.rows) == 3
        assert {r.title for r in found.rows} == {"三年级第 1 组", "三年级第 2 组", "四年级第 1 组"}
        # The first group keeps the offering's own room and teacher.
        care = found.views[made.offering_id]
        assert found.rows[0].room_id == care.room_id
        assert {d.staff_id for d in found.duties if d.group_id == found.rows[0].id} == {care.teacher_id}
        # Before publication nothing has changed for anybody.
        assert [row.id for row in await lessons_on(made, MONDAY)] == [row.id for row in before]
        await made.publish(run_id)
        monday, tuesday = await lessons_on(made, MONDAY), await lessons_on(made, MONDAY + timedelta(days=1))
        groups = {row.id: row for row in await made.groups(run_id)}
        assert {row.group_id for row in monday} == set(groups) and before[0].id in {row.id for row in monday}
        assert all(row.room_id == groups[row.group_id].room_id and row.teacher_id for row in monday if row.group_id)
        lists = [await due(made, row) for row in monday]
        assert sum(map(len, lists)) == 25 and len(set.union(*lists)) == 25  # each child in exactly one list
        # Who comes on Monday and Wednesday only is in no list on Tuesday.
        assert sum([len(await due(made, row)) for row in tuesday]) == 19
        async with world.house.unit(made.school.ctx) as uow:
            held, planned = (await counts(uow, [made.offering_id]))[made.offering_id]
            days = (await uow.session.execute(select(Lesson.day).where(Lesson.state != "cancelled").distinct())).all()
            assert (held, planned) == (0, len(days))  # a day counts once, however many groups
    lesson = monday[0]
    with at(MONDAY, 16, 35):
        async with world.house.unit(await world.as_(made.school, "office")) as uow:
            mine = await due(made, lesson)
            stranger = next(child for child in set.union(*lists) - mine)
            saved = await save_register(uow, lesson.id, [Mark(c, "present") for c in [*mine, stranger]])
            assert saved.expected == len(mine) and saved.strangers == (stranger,)


@pytest.mark.req("R-169", "R-205", "R-180")
async def test_the_database_refuses_every_clash(world: World) -> None:
    made = await bed(world)
    run_id = await made.solved()
    found = await made.look(run_id)
    one, other = found.rows[0], found.rows[1]
    duty = next(d for d in found.duties if d.group_id == one.id)
    common: dict[str, Any] = {"board": run_id, "slots": one.slots, "valid": one.valid}
    extra = {"run_id": run_id, "offering_id": made.offering_id, "number": 99, "title": "x", "room_id": one.room_id}
    child = UUID(found.proposal.groups[0].children[0])
    clashes: list[Any] = [
        CareGroup(**extra, **common),
        CareGroupMember(group_id=other.id, student_id=child, **common),
        CareGroupDuty(
            run_id=run_id, group_id=other.id, staff_id=duty.staff_id, role="lead", weekday=duty.weekday, **common
        ),
    ]
    for row in clashes:
        with pytest.raises(IntegrityError, match="exclu"):
            async with world.house.unit(made.school.ctx) as uow:
                uow.session.add(row)
                await uow.session.flush()
    async with world.house.unit(made.school.ctx) as uow:
        # Another board, other hours and other days are no clash.
        later = Range(date(2027, 2, 1), date(2027, 3, 1))
        uow.session.add_all(
            [
                CareGroup(**extra, **{**common, "board": new_id()}),
                CareGroup(**{**extra, "number": 98}, **{**common, "slots": [Range(1500, 1560)]}),
                CareGroup(**{**extra, "number": 97}, **{**common, "valid": later}),
            ]
        )
        await uow.session.flush()


class Killed(BaseException):
    """Nothing of the worker's own catches this: as if the process were gone."""


@pytest.mark.req("R-167")
async def test_a_killed_job_begins_anew_and_ends_alike(
    world: World, database: DatabaseAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await bed(world)
    run_id = await made.make()
    async with world.house.unit(await made.office()) as uow:
        await service.solve(uow, run_id)
        query = select(Outbox.id).where(Outbox.name == making.JOB, Outbox.done_at.is_(None))
        message = (await uow.session.execute(query)).scalar_one()
    keep = making.keep

    async def dies(*args: Any) -> None:
        await keep(*args)
        raise Killed

    monkeypatch.setattr(making, "keep", dies)
    with pytest.raises(Killed):
        await deliver(world.house, made.school.ctx.tenant_id, message)
    assert await made.groups(run_id) == []
    monkeypatch.setattr(making, "keep", keep)
    with psycopg.connect(database.superuser, autocommit=True) as admin:
        admin.execute("update outbox set available_at = now() where done_at is null")
    assert await deliver(world.house, made.school.ctx.tenant_id, message) == "done"
    found = await made.look(run_id)
    again = propose(found.problem)
    assert [sorted(g.children) for g in again.groups] == [sorted(g.children) for g in found.proposal.groups]
    # Told once more, it changes nothing: what people moved since stays.
    async with world.house.unit(await made.office()) as uow:
        await moves.set_room(uow, run_id, found.rows[0].id, None)
    assert await deliver(world.house, made.school.ctx.tenant_id, message) in ("gone", "repeated")
    assert (await made.groups(run_id))[0].room_id is None


@pytest.mark.req("R-167", "R-168", "R-175", "R-178", "R-180")
async def test_moves_are_checked_and_the_rules_have_the_last_word(world: World) -> None:
    made = await bed(world)
    with pytest.raises(Objected) as refused:
        await made.make(size=40, reason="")
    assert refused.value.objections[0].clause  # the clause that says 35
    run_id = await made.solved()
    with pytest.raises(BeingFormed):
        await made.make()
    found = await made.look(run_id)
    one, other = found.rows[0], found.rows[1]
    busy = next(d.staff_id for d in found.duties if d.group_id == other.id)
    child = UUID(found.proposal.groups[0].children[0])
    grade4 = found.rows[2]
    async with world.house.unit(await made.office()) as uow:
        await moves.set_room(uow, run_id, one.id, None)
        with pytest.raises(RoomInUse):
            await moves.set_room(uow, run_id, one.id, other.room_id)
        with pytest.raises(StaffInUse):
            await moves.set_teacher(uow, run_id, one.id, busy)
        assert await moves.move_children(uow, run_id, [child], grade4.id) == 1
        assert await moves.move_children(uow, run_id, [child], grade4.id) == 0
    async with world.house.unit(await made.office()) as uow:
        grade3 = [UUID(key) for group in found.proposal.groups[:2] for key in group.children if UUID(key) != child]
        with pytest.raises(RoomTooSmall):
            await moves.move_children(uow, run_id, grade3, other.id)
    said = {u.kind for u in (await made.look(run_id)).proposal.unmet}
    assert {"no_room", "against_mode"} <= said
    async with world.house.unit(await made.office()) as uow:
        with pytest.raises(Objected) as objected:
            await publishing.publish(uow, run_id)
        assert {o.rule for o in objected.value.objections} & {"class.units", "staffing.fixed_teacher_and_place"}
    async with world.house.unit(await made.office()) as uow:
        gone = select(CareGroupMember).where(CareGroupMember.student_id == child)
        await uow.session.delete((await uow.session.execute(gone)).scalar_one())
        await uow.session.flush()
        with pytest.raises(NotPlaced):
            await publishing.publish(uow, run_id, "说明")
        await service.drop(uow, run_id)
    with pytest.raises(NotBeingFormed):
        await made.publish(run_id)
    assert await made.groups(run_id) == []


@pytest.mark.req("R-174", "R-178", "R-181")
async def test_groups_in_force_follow_families_and_a_later_forming_replaces_them(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world)
        first = await made.solved()
        await made.publish(first)
        async with world.house.unit(made.school.ctx) as uow:
            leaver = (
                await uow.session.execute(select(Enrolment).where(Enrolment.student_id == made.children[0]))
            ).scalar_one()
            await leaving.withdraw(uow, leaver.id)
            back = (
                await uow.session.execute(select(Enrolment).where(Enrolment.student_id == made.children[1]))
            ).scalar_one()
            member = select(CareGroupMember).where(CareGroupMember.student_id == made.children[1])
            await uow.session.delete((await uow.session.execute(member)).scalar_one())
            said = {"enrolment": back.id, "student": back.student_id, "offering": back.offering_id}
            await uow.emit("enrollment.enrolled", said)
        await world.drain(made.school)
        monday = await lessons_on(made, MONDAY)
        lists = [await due(made, row) for row in monday]
        assert sum(map(len, lists)) == 24 and made.children[1] in set.union(*lists)
        assert made.children[0] not in set.union(*lists)
        # Begun anew from what is in force, changed, and put in force from Wednesday on.
        wednesday = MONDAY + timedelta(days=2)
        second = await made.make(starts_on=wednesday, title="期中调整")
        async with world.house.unit(await made.office()) as uow:
            await service.copy_in_force(uow, second)
        old, new = await made.look(first), await made.look(second)
        assert [g.children for g in new.proposal.groups] == [g.children for g in old.proposal.groups]
        assert {(d.person, d.day, d.role) for d in new.proposal.duties} == {
            (d.person, d.day, d.role) for d in old.proposal.duties
        }
        mover = UUID(new.proposal.groups[0].children[0])
        async with world.house.unit(await made.office()) as uow:
            await moves.move_children(uow, second, [mover], new.rows[1].id)
        await made.publish(second)
        assert {row.group_id for row in await lessons_on(made, MONDAY)} == {row.id for row in old.rows}
        later = await lessons_on(made, wednesday)
        assert {row.group_id for row in later} == {row.id for row in new.rows}
        here = next(row for row in later if row.group_id == new.rows[1].id)
        assert mover in await due(made, here)
        async with world.house.unit(made.school.ctx) as uow:
            assert (await uow.get(FormingRun, first)).state == "replaced"


@pytest.mark.req("R-205", "R-180", "R-190")
async def test_other_offerings_keep_clear_of_groups_and_hours_follow(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        async with world.house.unit(await world.as_(made.school, "teacher")) as uow:
            await wishes.save_mine(uow, [1, 2, 3, 4], [5], 1)
        run_id = await made.solved()
        found = await made.look(run_id)
        assert not [d for d in found.duties if d.staff_id == made.school.teacher_id and d.weekday < 5]
        await made.publish(run_id)
        office = await made.office()
        club = OfferingDraft(
            kind="club",
            title="合唱",
            grades=(3,),
            periods=every([1], time(17, 0), time(18, 0)),
            summary="合唱",
            content=("arts",),
            room_id=found.rows[0].room_id,
            reason="说明",
        )
        async with world.house.unit(office) as uow:
            assert made.school.term_id is not None
            with pytest.raises(RoomTaken):
                await propose_offering(uow, made.school.term_id, club)
        async with world.house.unit(office) as uow:
            await propose_offering(
                uow, made.school.term_id, replace(club, periods=every([1], time(17, 30), time(18, 0)))
            )
            care, care_days = draft_of(await offering(uow, made.offering_id)), (1, 2, 3, 4, 5)
            await change_offering(
                uow, made.offering_id, replace(care, reason="说明", periods=every(care_days, time(16, 0), time(17, 0)))
            )
        moved = (await made.look(run_id)).rows[0].slots
        assert [(r.lower, r.upper) for r in moved] == [(d * 1440 + 960, d * 1440 + 1020) for d in care_days]
        async with world.house.unit(made.school.ctx) as uow:
            # Somebody else's group sits where the new hours would lead.
            row = (await made.groups(run_id))[0]
            other = CareGroup(
                run_id=run_id, offering_id=made.offering_id, number=50, title="另一组", room_id=row.room_id,
                board=row.board, slots=[Range(1440 + 1021, 1440 + 1080)], valid=row.valid,
            )  # fmt: skip
            uow.session.add(other)
            await uow.session.flush()
            later = replace(care, reason="说明", periods=every(care_days, time(16, 30), time(17, 30)))
            with pytest.raises((GroupsClash, RoomTaken)):
                await change_offering(uow, made.offering_id, later)
