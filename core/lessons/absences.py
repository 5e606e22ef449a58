"""Absences that nobody has explained: announced at once, followed up until a cause is written down (R-223 to R-225)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from sqlalchemy import func, select

from core.base import clock
from core.base.errors import FieldError
from core.base.text import gettext as _
from core.db.states import ReasonOwed, history
from core.db.uow import UnitOfWork
from core.enrollment.models import Offering
from core.lessons import rules
from core.lessons.errors import LessonObjected
from core.lessons.models import AbsenceCase, Lesson
from core.lessons.states import ABSENCE
from core.notices import service as notices
from core.people.models import SchoolClass, Staff, Student
from core.people.service import StudentView, students_by_id
from core.policy import service as policy


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """An absence with all that somebody who calls the family needs to know."""

    id: UUID
    student: StudentView
    day: date
    starts_at: time
    title: str
    state: str
    cause: str
    class_teacher: str
    contacts: tuple[tuple[str, str], ...] = ()
    """(who, what was said), oldest first."""


OPEN = ("open", "contacting")


async def announce(uow: UnitOfWork, lesson: Lesson, students: Collection[UUID]) -> None:
    """Tell that children are missing: guardians and the class teacher hear of it through their notices."""
    if not students:
        return
    offering = await uow.get(Offering, lesson.offering_id)
    teachers = await _class_teachers(uow, students)
    for student_id in students:
        await uow.emit(
            "absence.opened",
            {
                "student_id": student_id,
                "lesson_id": lesson.id,
                "offering_id": lesson.offering_id,
                "title": offering.title,
                "on": lesson.day,
                "starts_at": f"{lesson.starts_at:%H:%M}",
                "class_teacher_account_id": teachers.get(student_id),
            },
        )


async def close_found(uow: UnitOfWork, lesson: Lesson, students: Collection[UUID]) -> None:
    """Children marked absent turned up, or their leave was found: their cases are explained."""
    query = select(AbsenceCase).where(
        AbsenceCase.lesson_id == lesson.id, AbsenceCase.student_id.in_(students), AbsenceCase.state.in_(OPEN)
    )
    for row in (await uow.session.execute(query.with_for_update())).scalars():
        await _close(uow, row, "explain", _("点名已更正"))


async def contact(uow: UnitOfWork, case_id: UUID, words: str) -> None:
    """Log a try to reach the family. Raises ReasonOwed without words."""
    row = await uow.get(AbsenceCase, case_id, lock=True)
    await ABSENCE.transition(uow, row, "contact", reason=words)


async def explain(
    uow: UnitOfWork, case_id: UUID, cause: str, *, incident: bool = False, told: Collection[str] = ()
) -> None:
    """Close a case with its cause; an accident is reported to the school's leaders at once (R-225).

    `told` names who else was spoken to, in the packs' words (guardian, class_teacher, grade_head, duty_manager).
    Raises ReasonOwed, and LessonObjected while somebody whom the scheme names has not been told.
    """
    row = await uow.get(AbsenceCase, case_id, lock=True)
    reached = {*told, *await _reached(uow, row)}
    asked: dict[str, dict[str, object]] = {"attendance.absence_contacts": {"contacted": sorted(reached)}}
    if incident:
        # The report itself goes to the school's leaders and to the family.
        asked["attendance.emergency_tells"] = {"contacted": sorted(reached)}
        asked["attendance.emergency_reported_to"] = {"reported_to": sorted({*told, "school_leaders"})}
    found = rules.blocks(rules.ask(uow, asked))
    if not await policy.decided(uow, "absence.close", "absence", row.id, found):
        raise LessonObjected(found)
    await _close(uow, row, "report" if incident else "explain", cause)


async def _reached(uow: UnitOfWork, row: AbsenceCase) -> list[str]:
    """Whom the absence was made known to: by the message to their phone, or by a contact that somebody wrote down."""
    teacher = (await _class_teachers(uow, [row.student_id])).get(row.student_id)
    family = (await notices.guardians_of(uow, [row.student_id])).get(row.student_id)
    spoken = any(move.event == "contact" for move in await history(uow, ABSENCE, row.id))
    return [*(["class_teacher"] if teacher else []), *(["guardian"] if family or spoken else [])]


async def _close(uow: UnitOfWork, row: AbsenceCase, event: str, cause: str) -> None:
    if not cause.strip():
        raise ReasonOwed(fields=[FieldError("cause", ReasonOwed.text, "reason_owed")])
    row.cause = cause.strip()  # before the move: the database refuses a closed case without one
    row.closed_at = clock.now()
    await ABSENCE.transition(uow, row, event, reason=cause, payload={"student_id": row.student_id, "cause": row.cause})


async def open_count(uow: UnitOfWork) -> int:
    return await count(uow, OPEN)


async def count(uow: UnitOfWork, states: Collection[str]) -> int:
    query = select(func.count()).select_from(AbsenceCase).where(AbsenceCase.state.in_(list(states)))
    return (await uow.session.execute(query)).scalar_one()


async def listed(
    uow: UnitOfWork,
    *,
    states: Collection[str] = OPEN,
    day: date | None = None,
    class_ids: Collection[UUID] | None = None,
    lesson_id: UUID | None = None,
    case_id: UUID | None = None,
    limit: int = 100,
    offset: int = 0,
    with_contacts: bool = False,
) -> list[AbsenceView]:
    """Absences, newest first; `class_ids` narrows to a class teacher's own."""
    query = (
        select(AbsenceCase, Lesson.starts_at, Offering.title)
        .join(Lesson, (Lesson.tenant_id == AbsenceCase.tenant_id) & (Lesson.id == AbsenceCase.lesson_id))
        .join(Offering, (Offering.tenant_id == Lesson.tenant_id) & (Offering.id == Lesson.offering_id))
        .where(AbsenceCase.state.in_(list(states)))
        .order_by(AbsenceCase.created_at.desc(), AbsenceCase.id)
    )
    if day is not None:
        query = query.where(AbsenceCase.day == day)
    if lesson_id is not None:
        query = query.where(AbsenceCase.lesson_id == lesson_id)
    if case_id is not None:
        query = query.where(AbsenceCase.id == case_id)
    if class_ids is not None:
        mine = select(Student.id).where(Student.class_id.in_(list(class_ids)))
        query = query.where(AbsenceCase.student_id.in_(mine))
    rows = (await uow.session.execute(query.limit(limit).offset(offset))).all()
    ids = [row[0].student_id for row in rows]
    students = await students_by_id(uow, ids)
    names = await _class_teacher_names(uow, {s.class_id for s in students.values()})
    found = []
    for row, starts_at, title in rows:
        moves = await history(uow, ABSENCE, row.id) if with_contacts else []
        student = students[row.student_id]
        found.append(
            AbsenceView(
                id=row.id,
                student=student,
                day=row.day,
                starts_at=starts_at,
                title=title,
                state=row.state,
                cause=row.cause,
                class_teacher=names.get(student.class_id, ""),
                contacts=tuple((m.actor_name, m.reason) for m in moves if m.event == "contact"),
            )
        )
    return found


async def _class_teachers(uow: UnitOfWork, students: Collection[UUID]) -> dict[UUID, UUID | None]:
    query = (
        select(Student.id, Staff.account_id)
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .join(Staff, (Staff.tenant_id == SchoolClass.tenant_id) & (Staff.id == SchoolClass.class_teacher_id))
        .where(Student.id.in_(list(students)))
    )
    return {row[0]: row[1] for row in (await uow.session.execute(query)).all()}


async def _class_teacher_names(uow: UnitOfWork, classes: Collection[UUID]) -> dict[UUID, str]:
    query = (
        select(SchoolClass.id, Staff.name)
        .join(Staff, (Staff.tenant_id == SchoolClass.tenant_id) & (Staff.id == SchoolClass.class_teacher_id))
        .where(SchoolClass.id.in_(list(classes)))
    )
    return {row[0]: row[1] for row in (await uow.session.execute(query)).all()}
