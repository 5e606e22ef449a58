"""Papers of families without a phone (R-132, R-139 to R-141): one child, one scan, two people; the family is told.

A class teacher keys in what a guardian of the own class signed. Nothing of it counts before somebody else has held the
scan against it. Each paper goes its way alone: there is no way to enter or confirm many at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, undefer

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import FieldError, NotFound
from core.base.ids import new_id
from core.db.crypt import seal_bytes, unseal_bytes
from core.db.house import House
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import agreements, applications, review
from core.enrollment.basket import Choice
from core.enrollment.errors import NothingChosen, NotYourClass
from core.enrollment.models import Agreement, Application
from core.enrollment.offering_rules import pack_of
from core.enrollment.paper.errors import AskedFirst, IntakeOwed, NotTold, PaperOpen, SamePerson, SignedLater
from core.enrollment.paper.models import PaperForm
from core.enrollment.paper.states import CHECK, PAPER
from core.enrollment.states import AGREEMENT
from core.people.models import Student
from core.people.service import StudentView, class_ids_taught, my_child, student, students_by_id
from core.policy.vocab_people import FORMS
from core.terms.models import Term
from core.web.uploads import Scan

REVIEW = "application.review"


@dataclass(frozen=True, slots=True)
class Said:
    """What the paper says, as it is keyed in. `papers`: words of application.forms that it bears besides."""

    signer_name: str
    signer_relation: str
    signed_on: date
    choices: Sequence[Choice] = ()
    need: str = ""
    papers: Sequence[str] = field(default_factory=tuple)
    received_by: str = ""
    told: bool = False
    """The letter to parents (告家长书) was handed over on paper first (R-136)."""


def wants_oral_request(uow: UnitOfWork) -> bool:
    """Whether the scheme has parents ask orally before they get the form (R-139)."""
    pack = pack_of(uow)
    return pack is not None and "oral_request" in (pack.get("application.forms").value or ())


def wants_committee(uow: UnitOfWork) -> bool:
    """Whether the parents' committee takes applications in (R-142)."""
    return "parents_committee" in review.chain_of(uow).steps


async def log_oral_request(uow: UnitOfWork, student_id: UUID, term_id: UUID, words: str = "") -> PaperForm:
    """A parent of the own class has asked orally; the form may be given out. The same again is no second one.

    Raises NotYourClass.
    """
    child = await _of_my_class(uow, student_id)
    await uow.hold(f"paper/{child.id}")
    row = await _open(uow, child.id, term_id, "application")
    if row is None:
        row = PaperForm(term_id=term_id, student_id=child.id, kind="application", state="asked")
        uow.session.add(row)
    if row.asked_on is None:
        row.asked_on, row.asked_words = clock.today(), words.strip()[:300]
        await uow.session.flush()
        await uow.audit("paper.oral_request", "student", child.id, paper=row.id)
    return row


async def enter(uow: UnitOfWork, student_id: UUID, term_id: UUID, said: Said, scan: Scan) -> UUID:
    """Key in a signed application of a child of the own class. It counts for nothing yet.

    Raises NotYourClass, AskedFirst, IntakeOwed, NotTold, SignedLater, PaperOpen, NothingChosen, and what the menu and
    the rules say to the choice (see applications.intend).
    """
    child = await _of_my_class(uow, student_id)
    _refuse_dates(said)
    if not said.told:
        raise NotTold(fields=[FieldError("told", NotTold.text)])
    if wants_committee(uow) and not said.received_by.strip():
        raise IntakeOwed(fields=[FieldError("received_by", IntakeOwed.text)])
    await uow.hold(f"paper/{child.id}")
    row = await _open(uow, child.id, term_id, "application")
    if row is not None and row.state == "entered":
        raise PaperOpen()
    if wants_oral_request(uow) and (row is None or row.asked_on is None):
        raise AskedFirst()
    if not said.choices:
        raise NothingChosen(fields=[FieldError("choices", NothingChosen.text)])
    await applications.intend(uow, child, term_id, said.choices, None)
    if row is None:
        row = PaperForm(term_id=term_id, student_id=child.id, kind="application", state="asked")
        uow.session.add(row)
        await uow.session.flush()
    row.items = [{"offering": str(c.offering_id), "weekdays": list(c.weekdays)} for c in said.choices]
    row.need, row.received_by = said.need.strip()[:300], said.received_by.strip()[:60]
    row.papers = sorted({p for p in said.papers if p in FORMS.labels})
    await _keep(uow, row, said, scan)
    return row.id


