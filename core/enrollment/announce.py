"""A change of what families were shown is announced to those it touches, with old and new, and kept (R-098, R-208)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from core.base import clock
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork, plain
from core.enrollment import fee_told
from core.enrollment.fee_told import Price
from core.enrollment.models import OfferingChange
from core.enrollment.prices import prices
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.notices import service as notices
from core.people.models import Room, Staff
from core.people.service import students_by_id

SHOWN = (*ON_MENU, "suspended")
"""States in which families have seen an offering, so that a change of it is news to them."""


async def changed(uow: UnitOfWork, before: OfferingView, after: OfferingView) -> None:
    """Tell of a change of name, hours, grades, room, teacher or price; nothing else and nothing unshown is told of.
    Of a price each family also hears what it means for its own child."""
    if before.state not in SHOWN:
        return
    what = await _differences(uow, before, after)
    if what:
        row = await _announce(uow, after, "changed", what, "")
        if any(aspect == "price" for aspect, _old, _new in what):
            known = await prices(uow, after.term_id, [before, after])
            old, new = (Price.of(known.get(view.service or "")) for view in (before, after))
            await fee_told.tell(uow, after, old, new, clock.today(), f"offering.changed/{row.id}")


async def moved(uow: UnitOfWork, view: OfferingView, event: str, reason: str = "") -> None:
    """Tell that a shown offering was suspended, resumed or withdrawn. `view` is as it was before."""
    if view.state in SHOWN:
        await _announce(uow, view, event, [], reason)


async def history_of(uow: UnitOfWork, offering_id: UUID, limit: int = 20) -> list[OfferingChange]:
    """What was announced of an offering, newest first."""
    query = select(OfferingChange).where(OfferingChange.offering_id == offering_id)
    ordered = query.order_by(OfferingChange.created_at.desc(), OfferingChange.id.desc()).limit(limit)
    return list((await uow.session.execute(ordered)).scalars().all())


async def touched(uow: UnitOfWork, offering_id: UUID) -> list[UUID]:
    """The children whom a change of an offering touches: with a place in it, claimed and not given back, or taking
    part; waiting for one, with it in the basket, or among the wishes of a draw that is not over."""
    rows = await uow.session.execute(
        text("""
        select student_id from seat_claim
         where tenant_id = :t and offering_id = :o and released_at is null
           and (held_until is null or held_until > now())
        union
        select student_id from enrolment
         where tenant_id = :t and offering_id = :o and state = 'enrolled'
        union
        select student_id from waiting_entry
         where tenant_id = :t and offering_id = :o and state in ('waiting', 'blocked', 'offered')
        union
        select student_id from basket
         where tenant_id = :t and items @> jsonb_build_array(jsonb_build_object('offering', cast(:name as text)))
        union
        select w.student_id from draw_wish w
          join draw_course c on c.tenant_id = w.tenant_id and c.round_id = w.round_id and c.offering_id = :o and c.live
         where w.tenant_id = :t and exists (
           select from jsonb_array_elements(w.line -> 'ranked') r where r ->> 0 = cast(:name as text))
         order by 1"""),
        {"t": uow.ctx.tenant_id, "o": offering_id, "name": str(offering_id)},
    )
    return list(rows.scalars().all())


async def _announce(
    uow: UnitOfWork, view: OfferingView, event: str, what: list[list[Any]], reason: str
) -> OfferingChange:
    await uow.session.flush()
    children = await students_by_id(uow, await touched(uow, view.id))
    families = await notices.guardians_of(uow, list(children))
    row = OfferingChange(
        offering_id=view.id,
        event=event,
        what=plain(what),
        reason=reason.strip(),
        children=len(children),
        told=len({account for people in families.values() for account in people}),
        by_name=uow.ctx.actor.name,
    )
    uow.session.add(row)
    await uow.session.flush()
    letters = [
        notices.Letter(
            account,
            {"child": child.name, "course": view.title, "what": row.what, "reason": row.reason},
            path=f"home/menu/{view.id}?child={child.id}",
            source=f"offering.{event}/{row.id}/{child.id}",
        )
        for child in children.values()
        for account in families.get(child.id, [])
    ]
    await notices.tell_each(uow, f"offering.{event}", letters)
    return row


async def _differences(uow: UnitOfWork, before: OfferingView, after: OfferingView) -> list[list[Any]]:
    """[[aspect, old, new], …] in the shape of core.notices.changes."""
    names = await _names(uow, before, after)
    price = await prices(uow, after.term_id, [before, after])
    pairs = [
        ("name", before.title, after.title),
        ("time", _hours(before), _hours(after)),
        ("grades", sorted(before.grades), sorted(after.grades)),
        ("early", _early(before), _early(after)),
        ("room", names.get(before.room_id, ""), names.get(after.room_id, "")),
        ("teacher", _led_by(before, names), _led_by(after, names)),
        ("price", _price(before, price), _price(after, price)),
    ]
    return [[aspect, old, new] for aspect, old, new in pairs if old != new]


async def _names(uow: UnitOfWork, *views: OfferingView) -> dict[UUID | None, str]:
    rooms = [v.room_id for v in views if v.room_id]
    staff = [v.teacher_id for v in views if v.teacher_id]
    found: dict[UUID | None, str] = {}
    for query in (
        select(Room.id, Room.name).where(Room.id.in_(rooms)),
        select(Staff.id, Staff.name).where(Staff.id.in_(staff)),
    ):
        found |= {row[0]: row[1] for row in (await uow.session.execute(query)).all()}
    return found


def _hours(view: OfferingView) -> list[list[Any]]:
    return [
        [
            p.weekday,
            f"{p.starts_at:%H:%M}",
            f"{p.ends_at:%H:%M}",
            p.valid_from.isoformat() if p.valid_from else None,
            p.valid_to.isoformat() if p.valid_to else None,
        ]
        for p in sorted(view.periods, key=lambda p: (p.weekday, p.starts_at, str(p.valid_from or "")))
    ]


def _early(view: OfferingView) -> str:
    return f"{view.early_ends_at:%H:%M}" if view.early_ends_at else ""


def _led_by(view: OfferingView, names: Mapping[UUID | None, str]) -> str:
    return names.get(view.teacher_id, "") or str(view.details.get("vendor_name", ""))


def _price(view: OfferingView, known: Mapping[str, UnitPrice]) -> list[Any] | None:
    found = known.get(view.service) if view.service else None
    return [found.fen, found.unit] if found else None
