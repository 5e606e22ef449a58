"""A change of what families were shown: told to those it touches, in words with old and new, and kept (R-098)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
from sqlalchemy import select

from core.base.text import in_locale
from core.enrollment import announce
from core.enrollment.errors import RoomTaken
from core.enrollment.offerings_service import (
    change_offering,
    draft_of,
    every,
    offering,
    propose_offering,
    resume_offering,
    suspend_offering,
    withdraw_offering,
)
from core.enrollment.views import Period
from core.lessons.models import Lesson
from core.lessons.planning import plan_lessons
from core.notices.models import Message
from core.notices.service import said
from core.people.models import Room
from tests.support import draws, menu
from tests.support.world import School, World

WINTER = date(2026, 11, 30)


async def told(world: World, school: School) -> list[Message]:
    """What was said of offerings, oldest first."""
    async with world.house.unit(school.ctx) as uow:
        query = select(Message).where(Message.kind.like("offering.%")).order_by(Message.created_at, Message.id)
        return list((await uow.session.execute(query)).scalars())


@pytest.mark.req("R-098", "R-204", "R-208")
async def test_those_whom_it_touches_hear_old_and_new(world: World) -> None:
    school = await world.school(families=3)
    taking_part, applying, _nobody = school.families
    care = await menu.approved(world, school, room_id=school.room_id, teacher_id=school.teacher_id)
    office = await world.as_(school, "office")
    async with world.house.unit(office) as uow:
        # Before it is published a change is nobody's news.
        await change_offering(uow, care.id, replace(draft_of(await offering(uow, care.id)), title="放学托管"))
        room = Room(campus_id=(await uow.get(Room, school.room_id)).campus_id, name="图书馆")
        uow.session.add(room)
    await menu.publish(world, school)
    await menu.enrol(world, school, taking_part, [(care, (1, 3))])
    await menu.apply(world, school, applying, [(care, (1,))])
    async with world.house.unit(office) as uow:
        view = await offering(uow, care.id)
        # What families do not see is not announced either, nor is the same thing saved again.
        await change_offering(uow, care.id, replace(draft_of(view), reason="另一个理由"))
    assert await told(world, school) == []
    async with world.house.unit(office) as uow:
        later = replace(draft_of(view), periods=every([1, 3], time(16, 40), time(17, 30)), room_id=room.id)
        await change_offering(uow, care.id, later)
    heard = await told(world, school)
    assert {m.account_id for m in heard} == {taking_part.guardian.account_id, applying.guardian.account_id}
    words = str(said(heard[0].kind, heard[0].params))
    assert "时间由“周一至周五 16:30–17:30”改为“周一、周三 16:40–17:30”；地点由“艺术楼 301”改为“图书馆”" in words
    with in_locale("en"):
        english = str(said(heard[0].kind, heard[0].params))
        assert "艺术楼 301" in english and "时间" not in english
    async with world.house.unit(office) as uow:
        await suspend_offering(uow, care.id, "教室检修")
    async with world.house.unit(office) as uow:
        await resume_offering(uow, care.id)
    async with world.house.unit(office) as uow:
        await withdraw_offering(uow, care.id, "师资调整")
    heard = await told(world, school)
    assert [m.kind for m in heard[2::2]] == ["offering.suspended", "offering.resumed", "offering.withdrawn"]
    assert "教室检修" in str(said(heard[2].kind, heard[2].params))
    # It stays on record where family and office look.
    async with world.house.unit(office) as uow:
        kept = await announce.history_of(uow, care.id)
        assert [(c.event, c.children, c.told) for c in kept[::-1]] == [
            (event, 2, 2) for event in ("changed", "suspended", "resumed", "withdrawn")
        ]
    desk = await world.client(school.people["office"], page=True)
    shown = (await desk.get(f"/t/school/desk/offerings/{care.id}")).text
    assert "图书馆" in shown and "2 名学生，通知 2 位家长" in shown
    parent = await world.client(taking_part.guardian, page=True)
    mine = (await parent.get(f"/t/school/home/menu/{care.id}?child={taking_part.student_id}")).text
    assert "艺术楼 301" in mine and "师资调整" in mine


@pytest.mark.req("R-098", "R-105", "R-208")
async def test_winter_times_are_planned_and_free_of_clashes(world: World) -> None:
    """Hours of a season: lessons follow them day by day, and a room is taken on their days alone."""
    school = await world.school()
    office = await world.as_(school, "office")
    assert school.term_id is not None
    summer = [Period(d, time(16, 30), time(17, 50), None, date(2026, 11, 29)) for d in (1, 2)]
    winter = [Period(d, time(16, 10), time(17, 20), WINTER, None) for d in (1, 2)]
    care = await menu.approved(
        world, school, periods=(*summer, *winter), grades=(3, 4), early_ends_at=None,
        room_id=school.room_id, teacher_id=school.teacher_id,
    )  # fmt: skip
    await menu.publish(world, school)
    async with world.house.unit(school.ctx) as uow:
        await plan_lessons(uow, care.id, since=date(2026, 9, 1))
        lessons = (await uow.session.execute(select(Lesson).order_by(Lesson.day))).scalars().all()
        by_hours = {(at.starts_at, at.ends_at): (at.day < WINTER) for at in lessons}
        assert by_hours == {(time(16, 30), time(17, 50)): True, (time(16, 10), time(17, 20)): False}
        assert not summer[0].overlaps(winter[0])
    # The same room on another season's days is free; on the same days it is not.
    other = replace(menu.CARE, title="冬季班", room_id=school.room_id, grades=(3, 4), early_ends_at=None)
    async with world.house.unit(office) as uow:
        before = tuple(Period(d, time(17, 20), time(17, 40), WINTER, None) for d in (1, 2))
        made = await propose_offering(uow, school.term_id, replace(other, periods=before, reason="学校统一安排"))
        assert made.periods == before
    async with world.house.unit(office) as uow:
        late = tuple(replace(p, ends_at=time(17, 30)) for p in winter)
        with pytest.raises(RoomTaken):
            await change_offering(uow, care.id, replace(draft_of(care), periods=(*summer, *late)))


@pytest.mark.req("R-098", "R-208")
async def test_who_ranks_an_item_in_a_draw_hears_of_its_room(world: World) -> None:
    school = await world.school()
    ranks, _other = school.families
    views = await draws.clubs(world, school, draws.club("陶艺"), draws.club("棋类", 4))
    round_id = await draws.opened(world, school, views)
    await draws.rank(world, school, ranks, round_id, [views[0]])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        for view in views:
            await change_offering(uow, view.id, replace(draft_of(await offering(uow, view.id)), room_id=school.room_id))
    assert [(m.account_id, m.params["course"]) for m in await told(world, school)] == [
        (ranks.guardian.account_id, "陶艺")
    ]
