"""Dated lessons from offerings, weekdays and the school calendar. Made again and again; what is right stays."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.enrollment.views import OfferingView
from core.lessons.models import Lesson
from core.lessons.states import LESSON
from core.terms import service as terms

JOB = "lessons.generate"
RUNS = ("published", "open_for_choice", "running")
"""States of an offering in which its lessons stand in the timetable."""


async def generate(job: Delivery) -> None:
    """Long job: {offering} for one, {term} or nothing for all of a term. One offering is one transaction.

    It needs no memory of its own: what an earlier, killed attempt made is found and left as it is.
    """
    async with job.unit() as uow:
        ids = await _asked(uow, job.payload)
    since = date.fromisoformat(job.payload["since"]) if job.payload.get("since") else None
    made = 0
    for number, offering_id in enumerate(ids):
        await job.progress(number, len(ids), _("正在排课"))
        async with job.unit() as uow:
            made += await plan_lessons(uow, offering_id, since=since)
    await job.progress(len(ids), len(ids), _("已排好 %(n)s 节课", n=made), made=made)


async def ask_all(uow: UnitOfWork, term_id: UUID | None = None) -> UUID:
    """Have the lessons of the term's whole menu made, in the background. Returns the run's id."""
    term = term_id or (await terms.current_term(uow)).id
    return await uow.enqueue(JOB, {"term": term}, label=_("生成课次"))


async def on_groups(job: Delivery) -> None:
    """Subscriber of "forming.published": the lessons of all its offerings become those of the new groups."""
    for offering_id in job.payload["offerings"]:
        await job.uow.enqueue(JOB, {"offering": offering_id}, label=_("生成课次"))


async def on_offering(job: Delivery) -> None:
    """Subscriber: an offering was published, changed, resumed, suspended or withdrawn."""
    offering_id = job.payload.get("offering") or job.payload["id"]
    await job.uow.enqueue(JOB, {"offering": offering_id}, label=_("生成课次"))


async def plan_lessons(uow: UnitOfWork, offering_id: UUID, *, since: date | None = None) -> int:
    """Make the lessons of one offering as the calendar says, one for each of its groups where groups are formed;
    returns how many were added.

    Only lessons to come are added, or those from `since` on. Lessons that nobody has begun follow a changed timetable
    and new groups, or are cancelled when their day or their group fell away; what has begun is left alone. So is what a
    person cancelled: new groups do not meet on a day that was called off as a whole.
    """
    await uow.hold(f"lessons/{offering_id}")
    offering = await enrollment.offering(uow, offering_id)
    today = clock.today()
    runs = offering.state in RUNS
    wanted = await _wanted(uow, offering) if runs else {}
    rows = (await uow.session.execute(select(Lesson).where(Lesson.offering_id == offering_id))).scalars().all()
    known = {(lesson.day, lesson.group_id): lesson for lesson in rows}
    off = _called_off(rows)
    if runs:
        _regroup(wanted, known, today, off, await enrollment.group_names(uow, offering_id))
        await uow.session.flush()
    moment = clock.school_time(clock.now())
    fresh = [
        _row(uow, offering, key, slot)
        for key, slot in wanted.items()
        if key not in known
        and key[0] not in off
        and (key[0] >= since if since else (key[0], slot.ends_at) > (today, moment.time()))
    ]
    if fresh:
        await uow.session.execute(insert(Lesson).on_conflict_do_nothing(), fresh)
    for key, lesson in known.items():
        if key[0] >= today:
            await _follow(uow, lesson, offering, wanted.get(key), "calendar" if runs else "offering")
    return len(fresh)


Key = tuple[date, UUID | None]
"""A lesson of an offering: its day and its group."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The weekday whose timetable runs, the hours, and where and by whom."""

    weekday: int
    starts_at: time
    ends_at: time
    room_id: UUID | None
    teacher_id: UUID | None


