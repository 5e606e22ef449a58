"""The job that draws: decides once, turns the places drawn into claims, tells the families, publishes.

Each step looks in the database at what is done already, so a job that was killed goes on where it was. The decision is
a function of the committed record and the seed, so deciding again gives the same; a course becomes claims in one
transaction with its mark; messages are kept once by their source.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import cast, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from core.base.errors import KehouError
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.delivery import Delivery, GiveUp
from core.db.uow import UnitOfWork
from core.enrollment import basket, seats
from core.enrollment.draw import committed, program
from core.enrollment.draw.classes import has_first
from core.enrollment.draw.models import DrawCourse, DrawRound, DrawWish
from core.enrollment.draw.service import close_round, commit_round, moment, public_url, release_courses
from core.enrollment.draw.states import DRAW
from core.enrollment.draw.told import results
from core.enrollment.offerings_service import offering
from core.enrollment.states import ON_MENU
from core.notices import service as notices
from core.people.service import students_by_id
from core.web.i18n import fdatetime

CHUNK: Final = 200
"""Families told in one transaction."""

_UNLOCK_SEATS: Final = text("""
update offering_seats set claimable = true, opens_at = null, closes_at = null where tenant_id = :t and id = :o""")
_LOCK_SEATS: Final = text("""
update offering_seats set claimable = false, opens_at = :opens, closes_at = :closes
where tenant_id = :t and id = :o""")
_SEATS: Final = text("""
select opens_at, closes_at from offering_seats where tenant_id = :t and id = :o for no key update""")
_CLAIM: Final = text("""
select place, outcome from claim_seats(:t, cast(:asked as jsonb), cast(:until as timestamptz) - clock_timestamp())
order by place""")
_PLACED: Final = text("""
update draw_wish set placed = placed || jsonb_build_object(cast(:o as text), cast(:said as text))
where tenant_id = :t and id = :id""")


async def run(job: Delivery) -> None:
    """The job "draw.run"; payload {round}. Places are given once, however often it runs."""
    round_id = UUID(job.payload["round"])
    await job.progress(0, 1, _("正在抽签"))
    async with job.unit() as uow:
        why = await draw_round(uow, round_id)
    if why:
        raise GiveUp(why)
    async with job.unit() as uow:
        row = await uow.get(DrawRound, round_id)
        courses = await _waiting_courses(uow, round_id)
        total = len(courses) + len(row.record["wishes"]) + 1
    for done, course_id in enumerate(courses, 1):
        async with job.unit() as uow:
            await seat_course(uow, course_id)
        await job.progress(done, total, _("正在登记名额"))
    told = len(courses)
    while True:
        async with job.unit() as uow:
            seen = await tell_families(uow, round_id)
        if not seen:
            break
        told += seen
        await job.progress(min(told, total), total, _("正在通知家长"))
    async with job.unit() as uow:
        await publish(uow, round_id)
    await job.progress(total, total, _("结果已公布"))


async def draw_round(uow: UnitOfWork, round_id: UUID) -> str:
    """Draw, check, and keep the record with its outcome, once; or keep and return why not."""
    with _uncollected():
        row = await uow.get(DrawRound, round_id, lock=True)
        if row.state == "committed":
            drawn = await asyncio.to_thread(decide, row.record, row.seed, row.program)
            if isinstance(drawn, str):
                row.stopped = drawn
                return drawn
            # What was committed to stays as it lies there.
            added = {"seed": drawn["seed"], "outcome": drawn["outcome"]}
            grown = DrawRound.record.op("||")(cast(added, JSONB))
            await uow.session.execute(
                update(DrawRound)
                .where(DrawRound.id == row.id)
                .values(record=grown)
                .execution_options(synchronize_session=False)
            )
            uow.session.expire(row, ["record"])
            await DRAW.transition(uow, row, "draw", payload={"title": row.title, "seed": row.seed})
            await uow.session.flush()
        elif row.state not in ("drawn", "published"):
            row.stopped = row.state
            return row.stopped
    return ""


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: a draw makes none, and walking all its wishes time and again takes as long."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def decide(record: Mapping[str, Any], seed: str, source: str = "") -> dict[str, Any] | str:
    """The record with seed and outcome; or a sentence, when the program committed to is neither this one nor `source`
    (its text as kept then), the record is not what its commitment says, or anybody would be right to envy another
    (R-216)."""
    draw: dict[str, Any] = {**record, "seed": seed}
    try:
        if draw["program"] == program.own_hash():
            program.sound(draw)
            draw["outcome"] = program.outcome(draw)
        elif draw["program"] == program.sha256(source.encode("utf-8")):
            draw["outcome"] = committed.outcome(draw, source)
        else:
            return _("抽签程序与锁定时公布的不是同一个版本，没有抽签")
    except program.Wrong as wrong:
        return _("抽签文件没有通过核验，没有抽签：%(why)s", why=str(wrong))
    except committed.CannotRun as broken:
        return _("锁定时公布的抽签程序没有运行成功，没有抽签：%(why)s", why=str(broken))
    if wrongly_missed(draw):
        return _("核验发现有人本应录取却没有录取，结果没有采用，请联系技术支持")
    return draw


def wrongly_missed(draw: Mapping[str, Any]) -> list[tuple[int, int]]:
    """What program.envied finds in a drawn file: empty, when it is right."""
    lines, outcome = draw["wishes"], draw["outcome"]
    at = {course["id"]: place for place, course in enumerate(draw["courses"])}
    number, places_of = outcome["numbers"], outcome["given"]
    struck = {(group, course) for group, course in outcome["struck"]}
    ranked = [program.left_over(line, struck) for line in lines]
    wishes = [[at[course] for course, _cls in mine] for mine in ranked]
    priorities = [
        [cls * (len(lines) + 1) + number[line["receipt"]] for _course, cls in mine]
        for line, mine in zip(lines, ranked, strict=True)
    ]
    slots = [int(course["slot"]) for course in draw["courses"]]
    places = [course["places"] for course in draw["courses"]]
    given = [
        [place for place, (course, _cls) in enumerate(mine) if course in places_of[line["receipt"]]]
        for line, mine in zip(lines, ranked, strict=True)
    ]
    return list(program.envied(wishes, priorities, slots, places, draw["rules"]["limit"], given))


# ---- places -------------------------------------------------------------------------------------------------


async def _waiting_courses(uow: UnitOfWork, round_id: UUID) -> list[UUID]:
    query = select(DrawCourse.id).where(DrawCourse.round_id == round_id, DrawCourse.seated_at.is_(None))
    return list((await uow.session.execute(query.order_by(DrawCourse.id))).scalars())


@dataclass(frozen=True, slots=True)
class _Winner:
    wish_id: UUID
    student_id: UUID


async def seat_course(uow: UnitOfWork, course_id: UUID) -> None:
    """Turn the places drawn in one course into claims: the statement that decides first come, in one batch.

    The database's own constraint guards the capacity. A child that meanwhile left, or took something at the same
    time, gets no claim; why is kept with its wish.
    """
    course = await uow.get(DrawCourse, course_id, lock=True)
    if course.seated_at is not None:
        return
    row = await uow.get(DrawRound, course.round_id)
    winners = await _winners(uow, row, course.offering_id)
    view = await offering(uow, course.offering_id)
    said = ["withdrawn"] * len(winners)
    if winners and view.state in ON_MENU:
        said = await _claim(uow, row, course.offering_id, winners)
    for winner, outcome in zip(winners, said, strict=True):
        where = {"t": uow.ctx.tenant_id, "id": winner.wish_id, "o": str(view.id), "said": outcome}
        await uow.session.execute(_PLACED, where)
    children = await students_by_id(uow, [w.student_id for w, o in zip(winners, said, strict=True) if o == "claimed"])
    for child in children.values():
        try:
            async with uow.session.begin_nested():
                await basket.put(uow, child.id, row.term_id, child.grade, view.id, view.weekdays)
        except KehouError:
            continue  # what the family laid in its basket itself stays; the place is kept all the same
    course.seated_at = await moment(uow)
    await uow.audit("draw.seat", "offering", view.id, round=row.id, places=said.count("claimed"), drawn=len(said))


async def _winners(uow: UnitOfWork, row: DrawRound, offering_id: UUID) -> list[_Winner]:
    given = row.record["outcome"]["given"]
    receipts = [receipt for receipt, courses in given.items() if str(offering_id) in courses]
    query = select(DrawWish.id, DrawWish.student_id).where(DrawWish.round_id == row.id, DrawWish.receipt.in_(receipts))
    rows = await uow.session.execute(query.order_by(DrawWish.receipt))
    return [_Winner(wish_id, student_id) for wish_id, student_id in rows.all()]


async def _claim(uow: UnitOfWork, row: DrawRound, offering_id: UUID, winners: Sequence[_Winner]) -> list[str]:
    """The outcomes of the winners' claims. The offering's window is opened for this transaction alone."""
    tenant = uow.ctx.tenant_id
    await seats.hold_children(uow, [winner.student_id for winner in winners])
    where = {"t": tenant, "o": offering_id}
    opens, closes = (await uow.session.execute(_SEATS, where)).one()
    await uow.session.execute(_UNLOCK_SEATS, where)
    asked: list[dict[str, Any]] = [
        {
            "offering": str(offering_id),
            "id": str(new_id()),
            "audit": str(new_id()),
            "student": str(winner.student_id),
            "account": None,
            "actor": "",
            "key": f"draw/{row.id}",
            "request": uow.ctx.request_id,
            "weekdays": [],
            "giving_up": [],
        }
        for winner in winners
    ]
    decided = await uow.session.execute(_CLAIM, {**where, "asked": json.dumps(asked), "until": row.keep_until})
    said = [outcome for _place, outcome in decided.all()]
    await uow.session.execute(_LOCK_SEATS, {**where, "opens": opens, "closes": closes})
    return said


# ---- families and the public --------------------------------------------------------------------------------


async def tell_families(uow: UnitOfWork, round_id: UUID) -> int:
    """Tell the next families why their child got what it got; returns how many."""
    row = await uow.get(DrawRound, round_id)
    query = select(DrawWish).where(DrawWish.round_id == round_id, DrawWish.told_at.is_(None)).order_by(DrawWish.id)
    wishes = list((await uow.session.execute(query.limit(CHUNK).with_for_update())).scalars())
    children = await students_by_id(uow, [wish.student_id for wish in wishes])
    families = await notices.guardians_of(uow, children.keys())
    now: datetime = await moment(uow)
    for wish in wishes:
        wish.told_at = now
        child = children[wish.student_id]
        for result in results(row, wish):
            told = {"child": child.name, "title": row.title, **result.facts}
            source = f"draw/{wish.id}/{result.slot}"
            path = f"home/wishes?child={child.id}"
            await notices.tell(uow, families.get(child.id, []), result.kind, told, path=path, source=source)
    return len(wishes)


async def publish(uow: UnitOfWork, round_id: UUID) -> None:
    """The result on the board; what is left is claimed first come from now on."""
    row = await uow.get(DrawRound, round_id, lock=True)
    if row.state != "drawn":
        return
    row.published_at = await moment(uow)
    await DRAW.transition(uow, row, "publish", payload={"title": row.title})
    await release_courses(uow, row)
    outcome = row.record["outcome"]
    given = [course for courses in outcome["given"].values() for course in courses]
    with in_locale("zh_CN"):
        draft = notices.Draft(
            kind="draw",
            title=_("%(title)s：抽签结果", title=row.title),
            body=_(
                "抽签文件（只有凭据编号，没有姓名）和程序可以下载，任何人都可以重新抽一次核对：%(url)s",
                url=public_url(uow, row),
            ),
            facts=[
                (_("公开数字"), f"{row.seed_source}：{row.seed}"),
                (_("志愿份数"), str(len(row.record["wishes"]))),
                (_("结果校验码"), program.sha256(program.canonical(outcome))),
                (_("公布时间"), fdatetime(row.published_at, "medium")),
            ],
            columns=[_("项目"), _("名额"), _("录取"), _("录取到")],
            rows=[
                [c["title"], str(c["places"]), str(given.count(c["id"])), last_words(row, c["id"])]
                for c in row.record["courses"]
            ],
            subject_kind="draw_round",
            subject_key=f"{row.id}/result",
        )
    await notices.post(uow, draft)


def last_words(row: DrawRound, course_id: str) -> str:
    """The last class and number that got in, in words; empty where everybody who asked got in."""
    last = row.record["outcome"]["last"][course_id]
    if last is None:
        return ""
    if last[0] == 0 and has_first(row):
        return _("优先类别 %(number)s 号", number=last[1])
    if last[0] < len(row.classes) - 1:
        return _("上次未抽中 %(number)s 号", number=last[1])
    return _("%(number)s 号", number=last[1])


async def turn(delivery: Delivery) -> None:
    """What time alone moves: the ranking ends, and all is committed to at once."""
    uow = delivery.uow
    due = select(DrawRound.id).where(DrawRound.state.in_(("open", "closed")), DrawRound.closes_at <= await moment(uow))
    for round_id in (await uow.session.execute(due)).scalars().all():
        row = await uow.get(DrawRound, round_id)
        if row.state == "open":
            await close_round(uow, round_id)
        try:
            async with uow.session.begin_nested():
                await commit_round(uow, round_id)
        except KehouError:
            continue  # the office names a later public value, and commits itself
