"""From the menu to taking part: told first, chosen freely, reviewed, agreed, and left again."""

from __future__ import annotations

from datetime import time

import pytest
from sqlalchemy import select, text

from core.base.errors import Forbidden, NotFound
from core.db.states import MoveRefused, ReasonOwed
from core.enrollment import agreements, applications, enrolments, leaving, review, seats
from core.enrollment.basket import application_of, items_of
from core.enrollment.errors import (
    AgreementChanged,
    Full,
    NothingChosen,
    NoticeUnread,
    NotYourClass,
    Objected,
    Overlap,
    WindowShut,
    WrongDays,
    WrongSigningCode,
)
from core.enrollment.models import Application, Enrolment, SeatClaim
from core.enrollment.offerings_service import every, offering
from tests.support import menu
from tests.support.menu import CARE
from tests.support.world import School, World

CLUB = {
    "kind": "club",
    "title": "篮球社团",
    "periods": every([2, 4], time(16, 30), time(17, 30)),
    "capacity": 1,
    "content": ("sport",),
    "any_days": False,
    "grades": (3, 4),
    "early_ends_at": None,
}


async def taken(world: World, school: School, offering_id: object) -> int:
    async with world.house.unit(school.ctx) as uow:
        return (await offering(uow, offering_id)).taken  # type: ignore[arg-type]


@pytest.mark.req("R-132", "R-136", "R-137", "R-142", "R-150", "R-156")
async def test_the_whole_way(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    family = school.families[0]
    application_id = await menu.apply(world, school, family, [(care, (1, 3)), (club, ())])
    assert await taken(world, school, care.id) == 1
    assert await taken(world, school, club.id) == 1
    await menu.accept(world, school, application_id)
    async with world.house.unit(school.ctx) as uow:
        row = await uow.get(Application, application_id)
        assert row.state == "agreement_pending"
        assert await enrolments.enrolments_of(uow, family.student_id) == []  # no start without an agreement
    await menu.sign(world, school, family)
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Application, application_id)).state == "enrolled"
        mine = await enrolments.enrolments_of(uow, family.student_id)
        assert {(e.offering.id, e.weekdays) for e in mine} == {(care.id, (1, 3)), (club.id, (2, 4))}
        events = (await uow.session.execute(text("select count(*) from transition"))).scalar_one()
        assert events > 5


@pytest.mark.req("R-136")
async def test_told_before_asked(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    sha256 = await menu.notice_hash(world, school, family, read=False)
    ctx = await world.as_(school, family.guardian)
    with pytest.raises(NoticeUnread):
        await applications.submit(
            world.house,
            ctx,
            family.student_id,
            school.term_id,  # type: ignore[arg-type]
            [applications.Choice(care.id, (1,))],
            notice_sha256=sha256,
            key="k-unread",
        )
    assert await taken(world, school, care.id) == 0
    # A new item on the menu is a new wording, to be read again.
    await menu.notice_hash(world, school, family)
    await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    assert await menu.notice_hash(world, school, family, read=False) != sha256


async def test_the_same_twice_is_once_and_the_other_parent_changes_nothing(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    first = await menu.apply(world, school, family, [(care, (1,))], key="same-key")
    assert await menu.apply(world, school, family, [(care, (1,))], key="same-key") == first
    assert await menu.apply(world, school, family, [(care, (1,))], key="another-tap") == first
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Application, first)).revision == 1
        assert len((await uow.session.execute(select(SeatClaim))).scalars().all()) == 1


