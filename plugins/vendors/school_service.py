"""In a school: the bureau's list, courses offered by vendors, external teachers, findings about a vendor."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from core.api import Delivery, GiveUp, Invalid, Objection, UnitOfWork, gettext, now, today
from core.api.enrollment import (
    Objected,
    OfferingDraft,
    counts_by_offering,
    every,
    offering,
    offerings,
    propose_offering,
    review_offering,
    suspend_offering,
)
from core.api.external import end_external, register_external
from core.api.lessons import counts
from core.api.organisations import organisation
from core.api.policy import decided
from core.api.terms import current_term
from plugins.vendors import checks, letters
from plugins.vendors.models import Case, Finding, Listed, Proposal, Teacher
from plugins.vendors.states import CASE_COPY, GROUNDS, OFF_LIST, ON_LIST, PROPOSAL, PROVIDER_OF, SELECTORS
from plugins.vendors.terms import Terms, in_order

_ = gettext
LIVE = ("published", "open_for_choice", "running")


# ---- the bureau's list ----


async def the_list(uow: UnitOfWork) -> list[Listed]:
    query = select(Listed).order_by((Listed.state != "listed"), Listed.name)
    return list((await uow.session.execute(query)).scalars())


async def ask_list(uow: UnitOfWork) -> None:
    """Ask the bureau for its whole list."""
    mine = await organisation(uow, uow.ctx.tenant_id)
    if mine.parent_id is not None:
        await uow.send_document(mine.parent_id, "vendors.list_wanted", {}, key=f"{today()}/{now():%H%M}")


async def on_list_entry(job: Delivery) -> None:
    """vendors.list_entry: only from the bureau above; an older letter never overtakes a newer one.

    A vendor that is off the list stops at once, before anybody has read the letter (R-308, R-320).
    """
    letter, uow = letters.read(job, letters.ListEntry), job.uow
    mine = await organisation(uow, uow.ctx.tenant_id)
    if mine.parent_id != job.sender:
        raise GiveUp("not this school's bureau")
    await uow.hold(f"vendors/listed/{letter.vendor_id}")
    row = await checks.listed(uow, letter.vendor_id)
    if row is None:
        row = Listed(vendor_id=letter.vendor_id, name=letter.name, state=letter.state)
        uow.session.add(row)
    elif row.revision >= letter.revision:
        return
    row.name, row.state, row.revision = letter.name, letter.state, letter.revision
    row.profile, row.updated_at = letter.profile.model_dump(mode="json"), now()
    await uow.session.flush()
    await uow.audit("vendors.list_entry", "vendor", letter.vendor_id, state=letter.state)
    if letter.state in OFF_LIST:
        await _stop(uow, letter.vendor_id, letter.reason or _("机构已被教育局移出名单"))
    if letter.state in ("exited", "barred"):
        await _end_teachers(uow, letter.vendor_id)


async def _stop(uow: UnitOfWork, vendor_id: UUID, reason: str) -> None:
    term = await current_term(uow)
    for view in await offerings(uow, term.id, states=LIVE, plugin="vendors"):
        if view.vendor_id == vendor_id:
            await suspend_offering(uow, view.id, reason)


async def _end_teachers(uow: UnitOfWork, vendor_id: UUID) -> None:
    query = select(Teacher).where(Teacher.vendor_id == vendor_id, Teacher.ended_at.is_(None))
    for row in (await uow.session.execute(query)).scalars():
        row.ended_at = now()
        await end_external(uow, row.staff_id)


# ---- courses offered ----


async def proposals(uow: UnitOfWork) -> list[Proposal]:
    query = select(Proposal).order_by((Proposal.state != "school_review"), Proposal.created_at.desc())
    return list((await uow.session.execute(query)).scalars())


async def waiting(uow: UnitOfWork) -> int:
    query = select(func.count()).select_from(Proposal).where(Proposal.state == "school_review")
    return (await uow.session.execute(query)).scalar_one()


async def on_offer(job: Delivery) -> None:
    """vendors.offer: from a vendor about its own course; a later version replaces one that is not accepted."""
    letter, uow = letters.read(job, letters.Offer), job.uow
    sender = await organisation(uow, job.sender)
    if sender.kind != "vendor":
        raise GiveUp("only a vendor offers courses")
    row = await uow.find(Proposal, letter.course_id)
    if row is None:
        row = Proposal(
            id=letter.course_id,
            vendor_id=job.sender,
            vendor_name=sender.name,
            state="school_review",
            content=letter.content.model_dump(mode="json"),
            version=letter.version,
        )
        uow.session.add(row)
        await uow.session.flush()
        await uow.audit("vendors.offer", "vendors.proposal", row.id, vendor=job.sender)
        return
    row = await uow.get(Proposal, letter.course_id, lock=True)
    if row.vendor_id != job.sender:
        raise GiveUp("another vendor's course")
    if letter.version <= row.version or row.state not in ("rejected", "school_review"):
        return
    row.content, row.version = letter.content.model_dump(mode="json"), letter.version
    if row.state == "rejected":
        await PROPOSAL.transition(uow, row, "offer_again")


async def check(uow: UnitOfWork, row: Proposal, terms: Terms | None = None) -> list[Objection]:
    """What speaks against the course now; without `terms`, as if everything that the school adds were in order."""
    content = letters.CourseContent.model_validate(row.content)
    listed = await checks.listed(uow, row.vendor_id)
    ideal = terms is None
    terms = terms or in_order(uow, listed)
    term = await current_term(uow)
    facts = checks.Facts(
        listed=listed,
        coach_phone=content.coach.phone,
        certificate_until=content.coach.certificate_until,
        publicized=terms.publicized_on is not None,
        filed=terms.filed_on is not None,
        special_need=terms.special_need,
        method=terms.method,
        agency_percent=await checks.agency_percent(uow, term.id, terms.cost_fen),
        selector=SELECTORS[terms.selected_by] if terms.selected_by == "school" or _on_list(listed) else "",
        reviewed_by=terms.reviewers,
        number=terms.selection_number.strip(),
        cost_fen=terms.cost_fen,
        paid=terms.paid,
        room=terms.room_id is not None or ideal,
    )
    return await checks.objections(uow, facts)


def _on_list(row: Listed | None) -> bool:
    return row is not None and row.state in ON_LIST


async def approve(uow: UnitOfWork, proposal_id: UUID, terms: Terms) -> Proposal:
    """Accept a course: its coach becomes an external teacher here, and the course an item of the term's menu.

    Raises Objected (the pack, 挂靠, an expired licence; content words), OwnStaff, RoomTaken, TeacherTaken, Forbidden,
    and Invalid for a selection or review that is not on paper.
    """
    if wrong := terms.owed():
        raise Invalid(fields=wrong)
    row = await uow.get(Proposal, proposal_id, lock=True)
    content = letters.CourseContent.model_validate(row.content)
    found = await check(uow, row, terms)
    if not await decided(uow, "vendors.approve", "vendors_proposal", row.id, found, terms.reason):
        raise Objected(found)
    await PROPOSAL.transition(uow, row, "approve", reason=terms.reason)
    row.selection, row.reviewed_by = terms.selection, list(terms.reviewers)
    row.review_number, row.cost_fen = terms.review_number.strip(), terms.cost_fen
    term = await current_term(uow)
    teacher = await _register(uow, row, content.coach, terms)
    listed = await checks.listed(uow, row.vendor_id)
    kind = str(listed.profile.get("agency_kind", "")) if listed else ""
    draft = OfferingDraft(
        kind="vendor_course",
        plugin="vendors",
        title=content.title,
        summary=content.summary,
        grades=tuple(content.grades),
        periods=every(content.weekdays, content.starts_at, content.ends_at),
        capacity=content.capacity,
        service=checks.SERVICE if terms.paid else None,
        room_id=terms.room_id,
        teacher_id=teacher.staff_id,
        vendor_id=row.vendor_id,
        provider=PROVIDER_OF.get(kind, "training_agency"),
        content=tuple(content.content),
        details={
            "outline": list(content.outline),
            "vendor_name": row.vendor_name,
            "special_need": terms.special_need,
            "method": terms.method,
            "agency_percent": await checks.agency_percent(uow, term.id, terms.cost_fen),
        },
        reason=terms.reason,
    )
    view = await propose_offering(uow, term.id, draft, offering_id=row.id)
    await review_offering(uow, view.id, accept=True, reason=terms.reason)
    row.offering_id, row.term_id, row.reason = view.id, term.id, terms.reason.strip()
    row.objections = [str(o.message) for o in found]
    await _answer(uow, row, "approved", terms.reason, row.objections)
    return row


async def _register(uow: UnitOfWork, row: Proposal, coach: letters.CoachIn, terms: Terms) -> Teacher:
    staff = await register_external(uow, coach.name, coach.phone)
    query = select(Teacher).where(Teacher.staff_id == staff.id, Teacher.vendor_id == row.vendor_id)
    teacher = (await uow.session.execute(query)).scalar_one_or_none()
    if teacher is None:
        teacher = Teacher(staff_id=staff.id, vendor_id=row.vendor_id, name=coach.name)
        uow.session.add(teacher)
    teacher.certificate_no, teacher.certificate_until = coach.certificate_no, coach.certificate_until
    teacher.publicized_on, teacher.filed_on, teacher.ended_at = terms.publicized_on, terms.filed_on, None
    await uow.session.flush()
    return teacher


async def reject(uow: UnitOfWork, proposal_id: UUID, reason: str) -> Proposal:
    """Refuse a course with a reason; the vendor may offer it again, changed. Raises ReasonOwed, Forbidden."""
    row = await uow.get(Proposal, proposal_id, lock=True)
    await PROPOSAL.transition(uow, row, "reject", reason=reason)
    row.reason = reason.strip()
    row.objections = [str(o.message) for o in await check(uow, row)]
    await _answer(uow, row, "rejected", reason, row.objections)
    return row


async def _answer(uow: UnitOfWork, row: Proposal, state: str, reason: str, found: list[str]) -> None:
    told = {
        "course_id": row.id,
        "version": row.version,
        "state": state,
        "reason": reason.strip(),
        "objections": [words[:200] for words in found[:40]],
        "offering_id": row.offering_id,
    }
    letter = letters.OfferDecision.model_validate(told).model_dump(mode="json")
    await uow.send_document(row.vendor_id, "vendors.offer_decision", letter, key=f"{row.id}/{row.version}/{state}")


async def tell_progress(uow: UnitOfWork, term_id: UUID) -> None:
    """Tell each vendor how its courses go: lessons and children in numbers, nobody's name."""
    rows = [row for row in await proposals(uow) if row.offering_id is not None and row.term_id == term_id]
    lessons = await counts(uow, [row.offering_id for row in rows if row.offering_id])
    enrolled = await counts_by_offering(uow, term_id)
    for row in rows:
        assert row.offering_id is not None
        held, planned = lessons[row.offering_id]
        view = await offering(uow, row.offering_id)
        letter = letters.Progress(
            course_id=row.id, held=held, planned=planned, enrolled=enrolled.get(row.offering_id, 0), state=view.state
        )
        mark = f"{row.id}/{held}/{planned}/{letter.enrolled}/{view.state}"
        await uow.send_document(row.vendor_id, "vendors.progress", letter.model_dump(mode="json"), key=mark)


