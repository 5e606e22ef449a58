"""The office's side of a draw: made, opened, closed, committed to in public, its seed given by two people (R-216).

Everything that decides is fixed and its hashes are on the publicity board before the seed exists anywhere; what is
drawn then is decided by core.enrollment.draw.program alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, text, update

from core.base import clock
from core.base.errors import FieldError, Invalid, NotFound
from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.enrollment import menu_service, seats
from core.enrollment.draw import program
from core.enrollment.draw.classes import priority_rule
from core.enrollment.draw.errors import (
    InOtherDraw,
    NoPlacesToDraw,
    SeedEntered,
    SeedKnown,
    SeedPublic,
    StillOpen,
)
from core.enrollment.draw.gate import drawn_now
from core.enrollment.draw.models import DrawCourse, DrawRound, DrawWish
from core.enrollment.draw.states import DRAW
from core.enrollment.offerings_service import offerings_by_id, set_claimable
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.notices import service as notices
from core.people.models import Student
from core.web.i18n import fdatetime

KEEP: Final = timedelta(days=1)
"""For how long, at least, families can apply after the draw."""
LOCKING: Final = timedelta(minutes=10)
"""Between the end of the asking and the public value: a worker commits in public within five minutes."""


def slots_of(views: Sequence[OfferingView]) -> dict[UUID, str]:
    """The slot of each offering, "1", "2" …: offerings whose times overlap, directly or over others, share one."""
    slot: dict[UUID, str] = {}
    ordered = sorted(views, key=lambda v: ([(p.weekday, p.starts_at) for p in v.periods], v.title, str(v.id)))
    number = 0
    for first in ordered:
        if first.id in slot:
            continue
        number += 1
        reached = [first]
        while reached:
            view = reached.pop()
            slot[view.id] = str(number)
            reached += [
                other
                for other in ordered
                if other.id not in slot and any(a.overlaps(b) for a in view.periods for b in other.periods)
            ]
    return slot


async def choosable(uow: UnitOfWork, term_id: UUID) -> list[OfferingView]:
    """What may be put into a new round: on the menu, with places, in no other round."""
    views = [v for v in await menu_service.on_menu(uow, term_id) if v.capacity is not None]
    taken = await drawn_now(uow, [v.id for v in views])
    return [v for v in views if v.id not in taken]


async def make_round(
    uow: UnitOfWork,
    term_id: UUID,
    *,
    title: str,
    offering_ids: Collection[UUID],
    opens_at: datetime,
    closes_at: datetime,
    per_child: int,
    seed_source: str,
    seed_at: datetime,
    mode: str = "ranked",
    luck: bool = False,
) -> DrawRound:
    """Put offerings into a new round; from now on their places cannot be claimed. Times are aware.

    `mode` is "ranked" or "window", `luck` whether the last draw's bad luck is a class (both as in DrawRound).

    Raises Invalid, NoPlacesToDraw, InOtherDraw.
    """
    uow.ctx.require("draw.manage")
    if wrong := await wrong_times(uow, term_id, opens_at, closes_at, seed_at):
        raise Invalid(fields=wrong)
    await uow.hold(f"draws/{term_id}")
    wanted = sorted(set(offering_ids), key=str)
    found = await offerings_by_id(uow, wanted)
    taken = await drawn_now(uow, wanted)
    for id_ in wanted:
        view = found.get(id_)
        if view is None or view.term_id != term_id:
            raise NotFound()
        if view.state not in ON_MENU or view.capacity is None:
            raise NoPlacesToDraw(title=view.title)
        if id_ in taken:
            raise InOtherDraw(title=view.title)
    views = list(found.values())
    rule = priority_rule(uow, {grade for view in views for grade in view.grades}, luck)
    row = DrawRound(
        term_id=term_id,
        title=title.strip(),
        state="drafted",
        mode=mode,
        luck=luck,
        opens_at=opens_at,
        closes_at=closes_at,
        per_child=per_child,
        classes=list(rule.classes),
        clause=rule.clause,
        primary_first=rule.primary_first,
        seed_source=seed_source.strip(),
        seed_at=seed_at,
    )
    uow.session.add(row)
    await uow.session.flush()
    slot = slots_of(views)
    uow.session.add_all(DrawCourse(round_id=row.id, offering_id=view.id, slot=slot[view.id]) for view in views)
    await uow.session.flush()
    await set_claimable(uow, wanted, False)
    await uow.audit("draw.make", "draw_round", row.id, title=row.title, offerings=wanted)
    return row


async def wrong_times(
    uow: UnitOfWork, term_id: UUID, opens_at: datetime | None, closes_at: datetime | None, seed_at: datetime | None
) -> list[FieldError]:
    """What is wrong with a new round's times, as far as they are known (aware; None: not yet)."""
    wrong: list[FieldError] = []
    if closes_at is not None and closes_at <= max(filter(None, (opens_at, await moment(uow)))):
        wrong.append(FieldError("closes_at", _("截止时间应晚于开始时间和现在")))
    if seed_at is None:
        return wrong
    if closes_at is not None and seed_at < closes_at + LOCKING:
        wrong.append(FieldError("seed_at", _("公开数字应在填报截止 10 分钟以后才公布")))
    menu = await menu_service.menu_of(uow, term_id)
    if menu is None or menu.closes_at < seed_at + KEEP:
        wrong.append(FieldError("seed_at", _("抽签后家长还要提交申请：菜单的报名截止时间应至少再晚一天")))
    return wrong