async def enter_agreement(uow: UnitOfWork, agreement_id: UUID, said: Said, scan: Scan) -> UUID:
    """Key in that the printed agreement was signed, for a child of the own class or by the office.

    Raises NotYourClass, MoveRefused (not offered any more), SignedLater, PaperOpen.
    """
    agreement = await uow.get(Agreement, agreement_id)
    child = await of_school(uow, agreement.student_id)
    if agreement.state != "offered":
        raise MoveRefused(state=AGREEMENT.title(agreement.state), event=str(PAPER.moves["asked", "enter"].title))
    _refuse_dates(said)
    term_id = (await uow.get(Application, agreement.application_id)).term_id
    await uow.hold(f"paper/{child.id}")
    if await _open(uow, child.id, term_id, "agreement") is not None:
        raise PaperOpen()
    row = PaperForm(
        term_id=term_id,
        student_id=child.id,
        kind="agreement",
        state="asked",
        agreement_id=agreement.id,
        agreement_sha256=agreement.sha256,
        application_id=agreement.application_id,
    )
    uow.session.add(row)
    await uow.session.flush()
    await _keep(uow, row, said, scan)
    return row.id


async def _keep(uow: UnitOfWork, row: PaperForm, said: Said, scan: Scan) -> None:
    row.signer_name, row.signer_relation = said.signer_name.strip()[:40], said.signer_relation.strip()[:20]
    row.signed_on = said.signed_on
    row.scan_sealed = await seal_bytes(uow, scan.body, purpose=_purpose(row.id))
    row.scan_type, row.scan_sha256 = scan.kind, scan.sha256
    row.entered_by, row.entered_name = uow.ctx.actor.account_id, uow.ctx.actor.name
    row.entered_at = (await uow.session.execute(select(func.now()))).scalar_one()
    await PAPER.transition(uow, row, "enter", payload=_told(row))
    await uow.session.flush()


def _refuse_dates(said: Said) -> None:
    if said.signed_on > clock.today():
        raise SignedLater(fields=[FieldError("signed_on", SignedLater.text)])


# ---- the second pair of eyes --------------------------------------------------------------------------------


async def confirm(house: House, ctx: TenantContext, paper_id: UUID) -> None:
    """Somebody else has compared the scan: the application is submitted, or the agreement is in force. Twice is once.

    Raises SamePerson, MoveRefused, AgreementChanged, Full and what else keeps an application out.
    """
    async with house.unit(ctx) as uow:
        row = await _to_check(uow, paper_id)
        if row.state == "confirmed":
            return
        term_id, child = row.term_id, await student(uow, row.student_id)
        kind, need, choices = row.kind, row.need, choices_of(row)
        # It was keyed in while families could choose (`enter`): that it is compared later is not the family's fault.
        wanted = (child, term_id, choices, None)
        intent = await applications.intend(uow, *wanted, in_time=True) if kind == "application" else None
    if intent is not None:
        # A key of its own each time: a place that lapsed since the last try may be had again.
        await applications.take_places(house, ctx, intent, f"paper/{paper_id}/{new_id()}", on_paper=True)
    async with house.unit(ctx) as uow:
        row = await _to_check(uow, paper_id)
        if row.state == "confirmed":
            return
        moment = (await uow.session.execute(select(func.now()))).scalar_one()
        row.checked_by, row.checked_name, row.checked_at = uow.ctx.actor.account_id, uow.ctx.actor.name, moment
        await PAPER.transition(uow, row, "confirm", payload=_told(row))
        if kind == "agreement" and row.agreement_id is not None and row.signed_on is not None:
            record = {
                "signed_on": row.signed_on.isoformat(),
                "entered_by": row.entered_name,
                "checked_by": row.checked_name,
                "scan": row.scan_sha256,
            }
            await agreements.sign_on_paper(uow, row.agreement_id, row.agreement_sha256, row.signer_name, record)
            return
        done = await applications.write(uow, child.id, term_id, intent, "", need, signer=row.signer_name)
        application = await uow.get(Application, done["id"])
        application.papers = sorted({*application.papers, *row.papers})
        row.application_id = application.id


async def send_back(uow: UnitOfWork, paper_id: UUID, reason: str) -> None:
    """The scan does not say so: back to whoever keyed it in, with the reason. Raises SamePerson, ReasonOwed."""
    row = await _to_check(uow, paper_id)
    await PAPER.transition(uow, row, "return", reason=reason, payload={**_told(row), "to": row.entered_by})
    row.reason = reason.strip()
    row.checked_by, row.checked_name = uow.ctx.actor.account_id, uow.ctx.actor.name


async def object_to(uow: UnitOfWork, paper_id: UUID, words: str = "") -> None:
    """A guardian with a phone says that this is not their wish; no reason is demanded. Raises NotFound, MoveRefused."""
    row = await uow.get(PaperForm, paper_id, lock=True)
    await my_child(uow, row.student_id)
    if row.state == "objected":
        return
    await PAPER.transition(uow, row, "object", reason=words, payload={**_told(row), "to": row.entered_by})
    row.reason = words.strip()[:300]


async def drop(uow: UnitOfWork, paper_id: UUID) -> None:
    """The teacher who keyed it in takes it back: a slip, or the family changed its mind. Raises NotYourClass."""
    row = await uow.get(PaperForm, paper_id, lock=True)
    await _of_my_class(uow, row.student_id)
    if row.state != "dropped":
        await PAPER.transition(uow, row, "drop")


