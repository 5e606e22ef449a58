"""One-off care (R-153): a guardian asks, or phones; the class teacher answers; the child is on that day's list.

Taken on, the child is called, handed over and collected like everybody else there, without an enrolment, and nothing is
charged. A guest takes a place of that day (core.lessons.oneoff.places). A refusal needs a reason, which the family sees
(R-134).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from core.base import clock
from core.base.errors import Conflict, FieldError, NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.delivery import Delivery
from core.db.states import ReasonOwed
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment import service as enrollment
from core.enrollment.views import OfferingView
from core.lessons.leave import lessons_of_child
from core.lessons.models import Attendance, Lesson
from core.lessons.oneoff import places
from core.lessons.oneoff.models import OneOff
from core.lessons.oneoff.states import ONE_OFF
from core.lessons.register import finishes
from core.people.models import Student
from core.people.service import StudentView, class_ids_taught, my_child_to_choose, student, students_by_id
from core.web.i18n import fdate

AHEAD = timedelta(days=7)
"""How far ahead care for a single day is asked: more than that is an enrolment."""
SIZE = 20
"""Requests on one page."""
OVERSEE = "lesson.oversee"
OPEN = ("planned", "roll_called")
"""States of a lesson that a child can still join."""


class NoSuchCare(Conflict):
    code = "one_off_no_care"
    text = _l("这一天没有可以临时参加的托管，或者孩子已经参加。请选择其他日子")


class FullThatDay(Conflict):
    code = "one_off_full"
    text = _l("「%(title)s」%(day)s 的名额已满。请与家长商量其他日子或项目，或写明理由答复")


class AlreadyCalled(Conflict):
    code = "one_off_called"
    text = _l("这一天已经点过名，不能取消。请直接联系老师")


class CareGone(Conflict):
    code = "one_off_care_gone"
    text = _l("这节托管已取消或已结束，或者孩子那个时间已有其他安排，不能安排")


class KeptApart(Conflict):
    code = "one_off_kept_apart"
    text = _l("这一天班级不混班，或者班组在另一个校区，孩子不能安排到这个班组。请与家长商量其他日子或班组")


@dataclass(frozen=True, slots=True)
class Care:
    """A lesson of care that a child could join for once."""

    lesson_id: UUID
    title: str
    day: date
    starts_at: time
    ends_at: time
    left: int | None
    """Places left for guests on that day; None: no limit. A full day can be asked for, so that the need is known."""


async def possible(uow: UnitOfWork, child: StudentView) -> list[Care]:
    """Care in the coming days for the child's grade, which it does not take part in already and has not asked for;
    none from which the rules keep it apart (R-014, R-171)."""
    first = clock.today()
    query = select(Lesson).where(
        Lesson.day.between(first, first + AHEAD),
        Lesson.state.in_(OPEN),
        Lesson.ended_at.is_(None),
    )
    lessons = (await uow.session.execute(query.order_by(Lesson.day, Lesson.starts_at, Lesson.id))).scalars().all()
    views = await enrollment.offerings_by_id(uow, {lesson.offering_id for lesson in lessons})
    lessons = [
        lesson
        for lesson in lessons
        if views[lesson.offering_id].kind == "care" and child.grade in views[lesson.offering_id].grades
    ]
    # Whoever takes part anywhere at that hour cannot be here.
    mine = await lessons_of_child(uow, child.id, first, first + AHEAD)
    busy = [(row.day, row.starts_at, row.ends_at) for row in mine]
    asked = {row.lesson_id for row in await of_children(uow, [child.id], states=("requested",))}
    now = clock.now()
    room = await places.left(uow, [lesson.id for lesson in lessons])
    titles = await _titles(uow, lessons, views)
    apart = await enrollment.kept_apart(uow, child, _sittings(lessons))
    return [
        Care(lesson.id, titles[lesson.id], lesson.day, lesson.starts_at, lesson.ends_at, room.get(lesson.id))
        for lesson in lessons
        if finishes(lesson) > now
        and lesson.id not in asked
        and apart.isdisjoint(_sittings([lesson]))
        and not any(d == lesson.day and s < lesson.ends_at and lesson.starts_at < e for d, s, e in busy)
    ]


def _sittings(lessons: Collection[Lesson]) -> list[tuple[UUID, date]]:
    """The groups that the lessons are for, with their days; a lesson of no group is left out."""
    return [(lesson.group_id, lesson.day) for lesson in lessons if lesson.group_id is not None]


async def _titles(uow: UnitOfWork, lessons: Collection[Lesson], views: Mapping[UUID, OfferingView]) -> dict[UUID, str]:
    """What each lesson is called: its offering, and its group where there are groups."""
    groups: dict[UUID, tuple[int, str]] = {}
    for offering_id in {lesson.offering_id for lesson in lessons if lesson.group_id}:
        groups |= await enrollment.group_names(uow, offering_id)
    return {
        lesson.id: views[lesson.offering_id].title + (f" · {groups[lesson.group_id][1]}" if lesson.group_id else "")
        for lesson in lessons
    }


async def ask(uow: UnitOfWork, student_id: UUID, lesson_id: UUID, words: str = "") -> OneOff:
    """A guardian asks for one's child; the same again is the same request. Raises NotFound, NoSuchCare."""
    return await _write(uow, await my_child_to_choose(uow, student_id), lesson_id, words, by_phone=False)


