"""What rules and plugins say to an offering: the questions to the pack, the hook, and clashes of room and teacher."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Any

from sqlalchemy import or_, select

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment import set_rules
from core.enrollment.errors import Objected, RoomTaken, TeacherTaken
from core.enrollment.forming.gate import taken_by_group
from core.enrollment.models import Offering, OfferingPeriod
from core.enrollment.views import EARLY_GRADES, OfferingView, Period
from core.people.ethics import objections_to_staff
from core.policy import service as policy
from core.policy.library import PackLibrary
from core.policy.service import EffectivePack
from core.policy.types import Objection
from core.terms.models import Term

LIVE = ("proposed", "content_review", "approved", "published", "open_for_choice", "running", "suspended")
"""States in which an offering keeps its room and its teacher."""

SETTLED = ("approved", "published", "open_for_choice", "running")
"""States in which a change is a change of something that was accepted."""

AT_SCHOOL = ("care", "club", "vendor_course")
"""Kinds in which the school gathers children under a teacher."""

LOWER = frozenset(EARLY_GRADES)


def pack_of(uow: UnitOfWork) -> EffectivePack | None:
    """The rules that hold for this organisation today, if it has any."""
    if uow.ctx.pack is None:
        return None
    return uow.house.get(PackLibrary).effective(uow.ctx.pack, clock.today())


def stage_of(grades: Iterable[int]) -> str:
    return "junior" if min(grades, default=1) > 6 else "primary"


async def objections_to(uow: UnitOfWork, view: OfferingView, action: str) -> list[Objection]:
    """All that speaks against the offering now: the pack's clauses, then the plugins' own checks."""
    pack = pack_of(uow)
    found: list[Objection] = []
    if pack is not None:
        found += pack.ask_all(await _questions(uow, pack, view)).objections
        found += pack.ask_all(_when_accepted(view, action)).objections
        if view.time_window in set_rules.AFTERNOON:
            for period in view.periods:
                found += _sessions(pack, view, period)
    found += await objections_to_staff(uow, view.teacher_id)
    # A question asked for several seasons or days may be answered with the same sentence twice.
    found = list(dict.fromkeys(found))
    found += await uow.hooks.decide("check_offering", uow.ctx, uow=uow, offering=view, action=action)
    return found


def reviewers(uow: UnitOfWork, view: OfferingView) -> list[str]:
    """Who must have reviewed a course beside the school, in the packs' words (content.reviewed_by, R-096)."""
    pack = pack_of(uow)
    if pack is None or view.kind != "club":
        return []
    return [body for body in pack.get("content.reviewed_by").value or () if body != "school"]


async def refuse_objected(uow: UnitOfWork, view: OfferingView, action: str) -> None:
    """Raises Objected for anything that blocks, and for warnings without a written reason."""
    found = await objections_to(uow, view, action)
    if not await policy.decided(uow, f"offering.{action}", "offering", view.id, found, view.reason):
        raise Objected(found)


async def _questions(uow: UnitOfWork, pack: EffectivePack, view: OfferingView) -> list[tuple[str, dict[str, Any]]]:
    stage = stage_of(view.grades)
    said = (*view.details.get("outline", ()), view.details.get("materials", ""))
    texts = [view.title, view.summary, *map(str, said)]
    sets_homework = set_rules.sets_homework(texts)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("content.blocked_words", {"texts": texts}),
        ("content.flag_words", {"texts": texts}),
        ("application.grades", {"grades": list(view.grades)}),
        ("provider.kinds", {"provider": view.provider}),
        ("provider.banned_kinds", {"provider": view.provider}),
        ("content.written_home_homework", {"written_home_homework": sets_homework, "grades": list(view.grades)}),
    ]
    if view.kind != "care":
        asked.append(("content.sets_homework", {"sets_homework": sets_homework}))
    else:
        asked.append(("enrolment.segment_told", {"segment_told": bool(view.periods)}))
        if len(view.weekdays) > 1:
            asked.append(("enrolment.any_days", {"any_days": view.any_days}))
    if view.content:
        where = {"stage": stage, "window": view.time_window} if view.time_window else {"stage": stage}
        asked += [
            ("content.kinds", {"kinds": list(view.content), **where}),
            ("content.banned_kinds", {"kinds": list(view.content), **where}),
        ]
    if view.capacity is not None and view.kind in AT_SCHOOL:
        asked.append(("class.size_max", {"size": view.capacity}))
    if view.periods:
        asked += await _of_time(uow, pack, view, stage)
    return asked


def _when_accepted(view: OfferingView, action: str) -> list[tuple[str, dict[str, Any]]]:
    """What an item must have when it is accepted; while it is being written it may lack (R-180, R-288)."""
    if view.kind not in AT_SCHOOL or not (action == "approve" or view.state in SETTLED):
        return []
    led = bool(view.teacher_id or view.vendor_id)
    planned = bool(view.details.get("outline") or view.content or view.summary.strip())
    reviewed_by = ["school", *view.details.get("reviewed_by", ())]
    # Care is no course, and a provider's course has its own clause and its own record (R-096, R-313).
    course = [("content.reviewed_by", {"reviewed_by": reviewed_by})] if view.kind == "club" else []
    return [
        *course,
        ("class.plan_and_teacher", {"planned_and_led": planned and led}),
        ("staffing.fixed_teacher_and_place", {"fixed": led and view.room_id is not None}),
    ]


