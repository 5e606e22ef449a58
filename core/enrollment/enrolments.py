"""Who takes part in what: read by billing and lessons. How families leave: core.enrollment.leaving."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from core.base import clock
from core.db.kernel_tables import Transition
from core.db.uow import UnitOfWork
from core.enrollment.basket import enrolled_choices, items_of
from core.enrollment.errors import PlaceLost
from core.enrollment.models import Application, Enrolment
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.seats import held_by
from core.enrollment.states import APPLICATION, ENROLMENT
from core.enrollment.views import EnrolmentView, OfferingView
from core.people.service import StudentView, students_by_id
from core.terms.models import CalendarDay, Term

CHUNK = 500


async def enrolments_for_billing(
    uow: UnitOfWork, term_id: UUID, after_student: UUID | None = None, limit: int = CHUNK
) -> list[tuple[StudentView, tuple[EnrolmentView, ...]]]:
    """A chunk of children of a term with all their enrolments, ended ones included, in order of the child's id.

    Ask again with the last child's id until nothing comes. An enrolment that never covered a day is left out.
    """
    ids = select(Enrolment.student_id).where(Enrolment.term_id == term_id, _lasted()).distinct()
    if after_student is not None:
        ids = ids.where(Enrolment.student_id > after_student)
    chosen = list((await uow.session.execute(ids.order_by(Enrolment.student_id).limit(limit))).scalars())
    if not chosen:
        return []
    students = await students_by_id(uow, chosen)
    by_student: dict[UUID, list[EnrolmentView]] = {id_: [] for id_ in chosen}
    rows = select(Enrolment).where(Enrolment.term_id == term_id, Enrolment.student_id.in_(chosen), _lasted())
    views = await _views(uow, list((await uow.session.execute(rows.order_by(Enrolment.id))).scalars()))
    given = await swapped_at(uow, [view.id for view in views])
    for view in views:
        by_student[view.student_id].append(replace(view, exchanged=view.id in given))
    return [(students[id_], tuple(by_student[id_])) for id_ in chosen]


async def count_enrolled_students(uow: UnitOfWork, term_id: UUID, upto: UUID | None = None) -> int:
    """How many children `enrolments_for_billing` gives for a term in all, or up to and with the child `upto`."""
    query = select(func.count(Enrolment.student_id.distinct())).where(Enrolment.term_id == term_id, _lasted())
    if upto is not None:
        query = query.where(Enrolment.student_id <= upto)
    return int((await uow.session.execute(query)).scalar_one())


def _lasted() -> ColumnElement[bool]:
    return or_(Enrolment.ends_on.is_(None), Enrolment.ends_on >= Enrolment.starts_on)


async def enrolments_of(uow: UnitOfWork, student_id: UUID, term_id: UUID | None = None) -> list[EnrolmentView]:
    """A child's enrolments that hold now, of one term or of all."""
    query = select(Enrolment).where(Enrolment.student_id == student_id, Enrolment.state == "enrolled")
    if term_id is not None:
        query = query.where(Enrolment.term_id == term_id)
    return await _views(uow, list((await uow.session.execute(query.order_by(Enrolment.id))).scalars()))


async def enrolled_on(uow: UnitOfWork, offering_id: UUID, day: date) -> list[EnrolmentView]:
    """Who is expected at an offering on a date: enrolled then, and on that weekday (R-174).

    A make-up day runs the timetable that it stands for; a holiday expects nobody.
    """
    weekday = await _runs(uow, day)
    if weekday is None:
        return []
    query = select(Enrolment).where(
        Enrolment.offering_id == offering_id,
        Enrolment.starts_on <= day,
        or_(Enrolment.ends_on.is_(None), Enrolment.ends_on >= day),
    )
    rows = (await uow.session.execute(query.order_by(Enrolment.student_id))).scalars().all()
    return await _views(uow, [row for row in rows if not row.weekdays or weekday in row.weekdays])


async def students_in(uow: UnitOfWork, offering_id: UUID) -> list[StudentView]:
    """The children enrolled in an offering now, by class and name."""
    query = select(Enrolment.student_id).where(Enrolment.offering_id == offering_id, Enrolment.state == "enrolled")
    found = await students_by_id(uow, list((await uow.session.execute(query)).scalars()))
    return sorted(found.values(), key=lambda s: (s.grade, s.class_number, s.name))


async def counts_by_offering(uow: UnitOfWork, term_id: UUID) -> dict[UUID, int]:
    """How many children are enrolled in each offering of a term."""
    query = (
        select(Enrolment.offering_id, func.count())
        .where(Enrolment.term_id == term_id, Enrolment.state == "enrolled")
        .group_by(Enrolment.offering_id)
    )
    return {row[0]: row[1] for row in (await uow.session.execute(query)).all()}


