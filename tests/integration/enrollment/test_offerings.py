"""What may stand on the menu: rules with their clauses, rooms and teachers, prices, the window, and what time moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from sqlalchemy import select, text

from core.base import clock
from core.db.states import MoveRefused, ReasonOwed
from core.enrollment import agreements, menu_service, seats
from core.enrollment.errors import CapacityTooSmall, MenuEmpty, MenuLate, NoPrice, Objected, RoomTaken, TeacherTaken
from core.enrollment.jobs import TURN
from core.enrollment.models import Agreement, Application, Enrolment, Offering
from core.enrollment.offerings_service import (
    change_offering,
    draft_of,
    every,
    offering,
    propose_offering,
    resume_offering,
    review_offering,
    suspend_offering,
)
from core.enrollment.views import Period
from core.terms.models import Term
from tests.support import menu
from tests.support.menu import CARE
from tests.support.world import School, World


async def propose(world: World, school: School, **changes: object) -> list[str]:
    """Rule keys that object to care changed like this; empty: accepted."""
    async with world.house.unit(await world.as_(school, "office")) as uow:
        try:
            assert school.term_id is not None
            await propose_offering(uow, school.term_id, replace(CARE, **changes))  # type: ignore[arg-type]
        except Objected as refused:
            return sorted(o.rule for o in refused.objections)
    return []


@pytest.mark.req("R-109", "R-112", "R-129", "R-185", "R-296")
async def test_the_pack_speaks(world: World) -> None:
    school = await world.school(pack="anhui-ten-bans")
    assert await propose(world, school) == []
    assert await propose(world, school, title="奥数提高班") == ["content.blocked_words"]
    assert await propose(world, school, summary="期末冲刺") == ["content.flag_words"]
    assert await propose(world, school, summary="期末冲刺", reason="指体能冲刺跑训练") == []  # a warning, with reason
    assert await propose(world, school, title="奥数提高班", reason="无论如何") == ["content.blocked_words"]
    assert await propose(world, school, content=("subject_teaching",)) == ["content.banned_kinds", "content.kinds"]
    late = every([1, 2], time(16, 30), time(18, 10))
    assert await propose(world, school, periods=late) == ["time.latest_end"]
    assert await propose(world, school, periods=every([6], time(9), time(10))) == ["time.weekdays_only"]


@pytest.mark.req("R-187", "R-188")
async def test_seasons_and_the_lower_grades(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    only = {"content": ("homework",)}
    # The term runs from summer into winter, so the winter end binds.
    assert await propose(world, school, periods=every([1], time(16, 30), time(18)), grades=(3, 4), **only) == [
        "time.latest_end"
    ]
    end = every([1], time(16, 30), time(17, 40))
    assert await propose(world, school, periods=end, grades=(3, 4), **only) == []
    both = {"periods": every([2], time(16, 30), time(17, 40)), "grades": (1, 2, 3), **only}
    assert await propose(world, school, **both, early_ends_at=None) == ["time.earlier_exit"]
    assert await propose(world, school, **both, early_ends_at=time(17, 25)) == ["time.earlier_exit"]
    assert await propose(world, school, **both, early_ends_at=time(17, 20)) == []
    # Grades 1 and 2 alone are measured against what the others have.
    alone = {"periods": every([3], time(16, 30), time(17, 40)), "grades": (1, 2), "early_ends_at": None, **only}
    assert await propose(world, school, **alone) == ["time.earlier_exit"]
    # A late end passes where winter has hours of its own.
    summer = Period(4, time(16, 30), time(18), None, date(2026, 9, 30))
    winter = Period(4, time(16, 30), time(17, 40), date(2026, 10, 1), None)
    assert await propose(world, school, periods=(summer, winter), grades=(3, 4), **only) == []
    later = replace(winter, ends_at=time(17, 50))
    assert await propose(world, school, periods=(summer, later), grades=(3, 4), **only) == ["time.latest_end"]


async def test_a_room_and_a_teacher_are_in_one_place(world: World) -> None:
    school = await world.school()
    here = {"room_id": school.room_id, "teacher_id": school.teacher_id}
    await propose(world, school, **here)
    with pytest.raises(RoomTaken):
        await propose(world, school, room_id=school.room_id, title="阅读")
    with pytest.raises(TeacherTaken):
        await propose(world, school, teacher_id=school.teacher_id, title="阅读")
    after = every([1], time(17, 30), time(18))
    assert await propose(world, school, **here, title="阅读", periods=after) == []  # one ends as the other begins


@pytest.mark.req("R-097", "R-098")
async def test_review_change_suspend(world: World) -> None:
    school = await world.school()
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        assert school.term_id is not None
        view = await propose_offering(uow, school.term_id, CARE)
        with pytest.raises(ReasonOwed):
            await review_offering(uow, view.id, accept=False)
        await review_offering(uow, view.id, accept=False, reason="请写明内容")
        changed = await change_offering(uow, view.id, replace(draft_of(view), capacity=1, summary="完成作业"))
        assert changed.state == "content_review"
        await review_offering(uow, view.id, accept=True)
    await menu.publish(world, school)
    await menu.apply(world, school, school.families[0], [(view, (1,))])
    async with world.house.unit(ctx) as uow:
        wider = await change_offering(uow, view.id, replace(draft_of(changed), capacity=3))
        assert (wider.capacity, wider.taken, wider.state) == (3, 1, "published")
    await menu.apply(world, school, school.families[1], [(view, (1,))])
    with pytest.raises(CapacityTooSmall):
        async with world.house.unit(ctx) as uow:
            await change_offering(uow, view.id, replace(draft_of(changed), capacity=1))
    async with world.house.unit(ctx) as uow:
        await suspend_offering(uow, view.id, "流感停课")
    async with world.house.unit(ctx) as uow:
        assert await menu_service.on_menu(uow, school.term_id) == []
        await resume_offering(uow, view.id)
        with pytest.raises(MoveRefused):
            await review_offering(uow, view.id, accept=True)


@pytest.mark.req("R-208", "R-341", "R-465")
async def test_publication_waits_for_a_posted_price_and_a_window_ahead(world: World) -> None:
    school = await world.school()
    ctx = await world.as_(school, "office")
    now = clock.now()
    assert school.term_id is not None
    async with world.house.unit(ctx) as uow:
        with pytest.raises(MenuEmpty):
            await menu_service.publish_menu(uow, school.term_id)
        with pytest.raises(MenuLate):
            await menu_service.prepare_menu(
                uow, school.term_id, opens_at=now - timedelta(days=2), closes_at=now - timedelta(days=1)
            )
    await menu.approved(world, school, service="care.nobody.posted.this")
    with pytest.raises(NoPrice):
        await menu.publish(world, school)
    async with world.house.unit(ctx) as uow:
        assert await menu_service.menu_of(uow, school.term_id) is None  # nothing of it was written


async def test_what_time_moves(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school, room_id=school.room_id, teacher_id=school.teacher_id)
    unready = await menu.approved(world, school, title="没有教师的托管")
    await menu.publish(world, school)
    await menu.enrol(world, school, school.families[0], [(care, (1, 2))])

    async def pass_over() -> None:
        async with world.house.unit(world.worker(school)) as uow:
            await uow.enqueue(TURN)
        assert not {"dead", "retry"} & set(await world.drain(school))

    await pass_over()
    async with world.house.unit(school.ctx) as uow:
        # what has no teacher and place does not start.
        assert (await offering(uow, care.id)).state == "running"
        assert (await offering(uow, unready.id)).state == "open_for_choice"
        term = (await uow.session.execute(select(Term))).scalars().one()
        days = (term.ends_on - clock.today()).days + 2
    with clock.travelled(timedelta(days=days)):
        await pass_over()
        await pass_over()
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Offering, care.id)).state == "finished"
        assert (await uow.session.execute(select(Enrolment.state, Enrolment.ends_on))).one() == (
            "completed",
            term.ends_on,
        )
        assert (await uow.session.execute(select(Application.state))).scalar_one() == "completed"
        assert (await uow.session.execute(select(Agreement.state))).scalar_one() == "ended"


async def test_unfinished_places_are_swept(world: World) -> None:
    from core.enrollment.claims import Wish, claims_of

    school = await world.school()
    care = await menu.approved(world, school, capacity=5)
    await menu.publish(world, school)
    claims = claims_of(world.house)
    assert (await claims.claim(school.ctx.tenant_id, care.id, Wish(school.families[0].student_id, "k-sweep"))).claimed
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update seat_claim set held_until = now() - interval '1 second' where tenant_id = :t"),
            {"t": school.ctx.tenant_id},
        )
        assert await seats.sweep(uow) == 1
        assert (await offering(uow, care.id)).taken == 0
        assert await seats.sweep(uow) == 0


@pytest.mark.req("R-157", "R-158")
async def test_a_new_wording_asks_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    await menu.enrol(world, school, family, [(care, (1,))])
    async with world.house.unit(school.ctx) as uow:
        assert await agreements.renew_outdated(uow) == 0
        now = agreements.agreement_text(uow)
        assert agreements.objections_to_text(uow) == []
    newer = replace(now, version=now.version + 1)
    monkeypatch.setattr(agreements, "agreement_text", lambda uow: newer)
    async with world.house.unit(school.ctx) as uow:
        assert await agreements.renew_outdated(uow) == 1
        assert await agreements.renew_outdated(uow) == 0  # it is asked once
        assert (await uow.session.execute(select(Application.state))).scalar_one() == "enrolled"
    await menu.sign(world, school, family)
    async with world.house.unit(school.ctx) as uow:
        rows = await agreements.agreements_of(uow, family.student_id)
        assert [(a.version, a.state) for a in rows] == [(now.version + 1, "in_force"), (now.version, "superseded")]
        assert len({a.number for a in rows}) == 2


@pytest.mark.req("R-142")
async def test_a_chain_without_the_school_ends_with_the_class_teacher(world: World) -> None:
    school = await world.school(pack="second-experimental-primary")
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    id_ = await menu.apply(world, school, school.families[0], [(care, (1,))])
    await menu.accept(world, school, id_)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Application, id_)).state == "agreement_pending"
        [row] = await agreements.agreements_of(uow, school.families[0].student_id)
        assert row.template == "agreement-second-experimental-primary/service"
