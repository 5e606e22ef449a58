"""The draw's job: places become claims once, whatever is killed; a wrong outcome stops it; who lost a place is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select

from core.base import clock
from core.base.errors import Invalid
from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from core.db.uow import UnitOfWork
from core.enrollment import applications, menu_service, offerings_service
from core.enrollment.basket import Choice, basket_of
from core.enrollment.draw import giving, program, service, wishes
from core.enrollment.draw import seed as seeds
from core.enrollment.draw.errors import (
    ByDraw,
    FixedByDraw,
    HasPlace,
    InOtherDraw,
    NoPlacesToDraw,
    SameOfficer,
    SeedEntered,
    SeedKnown,
    SeedPublic,
    SeedTooEarly,
    StillOpen,
    WishesShut,
)
from core.enrollment.draw.models import DrawPriority, DrawRound, DrawWish
from core.enrollment.errors import NotForGrade, NotOnMenu
from core.enrollment.models import Offering, OfferingSeats, SeatClaim
from core.enrollment.offerings_service import draft_of, every, offering
from core.notices.models import Message, Notice
from core.people.service import MayNotChoose
from tests.integration.draw.test_way import second_guardian
from tests.support import draws, menu
from tests.support.database import DatabaseAddresses
from tests.support.world import School, World


async def message_of(world: World, school: School) -> UUID:
    async with world.house.unit(school.ctx) as uow:
        query = select(Outbox.id).where(Outbox.name == seeds.JOB, Outbox.done_at.is_(None))
        return (await uow.session.execute(query)).scalar_one()


async def claims(world: World, school: School) -> list[tuple[UUID, UUID]]:
    async with world.house.unit(school.ctx) as uow:
        rows = await uow.session.execute(
            select(SeatClaim.offering_id, SeatClaim.student_id).where(SeatClaim.released_at.is_(None))
        )
        return [(row[0], row[1]) for row in rows.all()]


async def told(world: World, school: School) -> int:
    async with world.house.unit(school.ctx) as uow:
        query = select(func.count(Message.id)).where(Message.kind.like("draw.given%") | Message.kind.like("draw.m%"))
        return (await uow.session.execute(query)).scalar_one()


def due_again(superuser: str) -> None:
    """The lease of the killed worker has run out."""
    with psycopg.connect(superuser, autocommit=True) as admin:
        admin.execute("update outbox set available_at = now() where done_at is null")


class Killed(BaseException):
    """Nothing of the worker's own catches this: as if the process were gone."""


