"""An offer accepted by one tap: the place stays, what the family would rather give up is let go, and the application
says so; all of it or nothing (R-146, R-214). Before or after enrolment, and whether the menu's window is open or not:
the offer is the window."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment import applications, basket, leaving, seats
from core.enrollment.application_rules import draft_view, refuse_objected
from core.enrollment.basket import Choice, application_of, check_choice, chosen_days, enrolled_choices, items_of
from core.enrollment.draw.service import moment
from core.enrollment.models import Application, Enrolment
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.states import APPLICATION, ITEM, STARTABLE
from core.enrollment.views import OfferingView
from core.enrollment.waiting.errors import OfferOver, SignFirst
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.service import refuse_unread
from core.enrollment.waiting.siblings import locked
from core.people.service import StudentView, my_child
from core.terms.models import Term
from core.web.i18n import fdatetime


async def accept(uow: UnitOfWork, entry_id: UUID) -> UUID:
    """Accept the offer of a place; returns the application that now holds it. Accepting twice is accepting once, and
    accepting for one of several children who wait together is accepting for all.

    The places in `giving_up` are let go in the same transaction: an item not yet in force is dropped, an enrolment ends
    today (R-149). Where a family may choose the days, only the days at the same time go. Raises NotFound, MayNotChoose,
    UnitNotYours, OfferOver, SignFirst, NotOnMenu, NotForGrade, WrongDays, NoticeUnread, Overlap, Objected, PlaceLost.
    """
    unit = await locked(uow, entry_id)
    asked = await uow.get(WaitingEntry, entry_id)
    if asked.state == "taken":
        application = await application_of(uow, asked.student_id, asked.term_id, lock=True)
        if application is not None:
            return application.id
    # Before any claim, and in the order in which everybody takes them.
    rows = {UUID(id_) for entry in unit for id_ in entry.giving_up} | {asked.offering_id}
    for offering_id in sorted(rows, key=lambda id_: id_.bytes):
        await seats.hold_offering(uow, offering_id)
    made = {entry.id: await _accept(uow, entry) for entry in unit}
    return made[entry_id]


async def _accept(uow: UnitOfWork, entry: WaitingEntry) -> UUID:
    child = await my_child(uow, entry.student_id)
    if entry.state != "offered" or entry.offer_until is None or entry.offer_until < await moment(uow):
        raise OfferOver()
    application = await application_of(uow, child.id, entry.term_id, lock=True)
    if application is not None and must_sign(application):
        raise SignFirst(child=child.name, until=fdatetime(entry.offer_until, "medium"))
    read = await refuse_unread(uow, child, await uow.get(Term, entry.term_id))
    if application is None:
        application = Application(term_id=entry.term_id, student_id=child.id, state="informed", revision=0)
        uow.session.add(application)
        await uow.session.flush()
    await _write(uow, application, child, entry, read)
    return application.id


def must_sign(application: Application) -> bool:
    """Whether an application was approved and stands before its agreement: only the signature can change it now."""
    return application.state not in (*applications.CHANGEABLE, *STARTABLE)


async def _write(
    uow: UnitOfWork, application: Application, child: StudentView, entry: WaitingEntry, notice_sha256: str
) -> None:
    """The application with this item and without what is given up: submitted anew, as the family itself would."""
    choices = await _choices(uow, application, child, entry)
    dropped = {UUID(id_) for id_ in entry.giving_up} - {choice.offering_id for choice in choices}
    views = await offerings_by_id(uow, {choice.offering_id for choice in choices})
    await refuse_objected(uow, draft_view(application, child, application.term_id, choices, views))
    items = {item.offering_id: item for item in await items_of(uow, application.id)}
    for choice in choices:
        await applications.choose(uow, application, items.pop(choice.offering_id, None), *_line(choice))
    for item in items.values():
        if item.state in ("chosen", "steered"):
            await ITEM.transition(uow, item, "drop")
    application.revision += 1
    application.notice_sha256 = notice_sha256
    application.submitted_by = uow.ctx.actor.account_id
    application.submitted_name = uow.ctx.actor.name
    application.submitted_at = await moment(uow)
    event = "submit" if application.state in STARTABLE else "change"
    payload = {"application": application.id, "student": child.id, "term": application.term_id}
    await APPLICATION.transition(uow, application, event, payload=payload)
    await basket.empty(uow, child.id, application.term_id)
    await uow.session.flush()
    await _let_go(uow, child, application.term_id, dropped)
    for choice in choices:
        await seats.set_days(uow, child.id, *_line(choice))
    await seats.keep(uow, child.id, [entry.offering_id])


def _line(choice: Choice) -> tuple[UUID, tuple[int, ...]]:
    return choice.offering_id, choice.weekdays


async def _choices(uow: UnitOfWork, application: Application, child: StudentView, entry: WaitingEntry) -> list[Choice]:
    """What the child takes part in, what its application asks for, and the place offered; without what is given up."""
    wanted = dict(await enrolled_choices(uow, child.id, application.term_id))
    if application.state not in STARTABLE:
        for item in await items_of(uow, application.id):
            if item.state in ("chosen", "steered"):
                wanted.setdefault(item.offering_id, Choice(item.offering_id, tuple(item.weekdays)))
    views = await offerings_by_id(uow, {*wanted, entry.offering_id})
    asked = entry.weekdays if views[entry.offering_id].any_days else ()
    # The offer is the window, and nothing else: what nobody may choose from the menu is not accepted either.
    view = check_choice(uow, views[entry.offering_id], application.term_id, child.grade, asked)
    days = chosen_days(view, asked)
    wanted[view.id] = Choice(view.id, days)
    for id_ in map(UUID, entry.giving_up):
        if id_ in wanted:
            left = days_left(views[id_], wanted[id_].weekdays, view, days)
            wanted[id_] = Choice(id_, left)
            if not left:
                del wanted[id_]
    basket.refuse_overlaps([(views[c.offering_id], c.weekdays) for c in wanted.values()])
    return list(wanted.values())


def days_left(view: OfferingView, days: Sequence[int], other: OfferingView, others: Sequence[int]) -> tuple[int, ...]:
    """The weekdays of an offering that a child keeps when it takes the other one on `others`: none of one that is
    taken whole."""
    if not view.any_days:
        return ()
    return tuple(day for day in days if basket.first_overlap(view, [day], [(other, others)]) is None)


async def _let_go(uow: UnitOfWork, child: StudentView, term_id: UUID, dropped: set[UUID]) -> None:
    query = select(Enrolment).where(
        Enrolment.student_id == child.id,
        Enrolment.term_id == term_id,
        Enrolment.offering_id.in_(dropped),
        Enrolment.state == "enrolled",
    )
    enrolled = {row.offering_id: row.id for row in (await uow.session.execute(query)).scalars()}
    for id_ in sorted(dropped, key=lambda one: one.bytes):
        if id_ in enrolled:
            await leaving.withdraw(uow, enrolled[id_], student_id=child.id)
        else:
            await seats.release(uow, child.id, [id_], "dropped")
