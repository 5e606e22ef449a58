"""What family and office follow: the application's stations, the child's week, the office's board."""

from __future__ import annotations

import io
import re
from datetime import date, time

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from core.enrollment import figures, review
from core.enrollment.models import ApplicationItem
from core.enrollment.survey import service as surveys
from core.enrollment.survey.service import Given
from core.lessons import leave
from core.lessons.models import Lesson
from core.lessons.states import LESSON
from core.lessons.week import week_of
from core.people.service import student
from core.terms.models import CalendarDay
from tests.integration.survey.test_survey import sent
from tests.support import lessons, menu
from tests.support.world import World


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.req("R-024", "R-083", "R-134", "R-142", "R-216")
async def test_from_the_question_to_the_place(world: World) -> None:
    """Four children: one takes part, one is refused, one only wants, one says nothing."""
    school = await world.school(families=4)
    enrolled, refused, wanting, _silent = school.families
    row = await sent(world, school)
    care = await menu.approved(world, school, capacity=20)
    reading = await menu.approved(world, school, title="课后阅读")
    await menu.publish(world, school)
    for family, wants in ((enrolled, True), (refused, True), (wanting, True)):
        async with world.house.unit(await world.as_(school, family.guardian)) as uow:
            given = Given(wants=wants, weekdays=(1,), priority=family is wanting)
            await surveys.answer(uow, row.id, family.student_id, given)
    mine = await menu.apply(world, school, enrolled, [(care, (1, 3))])
    # The family sees who is next at each station, and since when it has been there.
    parent = await world.client(enrolled.guardian, page=True)
    here = f"/t/school/home/applications/{mine}"
    assert "等待班主任审核 · 由班主任班任丁处理" in plain((await parent.get(here)).text)
    await menu.accept(world, school, mine)
    seen = plain((await parent.get(here)).text)
    assert "等待签订协议 · 等你处理" in seen
    assert re.search(r"提交申请 \S+ \d\d:\d\d 班主任审核 \S+ \d\d:\d\d", seen), seen
    await menu.sign(world, school, enrolled)
    assert re.search(r"参加服务 \S+ \d\d:\d\d", plain((await parent.get("/t/school/home")).text))
    theirs = await menu.apply(world, school, refused, [(care, (1,))])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        item = (
            await uow.session.execute(select(ApplicationItem).where(ApplicationItem.application_id == theirs))
        ).scalar_one()
        await review.refuse(uow, theirs, item_id=item.id, reason="人手不足", other_offering_id=reading.id)
    # The office sees the whole way; children are counted once, and nobody is named.
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        found = await figures.figures(uow, school.term_id)
    assert [n for _label, n, _text in found.steps()] == [4, 3, 2, 2, 2, 1, 1]
    assert (found.whole.wanting, found.whole.unmet, found.whole.first_wanting, found.whole.first_unmet) == (3, 2, 1, 1)
    assert [(r.offering, r.reason, r.many) for r in found.refusals] == [("课后托管", "人手不足", 1)]
    office = await world.client(school.people["office"], page=True)
    shown = (await office.get("/t/school/desk/figures")).text
    shares = [
        figures.percent(*counts) for counts in ((1115, 1200), (1, 1200), (1199, 1200), (1200, 1200), (0, 9), (0, 0))
    ]
    assert shares == [93, 1, 99, 100, 0, 0]
    assert "人手不足" in shown and "1 人 · 25%" in shown and "学生1" not in shown
    book = CalamineWorkbook.from_filelike(io.BytesIO((await office.get("/t/school/desk/figures/sheet")).content))
    assert book.sheet_names == ["各年级", "名额", "未通过"]
    assert book.get_sheet_by_name("各年级").to_python()[3] == ["三年级", 4, 3, 2, 2, 2, 1, 1, 3, 2, 1, 1]
    assert (await parent.get("/t/school/desk/figures")).status_code == 403


@pytest.mark.req("R-233", "R-091")
async def test_the_week_of_a_child(world: World) -> None:
    """Lessons with place and teacher, a holiday, a make-up day, leave, a cancelled lesson; the weekend is left out."""
    school = await world.school(families=1)
    [family] = school.families
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        for day, kind, runs in ((date(2026, 11, 25), "holiday", None), (date(2026, 11, 28), "make_up", 3)):
            uow.session.add(CalendarDay(term_id=school.term_id, day=day, kind=kind, runs_weekday=runs, name="运动会"))
    group = await lessons.group(world, school, weekdays=(1, 2, 3))
    with lessons.at(lessons.MONDAY, 9):
        async with world.house.unit(await world.as_(school, family.guardian)) as uow:
            await leave.ask_leave(uow, family.student_id, date(2026, 11, 24), "看牙")
        async with world.house.unit(school.ctx) as uow:
            row = await uow.get(Lesson, group.on(date(2026, 11, 30)), lock=True)
            await LESSON.transition(uow, row, "cancel", reason="停电")
            child = await student(uow, family.student_id)
            days = await week_of(uow, child, lessons.MONDAY)
            coming = await week_of(uow, child, date(2026, 11, 30))
        assert [(d.day.day, d.note, len(d.entries), d.over) for d in days] == [
            (23, "", 1, time(17, 30)),
            (24, "", 1, None),
            (25, "放假：运动会", 0, None),
            (26, "", 0, None),
            (27, "", 0, None),
            (28, "按周三的课表", 1, time(17, 30)),
        ]
        assert (days[0].entries[0].room, days[0].entries[0].teacher) == ("艺术楼 301", "教师戊")
        assert (coming[0].entries[0].state, coming[0].over) == ("cancelled", None)
        parent = await world.client(family.guardian, page=True)
        seen = plain((await parent.get(f"/t/school/home/week?child={family.student_id}")).text)
        assert "11月25日 周三 放假：运动会" in seen and "已请假" in seen and "17:30 接" in seen
        assert "已取消" in plain((await parent.get(f"/t/school/home/week?child={family.student_id}&ahead=1")).text)
        stranger = await world.school("other", families=1)
        foreign = await world.client(stranger.families[0].guardian, page=True)
        assert (await foreign.get(f"/t/other/home/week?child={family.student_id}")).status_code == 404
