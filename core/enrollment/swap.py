"""Exchanging one item for another in mid-term, or its days (R-149, R-214): both halves in one transaction, or neither.

The old item lasts through today, the new one begins tomorrow, so no day is without care and none counts twice. The
agreement in force stays until the family signs the one that names the new item. What is billed already is settled by
the next billing run (core.billing.changes).

Why no second approval: the pack's chain (R-142) approves an application, that is the child's taking part and the need
that some packs ask for (R-143), and only what was approved is scheduled (R-166). An exchange changes neither: who
exchanges takes part already, and the states of requirements 5.3 let guardian or school change "other days or items" of
who is enrolled without review (R-214), as they let it leave without a reason (R-149). What a school decides about an
item it has decided by publishing it: its grades, places, priority and window, and every rule of the pack is asked here
as for an application (refuse_objected). Whatever adds to what the child takes goes the way of an application, and while
one waits for the school nothing is exchanged past it (SwapPending).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment import basket, enrolments, menu_service, seats
from core.enrollment.agreements import offer_agreement
from core.enrollment.application_rules import draft_view, refuse_objected
from core.enrollment.applications import choose
from core.enrollment.basket import Choice, check_choice, chosen_days, items_of
from core.enrollment.draw.gate import refuse_drawn
from core.enrollment.errors import ChangedMeanwhile, Full, NotPriced, Overlap, SwapNothing, SwapPending, TermOver
from core.enrollment.models import Application, Enrolment
from core.enrollment.offerings_service import offering, offerings_by_id
from core.enrollment.states import ITEM
from core.enrollment.views import OfferingView
from core.enrollment.waiting import gate
from core.enrollment.waiting.errors import ForTheList
from core.enrollment.words import per_unit
from core.people.service import StudentView, my_child, my_child_to_choose
from core.terms.models import Term
from core.terms.service import timetable_days
from core.web.i18n import money


@dataclass(frozen=True, slots=True)
class Side:
    """One half of a swap: the item, its days, its price, and how many lessons of it the rest of the term has."""

    view: OfferingView
    weekdays: tuple[int, ...]
    price: UnitPrice | None
    lessons: int

    @property
    def words(self) -> str:
        if self.price is not None:
            return f"{money(self.price.fen)} / {per_unit(self.price.unit)}"
        if self.view.details.get("paid_to"):
            return _("费用与%(whom)s结算", whom=self.view.details["paid_to"])
        return _("免费")

    @property
    def rest_fen(self) -> int | None:
        """What the rest of the term costs, in fen; None where it is not counted by lessons."""
        if self.price is None:
            return None if self.view.details.get("paid_to") else 0
        return self.price.fen * self.lessons if self.price.unit == "lesson" else None


@dataclass(frozen=True, slots=True)
class Swap:
    """What a swap would do, to be shown before it is done. The new half begins on `starts_on`."""

    enrolment: Enrolment
    child: StudentView
    old: Side
    new: Side
    starts_on: date

    def difference(self) -> str:
        """What it means for the money, in words."""
        before, after = self.old.rest_fen, self.new.rest_fen
        if before is None or after is None:
            return _("两项的计费单位不同，已发生的部分按规定结算，多退少补")
        if before == after:
            return _("费用不变")
        params = {"n": self.new.lessons, "amount": money(abs(after - before))}
        if after > before:
            return _("到学期结束还有 %(n)s 次，大约多 %(amount)s", **params)
        return _("到学期结束还有 %(n)s 次，大约少 %(amount)s", **params)


async def options(uow: UnitOfWork, enrolment_id: UUID) -> tuple[Enrolment, StudentView, list[OfferingView]]:
    """An enrolment of one's child, and what it could be exchanged for: itself too, where its days can be chosen.

    Raises NotFound.
    """
    row = await uow.get(Enrolment, enrolment_id)
    child = await my_child(uow, row.student_id)
    others = await _others(uow, row)
    taken = {view.id for view, _days in others}
    busy = await _busy(uow, row)
    found = []
    on_menu = await menu_service.on_menu(uow, row.term_id, child.grade)
    priced = await menu_service.prices(uow, row.term_id, on_menu)
    for view in on_menu:
        same = view.id == row.offering_id
        if (
            view.id in taken
            or (view.left == 0 and not same)
            or (same and not (view.any_days and len(view.weekdays) > 1))
        ):
            continue
        if basket.unpriced(view, priced) or (not view.any_days and basket.first_overlap(view, (), busy)):
            continue
        found.append(view)
    return row, child, found


async def look(uow: UnitOfWork, enrolment_id: UUID, offering_id: UUID, weekdays: Sequence[int]) -> Swap:
    """What the swap would do. Raises NotFound, NotOnMenu, NotForGrade, WrongDays, Overlap, ByDraw, NotPriced,
    SwapNothing, TermOver, Objected."""
    row = await uow.get(Enrolment, enrolment_id)
    child = await my_child(uow, row.student_id)
    view = check_choice(uow, await offering(uow, offering_id), row.term_id, child.grade, weekdays)
    days = chosen_days(view, weekdays)
    if (view.id, days) == (row.offering_id, tuple(row.weekdays)):
        raise SwapNothing()
    term = await uow.get(Term, row.term_id)
    starts_on = max(clock.today() + timedelta(days=1), row.starts_on)
    if starts_on > term.ends_on:
        raise TermOver()
    if view.id != row.offering_id:
        await refuse_drawn(uow, child.id, {view.id: view.title})
    old_view = await offering(uow, row.offering_id)
    priced = await menu_service.prices(uow, term.id, [view, old_view])
    if basket.unpriced(view, priced):
        raise NotPriced(title=view.title)
    others = await _others(uow, row)
    clash = basket.first_overlap(view, days, await _busy(uow, row))
    if clash is not None:
        raise Overlap(title=view.title, other=clash.title)
    choices = [Choice(other.id, tuple(other_days)) for other, other_days in others] + [Choice(view.id, days)]
    application = await uow.get(Application, row.application_id)
    known = {other.id: other for other, _days in others} | {view.id: view}
    await refuse_objected(uow, draft_view(application, child, term.id, choices, known))
    dated = await timetable_days(uow, term.id)
    left = [weekday for day, weekday in dated.items() if day >= starts_on]

    def side(of: OfferingView, on: Sequence[int]) -> Side:
        price = priced.get(of.service) if of.service else None
        price = price if price is not None and price.covers(child.grade) else None
        return Side(of, tuple(on), price, sum(1 for weekday in left if weekday in (on or of.weekdays)))

    return Swap(row, child, side(old_view, row.weekdays), side(view, days), starts_on)


async def swap(uow: UnitOfWork, enrolment_id: UUID, offering_id: UUID, weekdays: Sequence[int]) -> UUID:
    """Exchange the item, or its days; returns the new enrolment's id. The same again finds it done.

    Raises Full when the last place has gone meanwhile (then nothing was changed), SwapPending, MayNotChoose, and what
    `look` raises.
    """
    found = await uow.get(Enrolment, enrolment_id)
    await my_child_to_choose(uow, found.student_id)
    await seats.hold_child(uow, found.student_id)
    row = await uow.get(Enrolment, enrolment_id, lock=True)
    if row.state != "enrolled":
        return await _done_already(uow, row, offering_id, weekdays)
    application = await uow.get(Application, row.application_id, lock=True)
    if application.state != "enrolled":
        raise SwapPending()
    wanted = await look(uow, enrolment_id, offering_id, weekdays)
    view, days, child = wanted.new.view, wanted.new.weekdays, wanted.child
    same = view.id == row.offering_id
    if same:
        await seats.set_days(uow, child.id, view.id, days)
    else:
        await _move_place(uow, child, row, view, days)
    await enrolments.end(uow, row, swapped=True)
    if not same:
        await seats.release(uow, child.id, [row.offering_id], "withdrawn")
    begun = await enrolments.begin(uow, application, view, days, wanted.starts_on, replaces=row.id)
    items = {item.offering_id: item for item in await items_of(uow, application.id)}
    if not same and row.offering_id in items and items[row.offering_id].state == "chosen":
        await ITEM.transition(uow, items[row.offering_id], "drop")
    await choose(uow, application, items.get(view.id), view.id, days)
    application.revision += 1
    await basket.empty(uow, child.id, row.term_id)
    await uow.session.flush()
    await offer_agreement(uow, application, child)
    told = {"student": child.id, "old": wanted.old.view.title, "new": view.title, "starts": wanted.starts_on}
    await uow.audit("enrolment.swap", "enrolment", begun.id, before=row.id, **told)
    await uow.emit("enrollment.swapped", {**told, "enrolment": begun.id, "before": row.id})
    return begun.id


async def _move_place(
    uow: UnitOfWork, child: StudentView, row: Enrolment, view: OfferingView, days: Sequence[int]
) -> None:
    """A place in the new item, with the old one still in hand. Raises Full, ForTheList."""
    held = await seats.held_by(uow, child.id, row.term_id)
    if view.id in held:
        await seats.keep(uow, child.id, [view.id])
        await seats.set_days(uow, child.id, view.id, days)
    elif not await seats.take(uow, child.id, view.id, child.grade, days, giving_up=row.offering_id):
        raise (ForTheList if await gate.keeps(uow, view.id) else Full)(title=view.title)


async def _done_already(uow: UnitOfWork, row: Enrolment, offering_id: UUID, weekdays: Sequence[int]) -> UUID:
    """The enrolment that an earlier tap made in place of this one. Raises NotFound when there is none, ChangedMeanwhile
    when that was for other days."""
    query = select(Enrolment).where(
        Enrolment.student_id == row.student_id, Enrolment.offering_id == offering_id, Enrolment.state == "enrolled"
    )
    known = (await uow.session.execute(query)).scalar_one_or_none()
    if known is None:
        raise NotFound()
    if weekdays and known.weekdays and set(weekdays) != set(known.weekdays):
        raise ChangedMeanwhile()
    return known.id


async def _others(uow: UnitOfWork, row: Enrolment) -> list[tuple[OfferingView, Sequence[int]]]:
    chosen = await basket.enrolled_choices(uow, row.student_id, row.term_id)
    views = await offerings_by_id(uow, set(chosen))
    return [(views[id_], choice.weekdays) for id_, choice in chosen.items() if id_ != row.offering_id]


async def _busy(uow: UnitOfWork, row: Enrolment) -> list[tuple[OfferingView, Sequence[int]]]:
    """When the child is taken besides: where it takes part, and places that it holds by a tap, a draw or an offer."""
    others = await _others(uow, row)
    known = {view.id for view, _days in others} | {row.offering_id}
    held = await seats.held_by(uow, row.student_id, row.term_id)
    views = await offerings_by_id(uow, held.keys() - known)
    return [*others, *((view, held[view.id].weekdays) for view in views.values())]