async def _wanted(uow: UnitOfWork, offering: OfferingView) -> dict[Key, Slot]:
    """The lessons of the term. Hours of a season hold on their own dates only (winter times)."""
    groups = await enrollment.groups_in_force(uow, offering.id)
    found: dict[Key, Slot] = {}
    for day, weekday in (await terms.timetable_days(uow, offering.term_id)).items():
        periods = [p for p in offering.periods if p.weekday == weekday and p.runs_on(day)]
        if not periods:
            continue
        hours = min(p.starts_at for p in periods), max(p.ends_at for p in periods)
        here = [group for group in groups if group.first <= day <= group.last]
        for group in here:
            found[day, group.id] = Slot(weekday, *hours, group.room_id, group.teacher(day, weekday))
        if not here:
            found[day, None] = Slot(weekday, *hours, offering.room_id, offering.teacher_id)
    return found


def _untouched(lesson: Lesson) -> bool:
    """Nobody has signed in or called the roll, and no person has cancelled it."""
    if lesson.state == "cancelled":
        return lesson.cancelled_by in ("calendar", "offering")
    return lesson.state == "planned" and lesson.signed_in_at is None and not lesson.expected


def _called_off(rows: Sequence[Lesson]) -> set[date]:
    """The days on which a person cancelled lessons and none goes on."""
    by_person = {row.day for row in rows if row.state == "cancelled" and row.cancelled_by == "person"}
    return by_person - {row.day for row in rows if row.state != "cancelled"}


def _regroup(
    wanted: Mapping[Key, Slot],
    known: dict[Key, Lesson],
    today: date,
    off: Collection[date],
    names: Mapping[UUID, tuple[int, str]],
) -> None:
    """Give lessons to come whose group is no more to groups of the same day that have none yet: first to the group that
    goes on under the same number and name, which keeps a stand-in and what a person cancelled; the rest to any."""
    free: dict[date, list[Lesson]] = defaultdict(list)
    for key, lesson in known.items():
        by_person = lesson.state == "cancelled" and lesson.cancelled_by == "person"
        if key[0] >= today and key not in wanted and (by_person or _untouched(lesson)):
            free[key[0]].append(lesson)

    def give(lesson: Lesson, group_id: UUID | None) -> None:
        free[lesson.day].remove(lesson)
        del known[lesson.day, lesson.group_id]
        lesson.group_id = group_id
        known[lesson.day, group_id] = lesson

    for day, group_id in wanted:
        if (day, group_id) in known or group_id is None:
            continue
        same = [row for row in free[day] if row.group_id and names[row.group_id] == names[group_id]]
        if same:
            give(same[0], group_id)
    for day, group_id in wanted:
        rest = [row for row in free[day] if _untouched(row)]
        if (day, group_id) not in known and rest and day not in off:
            rest[0].usual_teacher_id = None
            give(rest[0], group_id)


def _row(uow: UnitOfWork, offering: OfferingView, key: Key, slot: Slot) -> dict[str, Any]:
    return {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "offering_id": offering.id,
        "term_id": offering.term_id,
        "day": key[0],
        "weekday": slot.weekday,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "early_ends_at": offering.early_ends_at,
        "room_id": slot.room_id,
        "teacher_id": slot.teacher_id,
        "vendor_id": offering.vendor_id,
        "group_id": key[1],
    }


async def _follow(uow: UnitOfWork, lesson: Lesson, offering: OfferingView, slot: Slot | None, cause: str) -> None:
    """Bring one coming lesson into line with its offering."""
    if slot is None:
        if lesson.state == "planned" and lesson.signed_in_at is None:
            words = _("校历或时间有调整") if cause == "calendar" else _("课程暂停或撤下")
            await LESSON.transition(uow, lesson, "cancel", reason=words, payload=said(lesson))
            lesson.cancelled_by = cause
        return
    if lesson.state == "cancelled" and lesson.cancelled_by in ("calendar", "offering"):
        await LESSON.transition(uow, lesson, "restore", payload=said(lesson))
        lesson.cancelled_by = ""
    if lesson.state != "planned" or lesson.signed_in_at is not None:
        return
    lesson.weekday, lesson.starts_at, lesson.ends_at = slot.weekday, slot.starts_at, slot.ends_at
    lesson.early_ends_at = offering.early_ends_at
    lesson.room_id, lesson.vendor_id = slot.room_id, offering.vendor_id
    if lesson.usual_teacher_id is None:
        lesson.teacher_id = slot.teacher_id
    else:
        lesson.usual_teacher_id = slot.teacher_id


