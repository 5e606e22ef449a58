"""One day's lunch: who ordered, who cancelled in time, the count for the kitchen, and who really ate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from core.api import Conflict, NotFound, UnitOfWork, at_school, new_id, plugin_settings
from core.api import lazy_gettext as _l
from core.api.enrollment import EnrolmentView, enrolled_on, enrolments_of
from core.api.people import StudentView, students_by_id
from core.api.terms import timetable_days
from plugins.meals.models import Ban, Cancelled, DayMenu, Delivery, Lunch, Served
from plugins.meals.schemas import MealsSettings

KEY = "meals"


class TooLate(Conflict):
    """The kitchen has begun: the day can no longer be cancelled or taken back."""

    code = "meals_too_late"
    text = _l("已过当天的取消截止时间（%(until)s），不能再改")


class NoLunch(Conflict):
    code = "meals_none_that_day"
    text = _l("孩子这一天没有订餐")


class NotCounted(Conflict):
    code = "meals_not_counted"
    text = _l("当天的份数还没有截止，到截止时间后再登记用餐")


@dataclass(frozen=True, slots=True)
class Diner:
    """A child who ordered for a day. `flags` are what it may not eat, `clash` those that the day's dishes contain."""

    student: StudentView
    flags: tuple[str, ...]
    clash: tuple[str, ...]
    served: bool | None


@dataclass(frozen=True, slots=True)
class DayCount:
    """One day for the kitchen. `ordered` counts those who come; `cancelled` those who said no in time."""

    day: date
    ordered: int
    cancelled: int
    by_class: tuple[tuple[int, int, int], ...]
    """(grade, class number, children)."""
    by_flag: tuple[tuple[str, int], ...]
    diners: tuple[Diner, ...]
    dishes: tuple[tuple[str, tuple[str, ...]], ...]
    delivery: Delivery | None


async def cutoff(uow: UnitOfWork, day: date) -> datetime:
    """The moment until which a family may cancel `day`, or take a cancelling back."""
    return cutoff_by(await plugin_settings(uow, KEY, MealsSettings), day)


def cutoff_by(settings: MealsSettings, day: date) -> datetime:
    """The same for settings that were read before."""
    until = day - timedelta(days=settings.days_before)
    return at_school(until, settings.cutoff_at.hour, settings.cutoff_at.minute)


async def is_open(uow: UnitOfWork, day: date) -> bool:
    """Whether `day` may still be changed, by the database's clock."""
    until = literal(await cutoff(uow, day), DateTime(timezone=True))
    return bool((await uow.session.execute(select(func.now() < until))).scalar_one())


async def lunch_of(uow: UnitOfWork, term_id: UUID) -> Lunch | None:
    """The lunch of a term, if the school has set one up."""
    return (await uow.session.execute(select(Lunch).where(Lunch.term_id == term_id))).scalar_one_or_none()


async def ordering(uow: UnitOfWork, lunch: Lunch, day: date) -> set[UUID]:
    """Children whose weekdays include `day`, whether or not they cancelled it."""
    return {e.student_id for e in await enrolled_on(uow, lunch.offering_id, day)}


async def cancelled_on(uow: UnitOfWork, day: date) -> set[UUID]:
    query = select(Cancelled.student_id).where(Cancelled.day == day, Cancelled.undone_at.is_(None))
    return set((await uow.session.execute(query)).scalars())


@dataclass(frozen=True, slots=True)
class ChildDay:
    """A coming day of one child's lunch; `open` while the family may still change it."""

    day: date
    cancelled: bool
    open: bool


async def coming(uow: UnitOfWork, lunch: Lunch, student_id: UUID, first: date, last: date) -> list[ChildDay]:
    """The days between two dates for which the child has ordered, by the school's calendar."""
    taken = [e for e in await enrolments_of(uow, student_id, lunch.term_id) if e.offering.id == lunch.offering_id]
    if not taken:
        return []
    query = select(Cancelled.day).where(Cancelled.student_id == student_id, Cancelled.undone_at.is_(None))
    away = set((await uow.session.execute(query.where(Cancelled.day.between(first, last)))).scalars())
    settings = await plugin_settings(uow, KEY, MealsSettings)
    now = (await uow.session.execute(select(func.now()))).scalar_one()
    return [
        ChildDay(day, day in away, now < cutoff_by(settings, day))
        for day, weekday in sorted((await timetable_days(uow, lunch.term_id)).items())
        if first <= day <= last and any(_covers(e, day, weekday) for e in taken)
    ]


def _covers(enrolment: EnrolmentView, day: date, weekday: int) -> bool:
    return (
        weekday in (enrolment.weekdays or enrolment.offering.weekdays)
        and (enrolment.starts_on is None or enrolment.starts_on <= day)
        and (enrolment.ends_on is None or day <= enrolment.ends_on)
    )


async def cancel(uow: UnitOfWork, lunch: Lunch, student_id: UUID, day: date) -> None:
    """A family cancels one day. Twice is once. Raises TooLate, NoLunch."""
    await _refuse_late(uow, day)
    if student_id not in await ordering(uow, lunch, day):
        raise NoLunch()
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "student_id": student_id,
        "day": day,
        "cancelled_by": uow.ctx.actor.name,
    }
    made = insert(Cancelled).values(**row)
    await uow.session.execute(
        made.on_conflict_do_update(index_elements=["tenant_id", "student_id", "day"], set_={"undone_at": None})
    )
    await uow.audit("meals.cancel", "student", student_id, day=day)