async def enrol(uow: UnitOfWork, application: Application) -> None:
    """The child takes part in what was agreed, from today or the term's first day on; in other days of what it takes
    part in already from tomorrow on. Raises PlaceLost: nobody is enrolled without a place."""
    term = await uow.get(Term, application.term_id)
    items = [i for i in await items_of(uow, application.id) if i.state == "chosen"]
    views = await offerings_by_id(uow, {i.offering_id for i in items})
    already = await enrolled_choices(uow, application.student_id, term.id)
    held = await held_by(uow, application.student_id, term.id)
    if any(item.offering_id not in held for item in items):
        raise PlaceLost()
    await APPLICATION.transition(uow, application, "enrol")
    starts_on = max(clock.today(), term.starts_on)
    for item in items:
        view = views[item.offering_id]
        if item.offering_id not in already:
            await begin(uow, application, view, item.weekdays, starts_on)
        elif already[item.offering_id].weekdays != tuple(item.weekdays):
            await _change_days(uow, application, view, item.weekdays)


async def _change_days(uow: UnitOfWork, application: Application, view: OfferingView, weekdays: Sequence[int]) -> None:
    """What was until today was agreed otherwise, and is counted so."""
    query = select(Enrolment).where(
        Enrolment.student_id == application.student_id, Enrolment.offering_id == view.id, Enrolment.state == "enrolled"
    )
    row = (await uow.session.execute(query.with_for_update())).scalar_one()
    await end(uow, row, swapped=True)
    first = max(clock.today() + timedelta(days=1), row.starts_on)
    await begin(uow, application, view, weekdays, first, replaces=row.id)
    await uow.audit("enrolment.days", "enrolment", row.id, weekdays=list(weekdays))


async def begin(
    uow: UnitOfWork,
    application: Application,
    view: OfferingView,
    weekdays: Sequence[int],
    starts_on: date,
    replaces: UUID | None = None,
) -> Enrolment:
    """The child of this application takes part in `view` from a day on. The caller holds its place. `replaces`: the
    enrolment that is exchanged for this one."""
    row = Enrolment(
        application_id=application.id,
        student_id=application.student_id,
        offering_id=view.id,
        term_id=application.term_id,
        weekdays=list(weekdays),
        state="enrolled",
        starts_on=starts_on,
        replaces=replaces,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.emit(
        "enrollment.enrolled",
        {
            "enrolment": row.id,
            "student": row.student_id,
            "offering": row.offering_id,
            "kind": view.kind,
            "plugin": view.plugin,
            "term": row.term_id,
            "weekdays": row.weekdays,
            "starts_on": starts_on,
        },
    )
    return row


async def end(uow: UnitOfWork, row: Enrolment, reason: str = "", *, swapped: bool = False) -> None:
    """End one enrolment with today, or before its first day; what becomes of the place is the caller's. `swapped`:
    another one begins in its stead."""
    await ENROLMENT.transition(uow, row, "withdraw", reason=reason)
    row.ends_on = max(clock.today(), row.starts_on - timedelta(days=1))
    await uow.session.flush()
    await uow.emit(
        "enrollment.withdrawn",
        {
            "enrolment": row.id,
            "student": row.student_id,
            "offering": row.offering_id,
            "term": row.term_id,
            "ends_on": row.ends_on,
            "swapped": swapped,
        },
    )


async def swapped_at(uow: UnitOfWork, enrolment_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """Which of these were exchanged for another item in mid-term, and when."""
    query = select(Enrolment.replaces, Enrolment.created_at).where(Enrolment.replaces.in_(list(enrolment_ids)))
    return {row[0]: row[1] for row in (await uow.session.execute(query)).all() if row[0]}


async def left_at(uow: UnitOfWork, student_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], datetime]:
    """The items that these children have left, (child, offering), and when. Who only changed days has not left, nor
    who came back."""
    moved_out = (
        (Transition.tenant_id == Enrolment.tenant_id)
        & (Transition.machine == ENROLMENT.name)
        & (Transition.subject_id == Enrolment.id)
        & (Transition.event == "withdraw")
    )
    query = (
        select(Enrolment.student_id, Enrolment.offering_id, func.max(Transition.at))
        .outerjoin(Transition, moved_out)
        .where(Enrolment.student_id.in_(list(student_ids)))
        .group_by(Enrolment.student_id, Enrolment.offering_id)
        .having(func.bool_and(Enrolment.state == "withdrawn"))
    )
    return {(row[0], row[1]): row[2] for row in (await uow.session.execute(query)).all() if row[2]}


async def _runs(uow: UnitOfWork, day: date) -> int | None:
    """The weekday whose timetable runs on a date; None on a holiday."""
    special = (await uow.session.execute(select(CalendarDay).where(CalendarDay.day == day))).scalar_one_or_none()
    if special is None:
        return day.isoweekday()
    return special.runs_weekday if special.kind == "make_up" else None


async def _views(uow: UnitOfWork, rows: Sequence[Enrolment]) -> list[EnrolmentView]:
    known = await offerings_by_id(uow, _ids(rows))
    return [
        EnrolmentView(
            id=row.id,
            student_id=row.student_id,
            offering=known[row.offering_id],
            weekdays=tuple(row.weekdays),
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            instead=row.replaces is not None,
        )
        for row in rows
    ]


def _ids(rows: Sequence[Enrolment]) -> Collection[UUID]:
    return {row.offering_id for row in rows}
