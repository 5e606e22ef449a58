"""The ethics status of staff: who is not clear teaches nothing here, and the lessons to come ask for somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from core.base.errors import Forbidden
from core.db.kernel_tables import AuditEntry
from core.db.states import MoveRefused, ReasonOwed
from core.enrollment.errors import Objected
from core.enrollment.offerings_service import change_offering, draft_of, offering, propose_offering
from core.lessons import queries, settle
from core.lessons.errors import AssignmentObjected
from core.lessons.register import sign_in
from core.notices.models import Message
from core.people import ethics
from core.people.external import OwnStaff, register_external
from core.people.models import Staff
from core.policy import verdicts
from tests.support.lessons import MONDAY, at, group
from tests.support.menu import CARE
from tests.support.world import School, World


async def move(world: World, school: School, event: str, reason: str = "群众来信，学校已立案核查") -> str:
    assert school.teacher_id is not None
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        return await ethics.change(uow, school.teacher_id, event, reason)


async def proposed(world: World, school: School) -> list[str]:
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        try:
            await propose_offering(uow, school.term_id, replace(CARE, teacher_id=school.teacher_id))
        except Objected as refused:
            return [o.rule for o in refused.objections if o.clause]
    return []


@pytest.mark.req("R-074", "R-455")
async def test_who_is_not_clear_is_put_on_nothing(world: World) -> None:
    school = await world.school(pack="anhui-ten-bans")
    assert await move(world, school, "question") == "in_question"
    assert await proposed(world, school) == ["staff.ethics_problem"]
    assert await move(world, school, "bar", "县教育局认定") == "barred"
    assert await proposed(world, school) == ["staff.ethics_problem"]
    assert await move(world, school, "clear", "复核后撤销") == "clear"
    assert await proposed(world, school) == []
    async with world.house.unit(school.ctx) as uow:
        query = select(AuditEntry.detail).where(AuditEntry.action.like("staff_ethics.%")).order_by(AuditEntry.at)
        assert [d["target"] for d in (await uow.session.execute(query)).scalars()] == ["in_question", "barred", "clear"]
    for role, many in (("principal", 2), ("office", 0), ("finance", 0)):  # a refusal tells of the person
        async with world.house.unit(await world.as_(school, role)) as uow:
            kept = [
                v for v in await verdicts.listed(uow) if any(o["rule"] == "staff.ethics_problem" for o in v.objections)
            ]
            assert len(kept) == many, role


async def test_a_scheme_that_is_silent_changes_nothing(world: World) -> None:
    school = await world.school(pack="weihai-free")
    await move(world, school, "bar")
    assert "staff.ethics_problem" not in await proposed(world, school)


async def test_a_status_is_changed_by_the_principal_with_a_reason(world: World) -> None:
    school = await world.school()
    with pytest.raises(ReasonOwed):
        await move(world, school, "question", " ")
    with pytest.raises(MoveRefused):
        await move(world, school, "clear")
    with pytest.raises(Forbidden):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            assert school.teacher_id is not None
            await ethics.change(uow, school.teacher_id, "bar", "传闻")


@pytest.mark.req("R-455")
async def test_lessons_to_come_are_flagged_until_somebody_else_teaches_them(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    office = await world.as_(school, "office")
    with at(MONDAY, 12):
        async with world.house.unit(office) as uow:
            assert await queries.to_replace(uow) == []
        await move(world, school, "bar")
        await world.drain(school)
        async with world.house.unit(office) as uow:
            flagged = await queries.to_replace(uow)
            assert flagged and {line.teacher_id for line in flagged} == {school.teacher_id}
            assert flagged[0].day == MONDAY
            other = (await uow.session.execute(select(Staff.id).where(Staff.post == "class_teacher"))).scalar_one()
            await settle.stand_in(uow, flagged[0].id, other)
        async with world.house.unit(office) as uow:
            assert next(line.day for line in await queries.to_replace(uow)) > MONDAY
            with pytest.raises(AssignmentObjected) as refused:
                assert school.teacher_id is not None
                await settle.stand_in(uow, flagged[0].id, school.teacher_id)
            assert refused.value.objections[0].rule == "staff.ethics_problem"
        # The usual teacher of the offering is barred too: it cannot be changed with that name on it.
        async with world.house.unit(office) as uow:
            with pytest.raises(Objected):
                await change_offering(uow, care.offering_id, draft_of(await offering(uow, care.offering_id)))
    tuesday = MONDAY + timedelta(days=1)
    with at(tuesday, 16, 20):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            with pytest.raises(AssignmentObjected):
                await sign_in(uow, care.on(tuesday))


async def test_the_office_hears_that_lessons_need_a_teacher(world: World) -> None:
    school = await world.school()
    await group(world, school)
    with at(MONDAY, 12):
        await move(world, school, "bar")
        await world.drain(school)
        page = await world.client(school.people["office"], page=True)
        board = (await page.get("/t/school/desk/lessons")).text
    async with world.house.unit(school.ctx) as uow:
        told = (
            (await uow.session.execute(select(Message).where(Message.kind == "lesson.replace_teacher"))).scalars().all()
        )
    assert "须更换教师" in board
    assert school.people["office"].account_id in {row.account_id for row in told}


async def test_only_those_who_may_know_see_the_status(world: World) -> None:
    school = await world.school()
    await move(world, school, "bar", "不便公开的事由")
    path = f"/t/school/desk/staff/{school.teacher_id}"
    principal = await world.client(school.people["principal"], page=True)
    shown = (await principal.get(path)).text
    assert "有师德师风问题" in shown and "不便公开的事由" in shown
    office = await world.client(school.people["office"], page=True)
    hidden = await office.get(path)
    assert hidden.status_code == 200 and "不便公开的事由" not in hidden.text
    sent = {"event": "clear", "reason": "复核"}
    assert (await office.post(f"{path}/ethics", data=sent)).status_code == 403
    bare = await principal.post(f"{path}/ethics", data={"event": "clear", "reason": ""})
    assert bare.status_code == 422
    done = await principal.post(f"{path}/ethics", data=sent, follow_redirects=True)
    assert done.status_code in (200, 303)
    async with world.house.unit(school.ctx) as uow:
        assert school.teacher_id is not None and await ethics.states_of(uow, [school.teacher_id]) == {}


@pytest.mark.req("R-075", "R-328")
async def test_own_staff_do_not_come_in_as_somebody_elses_and_the_clause_is_told(world: World) -> None:
    school = await world.school(pack="city-free-1000")
    with pytest.raises(OwnStaff) as refused:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await register_external(uow, "教师戊", school.people["teacher"].phone)
    (told,) = refused.value.params["objections"]
    assert told["rule"] == "staff.affiliated" and told["clause"]
