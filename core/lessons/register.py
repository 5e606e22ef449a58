"""Teaching a lesson: sign in, call the roll, end it. Held is what was signed in, fully called and ended (idea 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select, text

from core.base import clock
from core.base.errors import FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.states import ReasonOwed
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.lessons import absences, rules
from core.lessons.custody import hold_children
from core.lessons.errors import (
    AssignmentObjected,
    LessonObjected,
    NobodyExpected,
    NotNow,
    RegisterClosed,
    RegisterFirst,
    SafetyUnsigned,
)
from core.lessons.leave import leaves_on
from core.lessons.models import Custody, Lesson
from core.lessons.planning import history, said
from core.lessons.states import LESSON
from core.people.ethics import objections_to_staff
from core.people.models import Staff
from core.people.service import me_as_staff, students_by_id
from core.policy import service as policy

_SAVE = text((Path(__file__).parent / "sql" / "register.sql").read_text(encoding="utf-8"))

EARLY = timedelta(minutes=90)
"""How long before its beginning a lesson may be signed in and called."""
MARKS = ("present", "leave", "absent")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a register says of one child."""

    student_id: UUID
    mark: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """How the register stands after saving. `strangers` were sent but are not expected; nothing was kept of them."""

    expected: int
    unmarked: int
    present: int
    on_leave: int
    absent: int
    saved: int
    changed: tuple[UUID, ...]
    opened: tuple[UUID, ...]
    strangers: tuple[UUID, ...]

    @property
    def complete(self) -> bool:
        return self.unmarked == 0 and self.expected > 0


def begins(lesson: Lesson) -> datetime:
    return clock.at_school(lesson.day, lesson.starts_at.hour, lesson.starts_at.minute)


def finishes(lesson: Lesson) -> datetime:
    return clock.at_school(lesson.day, lesson.ends_at.hour, lesson.ends_at.minute)


async def mine(uow: UnitOfWork, lesson_id: UUID, *, lock: bool = False) -> Lesson:
    """A lesson that the acting person teaches, or any for those who oversee. Raises NotFound for all others."""
    lesson = await uow.get(Lesson, lesson_id, lock=lock)
    if uow.ctx.may("lesson.oversee"):
        return lesson
    me = await me_as_staff(uow)
    if me is None or lesson.teacher_id != me.id:
        raise NotFound()
    return lesson


async def sign_in(uow: UnitOfWork, lesson_id: UUID) -> Lesson:
    """The teacher is there. Repeating it changes nothing. Raises NotNow before the lesson's day and hour,
    AssignmentObjected, SafetyUnsigned (R-161).

    Only the teacher in charge signs in, nobody for them: it is one of the two signals that make a lesson held.
    """
    lesson = await uow.get(Lesson, lesson_id, lock=True)
    me = await me_as_staff(uow)
    if me is None or lesson.teacher_id != me.id:
        raise NotFound()
    if lesson.signed_in_at is not None:
        return lesson
    barred = rules.blocks(await objections_to_staff(uow, me.id))
    if not await policy.decided(uow, "lesson.sign_in", "lesson", lesson.id, barred):
        raise AssignmentObjected(barred)
    unsigned = rules.blocks(await enrollment.safety_objections(uow, lesson.offering_id, me.id))
    if not await policy.decided(uow, "lesson.sign_in", "lesson", lesson.id, unsigned):
        raise SafetyUnsigned(unsigned)
    moment = clock.now()
    if lesson.state not in ("planned", "roll_called") or not begins(lesson) - EARLY <= moment or _too_late(lesson):
        raise NotNow(day=lesson.day, at=f"{lesson.starts_at:%H:%M}")
    lesson.signed_in_at = moment
    lesson.signed_in_by = uow.ctx.actor.name
    await uow.audit("lesson.sign_in", "lesson", lesson.id, at=moment)
    await _note_lateness(uow, lesson, moment)
    await _try_hold(uow, lesson)
    return lesson


