"""A child whom the roster says has left: nothing of the service goes on for it, and its family still sees its bills."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import select

from core.base import clock
from core.billing import run as billing
from core.billing.models import FinanceAlert
from core.enrollment import seats
from core.enrollment.draw.models import DrawWish
from core.enrollment.draw.together import join_sibling
from core.enrollment.enrolments import enrolments_of
from core.enrollment.models import Agreement, Application, Enrolment
from core.enrollment.offerings_service import every
from core.lessons.oneoff import service as oneoff
from core.lessons.oneoff.models import OneOff
from core.notices.models import Message
from core.people.models import Guardianship, Student
from tests.fixtures import roster as files
from tests.integration.roster.test_import import imported
from tests.support import draws, menu, waiting
from tests.support.billing import priced
from tests.support.database import DatabaseAddresses
from tests.support.lessons import MONDAY, at, group
from tests.support.world import World


@pytest.mark.req("R-148", "R-149", "R-216")
async def test_who_left_the_school_keeps_nothing_but_the_bills(world: World, database: DatabaseAddresses) -> None:
    """One import marks a child as left: its enrolment ends, each place goes to who waits, its own entries, wishes and
    application end, finance looks at the bill, family and office are told; the other children keep everything."""
    school = await world.school(families=3, pack=None)
    leaver, other, sibling = school.families
    chess = await menu.approved(world, school, draws.club("围棋社", 3, capacity=1))
    choir = await menu.approved(world, school, draws.club("合唱团", 4, capacity=1))
    drawn = await menu.approved(world, school, draws.club("机器人", 5, capacity=2))
    care = await menu.approved(
        world, school, periods=every([1, 2], time(16, 30), time(17, 30)), service="care", any_days=False
    )
    await priced(world, school)
    await menu.publish(world, school)
    await menu.enrol(world, school, leaver, [(care, ()), (chess, ())])
    await menu.enrol(world, school, other, [(care, ()), (choir, ())])
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await billing.start_run(uow, school.term_id)
    await world.drain(school)
    assert await waiting.states(world, school, chess) == []
    await waiting.join(world, school, other, chess)
    await waiting.join(world, school, leaver, choir)
    # Brothers who want to be drawn together; the second one stays.
    async with world.house.unit(school.ctx) as uow:
        uow.session.add(Guardianship(student_id=sibling.student_id, guardian_id=leaver.guardian_id, relation="母亲"))
    round_id = await draws.opened(world, school, [drawn])
    for family in (leaver, sibling):
        await draws.rank(world, school, family, round_id, [drawn])
    async with world.house.unit(await world.as_(school, leaver.guardian)) as uow:
        await join_sibling(uow, round_id, leaver.student_id, sibling.student_id)

    async with world.house.unit(school.ctx) as uow:
        for place in (1, 2):
            (await uow.get(Student, school.families[place].student_id)).roll_number = files.pupil(place)["学籍号"]
    office = await world.client(school.people["office"], page=True)
    stay = [files.pupil(place, 家长1手机号=school.families[place].guardian.phone) for place in (1, 2)]
    await imported(world, school, office, files.pupils(*stay), mark_left="true")

    async with world.house.unit(school.ctx) as uow:
        mine = (await uow.session.execute(select(Enrolment).where(Enrolment.student_id == leaver.student_id))).scalars()
        assert {(row.state, row.ends_on) for row in mine} == {("withdrawn", clock.today())}
        theirs = select(Enrolment.state).where(Enrolment.student_id == other.student_id)
        assert set((await uow.session.execute(theirs)).scalars()) == {"enrolled"}
        assert await seats.held_by(uow, leaver.student_id, school.term_id) == {}
        states = dict((await uow.session.execute(select(Application.student_id, Application.state))).all())
        assert states[leaver.student_id] == "withdrawn" and states[other.student_id] == "enrolled"
        assert sorted((await uow.session.execute(select(Agreement.state))).scalars()) == ["ended", "in_force"]
        wishes = {w.student_id: w.line for w in (await uow.session.execute(select(DrawWish))).scalars()}
        assert wishes[leaver.student_id]["ranked"] == [] and "together" not in wishes[sibling.student_id]
        assert wishes[sibling.student_id]["ranked"]
        alerts = (
            (await uow.session.execute(select(FinanceAlert).where(FinanceAlert.kind == "withdrawn"))).scalars().all()
        )
        assert len({alert.bill_id for alert in alerts}) == 1
        told = (await uow.session.execute(select(Message).where(Message.kind.like("enrollment.departed%")))).scalars()
        assert {(m.kind, m.account_id) for m in told} == {
            ("enrollment.departed", leaver.guardian.account_id),
            ("enrollment.departed_desk", school.people["office"].account_id),
            ("enrollment.departed_desk", school.people["principal"].account_id),
        }
    assert await waiting.states(world, school, chess) == [(other.student_id, "offered")]
    assert await waiting.states(world, school, choir) == []

    # The family finds the page of its bills, and nothing to choose.
    async with await world.client(leaver.guardian, page=True) as client:
        bills = (await client.get("/t/school/home/bills")).text
        assert "学生1" in bills
        assert (await client.get(f"/t/school/home/menu?child={leaver.student_id}")).status_code == 404
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            Guardianship.__table__.delete().where(Guardianship.student_id == sibling.student_id)  # type: ignore[attr-defined]
        )
    async with await world.client(leaver.guardian, page=True) as client:
        entered = await client.get("/t/school/home")
        assert (entered.status_code, entered.headers["location"]) == (303, "/t/school/home/bills")
        assert (await client.get("/t/school/home/bills")).status_code == 200


@pytest.mark.req("R-153")
async def test_nobody_is_expected_for_one_day_who_left(world: World) -> None:
    school = await world.school()
    enrolled, guest = school.families
    care = await group(world, school, families=[enrolled])
    with at(MONDAY, 12):
        async with world.house.unit(await world.as_(school, guest.guardian)) as uow:
            row = await oneoff.ask(uow, guest.student_id, care.on(MONDAY + timedelta(days=1)))
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            await oneoff.take_on(uow, row.id)
        async with world.house.unit(school.ctx) as uow:
            (await uow.get(Student, guest.student_id)).left_at = clock.now()
            await uow.emit("roster.imported", {})
        await world.drain(school)
        async with world.house.unit(school.ctx) as uow:
            assert (await uow.get(OneOff, row.id)).state == "withdrawn"
            assert await enrolments_of(uow, enrolled.student_id)
