"""The basket: what a family puts together for one child before it submits. Nothing in it was ticked by anybody else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core.base.ids import new_id
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment.draw.gate import refuse_drawn
from core.enrollment.errors import NoDays, NotForGrade, NotOnMenu, Overlap, WrongDays
from core.enrollment.models import Application, ApplicationItem, Basket, Enrolment
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.seats import hold_child
from core.enrollment.states import ON_MENU, STARTABLE
from core.enrollment.views import OfferingView, Period


@dataclass(frozen=True, slots=True)
class Choice:
    """One chosen offering with its weekdays; empty where it has no hours at school."""

    offering_id: UUID
    weekdays: tuple[int, ...]


async def application_of(uow: UnitOfWork, student_id: UUID, term_id: UUID, *, lock: bool = False) -> Application | None:
    query = select(Application).where(Application.student_id == student_id, Application.term_id == term_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await uow.session.execute(query)).scalar_one_or_none()


async def items_of(uow: UnitOfWork, application_id: UUID) -> list[ApplicationItem]:
    """All items of an application, dropped and refused ones too, in the order in which they were chosen."""
    query = select(ApplicationItem).where(ApplicationItem.application_id == application_id).order_by(ApplicationItem.id)
    return list((await uow.session.execute(query)).scalars())


def submitted(application: Application, items: Iterable[ApplicationItem]) -> set[Choice]:
    """What an application that is on its way, or through, asks for."""
    if application.state in STARTABLE:
        return set()
    return {Choice(i.offering_id, tuple(i.weekdays)) for i in items if i.state in ("chosen", "steered")}


def says(application: Application, items: Iterable[ApplicationItem], choices: Iterable[Choice]) -> bool:
    """Whether an application that is on its way, or through, is about these choices and no others."""
    if application.state in (*STARTABLE, "steered"):
        return False
    return submitted(application, items) == set(choices)


async def enrolled_choices(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> dict[UUID, Choice]:
    """What the child already takes part in: it stays chosen until it is withdrawn from."""
    query = select(Enrolment).where(
        Enrolment.student_id == student_id, Enrolment.term_id == term_id, Enrolment.state == "enrolled"
    )
    rows = (await uow.session.execute(query)).scalars()
    return {row.offering_id: Choice(row.offering_id, tuple(row.weekdays)) for row in rows}


async def basket_of(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> list[Choice]:
    """What is in the basket; without one, what the application says now."""
    query = select(Basket.items).where(Basket.student_id == student_id, Basket.term_id == term_id)
    stored = (await uow.session.execute(query)).scalar_one_or_none()
    if stored is not None:
        return [Choice(UUID(item["offering"]), tuple(item["weekdays"])) for item in stored]
    application = await application_of(uow, student_id, term_id)
    if application is None or application.state in ("cancelled", "withdrawn", "refused"):
        return list((await enrolled_choices(uow, student_id, term_id)).values())
    items = await items_of(uow, application.id)
    return [Choice(i.offering_id, tuple(i.weekdays)) for i in items if i.state in ("chosen", "steered")]


async def put(
    uow: UnitOfWork, student_id: UUID, term_id: UUID, grade: int, offering_id: UUID, weekdays: Sequence[int]
) -> list[Choice]:
    """Put an offering in the basket or change its days. Raises NotOnMenu, NotForGrade, WrongDays, Overlap,
    ByDraw."""
    await hold_child(uow, student_id)
    now = {c.offering_id: c for c in await basket_of(uow, student_id, term_id)}
    known = await offerings_by_id(uow, {*now, offering_id})
    view = check_choice(uow, known.get(offering_id), term_id, grade, weekdays)
    await refuse_drawn(uow, student_id, {view.id: view.title})
    now[offering_id] = Choice(offering_id, chosen_days(view, weekdays))
    refuse_overlaps([(known[c.offering_id], c.weekdays) for c in now.values() if c.offering_id in known])
    return await _store(uow, student_id, term_id, list(now.values()))


async def take_out(uow: UnitOfWork, student_id: UUID, term_id: UUID, offering_id: UUID) -> list[Choice]:
    await hold_child(uow, student_id)
    kept = [c for c in await basket_of(uow, student_id, term_id) if c.offering_id != offering_id]
    return await _store(uow, student_id, term_id, kept)


async def forget(uow: UnitOfWork, student_id: UUID, term_id: UUID, offering_id: UUID) -> None:
    """Take an offering out of a basket that was put together; where none was, none is made."""
    query = select(Basket).where(Basket.student_id == student_id, Basket.term_id == term_id)
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is not None:
        row.items = [item for item in row.items if item["offering"] != str(offering_id)]


async def empty(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> None:
    await uow.session.execute(delete(Basket).where(Basket.student_id == student_id, Basket.term_id == term_id))


async def _store(uow: UnitOfWork, student_id: UUID, term_id: UUID, choices: list[Choice]) -> list[Choice]:
    items = [{"offering": str(c.offering_id), "weekdays": list(c.weekdays)} for c in choices]
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "term_id": term_id, "student_id": student_id}
    await uow.session.execute(
        insert(Basket)
        .values(**row, items=items)
        .on_conflict_do_update(index_elements=["tenant_id", "term_id", "student_id"], set_={"items": items})
    )
    return choices


def check_choice(
    uow: UnitOfWork, view: OfferingView | None, term_id: UUID, grade: int, weekdays: Sequence[int]
) -> OfferingView:
    """The offering, if it may be chosen for this grade on these days. Raises NotOnMenu, NotForGrade, WrongDays."""
    off = view is not None and view.plugin is not None and view.plugin not in uow.ctx.plugins
    if view is None or off or view.term_id != term_id or view.state not in ON_MENU:
        raise NotOnMenu(title=view.title if view else "")
    if grade not in view.grades:
        raise NotForGrade(title=view.title)
    days = set(weekdays)
    if view.any_days and view.periods and not days:
        raise NoDays(title=view.title)
    if not days <= set(view.weekdays):
        raise WrongDays(title=view.title)
    return view


def chosen_days(view: OfferingView, weekdays: Sequence[int]) -> tuple[int, ...]:
    """The days that a choice covers: the chosen ones, or all where the offering is taken whole."""
    return tuple(sorted(set(weekdays))) if view.any_days else view.weekdays


def unpriced(view: OfferingView, prices: Mapping[str, UnitPrice]) -> bool:
    """Whether something is to be taken for it while no board says how much: it cannot be chosen until one does."""
    return view.service is not None and view.service not in prices and not view.details.get("paid_to")


def first_overlap(
    view: OfferingView, weekdays: Sequence[int], others: Sequence[tuple[OfferingView, Sequence[int]]]
) -> OfferingView | None:
    """The first of `others` that takes place at the same time."""
    mine = _on(view, weekdays)
    for other, days in others:
        if other.id != view.id and any(a.overlaps(b) for a in mine for b in _on(other, days)):
            return other
    return None


def refuse_overlaps(chosen: Sequence[tuple[OfferingView, Sequence[int]]]) -> None:
    """Raises Overlap: a child is in one place at a time."""
    for index, (view, days) in enumerate(chosen):
        other = first_overlap(view, days, chosen[:index])
        if other is not None:
            raise Overlap(title=view.title, other=other.title)


def _on(view: OfferingView, weekdays: Sequence[int]) -> list[Period]:
    return [p for p in view.periods if not weekdays or p.weekday in weekdays]