@pytest.mark.req("R-150")
async def test_changing_before_approval(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    family = school.families[0]
    id_ = await menu.apply(world, school, family, [(care, (1, 3)), (club, ())], key="one")
    await menu.apply(world, school, family, [(care, (2, 4))], key="two")  # the club goes, the care takes its days
    assert await taken(world, school, club.id) == 0
    async with world.house.unit(school.ctx) as uow:
        held = await seats.held_by(uow, family.student_id, school.term_id)  # type: ignore[arg-type]
        assert {h.offering_id: h.weekdays for h in held.values()} == {care.id: (2, 4)}
        assert all(h.until is None for h in held.values())
        assert {i.offering_id: i.state for i in await items_of(uow, id_)} == {care.id: "chosen", club.id: "dropped"}


async def test_what_cannot_be_chosen(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, **CLUB)
    small = await menu.approved(world, school, title="低年级手工", grades=(1, 2), early_ends_at=time(17, 10))
    await menu.publish(world, school)
    family, other = school.families
    for choices, error in (
        ([], NothingChosen),
        ([(care, ())], WrongDays),
        ([(care, (6,))], WrongDays),
        ([(care, (2,)), (club, ())], Overlap),
        ([(small, (1,))], Exception),
    ):
        with pytest.raises(error):
            await menu.apply(world, school, family, choices, key=f"k{len(choices)}{error.__name__}")
    assert await taken(world, school, care.id) == 0
    await menu.apply(world, school, family, [(club, ())])
    with pytest.raises(Full):
        await menu.apply(world, school, other, [(care, (1,)), (club, ())])
    # What was free is kept for the family while it chooses anew; nothing is written yet.
    async with world.house.unit(school.ctx) as uow:
        held = await seats.held_by(uow, other.student_id, school.term_id)  # type: ignore[arg-type]
        assert [h.offering_id for h in held.values()] == [care.id]
        assert next(iter(held.values())).until is not None
        assert await application_of(uow, other.student_id, school.term_id) is None  # type: ignore[arg-type]
    await menu.apply(world, school, other, [(care, (1,))], key="again")


async def test_window(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school, open_now=False)
    with pytest.raises(WindowShut):
        await menu.apply(world, school, school.families[0], [(care, (1,))])


@pytest.mark.req("R-134", "R-146")
async def test_refusal_owes_reason_and_another_offer(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    family = school.families[0]
    id_ = await menu.apply(world, school, family, [(club, ())])
    ctx = await world.as_(school, "office")
    for reason, other, error in (("", care.id, ReasonOwed), ("器材不足", None, Objected)):
        with pytest.raises(error):
            async with world.house.unit(ctx) as uow:
                await review.refuse(uow, id_, reason=reason, other_offering_id=other)
    async with world.house.unit(ctx) as uow:
        await review.refuse(uow, id_, reason="器材不足", other_offering_id=care.id, clause="000#1 三")
    assert await taken(world, school, club.id) == 0
    async with world.house.unit(ctx) as uow:
        assert (await uow.get(Application, id_)).state == "refused"
        [item] = await items_of(uow, id_)
        assert (item.state, item.reason, item.other_offering_id) == ("refused", "器材不足", care.id)
    await menu.apply(world, school, family, [(care, (1,))], key="the-other-offer")


@pytest.mark.req("R-146")
async def test_steering_is_the_familys_decision(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    family = school.families[0]
    id_ = await menu.apply(world, school, family, [(club, ())])
    teacher = await world.as_(school, "class_teacher")
    async with world.house.unit(teacher) as uow:
        [item] = await items_of(uow, id_)
        await review.steer(uow, id_, item.id, care.id, "社团需要基础")
    parent = await world.as_(school, family.guardian)
    await review.answer_steer(world.house, parent, family.student_id, id_, accept=True, key="yes-please")
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Application, id_)).state == "submitted"
        states = {i.offering_id: i.state for i in await items_of(uow, id_)}
        assert states == {club.id: "dropped", care.id: "chosen"}
    assert (await taken(world, school, club.id), await taken(world, school, care.id)) == (0, 1)


async def test_only_the_own_class_teacher_reviews(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    id_ = await menu.apply(world, school, school.families[0], [(care, (1,))])
    async with world.house.unit(await world.as_(school, "teacher")) as uow:
        with pytest.raises(Forbidden):
            await review.class_review(uow, id_)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(MoveRefused):
            await review.approve(uow, id_)  # the class teacher comes first
        with pytest.raises((NotYourClass, Forbidden)):
            await review.class_review(uow, id_)


async def test_bulk_approval_leaves_what_cannot_pass(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    ids = [await menu.apply(world, school, f, [(care, (1,))]) for f in school.families]
    async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
        await review.class_review(uow, ids[0])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        done, left = await review.approve_many(uow, ids)
    assert done == 1
    assert [id_ for id_, _why in left] == [ids[1]]


@pytest.mark.req("R-156")
async def test_signing_needs_the_right_code_for_this_text(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family, stranger = school.families
    await menu.accept(world, school, await menu.apply(world, school, family, [(care, (1,))]))
    ctx = await world.as_(school, family.guardian)
    async with world.house.unit(ctx) as uow:
        [row] = await agreements.agreements_of(uow, family.student_id)
    await agreements.send_signing_code(world.house, ctx, row.id)
    code = world.house.get(agreements.CodeGateway).last(family.guardian.phone)  # type: ignore[attr-defined]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    with pytest.raises(WrongSigningCode):
        await agreements.sign(world.house, ctx, row.id, wrong, row.sha256)
    with pytest.raises(NotFound):
        await agreements.sign(world.house, await world.as_(school, stranger.guardian), row.id, code, row.sha256)
    with pytest.raises(AgreementChanged):
        await agreements.sign(world.house, ctx, row.id, code, "0" * 64)
    with pytest.raises(WrongSigningCode):
        await agreements.sign(world.house, ctx, row.id, code, row.sha256)  # a code is used once
    await menu.sign(world, school, family)


@pytest.mark.req("R-149")
async def test_leaving_frees_the_place_at_once(world: World) -> None:
    school = await world.school()
    club = await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    first, second = school.families
    await menu.enrol(world, school, first, [(club, ())])
    with pytest.raises(Full):
        await menu.apply(world, school, second, [(club, ())])
    async with world.house.unit(await world.as_(school, first.guardian)) as uow:
        [mine] = await enrolments.enrolments_of(uow, first.student_id)
        with pytest.raises(NotFound):
            await leaving.withdraw(uow, mine.id, student_id=second.student_id)
        await leaving.withdraw(uow, mine.id, student_id=first.student_id)
    await menu.apply(world, school, second, [(club, ())], key="now-there-is-room")
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(Enrolment))).scalars().one()
        assert row.state == "withdrawn"
        assert row.ends_on is not None


async def test_adding_while_taking_part(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    club = await menu.approved(world, school, **CLUB)
    await menu.publish(world, school)
    family = school.families[0]
    await menu.enrol(world, school, family, [(care, (1,))])
    id_ = await menu.apply(world, school, family, [(club, ())], key="more")
    async with world.house.unit(school.ctx) as uow:
        assert len(await enrolments.enrolments_of(uow, family.student_id)) == 1  # what runs, runs on
    await menu.accept(world, school, id_)
    await menu.sign(world, school, family)
    async with world.house.unit(school.ctx) as uow:
        assert len(await enrolments.enrolments_of(uow, family.student_id)) == 2
        states = [a.state for a in await agreements.agreements_of(uow, family.student_id)]
        assert states == ["in_force", "superseded"]


async def test_billing_and_lessons_read(world: World) -> None:
    school = await world.school(families=3)
    care = await menu.approved(world, school, CARE)
    await menu.publish(world, school)
    for family in school.families:
        await menu.enrol(world, school, family, [(care, (1, 2))])
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        first = await enrolments.enrolments_for_billing(uow, school.term_id, limit=2)
        rest = await enrolments.enrolments_for_billing(uow, school.term_id, after_student=first[-1][0].id, limit=2)
        assert [len(first), len(rest)] == [2, 1]
        assert {s.id for s, _ in first + rest} == {f.student_id for f in school.families}
        start = (await enrolments.enrolments_of(uow, school.families[0].student_id))[0].starts_on
        assert start is not None
        from datetime import timedelta

        days = [start + timedelta(days=n) for n in range(7)]
        expected = [len(await enrolments.enrolled_on(uow, care.id, day)) for day in days]
        assert sorted(expected) == [0, 0, 0, 0, 0, 3, 3]
