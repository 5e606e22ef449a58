"""Reproducing a day: the letter as it was shown then, what a family had read, its agreement and how it stood.

Letters are kept whenever their wording changes: when a family opens one, and with each turn (core.enrollment.jobs).
Agreements are kept whole from the day on which they are offered. Nothing here is made anew from today's templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from core.base import clock
from core.db.kernel_tables import Transition
from core.db.uow import UnitOfWork
from core.enrollment.letters import Letter, agreement_text, letter
from core.enrollment.menu_service import menu_of
from core.enrollment.models import Agreement, Application, Enrolment, NoticeReading
from core.enrollment.offering_rules import objections_to
from core.enrollment.offerings_service import offerings
from core.enrollment.shown.models import LetterShown
from core.enrollment.states import AGREEMENT, ON_MENU
from core.enrollment.views import OfferingView
from core.people.models import SchoolClass, Student
from core.people.service import StudentView, students_by_id
from core.policy.types import Objection
from core.terms.models import Term
from core.terms.service import terms


async def keep(uow: UnitOfWork, term_id: UUID, shown: Letter) -> None:
    """Keep a wording that families see from now on; the one that they see already is no new row."""
    if await _latest(uow, term_id) == shown.sha256:
        return
    await uow.hold(f"letter/{term_id}")
    if await _latest(uow, term_id) == shown.sha256:
        return
    content = {"title": shown.title, "to": shown.to, "parts": [dict(part) for part in shown.parts]}
    uow.session.add(LetterShown(term_id=term_id, sha256=shown.sha256, content=content))
    await uow.session.flush()


async def keep_present(uow: UnitOfWork, term: Term) -> None:
    """The same for a term's letter as it stands, once the menu is published."""
    menu = await menu_of(uow, term.id)
    if menu is not None and menu.state == "published":
        await keep(uow, term.id, await letter(uow, term, menu))


async def _latest(uow: UnitOfWork, term_id: UUID) -> str | None:
    query = select(LetterShown.sha256).where(LetterShown.term_id == term_id)
    query = query.order_by(LetterShown.at.desc(), LetterShown.id.desc()).limit(1)
    return (await uow.session.execute(query)).scalar_one_or_none()


def _day(day: date) -> tuple[datetime, datetime]:
    """The first moment of a school day and that of the next."""
    return clock.at_school(day, 0), clock.at_school(day + timedelta(days=1), 0)


async def letters_on(uow: UnitOfWork, term_id: UUID, day: date) -> list[LetterShown]:
    """The wordings of the letter that families saw on a day, in order: the one from before, and those of the day."""
    starts, ends = _day(day)
    query = select(LetterShown).where(LetterShown.term_id == term_id, LetterShown.at < ends)
    rows = list((await uow.session.execute(query.order_by(LetterShown.at, LetterShown.id))).scalars())
    before = [row for row in rows if row.at < starts]
    return [*before[-1:], *(row for row in rows if row.at >= starts)]


async def terms_on(uow: UnitOfWork, day: date) -> list[Term]:
    """Terms whose letter families could see on a day: the one that ran and those to come, in order; between two years
    the last one that had ended."""
    known = sorted(await terms(uow), key=lambda term: term.starts_on)
    return [term for term in known if term.ends_on >= day] or known[-1:]


@dataclass(frozen=True, slots=True)
class AgreementThen:
    """An agreement of a child with the state that it had at the end of a day."""

    row: Agreement
    state: str


async def agreements_on(uow: UnitOfWork, student_id: UUID, day: date) -> list[AgreementThen]:
    """A child's agreements as they stood at the end of a day, newest first; their texts are those offered then."""
    _starts, ends = _day(day)
    query = select(Agreement).where(Agreement.student_id == student_id, Agreement.created_at < ends)
    rows = (await uow.session.execute(query.order_by(Agreement.created_at.desc()))).scalars().all()
    moves = select(Transition.subject_id, Transition.target).where(
        Transition.machine == AGREEMENT.name,
        Transition.subject_id.in_([row.id for row in rows]),
        Transition.at < ends,
    )
    then: dict[UUID, str] = {}
    for subject_id, target in (await uow.session.execute(moves.order_by(Transition.at, Transition.id))).all():
        then[subject_id] = target
    return [AgreementThen(row, then[row.id]) for row in rows if then.get(row.id, "drafted") != "drafted"]


