"""Waiting lists by families: a guardian joins, changes, refuses or leaves (R-146, R-213, R-216).

Offers are made by core.enrollment.waiting.offers alone, and accepted in core.enrollment.waiting.accepting.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select

from core.base.errors import FieldError, NotFound
from core.db.uow import UnitOfWork
from core.enrollment import applications, basket, menu_service, seats
from core.enrollment.basket import check_choice, chosen_days
from core.enrollment.draw.classes import LAST_PRIMARY_GRADE, Rule, priority_rule
from core.enrollment.draw.errors import HasPlace
from core.enrollment.draw.gate import refuse_drawn
from core.enrollment.draw.models import DrawCourse, DrawPriority, DrawRound, DrawWish
from core.enrollment.draw.service import moment
from core.enrollment.errors import NoticeUnread, NotPriced, WindowShut
from core.enrollment.letters import letter
from core.enrollment.models import OfferingSeats
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.views import OfferingView
from core.enrollment.waiting import gate, siblings
from core.enrollment.waiting.errors import GiveUpFirst, NotListed, PlacesFree
from core.enrollment.waiting.lists import ARRIVAL, DRAWN
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import LIVE
from core.people.service import StudentView, my_child_to_choose
from core.terms.models import Term
from core.terms.service import current_term


async def join(
    uow: UnitOfWork,
    student_id: UUID,
    offering_id: UUID,
    weekdays: Sequence[int] = (),
    giving_up: Collection[UUID] = (),
    together: Collection[UUID] = (),
) -> WaitingEntry:
    """Put a child on the list of a full offering; `giving_up`: its places that it lets go when it gets this one;
    `together`: its brothers and sisters on the list with whom it wants a place or none.

    A second tap, or the other guardian's, changes nothing but the days and `giving_up`. Raises NotFound, MayNotChoose,
    NotOnMenu, NotForGrade, WrongDays, NotListed, ByDraw, NotPriced, NoticeUnread, HasPlace, GiveUpFirst, PlacesFree,
    WindowShut, UnitNotYours, UnitTooLarge.
    """
    child = await my_child_to_choose(uow, student_id)
    term = await current_term(uow)
    view = await _listed(uow, child, term, offering_id, weekdays)
    days = list(chosen_days(view, weekdays))
    await siblings.hold(uow, child.id, view.id, together)
    await seats.hold_offering(uow, view.id)
    wanted = await _refuse_unfit(uow, child, view, days, giving_up)
    known = (await gate.entries_of(uow, child.id, term.id)).get(view.id)
    if known is not None:
        return await _changed(uow, known, days, wanted)
    await _refuse_free(uow, view)
    cls, tier, number = await _order(uow, child, view)
    entry = WaitingEntry(
        term_id=term.id,
        offering_id=view.id,
        student_id=child.id,
        state="waiting",
        weekdays=days,
        giving_up=wanted,
        cls=cls,
        tier=tier,
        number=number,
        joined_by=uow.ctx.actor.name,
    )
    uow.session.add(entry)
    await uow.session.flush()
    gate.note(uow, entry, "join", facts={"cls": cls, "tier": tier, "number": number})
    await uow.session.flush()
    await uow.audit("waiting.join", "student", child.id, offering=view.id, entry=entry.id)
    for sibling in together:
        await siblings.bind(uow, entry.id, sibling)
    await gate.ask_the_list(uow, view.id)
    return entry


async def _listed(
    uow: UnitOfWork, child: StudentView, term: Term, offering_id: UUID, weekdays: Sequence[int]
) -> OfferingView:
    """The offering, if it has a list that this child may be on and the guardian was told first (R-136, R-341)."""
    view = (await offerings_by_id(uow, [offering_id])).get(offering_id)
    view = check_choice(uow, view, term.id, child.grade, weekdays)
    if view.capacity is None:
        raise NotListed(title=view.title)
    await refuse_drawn(uow, child.id, {view.id: view.title})
    if basket.unpriced(view, await menu_service.prices(uow, term.id, [view])):
        raise NotPriced(title=view.title)
    await refuse_unread(uow, child, term)
    return view


async def refuse_unread(uow: UnitOfWork, child: StudentView, term: Term) -> str:
    """The hash of the letter to parents as the guardian has read it. Raises NoticeUnread, WindowShut."""
    menu = await menu_service.menu_of(uow, term.id)
    if menu is None:
        raise WindowShut()
    now = await letter(uow, term, menu)
    if not await applications.has_read(uow, child.id, now.sha256):
        raise NoticeUnread()
    return now.sha256


async def _refuse_unfit(
    uow: UnitOfWork, child: StudentView, view: OfferingView, days: Sequence[int], giving_up: Collection[UUID]
) -> list[str]:
    held = await seats.held_by(uow, child.id, view.term_id)
    mine = (await gate.entries_of(uow, child.id, view.term_id)).get(view.id)
    if view.id in held and mine is None:
        raise HasPlace(title=view.title)
    if not set(giving_up) <= held.keys() - {view.id}:
        raise NotFound()
    others = await offerings_by_id(uow, held.keys() - {view.id} - set(giving_up))
    clash = basket.first_overlap(view, days, [(other, held[id_].weekdays) for id_, other in others.items()])
    if clash is not None:
        refused = GiveUpFirst(title=view.title, other=clash.title)
        refused.fields = (FieldError("giving_up", refused.message),)
        raise refused
    return sorted(str(id_) for id_ in giving_up)


async def _refuse_free(uow: UnitOfWork, view: OfferingView) -> None:
    row = await uow.get(OfferingSeats, view.id, lock=True)
    queue = (await gate.queues(uow, [view.id])).get(view.id)
    if row.capacity is not None and row.taken < row.capacity and not (queue and queue.keeps):
        menu = await menu_service.menu_of(uow, view.term_id)
        raise PlacesFree(title=view.title) if menu and menu.phase == "open" else WindowShut()


async def _changed(uow: UnitOfWork, entry: WaitingEntry, days: list[int], giving_up: list[str]) -> WaitingEntry:
    if entry.state == "offered" or (list(entry.weekdays), list(entry.giving_up)) == (days, giving_up):
        return entry
    entry.weekdays, entry.giving_up = days, giving_up
    gate.note(uow, entry, "change")
    if entry.state == "blocked":
        entry.why = ""
        await gate.move(uow, entry, "unblock")
    await uow.session.flush()
    await gate.ask_the_list(uow, entry.offering_id)
    return entry


async def leave(uow: UnitOfWork, entry_id: UUID) -> None:
    """Take a child off a list; those whom it waited with go on. Leaving twice is leaving once. Raises NotFound,
    MoveRefused (an offer is refused)."""
    entry = await my_entry(uow, entry_id)
    if entry.state != "left":
        await gate.move(uow, entry, "leave")


async def refuse(uow: UnitOfWork, entry_id: UUID) -> None:
    """Say no to an offer, for all who wait together: the places go to the next child at once. Raises NotFound,
    MayNotChoose, UnitNotYours, MoveRefused."""
    for entry in await siblings.locked(uow, entry_id):
        if entry.state == "refused":
            continue
        await gate.move(uow, entry, "refuse")
        await seats.release(uow, entry.student_id, [entry.offering_id], "declined")


async def my_entry(uow: UnitOfWork, entry_id: UUID) -> WaitingEntry:
    """An entry of one of the acting guardian's children, under the child's lock. Raises NotFound, MayNotChoose."""
    row = await uow.get(WaitingEntry, entry_id)
    await my_child_to_choose(uow, row.student_id)
    await seats.hold_child(uow, row.student_id)
    return await uow.get(WaitingEntry, entry_id, lock=True)


# ---- the order ----------------------------------------------------------------------------------------------


async def _order(uow: UnitOfWork, child: StudentView, view: OfferingView) -> tuple[int, int, int]:
    """(class, tier, number) of a new entry; the caller holds the offering's row.

    Who missed in a draw has its number drawn, once, while the places drawn are still being kept for the families'
    applications; everybody else has the order of arrival.
    """
    drawn = await _number_drawn(uow, child, view)
    if drawn is not None:
        return drawn[0], DRAWN, drawn[1]
    last = select(func.coalesce(func.max(WaitingEntry.number), 0)).where(
        WaitingEntry.offering_id == view.id, WaitingEntry.tier == ARRIVAL
    )
    return await class_of(uow, child, view), ARRIVAL, (await uow.session.execute(last)).scalar_one() + 1


async def class_of(uow: UnitOfWork, child: StudentView, view: OfferingView) -> int:
    """The child's class of priority (R-145, R-216): by its grade, or as the school confirmed it this term."""
    rule: Rule = priority_rule(uow, view.grades)
    if len(rule.classes) < 2 or (rule.primary_first and child.grade <= LAST_PRIMARY_GRADE):
        return 0
    drawn = (
        select(DrawPriority.id)
        .join(DrawRound, (DrawRound.tenant_id == DrawPriority.tenant_id) & (DrawRound.id == DrawPriority.round_id))
        .where(DrawPriority.student_id == child.id, DrawRound.term_id == view.term_id)
    )
    listed = select(WaitingEntry.id).where(
        WaitingEntry.student_id == child.id,
        WaitingEntry.term_id == view.term_id,
        WaitingEntry.cls == 0,
        WaitingEntry.state.in_(LIVE),
    )
    confirmed = (await uow.session.execute(drawn.union_all(listed).limit(1))).first() is not None
    return 0 if confirmed else 1