async def take_back(uow: UnitOfWork, student_id: UUID, day: date) -> None:
    """A family wants the cancelled day after all. Raises TooLate."""
    await _refuse_late(uow, day)
    mine = (Cancelled.student_id == student_id, Cancelled.day == day, Cancelled.undone_at.is_(None))
    await uow.session.execute(update(Cancelled).where(*mine).values(undone_at=func.now()))
    await uow.audit("meals.take_back", "student", student_id, day=day)


async def _refuse_late(uow: UnitOfWork, day: date) -> None:
    if not await is_open(uow, day):
        until = await cutoff(uow, day)
        raise TooLate(until=f"{until:%m-%d %H:%M}")


async def count(uow: UnitOfWork, lunch: Lunch, day: date) -> DayCount:
    """Who eats on `day`, by class and by what they may not eat."""
    ordered = await ordering(uow, lunch, day)
    away = ordered & await cancelled_on(uow, day)
    coming = ordered - away
    people = await students_by_id(uow, sorted(coming, key=str))
    bans = await flags_of(uow, coming)
    dishes = await dishes_on(uow, day)
    inside = {code for _name, codes in dishes for code in codes}
    query = select(Served.student_id).where(Served.day == day)
    delivery = await delivery_of(uow, day)
    served = set((await uow.session.execute(query)).scalars()) if delivery and delivery.confirmed_at else None
    diners = sorted(
        (
            Diner(
                student=people[id_],
                flags=bans.get(id_, ()),
                clash=tuple(flag for flag in bans.get(id_, ()) if flag in inside),
                served=None if served is None else id_ in served,
            )
            for id_ in coming
            if id_ in people
        ),
        key=lambda d: (d.student.grade, d.student.class_number, d.student.name),
    )
    classes = Counter((d.student.grade, d.student.class_number) for d in diners)
    flags = Counter(flag for d in diners for flag in d.flags)
    return DayCount(
        day=day,
        ordered=len(diners),
        cancelled=len(away),
        by_class=tuple((grade, number, n) for (grade, number), n in sorted(classes.items())),
        by_flag=tuple(sorted(flags.items(), key=lambda item: (-item[1], item[0]))),
        diners=tuple(diners),
        dishes=dishes,
        delivery=delivery,
    )


async def flags_of(uow: UnitOfWork, student_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """What these children may not eat, in the short words of the counter."""
    if not student_ids:
        return {}
    query = select(Ban.student_id, Ban.flags).where(Ban.student_id.in_(list(student_ids)))
    return {row[0]: tuple(row[1]) for row in (await uow.session.execute(query)).all() if row[1]}


async def dishes_on(uow: UnitOfWork, day: date) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The dishes of a date: (name, what they contain)."""
    return (await dishes_between(uow, day, day)).get(day, ())


async def dishes_between(
    uow: UnitOfWork, first: date, last: date
) -> dict[date, tuple[tuple[str, tuple[str, ...]], ...]]:
    rows = await uow.session.execute(select(DayMenu).where(DayMenu.day.between(first, last)).order_by(DayMenu.day))
    return {
        row.day: tuple((str(dish["name"]), tuple(dish.get("allergens", ()))) for dish in row.dishes)
        for row in rows.scalars()
    }


async def delivery_of(uow: UnitOfWork, day: date) -> Delivery | None:
    return (await uow.session.execute(select(Delivery).where(Delivery.day == day))).scalar_one_or_none()


async def close_count(uow: UnitOfWork, lunch: Lunch, day: date) -> Delivery | None:
    """Fix the number of meals of a day, once; None on a day on which nobody eats."""
    known = await delivery_of(uow, day)
    if known is not None:
        return known
    ordered = (await count(uow, lunch, day)).ordered
    if ordered == 0:
        return None
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "day": day, "ordered": ordered}
    await uow.session.execute(insert(Delivery).values(**row).on_conflict_do_nothing())
    await uow.audit("meals.count_closed", "meals_delivery", None, day=day, ordered=ordered)
    return await delivery_of(uow, day)


async def confirm(
    uow: UnitOfWork,
    lunch: Lunch,
    day: date,
    *,
    missed: Collection[UUID],
    delivered: int,
    note: str = "",
    among: Collection[UUID] | None = None,
) -> int:
    """Write down who really ate: all who ordered but `missed` (R-273). Again replaces what was written.

    With `among` it speaks of those children alone (one class's list); the others stay as they were. Returns how many
    ate. Raises NotCounted while the day is open, NotFound for a day without lunch.
    """
    if await is_open(uow, day):
        raise NotCounted()
    closed = await close_count(uow, lunch, day)
    if closed is None:
        raise NotFound()
    row = await uow.get(Delivery, closed.id, lock=True)
    gone = set(missed)
    ate = [
        d.student.id
        for d in (await count(uow, lunch, day)).diners
        if (d.student.id not in gone if among is None or d.student.id in among else d.served is not False)
    ]
    await uow.session.execute(delete(Served).where(Served.day == day))
    if ate:
        await uow.session.execute(
            insert(Served),
            [{"tenant_id": uow.ctx.tenant_id, "id": new_id(), "day": day, "student_id": id_} for id_ in ate],
        )
    row.delivered, row.note = delivered, note.strip()
    row.confirmed_by = uow.ctx.actor.name
    row.confirmed_at = (await uow.session.execute(select(func.now()))).scalar_one()
    await uow.session.flush()
    await uow.audit("meals.confirm", "meals_delivery", row.id, day=day, ate=len(ate), delivered=delivered)
    return len(ate)
