"""The school moves an item to another weekday: whoever takes it whole goes along, and what was stays as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from core.base import clock
from core.base.ids import new_id
from core.base.money import Fen
from core.billing.drafts import Calendar, parts_of
from core.billing.pricing import draft, price
from core.billing.views import ChargeProposal, UnitPrice
from core.enrollment import agreements, basket, enrolments, seats
from core.enrollment.basket import application_of, basket_of, items_of
from core.enrollment.errors import DaysChosen, FamiliesClash
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun
from core.enrollment.offerings_service import change_offering, draft_of, every, offering
from core.enrollment.waiting import lists
from core.lessons import queries
from core.lessons.models import Lesson
from core.notices.models import Message
from core.notices.service import said
from core.terms.service import timetable_days
from tests.support import menu, waiting
from tests.support.lessons import at
from tests.support.world import Family, School, World

BEGAN, MOVED = date(2026, 9, 7), date(2026, 11, 23)
"""Two Mondays."""
HOURS = time(16, 30), time(17, 30)


async def move(world: World, school: School, offering_id: Any, days: list[int], **more: Any) -> None:
    async with world.house.unit(await world.as_(school, "office")) as uow:
        draft = draft_of(await offering(uow, offering_id))
        await change_offering(uow, offering_id, replace(draft, periods=every(days, *HOURS), **more))


async def rows_of(world: World, school: School, family: Family, offering_id: Any) -> list[tuple[Any, ...]]:
    """(weekdays, first day, last day) of a child's enrolments in an offering, oldest first."""
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        found = await enrolments.enrolments_for_billing(uow, school.term_id)
        mine = [e for child, rows in found for e in rows if child.id == family.student_id]
        return sorted((e.weekdays, e.starts_on, e.ends_on) for e in mine if e.offering.id == offering_id)


async def grouped(world: World, school: School, offering_id: Any, child: Any) -> Any:
    """A group in force on Tuesdays, with this child and the class teacher; returns its id."""
    async with world.house.unit(school.ctx) as uow:
        slots, valid = [Range(2 * 1440 + 990, 2 * 1440 + 1050)], Range(BEGAN, date(2027, 1, 23))
        run = FormingRun(
            term_id=school.term_id, title="编班", state="published", offering_ids=[offering_id], mode="own_class",
            size=40, starts_on=BEGAN,
        )  # fmt: skip
        uow.session.add(run)
        await uow.session.flush()
        more = {"board": uow.ctx.tenant_id, "slots": slots, "valid": valid}
        row = CareGroup(run_id=run.id, offering_id=offering_id, number=1, title="第 1 组", **more)
        uow.session.add(row)
        await uow.session.flush()
        uow.session.add(CareGroupMember(group_id=row.id, student_id=child, **more))
        duty = {"run_id": run.id, "group_id": row.id, "staff_id": school.teacher_id, "role": "lead", "weekday": 2}
        uow.session.add(CareGroupDuty(**duty, **more))
        return row.id