# ---- findings ----


async def find(uow: UnitOfWork, vendor_id: UUID, ground: str, words: str, found_on: date) -> Finding:
    """Write down what was established about a vendor: an upheld complaint or a ground of exit."""
    assert ground in GROUNDS
    term = await current_term(uow)
    row = Finding(
        vendor_id=vendor_id,
        term_id=term.id,
        ground=ground,
        words=words.strip(),
        found_on=found_on,
        found_by=uow.ctx.actor.name,
        account_id=uow.ctx.actor.account_id,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("vendors.finding", "vendor", vendor_id, ground=ground, finding=row.id)
    return row


async def drop_finding(uow: UnitOfWork, finding_id: UUID) -> None:
    row = await uow.get(Finding, finding_id, lock=True)
    if row.dropped_at is None:
        row.dropped_at = now()
        await uow.audit("vendors.finding_drop", "vendor", row.vendor_id, finding=row.id)


async def findings(uow: UnitOfWork, vendor_id: UUID, term_id: UUID) -> list[Finding]:
    query = select(Finding).where(
        Finding.vendor_id == vendor_id, Finding.term_id == term_id, Finding.dropped_at.is_(None)
    )
    return list((await uow.session.execute(query.order_by(Finding.found_on, Finding.id))).scalars())


async def teachers(uow: UnitOfWork, vendor_id: UUID) -> list[Teacher]:
    query = select(Teacher).where(Teacher.vendor_id == vendor_id).order_by(Teacher.name)
    return list((await uow.session.execute(query)).scalars())


# ---- the bureau's case, as the school sees it ----


async def cases(uow: UnitOfWork, vendor_id: UUID | None = None) -> list[Case]:
    query = select(Case).order_by(Case.created_at.desc())
    if vendor_id is not None:
        query = query.where(Case.vendor_id == vendor_id)
    return list((await uow.session.execute(query)).scalars())


async def on_exit_notice(job: Delivery) -> None:
    """vendors.exit_notice, the school's copy: from its own bureau, about a case that began here."""
    letter, uow = letters.read(job, letters.ExitNotice), job.uow
    row = await uow.find(Case, letter.case_id)
    if row is None or row.bureau_id != job.sender:
        raise GiveUp("the sender has no such case with us")
    row = await uow.get(Case, letter.case_id, lock=True)
    if row.state != "opened":
        return
    await CASE_COPY.transition(uow, row, "notice", reason=letter.notice)
    row.notice, row.noticed_at, row.answer_until = letter.notice, now(), letter.answer_until
    row.noticed_name = letter.bureau_name