@pytest.mark.req("R-216")
@pytest.mark.parametrize("at", ["seat_course", "tell_families", "publish"])
async def test_a_killed_draw_goes_on_and_gives_places_once(
    world: World, database: DatabaseAddresses, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Killed after each step's work is done but before its commit, and once more after a commit."""
    school = await world.school(families=4)
    views = await draws.clubs(world, school, draws.club("围棋社"), draws.club("陶艺社"), draws.club("绘画社"))
    round_id = await draws.opened(world, school, views)
    for family in school.families:
        await draws.rank(world, school, family, round_id, views)
    await draws.committed(world, school, database.superuser, round_id)
    await draws.confirmed(world, school, round_id)
    message = await message_of(world, school)

    real, calls = getattr(giving, at), 0

    async def dies(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1 and at != "seat_course":
            await real(*args)
            raise Killed
        if calls == 2 and at == "seat_course":  # one course is committed, the second one is half done
            await real(*args)
            raise Killed
        return await real(*args)

    monkeypatch.setattr(giving, at, dies)
    with pytest.raises(Killed):
        await deliver(world.house, school.ctx.tenant_id, message)
    before = await draws.round_of(world, school, round_id)
    assert before.state == "drawn"
    due_again(database.superuser)
    assert await deliver(world.house, school.ctx.tenant_id, message) == "done"
    after = await draws.round_of(world, school, round_id)
    assert after.state == "published"
    assert after.record == before.record  # decided once
    drawn = after.record["outcome"]["given"]
    assert len(await claims(world, school)) == sum(map(len, drawn.values())) == 3
    async with world.house.unit(school.ctx) as uow:
        seats = (await uow.session.execute(select(OfferingSeats))).scalars().all()
        assert [row.taken for row in seats] == [1, 1, 1]
        by_receipt = {
            w.receipt: (w.student_id, w.placed) for w in (await uow.session.execute(select(DrawWish))).scalars()
        }
    expected = {(UUID(c), by_receipt[r][0]) for r, courses in drawn.items() for c in courses}
    assert set(await claims(world, school)) == expected
    assert all(placed == dict.fromkeys(drawn[r], "claimed") for r, (_s, placed) in by_receipt.items())
    assert await told(world, school) == 4
    assert await deliver(world.house, school.ctx.tenant_id, message) == "gone"
    program.verify(after.record, program.own_hash())


async def test_a_wrong_outcome_stops_the_draw_and_says_so(
    world: World, database: DatabaseAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = await world.school()
    views = await draws.clubs(world, school, draws.club("围棋社"))
    round_id = await draws.opened(world, school, views)
    for family in school.families:
        await draws.rank(world, school, family, round_id, views)
    await draws.committed(world, school, database.superuser, round_id)
    await draws.confirmed(world, school, round_id)
    real = program.give

    def unfair(*args: object) -> list[list[int]]:
        return [[] for _child in real(*args)]  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(program, "give", unfair)
        assert await deliver(world.house, school.ctx.tenant_id, await message_of(world, school)) == "dead"
    stopped = await draws.round_of(world, school, round_id)
    assert stopped.state == "committed"
    assert "核验发现有人本应录取却没有录取" in stopped.stopped
    assert await claims(world, school) == []
    client = await world.client(school.people["office"], page=True)
    here = f"/t/school/desk/draws/{round_id}"
    assert "核验发现有人本应录取却没有录取" in (await client.get(here)).text
    assert (await client.post(f"{here}/again")).status_code == 303
    await world.drain(school)
    assert (await draws.round_of(world, school, round_id)).state == "published"
    assert len(await claims(world, school)) == 1


def other_version(folder: Path) -> Path:
    """The same program with a comment more: another hash."""
    file = folder / "program.py"
    file.write_text(Path(str(program.__file__)).read_text(encoding="utf-8") + "# 上一版\n", encoding="utf-8")
    return file


@pytest.mark.req("R-216")
async def test_the_committed_program_draws_whatever_was_installed_since(
    world: World, database: DatabaseAddresses, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An upgrade between commitment and draw changes nothing: the text that was committed to is what runs. Only a text
    that is not the committed one cannot draw; then, and only then, a round is given up after its number is public."""
    school = await world.school()
    chess, choir = await draws.clubs(world, school, draws.club("围棋社"), draws.club("合唱团", weekday=5))
    first, second = [await draws.opened(world, school, [view]) for view in (chess, choir)]
    for family in school.families:
        await draws.rank(world, school, family, first, [chess])
        await draws.rank(world, school, family, second, [choir])
    older = other_version(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(program, "__file__", str(older))
        for round_id in (first, second):
            await draws.committed(world, school, database.superuser, round_id)
    # The number is public: whoever can read the wishes may know the outcome, so nobody gives the round up any more.
    async with world.house.unit(await world.as_(school, "office")) as uow:
        for round_id in (first, second):
            with pytest.raises(SeedPublic):
                await service.cancel_round(uow, round_id, "结果不合适")
    client = await world.client(school.people["office"], page=True)
    here = f"/t/school/desk/draws/{second}"
    assert "取消这一轮" not in (await client.get(here)).text

    drawn = await draws.drawn_on(world, school, first)
    assert drawn.record["program"] == program.sha256(older.read_bytes()) != program.own_hash()
    assert drawn.record["outcome"] == program.outcome(drawn.record)
    program.verify(drawn.record, program.sha256(older.read_bytes()))
    assert len(await claims(world, school)) == 1

    with psycopg.connect(database.superuser, autocommit=True) as admin:
        admin.execute("update draw_round set program = program || '# changed' where id = %s", (second,))
    await draws.confirmed(world, school, second)
    await world.drain(school)
    assert "不是同一个版本" in (await draws.round_of(world, school, second)).stopped
    assert "取消这一轮" in (await client.get(here)).text
    answer = await client.post(f"{here}/cancel", data={"reason": "程序文件损坏，改期重新报名"})
    assert answer.status_code == 303
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(DrawRound, second)).state == "cancelled"
        assert (await uow.get(OfferingSeats, choir.id)).claimable is True
        posted = (
            await uow.session.execute(select(Notice.body).where(Notice.subject_key == f"{second}/cancelled"))
        ).scalar_one()
    assert "程序文件损坏" in posted and "不是同一个版本" in posted


@pytest.mark.req("R-134")
async def test_a_place_that_cannot_be_kept_is_said(world: World, database: DatabaseAddresses) -> None:
    """A child that took something else at the same time after ranking gets no second place, and reads why."""
    school = await world.school(families=2)
    chess, care = await draws.clubs(world, school, draws.club("围棋社", capacity=5), draws.club("托管", capacity=None))
    round_id = await draws.opened(world, school, [chess])
    for family in school.families:
        await draws.rank(world, school, family, round_id, [chess])
    await menu.apply(world, school, school.families[0], [(care, care.weekdays)])
    await draws.committed(world, school, database.superuser, round_id)
    await draws.confirmed(world, school, round_id)
    await world.drain(school)
    held = [student for id_, student in await claims(world, school) if id_ == chess.id]
    assert held == [school.families[1].student_id]
    client = await world.client(school.families[0].guardian, page=True)
    assert "已经占用了同一时间的其他项目" in (await client.get("/t/school/home/wishes")).text
    # The place that is left is claimed first come from now on; nobody who ranked gets in its way.
    async with world.house.unit(school.ctx) as uow:
        row = await uow.get(OfferingSeats, chess.id)
        assert (row.taken, row.claimable, row.opens_at is not None) == (1, True, True)
        assert school.term_id is not None
        kept = await basket_of(uow, school.families[1].student_id, school.term_id)
        assert [choice.offering_id for choice in kept] == [chess.id]


# ---- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.req("R-132", "R-144")
async def test_wishes_are_refused_in_words(world: World, database: DatabaseAddresses) -> None:
    school, other = await world.school(families=2), await world.school("other")
    chess, older = await draws.clubs(world, school, draws.club("围棋社"), draws.club("篮球社", weekday=4, grades=(4,)))
    round_id = await draws.opened(world, school, [chess, older], open_now=False)
    one, two = school.families
    with pytest.raises(WishesShut):  # not open yet
        await draws.rank(world, school, one, round_id, [chess])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.open_round(uow, round_id)
    with pytest.raises(NotForGrade):
        await draws.rank(world, school, one, round_id, [older])
    onlooker = await second_guardian(world, school, one, may_choose=False)
    async with world.house.unit(await world.as_(school, onlooker)) as uow:
        with pytest.raises(MayNotChoose):
            await wishes.save(uow, round_id, one.student_id, [chess.id], version=0)

    # Somebody else's child, and another school's round, look as if they were not there.
    parent = await world.client(one.guardian, page=True)
    save = f"/t/school/home/wishes/{round_id}"
    body = {"child": str(two.student_id), "version": "0", "ranked": [str(chess.id)]}
    assert (await parent.post(save, data=body)).status_code == 404
    assert (await parent.get(f"{save}/receipt?child={two.student_id}")).status_code == 404
    stranger = await world.client(other.families[0].guardian, page=True)
    theirs = {**body, "child": str(other.families[0].student_id)}
    assert (await stranger.post(f"/t/other/home/wishes/{round_id}", data=theirs)).status_code == 409
    assert (await stranger.get(save)).headers["location"] == "/t/school/home/wishes"  # where a stranger finds nothing
    assert (await stranger.get("/t/school/home/wishes")).status_code in (403, 404)
    async with world.house.unit(await world.as_(school, one.guardian)) as uow:
        with pytest.raises(NotOnMenu):
            await wishes.save(uow, round_id, one.student_id, [round_id], version=0)

    await draws.rank(world, school, one, round_id, [chess])
    draws.pass_time(database.superuser, round_id, closing=True)
    with pytest.raises(WishesShut):  # the clock decides, even before a worker has closed it
        await draws.rank(world, school, two, round_id, [chess])


async def test_the_order_of_steps_cannot_be_turned_round(world: World, database: DatabaseAddresses) -> None:
    school = await world.school()
    views = await draws.clubs(world, school, draws.club("围棋社"))
    round_id = await draws.opened(world, school, views)
    office, principal = await world.as_(school, "office"), await world.as_(school, "principal")
    async with world.house.unit(office) as uow:
        with pytest.raises(StillOpen):
            await service.close_round(uow, round_id)
        with pytest.raises(SeedTooEarly):
            await seeds.enter_seed(uow, round_id, draws.SEED)
    draws.pass_time(database.superuser, round_id, seed=True)
    async with world.house.unit(office) as uow:
        await service.close_round(uow, round_id)
        with pytest.raises(SeedKnown):  # the value is public already: committing now would prove nothing
            await service.commit_round(uow, round_id)
        later = await service.moment(uow) + timedelta(days=1)
        await seeds.name_seed(uow, round_id, "双色球第 2026141 期开奖号码", later)
        await service.commit_round(uow, round_id)
        with pytest.raises(SeedTooEarly):
            await seeds.enter_seed(uow, round_id, draws.SEED)
        with pytest.raises(SeedEntered):
            await seeds.name_seed(uow, round_id, "另一个号码", later)
    draws.pass_time(database.superuser, round_id, seed=True)
    async with world.house.unit(office) as uow:
        with pytest.raises(Invalid):
            await seeds.enter_seed(uow, round_id, "  ")
        await seeds.enter_seed(uow, round_id, draws.SEED)
        with pytest.raises(SameOfficer):
            await seeds.confirm_seed(uow, round_id, draws.SEED)
        with pytest.raises(SeedEntered):  # nobody gives up a draw whose number does not please
            await service.cancel_round(uow, round_id, "号码不好")
    async with world.house.unit(principal) as uow:
        with pytest.raises(SeedEntered):
            await seeds.enter_seed(uow, round_id, "1 2 3")
        await seeds.clear_seed(uow, round_id)
        await seeds.enter_seed(uow, round_id, draws.SEED)
    async with world.house.unit(office) as uow:
        await seeds.confirm_seed(uow, round_id, draws.SEED)
        await seeds.confirm_seed(uow, round_id, draws.SEED)  # a second tap is no second draw
    # The database says the same where the service would be wrong.
    with psycopg.connect(database.superuser, autocommit=True) as admin:
        with pytest.raises(psycopg.errors.CheckViolation):
            admin.execute("update draw_round set confirmed_by = seed_by")
        with pytest.raises(psycopg.errors.CheckViolation):
            admin.execute("update draw_round set record = '{}'")


async def test_first_come_counts_for_nothing_in_a_draw(world: World, database: DatabaseAddresses) -> None:
    school = await world.school()
    chess, free = await draws.clubs(world, school, draws.club("围棋社"), draws.club("合唱团", weekday=5, capacity=None))
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(NoPlacesToDraw):
            await another_round(uow, school, free.id)
    round_id = await draws.opened(world, school, [chess])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(InOtherDraw):
            await another_round(uow, school, chess.id)
        row = await uow.get(Offering, chess.id)
        view = await offering(uow, row.id)
        with pytest.raises(FixedByDraw):
            await offerings_service.change_offering(uow, chess.id, replace(draft_of(view), capacity=9))
        # Suspended and resumed, published anew: it stays closed to claims.
        await offerings_service.suspend_offering(uow, chess.id, "检查场地")
        await offerings_service.resume_offering(uow, chess.id)
        assert school.term_id is not None
        await menu_service.publish_menu(uow, school.term_id)
        seats = await uow.get(OfferingSeats, chess.id)
        await uow.session.refresh(seats)
        assert seats.claimable is False
    with pytest.raises(ByDraw):
        await menu.apply(world, school, school.families[0], [(chess, chess.weekdays)])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.cancel_round(uow, round_id, "改为先到先得")
    await menu.apply(world, school, school.families[0], [(chess, chess.weekdays)], key="k2")
    again = await draws.opened(world, school, [chess])
    with pytest.raises(HasPlace):
        await draws.rank(world, school, school.families[0], again, [chess])
    # Who has a place keeps it, and may still change the application round it.
    sha256 = await menu.notice_hash(world, school, school.families[0])
    await applications.submit(
        world.house,
        await world.as_(school, school.families[0].guardian),
        school.families[0].student_id,
        school.term_id,
        [Choice(chess.id, chess.weekdays), Choice(free.id, free.weekdays)],
        notice_sha256=sha256,
        key="k3",
    )


async def another_round(uow: UnitOfWork, school: School, offering_id: UUID) -> DrawRound:
    assert school.term_id is not None
    now = clock.now()
    return await service.make_round(
        uow,
        school.term_id,
        title="另一轮",
        offering_ids=[offering_id],
        opens_at=now,
        closes_at=now + timedelta(days=1),
        per_child=1,
        seed_source="双色球第 2026140 期",
        seed_at=now + timedelta(days=2),
    )


@pytest.mark.req("R-145")
async def test_priority_comes_from_the_written_rule(world: World, database: DatabaseAddresses) -> None:
    """One place, two children: whom the school confirms as first by the pack's clause gets it, whatever the numbers."""
    school = await world.school(pack="hebi")
    views = await draws.clubs(world, school, draws.club("围棋社"))
    round_id = await draws.opened(world, school, views)
    row = await draws.round_of(world, school, round_id)
    assert row.classes == ["优先保障群体：残疾儿童、留守儿童、进城务工人员随迁子女、家庭经济困难儿童", "其他学生"]
    assert row.clause == "001#5 三（一）"
    first, other = school.families
    for family in school.families:
        await draws.rank(world, school, family, round_id, views)
    office = await world.client(school.people["office"], page=True)
    here = f"/t/school/desk/draws/{round_id}"
    assert "登记优先" in (await office.get(f"{here}?q=学生1")).text
    for _twice in range(2):
        marked = await office.post(f"{here}/priority", data={"student": str(first.student_id), "on": "true"})
        assert marked.status_code == 303
    parent = await world.client(first.guardian, page=True)
    assert "志愿凭据已更新" in (await parent.get("/t/school/home/messages")).text
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.session.execute(select(func.count(DrawPriority.id)))).scalar_one() == 1
    await draws.committed(world, school, database.superuser, round_id)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        with pytest.raises(WishesShut):
            await wishes.set_priority(uow, round_id, other.student_id, True)
    # A seed that gives the other child the better number.
    record = (await draws.round_of(world, school, round_id)).record
    mine = next(w["receipt"] for w in record["wishes"] if w["ranked"][0][1] == 0)
    receipts = [w["receipt"] for w in record["wishes"]]
    seed = next(s for s in map(str, range(100)) if program.numbers(s, receipts)[mine] == 2)
    await draws.confirmed(world, school, round_id, seed)
    await world.drain(school)
    assert await claims(world, school) == [(views[0].id, first.student_id)]
    loser = await world.client(other.guardian, page=True)
    assert "在优先类别内已经录满（到 2 号）" in (await loser.get("/t/school/home/wishes")).text
    assert "优先类别 2 号" in (await office.get(f"/t/school/draw/{round_id}")).text


async def test_a_silent_pack_puts_nobody_first(world: World) -> None:
    school = await world.school()
    round_id = await draws.opened(world, school, await draws.clubs(world, school, draws.club("围棋社")))
    assert (await draws.round_of(world, school, round_id)).classes == ["全体学生"]


async def test_overlapping_times_share_a_slot(world: World) -> None:
    """A touches B, B touches C: one slot, though A and C do not meet; Friday is another."""
    school = await world.school()
    views = await draws.clubs(
        world,
        school,
        draws.club("甲", periods=every([3], time(15, 30), time(16, 30))),
        draws.club("乙", periods=every([3], time(16), time(17, 20))),
        draws.club("丙", periods=every([3], time(17), time(17, 50))),
        draws.club("丁", weekday=5),
    )
    assert [service.slots_of(views)[v.id] for v in views] == ["1", "1", "1", "2"]
