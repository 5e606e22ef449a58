"""A child whom the roster says has left: its service ends as if the family had left everything that day (R-148, R-149).

Looked for after every import, and every few minutes, so that nobody is missed; each child is a job of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from core.base import clock
from core.base.text import gettext as _
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment import basket, enrolments, seats
from core.enrollment.agreements import end_agreements
from core.enrollment.draw.together import forget_child
from core.enrollment.models import Enrolment, SeatClaim
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.paper.models import PaperForm
from core.enrollment.paper.states import PAPER
from core.enrollment.states import APPLICATION, ITEM
from core.enrollment.term_end import OPEN
from core.enrollment.waiting import gate
from core.notices import service as notices
from core.people.models import Student
from core.people.service import student
from core.terms.models import Term

JOB: Final = "enrollment.departed"
OFFICE: Final = "application.approve"

_LEFT = text("""
select s.id, s.left_at from student s
where s.tenant_id = :t and s.left_at is not null and s.id in (
  select e.student_id from enrolment e join term using (tenant_id)
   where e.tenant_id = :t and term.id = e.term_id and term.ends_on >= :today and e.state = 'enrolled'
  union select c.student_id from seat_claim c join term using (tenant_id)
   where c.tenant_id = :t and term.id = c.term_id and term.ends_on >= :today and c.released_at is null
  union select a.student_id from application a join term using (tenant_id)
   where a.tenant_id = :t and term.id = a.term_id and term.ends_on >= :today and a.state = any(:open)
  union select w.student_id from waiting_entry w
   where w.tenant_id = :t and w.state in ('waiting', 'blocked', 'offered')
  union select d.student_id from draw_wish d join draw_round r using (tenant_id)
   where d.tenant_id = :t and r.id = d.round_id and r.state = 'open'
)""")


async def look(uow: UnitOfWork) -> None:
    """Have the service ended of every child that left and still has something of it."""
    where = {"t": uow.ctx.tenant_id, "today": clock.today(), "open": list(OPEN)}
    for student_id, left_at in (await uow.session.execute(_LEFT, where)).all():
        # A child may come back and leave again: each leaving is ended once.
        await uow.enqueue(JOB, {"student": student_id}, key=f"{student_id}/{left_at.isoformat()}")


async def imported(delivery: Delivery) -> None:
    """Consumes "roster.imported"."""
    await look(delivery.uow)


async def run(delivery: Delivery) -> None:
    """The job "enrollment.departed"; payload {student}."""
    await end_service(delivery.uow, UUID(delivery.payload["student"]))


async def end_service(uow: UnitOfWork, student_id: UUID) -> None:
    """End all that a child which left has of the terms that are not over; its bills stay, for finance to settle.

    Doing it again finds nothing left; a child that is back meanwhile keeps what it has.
    """
    await seats.hold_child(uow, student_id)
    if (await uow.get(Student, student_id)).left_at is None:
        return
    await forget_child(uow, student_id)
    terms = (await uow.session.execute(select(Term.id).where(Term.ends_on >= clock.today()))).scalars().all()
    lost: set[UUID] = set()
    for term_id in terms:
        lost |= await _end_term(uow, student_id, term_id)
    await uow.audit("student.departed", "student", student_id, offerings=sorted(map(str, lost)))
    if lost:
        await _tell(uow, student_id, lost)


async def _end_term(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> set[UUID]:
    """Returns the offerings in which the child took part or held a place."""
    reason = _("学生已离校")
    application = await basket.application_of(uow, student_id, term_id, lock=True)
    papers = select(PaperForm).where(
        PaperForm.student_id == student_id, PaperForm.term_id == term_id, PaperForm.state.in_(("asked", "entered"))
    )
    for paper in (await uow.session.execute(papers.with_for_update())).scalars().all():
        await PAPER.transition(uow, paper, "drop", reason=reason)
    taking_part = select(Enrolment).where(
        Enrolment.student_id == student_id, Enrolment.term_id == term_id, Enrolment.state == "enrolled"
    )
    rows = (await uow.session.execute(taking_part.order_by(Enrolment.id).with_for_update())).scalars().all()
    for row in rows:
        await enrolments.end(uow, row, reason)
    if application is not None and application.state in ("enrolled", *OPEN):
        for item in await basket.items_of(uow, application.id):
            if item.state in ("chosen", "steered"):
                await ITEM.transition(uow, item, "drop", reason=reason)
        payload = {"application": application.id, "student": student_id, "term": term_id}
        event = "withdraw" if application.state == "enrolled" else "cancel"
        await APPLICATION.transition(uow, application, event, reason=reason, payload=payload)
    if application is not None:
        await end_agreements(uow, application.id)
    await basket.empty(uow, student_id, term_id)
    for entry in (await gate.entries_of(uow, student_id, term_id)).values():
        await gate.move(uow, entry, "end", reason="child_left")
    held = select(SeatClaim.offering_id).where(
        SeatClaim.student_id == student_id, SeatClaim.term_id == term_id, SeatClaim.released_at.is_(None)
    )
    places = (await uow.session.execute(held)).scalars().all()
    await uow.session.flush()
    await seats.release(uow, student_id, places, "withdrawn")
    return {row.offering_id for row in rows} | set(places)


async def _tell(uow: UnitOfWork, student_id: UUID, lost: Collection[UUID]) -> None:
    child = await student(uow, student_id)
    views = await offerings_by_id(uow, lost)
    titles = sorted(view.title for view in views.values())
    told = {"child": child.name, "courses": _("、").join(titles)}
    source = f"departed/{student_id}/{clock.today()}"
    family = (await notices.guardians_of(uow, [student_id])).get(student_id, [])
    await notices.tell(uow, family, JOB, told, path="home/bills", source=source)
    office = await notices.holders(uow, OFFICE)
    await notices.tell(uow, office, f"{JOB}_desk", told, path=f"desk/students/{student_id}", source=source)