def _sessions(pack: EffectivePack, view: OfferingView, period: Period) -> list[Objection]:
    """The sessions of each grade; where grades 1 and 2 leave early, their own end counts for them."""
    found: list[Objection] = []
    for grade in view.grades:
        end = view.early_ends_at if grade in LOWER and view.early_ends_at else period.ends_at
        found += set_rules.outside_sessions(pack, [grade], period.starts_at, end)
    return found


async def _of_time(
    uow: UnitOfWork, pack: EffectivePack, view: OfferingView, stage: str
) -> list[tuple[str, dict[str, Any]]]:
    assert view.starts_at is not None and view.ends_at is not None
    window = view.time_window
    asked: list[tuple[str, dict[str, Any]]] = [
        ("time.windows", {"window": window, "stage": stage}),
        ("time.weekdays_only", {"weekdays": list(view.weekdays)}),
        ("time.weekdays_off", {"weekdays": list(view.weekdays), "window": window, "stage": stage}),
        # A make-up day runs a weekday's timetable, so what stands on Saturday or Sunday itself is no school day.
        ("time.school_days", {"on_school_day": max(view.weekdays) < 6}),
    ]
    if view.kind not in ("care", "lunch"):
        asked.append(("content.themed_days", {"weekdays": list(view.weekdays)}))
    if view.kind == "club":
        asked.append(("content.club_days", {"weekdays": list(view.weekdays)}))
    longest = max(_minutes(p.ends_at) - _minutes(p.starts_at) for p in view.periods)
    asked.append(("time.minutes_max", {"minutes": longest, "window": window, "stage": stage}))
    term = await uow.get(Term, view.term_id)
    for season, end in _ends_by_season(pack, view, term).items():
        # Each month of the term counts: an end that suits summer must suit the winter weeks too, unless these have
        # hours of their own.
        asked.append(("time.latest_end", {"end": end, "window": window, "stage": stage, "season": season}))
    lower = LOWER & set(view.grades)
    if lower:
        others_end = view.ends_at if set(view.grades) - LOWER else await _others_end(uow, view)
        asked.append(
            (
                "time.earlier_exit",
                {
                    "end": view.early_ends_at or view.ends_at,
                    "others_end": others_end,
                    "grades": sorted(lower),
                    "window": window,
                    "stage": stage,
                },
            )
        )
    return asked


def _ends_by_season(pack: EffectivePack, view: OfferingView, term: Term) -> dict[str, time]:
    """The latest end in each season of the term, by the hours that hold in it."""
    ends: dict[str, time] = {}
    for period in view.periods:
        first = max(term.starts_on, period.valid_from or term.starts_on)
        last = min(term.ends_on, period.valid_to or term.ends_on)
        for season in set_rules.seasons(pack, first, last) if first <= last else ():
            ends[season] = max(period.ends_at, ends.get(season, period.ends_at))
    return dict(sorted(ends.items()))


async def _others_end(uow: UnitOfWork, view: OfferingView) -> time:
    """When the other grades end in the same window; where they have nothing yet, this one's own end."""
    rows = await uow.session.execute(
        select(Offering.grades, OfferingPeriod.ends_at)
        .join(
            OfferingPeriod,
            (OfferingPeriod.tenant_id == Offering.tenant_id) & (OfferingPeriod.offering_id == Offering.id),
        )
        .where(
            Offering.term_id == view.term_id,
            Offering.time_window == view.time_window,
            Offering.state.in_(LIVE),
            Offering.id != view.id,
        )
    )
    ends = [ends_at for grades, ends_at in rows.all() if set(grades) - LOWER]
    return max(ends, default=view.ends_at or time(18))


async def refuse_clashes(uow: UnitOfWork, view: OfferingView) -> None:
    """Nobody teaches, and no room holds, two things at once. The caller holds the name "timetable/<term>".

    Raises RoomTaken, TeacherTaken.
    """
    same = []
    if view.room_id:
        same.append(Offering.room_id == view.room_id)
    if view.teacher_id:
        same.append(Offering.teacher_id == view.teacher_id)
    if not same or not view.periods:
        return
    rows = await uow.session.execute(
        select(Offering, OfferingPeriod)
        .join(
            OfferingPeriod,
            (OfferingPeriod.tenant_id == Offering.tenant_id) & (OfferingPeriod.offering_id == Offering.id),
        )
        .where(Offering.term_id == view.term_id, Offering.state.in_(LIVE), Offering.id != view.id, or_(*same))
    )
    for other, theirs in rows.all():
        hours = Period(theirs.weekday, theirs.starts_at, theirs.ends_at, theirs.valid_from, theirs.valid_to)
        if not any(hours.overlaps(p) for p in view.periods):
            continue
        if view.room_id and other.room_id == view.room_id:
            raise RoomTaken(other=other.title)
        raise TeacherTaken(other=other.title)
    taken = await taken_by_group(uow, view)
    if taken is not None:
        raise (RoomTaken if taken[0] == "room" else TeacherTaken)(other=taken[1])


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