async def _to_check(uow: UnitOfWork, paper_id: UUID) -> PaperForm:
    uow.ctx.require(CHECK)
    row = await uow.get(PaperForm, paper_id, lock=True)
    if row.entered_by == uow.ctx.actor.account_id:
        raise SamePerson()
    if row.state not in ("entered", "confirmed"):
        raise MoveRefused(state=PAPER.title(row.state), event=str(PAPER.moves["entered", "confirm"].title))
    return row


# ---- reading ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One paper in a list, with its child."""

    paper: PaperForm
    child: StudentView


async def papers(
    uow: UnitOfWork,
    *,
    states: Sequence[str],
    class_ids: Sequence[UUID] | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Line], int]:
    """Papers in some states, oldest first, and how many; `class_ids` limits them to classes. One that came back is left
    out as soon as a newer paper of its kind stands in its place, or its term is over."""
    newer = aliased(PaperForm)
    again = exists().where(
        newer.tenant_id == PaperForm.tenant_id,
        newer.student_id == PaperForm.student_id,
        newer.term_id == PaperForm.term_id,
        newer.kind == PaperForm.kind,
        newer.created_at > PaperForm.created_at,
    )
    over = exists().where(
        Term.tenant_id == PaperForm.tenant_id, Term.id == PaperForm.term_id, Term.ends_on < clock.today()
    )
    back = PaperForm.state.in_(("returned", "objected"))
    query = select(PaperForm).where(PaperForm.state.in_(list(states)), ~(back & (again | over)))
    if class_ids is not None:
        own = select(Student.id).where(Student.class_id.in_(list(class_ids)))
        query = query.where(PaperForm.student_id.in_(own))
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    rows = query.order_by(PaperForm.created_at, PaperForm.id).limit(limit).offset(offset)
    found = (await uow.session.execute(rows)).scalars().all()
    known = await students_by_id(uow, [row.student_id for row in found])
    return [Line(row, known[row.student_id]) for row in found], total


async def scan_of(uow: UnitOfWork, paper_id: UUID) -> tuple[PaperForm, bytes]:
    """A paper with its file, opened: the guardian sees who did it. The caller has made sure who asks. Raises
    NotFound."""
    query = select(PaperForm).where(PaperForm.id == paper_id).options(undefer(PaperForm.scan_sealed))
    query = query.execution_options(populate_existing=True)
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None or row.scan_sealed is None:
        raise NotFound()
    body = await unseal_bytes(
        uow, row.scan_sealed, purpose=_purpose(row.id), subject_kind="student", subject_id=row.student_id
    )
    return row, body


def _purpose(paper_id: UUID) -> str:
    return f"paper_form.scan_sealed/{paper_id}"


async def of_student(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> list[PaperForm]:
    """A child's papers of a term, newest first."""
    query = select(PaperForm).where(PaperForm.student_id == student_id, PaperForm.term_id == term_id)
    return list((await uow.session.execute(query.order_by(PaperForm.created_at.desc()))).scalars())


async def pupils(uow: UnitOfWork) -> list[StudentView]:
    """The children of the acting teacher's classes, by class and name."""
    classes = await class_ids_taught(uow)
    query = select(Student.id).where(Student.class_id.in_(classes), Student.left_at.is_(None))
    ids = (await uow.session.execute(query.order_by(Student.name_sort))).scalars().all()
    known = await students_by_id(uow, list(ids))
    return [known[id_] for id_ in ids]


async def unsigned(uow: UnitOfWork) -> list[tuple[Agreement, StudentView]]:
    """Agreements of the acting teacher's pupils that wait for a signature: to be printed where there is no phone."""
    mine = {child.id: child for child in await pupils(uow)}
    query = select(Agreement).where(Agreement.state == "offered", Agreement.student_id.in_(list(mine)))
    rows = (await uow.session.execute(query.order_by(Agreement.created_at))).scalars().all()
    return [(row, mine[row.student_id]) for row in rows]


async def of_school(uow: UnitOfWork, student_id: UUID) -> StudentView:
    """A pupil of the own class, or any for those who approve. Raises NotYourClass."""
    return await student(uow, student_id) if uow.ctx.may(CHECK) else await _of_my_class(uow, student_id)


def choices_of(row: PaperForm) -> list[Choice]:
    return [Choice(UUID(item["offering"]), tuple(item["weekdays"])) for item in row.items]


async def _of_my_class(uow: UnitOfWork, student_id: UUID) -> StudentView:
    uow.ctx.require(REVIEW)
    child = await student(uow, student_id)
    if child.class_id not in await class_ids_taught(uow):
        raise NotYourClass()
    return child


async def _open(uow: UnitOfWork, student_id: UUID, term_id: UUID, kind: str) -> PaperForm | None:
    query = select(PaperForm).where(
        PaperForm.student_id == student_id,
        PaperForm.term_id == term_id,
        PaperForm.kind == kind,
        PaperForm.state.in_(("asked", "entered")),
    )
    return (await uow.session.execute(query.with_for_update())).scalar_one_or_none()


def _told(row: PaperForm) -> dict[str, Any]:
    return {"paper": row.id, "student": row.student_id, "kind": row.kind, "by": row.entered_name}
