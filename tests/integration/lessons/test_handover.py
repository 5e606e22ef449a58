"""From hand to hand: one holder at every moment, only the right adult at the end."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import select

from core.base.errors import NotFound
from core.db.kernel_tables import AuditEntry
from core.db.states import ReasonOwed
from core.lessons import custody, leave, release
from core.lessons.errors import (
    CodeLocked,
    CodeWrong,
    CollectorRefused,
    CollectorUnknown,
    LeaveNothing,
    LeaveTooLate,
    NotInCare,
    NotWithYou,
    ReleaseObjected,
)
from core.lessons.models import Custody, PickupCode
from core.lessons.register import Mark, save_register
from core.lessons.release import Handing
from core.people.family import add_collector
from core.people.service import collectors
from tests.support.lessons import MONDAY, Group, at, group, teach
from tests.support.world import School, World


async def in_care(world: World, school: School) -> Group:
    care = await group(world, school)
    await teach(world, care, ended=False)
    return care


async def key_of(world: World, school: School, number: int = 0) -> str:
    async with world.house.unit(school.ctx) as uow:
        return (await collectors(uow, school.families[number].student_id))[0].key


@pytest.mark.req("R-220", "R-221", "R-238", "R-239", "R-250")
async def test_the_whole_chain_is_seen_by_the_family(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    child = school.families[0].student_id
    with at(MONDAY, 16, 20):
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            assert school.class_id is not None
            assert await custody.hand_class(uow, school.class_id) == 2
            assert await custody.hand_class(uow, school.class_id) == 0
    await teach(world, care)
    with at(MONDAY, 17, 35):
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            assert await custody.lead_out(uow, care.on()) == 2
            await release.release(uow, Handing(child, await key_of(world, school), signature="家长1"))
            assert len(await custody.mine_now(uow)) == 1
        async with world.house.unit(await world.as_(school, school.families[0].guardian)) as uow:
            links = await custody.chain(uow, child, MONDAY)
    assert [link.stage for link in links] == ["class_handed", "in_care", "led_out", "collected"]
    assert [link.holder for link in links] == ["班任丁", "教师戊", "教师戊", "家长1"]
    for before, after in pairwise(links):
        assert before.ended_at is not None and before.ended_at <= after.started_at


@pytest.mark.req("R-242", "R-248")
async def test_nobody_unnamed_nobody_refused_nobody_alone(world: World) -> None:
    school = await world.school()
    await in_care(world, school)
    child = school.families[0].student_id
    async with world.house.unit(await world.as_(school, school.families[0].guardian)) as uow:
        uncle = await add_collector(uow, child, "舅舅", "19911112222", "舅舅")
        await release.refuse_person(uow, child, "别人", phone="19911112222")
    wrong = {
        CollectorUnknown: Handing(child, await key_of(world, school, 1), signature="x"),
        CollectorRefused: Handing(child, f"collector:{uncle.id}", signature="舅舅"),
        ReleaseObjected: Handing(child, "", reason="他说自己回家"),
    }
    with at(MONDAY, 17, 40):
        for error, handing in wrong.items():
            with pytest.raises(error):
                async with world.house.unit(await world.as_(school, "teacher")) as uow:
                    await release.release(uow, handing)
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(Custody).where(Custody.ended_at.is_(None)))).scalars().first()
        assert row is not None
        refusals = select(AuditEntry.detail).where(AuditEntry.action == "handover.refused")
        assert [d["why"] for d in (await uow.session.execute(refusals)).scalars()] == ["unknown", "refused"]


async def test_a_signature_is_owed_where_the_scheme_says_so(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    await in_care(world, school)
    child, key = school.families[0].student_id, await key_of(world, school)
    with at(MONDAY, 17, 35):
        with pytest.raises(ReleaseObjected) as refused:
            async with world.house.unit(await world.as_(school, "teacher")) as uow:
                await release.release(uow, Handing(child, key))
        assert refused.value.objections[0].clause
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await release.release(uow, Handing(child, key, signature="家长1"))


async def test_five_wrong_codes_lock_and_the_tries_survive_the_refusal(world: World) -> None:
    school = await world.school()
    await in_care(world, school)
    child, key = school.families[0].student_id, await key_of(world, school)
    with at(MONDAY, 17, 35):
        async with world.house.unit(await world.as_(school, school.families[0].guardian)) as uow:
            digits = await release.issue_code(uow, child)
        wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
        for left in (4, 3, 2, 1, 0):
            with pytest.raises(CodeWrong if left else CodeLocked):
                async with world.house.unit(await world.as_(school, "teacher")) as uow:
                    await release.release(uow, Handing(child, key, code=wrong))
        with pytest.raises(CodeLocked):
            async with world.house.unit(await world.as_(school, "teacher")) as uow:
                await release.release(uow, Handing(child, key, code=digits))
        with pytest.raises(CodeLocked):
            async with world.house.unit(await world.as_(school, school.families[0].guardian)) as uow:
                await release.issue_code(uow, child)
        async with world.house.unit(await world.as_(school, "office")) as uow:
            with pytest.raises(ReasonOwed):
                await release.unlock_code(uow, child, "")
            await release.unlock_code(uow, child, "已电话核实")
        async with world.house.unit(await world.as_(school, school.families[0].guardian)) as uow:
            fresh = await release.issue_code(uow, child)
            stored = (await uow.session.execute(select(PickupCode.code_hash))).scalar_one()
            assert fresh not in stored
        async with world.house.unit(await world.as_(school, "teacher")) as uow:
            await release.release(uow, Handing(child, key, code=fresh))
            assert (await custody.chain(uow, child, MONDAY))[-1].signature == "接送码"


async def test_only_the_holder_or_the_office_hands_a_child_on(world: World) -> None:
    school = await world.school()
    await in_care(world, school)
    child, key = school.families[0].student_id, await key_of(world, school)
    with at(MONDAY, 17, 35):
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            with pytest.raises(NotWithYou):
                await release.release(uow, Handing(child, key, signature="x"))
            with pytest.raises(NotFound):
                await release.at_gate(uow, child)
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await custody.give_to_manager(uow, [child], "带到门卫室")
            await release.release(uow, Handing(child, key, signature="家长1"))
            with pytest.raises(NotInCare):
                await release.release(uow, Handing(child, key, signature="家长1"))


@pytest.mark.req("R-244", "R-247")
async def test_time_makes_a_pickup_late(world: World) -> None:
    school = await world.school()
    care = await in_care(world, school)
    for minute, late in ((40, 0), (50, 2)):
        with at(MONDAY, 17, minute):
            async with world.house.unit(school.ctx) as uow:
                assert await custody.mark_late(uow) == late
    async with world.house.unit(school.ctx) as uow:
        holds = await custody.open_holds(uow)
    assert {h.stage for h in holds.values()} == {"late"} and len(holds) == 2
    assert {h.lesson_id for h in holds.values()} == {care.on()}


async def test_a_second_lesson_takes_the_child_over(world: World) -> None:
    from datetime import time

    school = await world.school()
    await in_care(world, school)
    staff = await staff_id(world, school, "class_teacher")
    club = await group(world, school, title="篮球", kind="club", start=time(17, 30), end=time(18, 30), teacher_id=staff)
    with at(MONDAY, 17, 35):
        async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
            await save_register(uow, club.on(), [Mark(f.student_id, "present") for f in school.families])
            assert {h.holder for h in (await custody.open_holds(uow)).values()} == {"班任丁"}


async def staff_id(world: World, school: School, post: str) -> object:
    from core.people.models import Staff

    async with world.house.unit(school.ctx) as uow:
        return (await uow.session.execute(select(Staff.id).where(Staff.post == post))).scalar_one()


@pytest.mark.req("R-233", "R-234")
async def test_leave_stands_beside_the_name(world: World) -> None:
    from core.lessons import queries
    from core.lessons.models import Lesson

    school = await world.school()
    care = await group(world, school)
    child = school.families[0].student_id
    with at(MONDAY, 14, 20):
        async with world.house.unit(await world.as_(school, school.families[0].guardian)) as uow:
            await leave.ask_leave(uow, child, MONDAY, "发烧")
            row = await leave.ask_leave(uow, child, MONDAY, "发烧，去医院")
            with pytest.raises(LeaveNothing):
                await leave.ask_leave(uow, child, MONDAY + timedelta(days=5), "周六")
            with pytest.raises(LeaveTooLate):
                await leave.ask_leave(uow, child, MONDAY - timedelta(days=3), "上周")
        async with world.house.unit(await world.as_(school, school.families[1].guardian)) as uow:
            with pytest.raises(NotFound):
                await leave.withdraw_leave(uow, row.id, [school.families[1].student_id])
    async with world.house.unit(school.ctx) as uow:
        lines = await queries.roster(uow, await uow.get(Lesson, care.on()))
    assert [(r.proposed, r.leave) for r in lines] == [("leave", "发烧，去医院"), ("", "")]