@pytest.mark.req("R-098", "R-174", "R-208", "R-344")
async def test_an_item_taken_whole_moves_with_all_that_hangs_on_its_day(world: World) -> None:
    school = await world.school(families=4)
    takes, applies, waits, thinks = school.families
    club: Any = {"kind": "club", "content": ("sport",), "any_days": False, "grades": (3, 4), "early_ends_at": None}
    art = await menu.approved(world, school, title="书法社团", periods=every([2], *HOURS), capacity=2, **club)
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    with at(BEGAN, 8):
        await menu.enrol(world, school, takes, [(art, ()), (care, (1, 4))])
    await menu.apply(world, school, applies, [(art, ())])
    await waiting.join(world, school, waits, art)
    async with world.house.unit(await world.as_(school, thinks.guardian)) as uow:
        assert school.term_id is not None
        await basket.put(uow, thinks.student_id, school.term_id, 3, art.id, ())
    await world.drain(school)
    group_id = await grouped(world, school, art.id, takes.student_id)
    with at(MOVED, 12):
        # To a day on which a child is elsewhere, it cannot be moved; nothing has happened.
        with pytest.raises(FamiliesClash) as refused:
            await move(world, school, art.id, [4])
        assert "1 名学生" in refused.value.message and "课后托管" in refused.value.message
        assert await rows_of(world, school, takes, art.id) == [((2,), BEGAN, None)]
        # Days that families chose are theirs; a day that nobody chose may go.
        with pytest.raises(DaysChosen) as chosen:
            await move(world, school, care.id, [1, 2, 3])
        assert "1 名学生" in chosen.value.message
        with pytest.raises(DaysChosen):
            await move(world, school, care.id, [1, 2, 3, 4, 5], any_days=False)
        await move(world, school, care.id, [1, 2, 4])
        await move(world, school, art.id, [3], grades=(3, 4, 5))
        async with world.house.unit(school.ctx) as uow:
            slots = [Range(3 * 1440 + 990, 3 * 1440 + 1050)]
            member = select(CareGroupMember).where(CareGroupMember.group_id == group_id)
            assert list((await uow.session.execute(member)).scalar_one().slots) == slots
            duty = select(CareGroupDuty).where(CareGroupDuty.group_id == group_id)
            lead = (await uow.session.execute(duty)).scalar_one()
            assert (lead.weekday, list(lead.slots)) == (3, slots)
        before = [((2,), BEGAN, MOVED - timedelta(days=1)), ((3,), MOVED, None)]
        assert await rows_of(world, school, takes, art.id) == before
        await move(world, school, art.id, [3])  # the same again moves nothing
        assert await rows_of(world, school, takes, art.id) == before
    async with world.house.unit(school.ctx) as uow:
        for family in (takes, applies):
            held = await seats.held_by(uow, family.student_id, school.term_id)
            assert held[art.id].weekdays == (3,)
            application = await application_of(uow, family.student_id, school.term_id)
            assert application is not None
            assert {i.offering_id: i.weekdays for i in await items_of(uow, application.id)}[art.id] == [3]
        assert [e.weekdays for e in await lists.live(uow, art.id)] == [[3]]
        assert [c.weekdays for c in await basket_of(uow, thinks.student_id, school.term_id)] == [(3,)]
        # Whoever has a place, waits, or has it in the basket hears of the day and of the grades.
        query = select(Message).where(Message.kind == "offering.changed")
        heard = [m for m in (await uow.session.execute(query)).scalars() if "书法社团" in str(m.params)]
        assert {m.account_id for m in heard} == {f.guardian.account_id for f in school.families}
        words = str(said(heard[0].kind, heard[0].params))
        assert "周二" in words and "周三" in words and "面向年级由“三年级、四年级”改为“三年级、四年级、五年级”" in words
        # The register: Tuesdays that were keep their children, Wednesdays to come have them.
        for day, there in ((17, [takes.student_id]), (24, []), (25, [takes.student_id])):
            assert [e.student_id for e in await enrolments.enrolled_on(uow, art.id, date(2026, 11, day))] == there
    with at(MOVED, 13):
        await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        lessons = select(Lesson).where(Lesson.offering_id == art.id, Lesson.day == date(2026, 11, 25))
        lesson = (await uow.session.execute(lessons.where(Lesson.state == "planned"))).scalar_one()
        assert await queries.expected(uow, lesson) == [takes.student_id]
        # The bill: the Tuesdays that were and the Wednesdays to come, each its part of a term or of its months.
        days = await timetable_days(uow, school.term_id)
        [(_child, rows)] = await enrolments.enrolments_for_billing(uow, school.term_id)
        child = Calendar(days).student(takes.student_id, 3, rows)
        mine = [e for e in rows if e.offering.id == art.id]
        lessons = [
            sum(1 for d, n in days.items() if n == 2 and BEGAN <= d < MOVED),
            sum(1 for d, n in days.items() if n == 3 and d >= MOVED),
        ]
        assert [child.lessons[e.id] for e in mine] == lessons
        proposed = [
            ChargeProposal(takes.student_id, "club", "书法", child.lessons[e.id], "service", e.id, art.id) for e in mine
        ]
        for unit in ("lesson", "term", "month"):
            standard = UnitPrice("club", unit, Fen(100), new_id(), "批", clock.now())
            lines, _none = price(proposed, {"club": standard}, child.months)
            bill = draft(takes.student_id, school.term_id, lines, [], None, new_id(), parts_of(child, lines))
            if unit == "lesson":
                assert bill.due == sum(lessons) * 100
            else:
                whole = [child.whole[e.id][unit == "term"] for e in mine]
                paid = [line.amount for line in lines]
                assert bill.due == sum(p * k // n for p, k, n in zip(paid, lessons, whole, strict=True))
                assert bill.due < sum(paid)
        # The agreement that names another day is offered anew; what is signed says what is.
        found = await agreements.agreements_of(uow, takes.student_id)
        [offered] = [a for a in found if a.state == "offered"]
        assert "周三 16:30" in str(offered.content)
    await menu.sign(world, school, takes)
    assert await rows_of(world, school, takes, art.id) == before