async def _number_drawn(uow: UnitOfWork, child: StudentView, view: OfferingView) -> tuple[int, int] | None:
    query = (
        select(DrawRound, DrawWish)
        .join(DrawCourse, (DrawCourse.tenant_id == DrawRound.tenant_id) & (DrawCourse.round_id == DrawRound.id))
        .join(DrawWish, (DrawWish.tenant_id == DrawRound.tenant_id) & (DrawWish.round_id == DrawRound.id))
        .where(
            DrawCourse.offering_id == view.id,
            DrawWish.student_id == child.id,
            DrawRound.state == "published",
            DrawRound.keep_until >= await moment(uow),
        )
        .order_by(DrawRound.published_at.desc())
    )
    found = (await uow.session.execute(query.limit(1))).first()
    used = select(WaitingEntry.id).where(
        WaitingEntry.student_id == child.id, WaitingEntry.offering_id == view.id, WaitingEntry.tier == DRAWN
    )
    if found is None or (await uow.session.execute(used.limit(1))).first() is not None:
        return None
    drawn, wish = found
    outcome, course = drawn.record["outcome"], str(view.id)
    cls = dict(wish.line["ranked"]).get(course)
    if cls is None or wish.receipt not in outcome["numbers"] or course in outcome["given"][wish.receipt]:
        return None
    return int(cls), int(outcome["numbers"][wish.receipt])