async def _note_lateness(uow: UnitOfWork, lesson: Lesson, moment: datetime) -> None:
    """R-182: a teacher who comes late is let in, for the children are there; what the rule says of it is kept."""
    minutes = int((moment - begins(lesson)).total_seconds() // 60)
    found = rules.ask(uow, {"staff.late_or_early": {"late_or_early": minutes > 0}})
    if found:
        lesson.remark = _("教师迟到 %(n)s 分钟", n=minutes)
        told = [o.record() for o in found]
        await uow.audit("lesson.teacher_late", "lesson", lesson.id, minutes=minutes, objections=told)


async def save_register(uow: UnitOfWork, lesson_id: UUID, marks: Sequence[Mark], *, reason: str = "") -> Saved:
    """Save the whole class at once; the same marks again change nothing.

    While the lesson runs its teacher may change marks; afterwards only those with "attendance.correct", who owe a
    reason. Old values are kept. Raises NotNow, RegisterClosed, ReasonOwed, Invalid (unknown mark, child named twice),
    LessonObjected (what the pack wants of a handover, of leave, and of what is noted).
    """
    _refuse_nonsense(marks)
    lesson = await mine(uow, lesson_id, lock=True)
    if lesson.state == "cancelled" or clock.now() < begins(lesson) - EARLY:
        raise NotNow(day=lesson.day, at=f"{lesson.starts_at:%H:%M}")
    closed = lesson.ended_at is not None or lesson.state not in ("planned", "roll_called") or _too_late(lesson)
    if closed:
        if not uow.ctx.may("attendance.correct"):
            raise RegisterClosed()
        if not reason.strip():
            raise ReasonOwed(fields=[FieldError("reason", ReasonOwed.text, "reason_owed")])
    ordered = sorted(marks, key=lambda m: m.student_id)
    await hold_children(uow, [m.student_id for m in ordered])
    await _refuse_objected(uow, lesson, ordered, live=not closed)
    saved = await _write(uow, lesson, ordered, reason.strip() or _("上课中更正"), live=not closed)
    lesson.expected, lesson.present = saved.expected, saved.present
    if saved.complete and lesson.registered_at is None:
        lesson.registered_at, lesson.registered_by = clock.now(), uow.ctx.actor.name
        if lesson.state == "planned":
            await LESSON.transition(uow, lesson, "roll_call")
    await absences.announce(uow, lesson, saved.opened)
    await uow.audit(
        "attendance.save", "lesson", lesson.id, saved=saved.saved, changed=len(saved.changed), reason=reason
    )
    await _try_hold(uow, lesson)
    return saved


async def _refuse_objected(uow: UnitOfWork, lesson: Lesson, marks: Sequence[Mark], *, live: bool) -> None:
    """What the pack says to these marks. Raises LessonObjected, naming the children concerned."""
    children = await students_by_id(uow, [m.student_id for m in marks])
    noted = {m.note: children[m.student_id].grade for m in marks if m.note.strip() and m.student_id in children}
    homework = rules.blocks(rules.notes_set_homework(uow, noted))
    if not await policy.decided(uow, "lesson.register", "lesson", lesson.id, homework):
        raise LessonObjected(homework)
    bare = [m.student_id for m in marks if m.mark == "leave" and not m.note.strip()]
    left = set(bare) - set(await leaves_on(uow, lesson.day, bare, lesson.offering_id)) if bare else set()
    concerned: dict[str, tuple[str, set[UUID]]] = {"attendance.leave_procedure": ("leave_recorded", left)}
    if live and not uow.ctx.may("lesson.oversee"):
        # Who oversees the school stands in for a class teacher who is not there to hand the class over.
        present = [m.student_id for m in marks if m.mark == "present"]
        concerned["attendance.class_handover"] = ("handed_over", await _not_handed(uow, lesson, present))
    for rule, (fact, ids) in concerned.items():
        found = rules.blocks(rules.ask(uow, {rule: {fact: not ids}}))
        if not await policy.decided(uow, "lesson.register", "lesson", lesson.id, found):
            raise LessonObjected(found, sorted(children[id_].name for id_ in ids if id_ in children))


async def _not_handed(uow: UnitOfWork, lesson: Lesson, students: Sequence[UUID]) -> set[UUID]:
    """Those of the children whom nobody of the school has had yet today: the class teacher did not hand them over."""
    known = (Custody.day == lesson.day) | Custody.ended_at.is_(None)
    query = select(Custody.student_id).where(Custody.student_id.in_(list(students)), known)
    return set(students) - set((await uow.session.execute(query)).scalars()) if students else set()


async def _write(uow: UnitOfWork, lesson: Lesson, marks: Sequence[Mark], reason: str, *, live: bool) -> Saved:
    teacher = await uow.find(Staff, lesson.teacher_id) if lesson.teacher_id else None
    n = len(marks)
    await uow.session.flush()
    row = (
        await uow.session.execute(
            _SAVE,
            {
                "tenant": uow.ctx.tenant_id,
                "lesson": lesson.id,
                "offering": lesson.offering_id,
                "day": lesson.day,
                "weekday": lesson.weekday,
                "group": lesson.group_id,
                "students": [m.student_id for m in marks],
                "marks": [m.mark for m in marks],
                "notes": [m.note.strip()[:200] for m in marks],
                "ids": _fresh(n),
                "change_ids": _fresh(n),
                "case_ids": _fresh(n),
                "custody_ids": _fresh(n),
                "reason": reason,
                "actor": uow.ctx.actor.name,
                "account": uow.ctx.actor.account_id,
                "staff": lesson.teacher_id,
                "holder": teacher.name if teacher else uow.ctx.actor.name,
                "live": live and lesson.day == clock.today(),
            },
        )
    ).one()
    if row.found:
        await absences.close_found(uow, lesson, list(row.found))
    return Saved(
        expected=row.expected,
        unmarked=row.unmarked,
        present=row.present,
        on_leave=row.on_leave,
        absent=row.absent,
        saved=row.saved,
        changed=tuple(row.changed),
        opened=tuple(row.opened),
        strangers=tuple(row.strangers),
    )


async def end_lesson(uow: UnitOfWork, lesson_id: UUID) -> Lesson:
    """The lesson is over: held when both signals are there, under review when they contradict one another.

    Raises RegisterFirst while somebody expected is not marked, NobodyExpected for an empty class.
    """
    lesson = await mine(uow, lesson_id, lock=True)
    if lesson.ended_at is not None or lesson.state in ("held", "cancelled", "disputed", "missed"):
        return lesson
    if clock.now() < begins(lesson):
        raise NotNow(day=lesson.day, at=f"{lesson.starts_at:%H:%M}")
    if lesson.registered_at is None:
        left = await _unmarked(uow, lesson)
        if left is None:
            raise NobodyExpected()
        clause = rules.ask(uow, {"attendance.roll_call": {"roll_called": False}})
        raise RegisterFirst(left=left, objections=[o.record() for o in clause])
    await _refuse_early(uow, lesson)
    lesson.ended_at, lesson.ended_by = clock.now(), uow.ctx.actor.name
    await uow.audit("lesson.end", "lesson", lesson.id)
    if lesson.signed_in_at is None:
        await LESSON.transition(uow, lesson, "dispute", reason=_("点了名，但老师没有签到"), payload=said(lesson))
    else:
        await _try_hold(uow, lesson)
    return lesson


async def _refuse_early(uow: UnitOfWork, lesson: Lesson) -> None:
    """R-182: the teacher stays to the end; the office may end a lesson before its time. Raises LessonObjected."""
    if uow.ctx.may("lesson.oversee"):
        return
    ends = lesson.early_ends_at or lesson.ends_at
    early = clock.now() < clock.at_school(lesson.day, ends.hour, ends.minute)
    found = rules.blocks(rules.ask(uow, {"staff.late_or_early": {"late_or_early": early}}))
    if not await policy.decided(uow, "lesson.end", "lesson", lesson.id, found):
        raise LessonObjected(found)


async def _try_hold(uow: UnitOfWork, lesson: Lesson) -> None:
    ready = lesson.signed_in_at and lesson.registered_at and lesson.ended_at and lesson.expected > 0
    if lesson.state == "roll_called" and ready:
        await hold(uow, lesson, "hold")


async def hold(uow: UnitOfWork, lesson: Lesson, event: str, reason: str = "") -> None:
    """Make a lesson held and say so: "lesson.held" v1. The caller holds the row.

    Lessons of one offering queue up here, so that each announces its own count.
    """
    await uow.hold(f"held/{lesson.offering_id}")
    await uow.session.flush()
    if event == "confirm":
        lesson.settled_by = uow.ctx.actor.name
    lesson.held_at = clock.now()
    payload = {
        **said(lesson),
        **await history(uow, lesson),
        "present": lesson.present,
        "expected": lesson.expected,
    }
    await LESSON.transition(uow, lesson, event, reason=reason, payload=payload)


async def _unmarked(uow: UnitOfWork, lesson: Lesson) -> int | None:
    """How many expected children have no mark; None when nobody is expected."""
    saved = await _write(uow, lesson, (), "", live=False)
    return saved.unmarked if saved.expected else None


def _too_late(lesson: Lesson) -> bool:
    """A lesson belongs to its day: on the next one its register is the office's."""
    return clock.today() > lesson.day


def _refuse_nonsense(marks: Sequence[Mark]) -> None:
    if any(m.mark not in MARKS for m in marks):
        raise Invalid(fields=[FieldError("marks", _("请选择到、假或缺"))])
    if len({m.student_id for m in marks}) != len(marks):
        raise Invalid(fields=[FieldError("marks", _("同一个学生出现了两次"))])


def _fresh(n: int) -> list[UUID]:
    return [new_id() for _number in range(n)]