async def log_call(uow: UnitOfWork, student_id: UUID, lesson_id: UUID, words: str = "") -> OneOff:
    """The family phoned: the class teacher writes the request down and takes the child on, also where it was asked for
    already. Raises NotFound, NoSuchCare, and as `take_on`."""
    child = await of_mine(uow, student_id)
    row = await _write(uow, child, lesson_id, words, by_phone=True)
    await take_on(uow, row.id)
    return row


async def _write(uow: UnitOfWork, child: StudentView, lesson_id: UUID, words: str, *, by_phone: bool) -> OneOff:
    await uow.hold(f"one-off/{child.id}")
    live = [r for r in await of_children(uow, [child.id], states=("requested", "taken_on")) if r.lesson_id == lesson_id]
    if live:
        return live[0]
    if lesson_id not in {care.lesson_id for care in await possible(uow, child)}:
        raise NoSuchCare(fields=[FieldError("lesson", NoSuchCare.text)])
    lesson = await uow.get(Lesson, lesson_id)
    row = OneOff(
        student_id=child.id,
        offering_id=lesson.offering_id,
        lesson_id=lesson.id,
        day=lesson.day,
        state="requested",
        words=words.strip()[:200],
        by_phone=by_phone,
        asked_by=uow.ctx.actor.account_id,
        asked_name=uow.ctx.actor.name,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("one_off.ask", "student", child.id, request=row.id, day=row.day, by_phone=by_phone)
    if not by_phone:
        await uow.emit("one_off.asked", _told(row))
    return row


async def take_on(uow: UnitOfWork, one_off_id: UUID) -> None:
    """The class teacher takes the child on for that day. Raises NotFound, MoveRefused, CareGone, KeptApart,
    FullThatDay."""
    child = await of_mine(uow, (await uow.get(OneOff, one_off_id)).student_id)
    await uow.hold(f"one-off/{child.id}")  # before the row: as `log_call`, which comes from writing a request
    row = await uow.get(OneOff, one_off_id, lock=True)
    if row.state != "taken_on":
        await _refuse_gone(uow, row)
        await _answer(uow, row, "take_on", "")


async def _refuse_gone(uow: UnitOfWork, row: OneOff) -> None:
    """Much may have happened since the family asked. Raises CareGone, KeptApart."""
    lesson = await uow.get(Lesson, row.lesson_id)
    if lesson.state not in OPEN or lesson.ended_at is not None or finishes(lesson) <= clock.now():
        raise CareGone()
    mine = await lessons_of_child(uow, row.student_id, lesson.day)
    if any(other.starts_at < lesson.ends_at and lesson.starts_at < other.ends_at for other in mine):
        raise CareGone()
    if await enrollment.kept_apart(uow, await student(uow, row.student_id), _sittings([lesson])):
        raise KeptApart()


async def refuse(uow: UnitOfWork, one_off_id: UUID, reason: str) -> None:
    """Not possible on that day; the family sees why. Raises ReasonOwed, NotFound, MoveRefused."""
    row = await uow.get(OneOff, one_off_id, lock=True)
    await of_mine(uow, row.student_id)
    if not reason.strip():
        raise ReasonOwed(fields=[FieldError("reason", _("请写明理由，家长会看到"), "reason_owed")])
    await _answer(uow, row, "refuse", reason.strip()[:300])


async def _answer(uow: UnitOfWork, row: OneOff, event: str, reason: str) -> None:
    if event == "take_on":
        await _refuse_full(uow, row)
    row.reason, row.answered_name, row.answered_at = reason, uow.ctx.actor.name, clock.now()
    await ONE_OFF.transition(uow, row, event, reason=reason, payload={**_told(row), "taken": event == "take_on"})
    await uow.session.flush()


async def _refuse_full(uow: UnitOfWork, row: OneOff) -> None:
    """The offering's row is locked until the commit, as for every place: the last one goes to one child."""
    await seats.hold_offering(uow, row.offering_id)
    if (await places.left(uow, [row.lesson_id])).get(row.lesson_id) == 0:
        view = await enrollment.offering(uow, row.offering_id)
        raise FullThatDay(title=view.title, day=fdate(row.day, "day"))


async def withdraw(uow: UnitOfWork, one_off_id: UUID) -> None:
    """The family needs it no more. Raises NotFound, AlreadyCalled once the child is in that day's register."""
    row = await uow.get(OneOff, one_off_id, lock=True)
    await my_child_to_choose(uow, row.student_id)
    if row.state == "withdrawn":
        return
    called = select(Attendance.id).where(Attendance.lesson_id == row.lesson_id, Attendance.student_id == row.student_id)
    if (await uow.session.execute(called)).first() is not None:
        raise AlreadyCalled()
    await ONE_OFF.transition(uow, row, "withdraw")


async def child_left(delivery: Delivery) -> None:
    """Consumes "roster.imported": nobody is expected any more for a child that has left the school."""
    uow = delivery.uow
    query = (
        select(OneOff)
        .join(Student, (Student.tenant_id == OneOff.tenant_id) & (Student.id == OneOff.student_id))
        .where(OneOff.day > clock.today(), OneOff.state.in_(("requested", "taken_on")), Student.left_at.is_not(None))
    )
    for row in (await uow.session.execute(query.order_by(OneOff.id).with_for_update(of=OneOff))).scalars().all():
        await ONE_OFF.transition(uow, row, "withdraw")


# ---- reading ------------------------------------------------------------------------------------------------


async def of_children(
    uow: UnitOfWork, student_ids: Collection[UUID], *, states: Sequence[str] = tuple(ONE_OFF.states)
) -> list[OneOff]:
    """Requests for today and later, by day."""
    query = select(OneOff).where(
        OneOff.student_id.in_(list(student_ids)), OneOff.day >= clock.today(), OneOff.state.in_(list(states))
    )
    return list((await uow.session.execute(query.order_by(OneOff.day, OneOff.id))).scalars())


async def called_off(uow: UnitOfWork, rows: Collection[OneOff]) -> set[UUID]:
    """Which of these requests' lessons do not take place."""
    query = select(Lesson.id).where(Lesson.id.in_([row.lesson_id for row in rows]), Lesson.state == "cancelled")
    return set((await uow.session.execute(query)).scalars())


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with its child, its lesson and the offering's title."""

    row: OneOff
    child: StudentView
    lesson: Lesson
    title: str


async def for_me(uow: UnitOfWork, *, limit: int = SIZE, offset: int = 0) -> list[Asked]:
    """Requests for today and later of the acting teacher's classes (of all, for those who oversee): those that wait for
    an answer first, then by day."""
    query = (
        select(OneOff, Lesson)
        .join(Lesson, (Lesson.tenant_id == OneOff.tenant_id) & (Lesson.id == OneOff.lesson_id))
        .where(*await _mine(uow))
        .order_by(OneOff.state != "requested", OneOff.day, OneOff.id)
    )
    rows = [(row[0], row[1]) for row in (await uow.session.execute(query.limit(limit).offset(offset))).all()]
    children = await students_by_id(uow, [row.student_id for row, _lesson in rows])
    views = await enrollment.offerings_by_id(uow, {row.offering_id for row, _lesson in rows})
    titles = await _titles(uow, [lesson for _row, lesson in rows], views)
    return [Asked(row, children[row.student_id], lesson, titles[lesson.id]) for row, lesson in rows]


async def count(uow: UnitOfWork, *, waiting: bool = False) -> int:
    """How many requests `for_me` has in all, or how many of them wait for an answer."""
    query = select(func.count()).select_from(OneOff).where(*await _mine(uow))
    if waiting:
        query = query.where(OneOff.state == "requested")
    return int((await uow.session.execute(query)).scalar_one())


async def _mine(uow: UnitOfWork) -> list[ColumnElement[bool]]:
    found = [OneOff.day >= clock.today(), OneOff.state != "withdrawn"]
    if not uow.ctx.may(OVERSEE):
        own = select(Student.id).where(Student.class_id.in_(await class_ids_taught(uow)))
        found.append(OneOff.student_id.in_(own))
    return found


async def pupils(uow: UnitOfWork) -> list[StudentView]:
    """The children of the acting teacher's own classes, by name."""
    classes = await class_ids_taught(uow)
    query = select(Student.id).where(Student.class_id.in_(classes), Student.left_at.is_(None))
    ids = list((await uow.session.execute(query.order_by(Student.name_sort))).scalars())
    known = await students_by_id(uow, ids)
    return [known[id_] for id_ in ids]


async def of_mine(uow: UnitOfWork, student_id: UUID) -> StudentView:
    """A child of the own class, or any for those who oversee lessons. Raises NotFound."""
    child = await student(uow, student_id)
    if not uow.ctx.may(OVERSEE) and child.class_id not in await class_ids_taught(uow):
        raise NotFound()
    return child


def _told(row: OneOff) -> dict[str, Any]:
    return {"one_off": row.id, "student_id": row.student_id, "day": row.day, "lesson_id": row.lesson_id}