async def moment(uow: UnitOfWork) -> datetime:
    """The database's clock decides about windows."""
    now: datetime = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def courses_of(uow: UnitOfWork, round_id: UUID) -> list[tuple[DrawCourse, OfferingView]]:
    """The courses of a round with their offerings, by slot and title."""
    rows = (await uow.session.execute(select(DrawCourse).where(DrawCourse.round_id == round_id))).scalars().all()
    views = await offerings_by_id(uow, [row.offering_id for row in rows])
    return sorted(((r, views[r.offering_id]) for r in rows), key=lambda c: (int(c[0].slot), c[1].title, str(c[1].id)))


async def open_round(uow: UnitOfWork, round_id: UUID) -> None:
    """Show it to families; they may rank from `opens_at` on."""
    row = await uow.get(DrawRound, round_id, lock=True)
    await DRAW.transition(uow, row, "open", payload={"title": row.title})
    days = [clock.school_time(at).date() for at in (row.opens_at, row.closes_at)]
    told = {"title": row.title, "starts": days[0], "to": days[1], "opens_at": row.opens_at, "closes_at": row.closes_at}
    kind = "draw.window" if row.mode == "window" else "draw.opened"
    people = await notices.all_guardians(uow)
    await notices.tell(uow, people, kind, told, path="home/wishes", source=f"draw.opened/{row.id}")


async def close_round(uow: UnitOfWork, round_id: UUID) -> None:
    """End the ranking once its time is over; wishes cannot change from now on. Raises StillOpen."""
    row = await uow.get(DrawRound, round_id, lock=True)
    if await moment(uow) < row.closes_at:
        raise StillOpen()
    await DRAW.transition(uow, row, "close")


async def commit_round(uow: UnitOfWork, round_id: UUID) -> None:
    """Fix courses, places and wishes, and publish their hashes on the board. Raises SeedKnown, MoveRefused."""
    row = await uow.get(DrawRound, round_id, lock=True)
    if await moment(uow) >= row.seed_at:
        raise SeedKnown()
    source = await asyncio.to_thread(Path(program.__file__).read_bytes)
    await seats.sweep(uow)
    record: dict[str, Any] = {
        "format": program.FORMAT,
        "title": f"{uow.ctx.name} {row.title}",
        "program": program.sha256(source),
        "rules": {
            "mode": row.mode,
            "limit": row.per_child,
            "classes": list(row.classes),
            "clause": row.clause,
            "seed_source": row.seed_source,
            "seed_at": row.seed_at.isoformat(),
        },
        "courses": [
            {
                "id": str(view.id),
                "title": view.title,
                "slot": course.slot,
                "places": (view.left or 0) if view.state in ON_MENU else 0,
            }
            for course, view in await courses_of(uow, row.id)
        ],
        "wishes": await _lines(uow, row.id),
    }
    record["commitment"] = program.commitment(record)
    program.check(record)
    row.record, row.program = record, source.decode("utf-8")
    row.committed_at = await moment(uow)
    await DRAW.transition(uow, row, "commit", payload={"title": row.title, **record["commitment"]})
    await uow.session.flush()
    await _post_commitment(uow, row)