async def readings_on(uow: UnitOfWork, student_id: UUID, day: date) -> list[NoticeReading]:
    """What this child's guardians had read until the end of a day, with the very wording."""
    _starts, ends = _day(day)
    query = select(NoticeReading).where(NoticeReading.student_id == student_id, NoticeReading.read_at < ends)
    return list((await uow.session.execute(query.order_by(NoticeReading.read_at))).scalars())


# ---- who must act -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Renewal:
    """A family that takes part under an older text. `offered` None: the new one goes out with the next turn."""

    child: StudentView
    signed: Agreement
    offered: Agreement | None


def _outdated(uow: UnitOfWork, term_id: UUID) -> Select[Agreement]:
    """Agreements in force whose text is not the present one, or beside which a newer one waits for the signature."""
    template, newer = agreement_text(uow), aliased(Agreement)
    waits = select(newer.id).where(
        newer.tenant_id == Agreement.tenant_id,
        newer.application_id == Agreement.application_id,
        newer.state == "offered",
    )
    return select(Agreement).where(
        Agreement.application_id.in_(select(Application.id).where(Application.term_id == term_id)),
        Agreement.state == "in_force",
        (Agreement.template != template.key) | (Agreement.version != template.version) | waits.exists(),
    )


async def count_renewals(uow: UnitOfWork, term_id: UUID) -> int:
    """How many families have not yet signed the present text. On every page of the desk, so nothing is loaded."""
    query = _outdated(uow, term_id).with_only_columns(func.count())
    return int((await uow.session.execute(query)).scalar_one())


async def renewals(uow: UnitOfWork, term_id: UUID, limit: int = 30, offset: int = 0) -> list[Renewal]:
    """Families who have not yet signed the present text, by class and name of child (R-030, R-157); a page of them."""
    query = (
        _outdated(uow, term_id)
        .join(Student, (Student.tenant_id == Agreement.tenant_id) & (Student.id == Agreement.student_id))
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .order_by(SchoolClass.grade, SchoolClass.number, Student.name_sort, Agreement.id)
    )
    rows = (await uow.session.execute(query.limit(limit).offset(offset))).scalars().all()
    waiting = select(Agreement).where(
        Agreement.application_id.in_([row.application_id for row in rows]), Agreement.state == "offered"
    )
    offered = {row.application_id: row for row in (await uow.session.execute(waiting)).scalars()}
    known = await students_by_id(uow, [row.student_id for row in rows])
    return [Renewal(known[row.student_id], row, offered.get(row.application_id)) for row in rows]


@dataclass(frozen=True, slots=True)
class Touched:
    """An item on the menu that the rules in force now object to, and how many children take part in it."""

    view: OfferingView
    objections: Sequence[Objection]
    children: int


async def touched(uow: UnitOfWork, term_id: UUID) -> list[Touched]:
    """Items that the present rules speak against: after a change in mid-term they are to be changed (R-030)."""
    counts: dict[UUID, int] = {}
    for id_ in (
        await uow.session.execute(
            select(Enrolment.offering_id).where(Enrolment.term_id == term_id, Enrolment.state == "enrolled")
        )
    ).scalars():
        counts[id_] = counts.get(id_, 0) + 1
    found = []
    for view in await offerings(uow, term_id, states=ON_MENU):
        against = [o for o in await objections_to(uow, view, "publish") if o.blocks]
        if against:
            found.append(Touched(view, against, counts.get(view.id, 0)))
    return found