def said(lesson: Lesson) -> Mapping[str, Any]:
    """What events tell of a lesson."""
    return {
        "lesson_id": lesson.id,
        "offering_id": lesson.offering_id,
        "term_id": lesson.term_id,
        "on": lesson.day,
        "teacher_id": lesson.teacher_id,
        "vendor_id": lesson.vendor_id,
    }


async def _asked(uow: UnitOfWork, payload: Mapping[str, Any]) -> list[UUID]:
    if payload.get("offering"):
        return [UUID(payload["offering"])]
    term_id = UUID(payload["term"]) if payload.get("term") else (await terms.current_term(uow)).id
    return [view.id for view in await enrollment.offerings(uow, term_id) if view.periods]


async def counts(uow: UnitOfWork, offering_ids: list[UUID]) -> dict[UUID, tuple[int, int]]:
    """(held, planned) lessons of each offering in its term; cancelled ones are not planned any more. Lessons of several
    groups on one day count once: it is the child's lessons that are counted and paid for."""
    rows = await uow.session.execute(
        text(
            "select offering_id, count(distinct day) filter (where state = 'held') as held, "
            "count(distinct day) filter (where state <> 'cancelled') as planned "
            "from lesson where tenant_id = :t and offering_id = any(:ids) group by offering_id"
        ),
        {"t": uow.ctx.tenant_id, "ids": offering_ids},
    )
    found = {row.offering_id: (int(row.held), int(row.planned)) for row in rows.all()}
    return {id_: found.get(id_, (0, 0)) for id_ in offering_ids}


_HISTORY = text("""
select l.day, l.weekday, l.group_id, l.state = 'held' or l.id = :lesson as held
  from lesson l
 where l.tenant_id = :t and l.offering_id = :offering and l.state <> 'cancelled'
   and (l.group_id is null or cast(:group as uuid) is null or l.group_id = cast(:group as uuid)
        or exists (select 1 from care_group_member m
                     join care_group_member o on o.tenant_id = m.tenant_id and o.student_id = m.student_id
                    where m.tenant_id = l.tenant_id and m.group_id = cast(:group as uuid) and o.group_id = l.group_id))
 order by l.day, l.group_id nulls first""")


async def history(uow: UnitOfWork, lesson: Lesson) -> dict[str, Any]:
    """What a lesson that is held now tells of those before it: `days` held, each [day, weekday, group], and how many
    lessons are `plan`ned, each [group, number], of all groups that the lesson's children have been in; cancelled ones
    are not planned any more. A group is None where there were none: such a lesson was everybody's. `held` and `planned`
    count the lesson's own group."""
    asked = {"t": uow.ctx.tenant_id, "lesson": lesson.id, "offering": lesson.offering_id, "group": lesson.group_id}
    rows = (await uow.session.execute(_HISTORY, asked)).all()
    own = [row for row in rows if row.group_id in (None, lesson.group_id)]
    return {
        "group_id": lesson.group_id,
        "held": len({row.day for row in own if row.held}),
        "planned": len({row.day for row in own}),
        "days": [(row.day, row.weekday, row.group_id) for row in rows if row.held],
        "plan": list(Counter(row.group_id for row in rows).items()),
    }


__all__ = ["JOB", "ask_all", "counts", "generate", "history", "on_groups", "on_offering", "plan_lessons", "said"]