async def _lines(uow: UnitOfWork, round_id: UUID) -> list[dict[str, object]]:
    """The lines of all who ranked something, or hold others back who want them along, and are still at the school, in
    order of their receipts."""
    query = (
        select(DrawWish.line)
        .join(Student, (Student.tenant_id == DrawWish.tenant_id) & (Student.id == DrawWish.student_id))
        .where(
            DrawWish.round_id == round_id,
            Student.left_at.is_(None),
            (DrawWish.line["ranked"] != text("'[]'::jsonb")) | DrawWish.line.has_key("together"),
        )
        .order_by(DrawWish.receipt)
    )
    return [dict(line) for line in (await uow.session.execute(query)).scalars()]


def public_url(uow: UnitOfWork, row: DrawRound) -> str:
    return f"{uow.house.settings.public_url}/t/{uow.ctx.slug}/draw/{row.id}"


async def _post_commitment(uow: UnitOfWork, row: DrawRound) -> None:
    commitment = row.record["commitment"]
    with in_locale("zh_CN"):
        draft = notices.Draft(
            kind="draw",
            title=_("%(title)s：抽签前锁定", title=row.title),
            body=_(
                "志愿、规则和抽签程序已经锁定，以下校验码先于公开数字公布。"
                "公开数字公布后抽签，任何人都可以下载抽签文件和程序重新抽一次。详情：%(url)s",
                url=public_url(uow, row),
            ),
            facts=[
                (_("公开数字"), row.seed_source),
                (_("公布时间"), fdatetime(row.seed_at, "medium")),
                (_("志愿份数"), str(len(row.record["wishes"]))),
                (_("规则校验码"), commitment["rules"]),
                (_("志愿校验码"), commitment["wishes"]),
                (_("程序校验码"), commitment["program"]),
            ],
            columns=[_("项目"), _("时段"), _("名额")],
            rows=[[c["title"], c["slot"], str(c["places"])] for c in row.record["courses"]],
            subject_kind="draw_round",
            subject_key=f"{row.id}/commitment",
        )
    await notices.post(uow, draft)


# ---- giving it up -------------------------------------------------------------------------------------------


async def cancel_round(uow: UnitOfWork, round_id: UUID, reason: str) -> None:
    """Give it up, in public when it was committed to in public. Never once the public value exists: nobody draws twice.

    But for a draw that its own check has stopped. Raises SeedPublic, SeedEntered, MoveRefused, ReasonOwed.
    """
    row = await uow.get(DrawRound, round_id, lock=True)
    if row.state == "committed" and not await may_cancel(uow, row):
        raise SeedEntered() if row.seed else SeedPublic()
    public = row.state == "committed"
    await DRAW.transition(uow, row, "cancel", reason=reason)
    await release_courses(uow, row)
    if public:
        with in_locale("zh_CN"):
            title = _("%(title)s：取消", title=row.title)
        body = "\n".join(filter(None, (reason, row.stopped)))
        draft = notices.Draft("draw", title, body=body, subject_kind="draw_round", subject_key=f"{row.id}/cancelled")
        await notices.post(uow, draft)


async def may_cancel(uow: UnitOfWork, row: DrawRound) -> bool:
    """Whether the round may be given up: before its public value exists, or when its own check has stopped the draw."""
    if row.state == "committed" and not row.stopped:
        return not row.seed and await moment(uow) < row.seed_at
    return any(move.event == "cancel" for move in DRAW.possible(row.state))


async def release_courses(uow: UnitOfWork, row: DrawRound) -> None:
    """The courses of a round that is over: places that are left are claimed first come while the menu is open."""
    await uow.session.execute(update(DrawCourse).where(DrawCourse.round_id == row.id).values(live=False))
    await uow.session.flush()
    views = [view for _course, view in await courses_of(uow, row.id)]
    await set_claimable(uow, [view.id for view in views if view.state in ON_MENU], True)
