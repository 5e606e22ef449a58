"""Offerings: proposed by the school or by a plugin, reviewed, changed, suspended, withdrawn; read as frozen views."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import time
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError

from core.base.errors import FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import announce, moved, seats
from core.enrollment.draw.errors import FixedByDraw
from core.enrollment.draw.gate import drawn_now
from core.enrollment.errors import CapacityTooSmall, GroupsClash
from core.enrollment.forming.gate import follow_hours
from core.enrollment.models import Offering, OfferingPeriod, OfferingSeats, SeatClaim
from core.enrollment.offering_rules import refuse_clashes, refuse_objected, reviewers
from core.enrollment.seasons import Season, in_season, keeping_season, season_of
from core.enrollment.states import OFFERING
from core.enrollment.vetting.gate import refuse_typed, reviewed_details
from core.enrollment.views import OfferingDraft, OfferingView, Period

CHANGEABLE = ("proposed", "content_review", "rejected", "approved", "published", "open_for_choice", "running")


async def propose_offering(
    uow: UnitOfWork, term_id: UUID, draft: OfferingDraft, *, offering_id: UUID | None = None, submit: bool = True
) -> OfferingView:
    """Put an item forward for a term; with `submit` it goes to content review at once (R-097).

    Times are school time. Raises Objected (rules or plugins, R-129), RoomTaken, TeacherTaken, Invalid.
    """
    _refuse_nonsense(draft)
    row = Offering(id=offering_id or new_id(), term_id=term_id, state="proposed", **_columns(draft))
    view = _view(row, draft.periods, 0)
    await uow.hold(f"timetable/{term_id}")
    await refuse_objected(uow, view, "propose")
    await refuse_clashes(uow, view)
    uow.session.add(row)
    await uow.session.flush()
    uow.session.add_all(_periods(row.id, draft))
    uow.session.add(OfferingSeats(id=row.id, term_id=term_id, capacity=draft.capacity, grades=sorted(draft.grades)))
    await uow.session.flush()
    await uow.audit("offering.propose", "offering", row.id, kind=draft.kind, title=draft.title)
    if submit:
        await OFFERING.transition(uow, row, "submit")
    return replace(view, state=row.state)


async def change_offering(
    uow: UnitOfWork, offering_id: UUID, draft: OfferingDraft, *, whole_hours: bool = False
) -> OfferingView:
    """Change an item, before or after it is on the menu (R-098). Families with a place are told.

    Other weekdays take along who takes the item whole, from today or tomorrow on (core.enrollment.moved). A plugin's
    draft keeps the season that the item has, unless `whole_hours` says that its hours are all there are.

    Raises as propose_offering, CapacityTooSmall, GroupsClash (formed groups would clash in the new hours), DaysChosen,
    FamiliesClash, Busy, and FixedByDraw: what families rank stays as it is until the draw is over.
    """
    _refuse_nonsense(draft)
    held = await moved.hold(uow, offering_id) if moved.moves(await offering(uow, offering_id), draft) else set()
    row = await uow.get(Offering, offering_id, lock=True)
    if row.state not in CHANGEABLE:
        raise MoveRefused(state=OFFERING.title(row.state), event=_("修改"))
    places = await uow.get(OfferingSeats, offering_id, lock=True)
    if draft.capacity is not None and draft.capacity < places.taken:
        raise CapacityTooSmall(taken=places.taken)
    before = await offering(uow, offering_id)
    draft = draft if whole_hours else keeping_season(before, draft)
    draft = replace(draft, details=await reviewed_details(uow, before, draft))
    if await drawn_now(uow, [offering_id]) and not _same_to_families(before, draft):
        raise FixedByDraw(title=row.title)
    if moved.moves(before, draft):
        await moved.refuse(uow, before, draft, held)
    clashed = await moved.clashes(uow, offering_id)
    await uow.hold(f"timetable/{row.term_id}")
    for name, value in _columns(draft).items():
        setattr(row, name, value)
    view = _view(row, draft.periods, places.taken)
    await refuse_objected(uow, view, "change")
    await refuse_clashes(uow, view)
    await uow.session.execute(delete(OfferingPeriod).where(OfferingPeriod.offering_id == offering_id))
    uow.session.add_all(_periods(offering_id, draft))
    more = draft.capacity != places.capacity
    places.capacity, places.grades = draft.capacity, sorted(draft.grades)
    await uow.session.flush()
    if more:
        await seats.came_free(uow, offering_id)
    await moved.follow(uow, before, view)
    if set(before.periods) != set(view.periods):
        await moved.refuse_clashes(uow, view, clashed)
    try:
        async with uow.session.begin_nested():
            await follow_hours(uow, before, view)
    except IntegrityError as exc:
        raise GroupsClash(title=draft.title) from exc
    await uow.audit("offering.change", "offering", offering_id, title=draft.title)
    if row.state == "rejected":
        await OFFERING.transition(uow, row, "revise")
        await OFFERING.transition(uow, row, "submit")
    await announce.changed(uow, before, view)
    await uow.emit("offering.changed", {"offering": offering_id, "kind": row.kind})
    return replace(view, state=row.state)


async def review_offering(
    uow: UnitOfWork, offering_id: UUID, *, accept: bool, reason: str = "", authority: str = ""
) -> OfferingView:
    """The school's content review (审核关, R-097): accept, or reject with a reason.

    `authority` is the number of the authority's own review, where the rules want one (R-096); it stays on record.

    Raises Objected when rules or plugins object to accepting, and AuthorityDecides for a number typed where the
    authority reviews here itself.
    """
    row = await uow.get(Offering, offering_id, lock=True)
    view = await offering(uow, offering_id)
    if accept and authority.strip():
        await refuse_typed(uow, view)
        found = {"reviewed_by": reviewers(uow, view), "review_number": authority.strip()}
        row.details = {**row.details, **found}
        view = replace(view, details={**view.details, **found})
    if accept:
        await refuse_objected(uow, replace(view, reason=reason or view.reason), "approve")
        row.reason = reason or row.reason
    await OFFERING.transition(uow, row, "approve" if accept else "reject", reason=reason, payload=_said(row))
    return replace(view, state=row.state)


async def suspend_offering(uow: UnitOfWork, offering_id: UUID, reason: str) -> None:
    """Stop an item for a while (provider suspended, safety, R-204); nobody can choose it meanwhile."""
    row = await uow.get(Offering, offering_id, lock=True)
    before = await offering(uow, offering_id)
    await OFFERING.transition(uow, row, "suspend", reason=reason, payload=_said(row))
    await set_claimable(uow, [offering_id], False)
    await announce.moved(uow, before, "suspended", reason)


async def resume_offering(uow: UnitOfWork, offering_id: UUID) -> None:
    row = await uow.get(Offering, offering_id, lock=True)
    before = await offering(uow, offering_id)
    await OFFERING.transition(uow, row, "resume", payload=_said(row))
    await set_claimable(uow, [offering_id], True)
    await seats.came_free(uow, offering_id)
    await announce.moved(uow, before, "resumed")


async def withdraw_offering(uow: UnitOfWork, offering_id: UUID, reason: str) -> None:
    """Take an item off the menu. Families who hold places are told, with the reason."""
    row = await uow.get(Offering, offering_id, lock=True)
    before = await offering(uow, offering_id)
    await OFFERING.transition(uow, row, "withdraw", reason=reason, payload=_said(row))
    await set_claimable(uow, [offering_id], False)
    await announce.moved(uow, before, "withdrawn", reason)


async def set_claimable(uow: UnitOfWork, offering_ids: Sequence[UUID], on: bool) -> None:
    """Whether families may claim places. What a draw gives (draw_course) is not claimed before the draw is over."""
    await lock_places(uow, offering_ids)
    await uow.session.execute(
        text(
            "update offering_seats set claimable = :on where tenant_id = :t and id = any(:ids) "
            "and not (:on and exists (select from draw_course c "
            "where c.tenant_id = :t and c.offering_id = offering_seats.id and c.live))"
        ),
        {"on": on, "t": uow.ctx.tenant_id, "ids": list(offering_ids)},
    )


async def lock_places(uow: UnitOfWork, offering_ids: Collection[UUID]) -> None:
    """Lock rows of places by their id, as claims do: an update alone takes them as they lie."""
    query = "select 1 from offering_seats where tenant_id = :t and id = any(:ids) order by id for no key update"
    await uow.session.execute(text(query), {"t": uow.ctx.tenant_id, "ids": list(offering_ids)})


def _same_to_families(view: OfferingView, draft: OfferingDraft) -> bool:
    """Whether places, grades and hours stay as they are."""
    return (
        view.capacity == draft.capacity
        and set(view.grades) == set(draft.grades)
        and set(view.periods) == set(draft.periods)
    )


async def offering(uow: UnitOfWork, offering_id: UUID) -> OfferingView:
    """One offering. Raises NotFound."""
    found = await offerings_by_id(uow, [offering_id])
    if offering_id not in found:
        raise NotFound()
    return found[offering_id]


async def offerings_by_id(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, OfferingView]:
    return {view.id: view for view in await _views(uow, Offering.id.in_(list(ids)))} if ids else {}


async def offerings(
    uow: UnitOfWork,
    term_id: UUID,
    *,
    states: Sequence[str] | None = None,
    kind: str | None = None,
    plugin: str | None = None,
) -> list[OfferingView]:
    """The offerings of a term, care first, then by kind and title; optionally of some states, a kind, a plugin."""
    conditions = [Offering.term_id == term_id]
    if states is not None:
        conditions.append(Offering.state.in_(list(states)))
    if kind is not None:
        conditions.append(Offering.kind == kind)
    if plugin is not None:
        conditions.append(Offering.plugin == plugin)
    return await _views(uow, *conditions)


async def _views(uow: UnitOfWork, *conditions: object) -> list[OfferingView]:
    returning = (
        select(func.count())
        .where(
            SeatClaim.tenant_id == Offering.tenant_id,
            SeatClaim.offering_id == Offering.id,
            SeatClaim.returns_at > func.clock_timestamp(),
        )
        .scalar_subquery()
    )
    rows = (
        await uow.session.execute(
            select(Offering, OfferingSeats.taken, returning)
            .join(OfferingSeats, (OfferingSeats.tenant_id == Offering.tenant_id) & (OfferingSeats.id == Offering.id))
            .where(*conditions)  # type: ignore[arg-type]
            .order_by((Offering.kind != "care"), Offering.kind, Offering.title, Offering.id)
        )
    ).all()
    ids = [row[0].id for row in rows]
    periods: dict[UUID, list[Period]] = {id_: [] for id_ in ids}
    if ids:
        query = select(OfferingPeriod).where(OfferingPeriod.offering_id.in_(ids))
        ordered = query.order_by(OfferingPeriod.weekday, OfferingPeriod.starts_at, OfferingPeriod.valid_from)
        for period in (await uow.session.execute(ordered)).scalars():
            periods[period.offering_id].append(
                Period(period.weekday, period.starts_at, period.ends_at, period.valid_from, period.valid_to)
            )
    return [_view(row[0], tuple(periods[row[0].id]), row[1], row[2]) for row in rows]


def _view(row: Offering, periods: tuple[Period, ...], taken: int, returning: int = 0) -> OfferingView:
    details = dict(row.details or {})
    return OfferingView(
        id=row.id,
        term_id=row.term_id,
        kind=row.kind,
        plugin=row.plugin,
        title=row.title,
        state=row.state,
        weekdays=tuple(sorted({p.weekday for p in periods})),
        starts_at=min((p.starts_at for p in periods), default=None),
        ends_at=max((p.ends_at for p in periods), default=None),
        grades=tuple(sorted(row.grades)),
        capacity=row.capacity,
        taken=taken,
        returning=returning,
        service=row.service,
        room_id=row.room_id,
        teacher_id=row.teacher_id,
        vendor_id=row.vendor_id,
        summary=row.summary or "",
        details=details,
        periods=periods,
        time_window=row.time_window,
        content=tuple(row.content or ()),
        provider=str(details.get("provider", "own_staff")),
        early_ends_at=row.early_ends_at,
        any_days=bool(row.any_days),
        reason=row.reason or "",
    )


def draft_of(view: OfferingView) -> OfferingDraft:
    """The draft that would make this offering again: to change one thing, `replace` it."""
    return OfferingDraft(
        kind=view.kind,
        title=view.title,
        grades=view.grades,
        periods=view.periods,
        summary=view.summary,
        plugin=view.plugin,
        capacity=view.capacity,
        service=view.service,
        room_id=view.room_id,
        teacher_id=view.teacher_id,
        vendor_id=view.vendor_id,
        provider=view.provider,
        time_window=view.time_window,
        content=view.content,
        early_ends_at=view.early_ends_at,
        any_days=view.any_days,
        details=view.details,
        reason=view.reason,
    )


def every(weekdays: Sequence[int], starts_at: time, ends_at: time) -> tuple[Period, ...]:
    """The same hours on several weekdays."""
    return tuple(Period(day, starts_at, ends_at) for day in sorted(set(weekdays)))


def seasonal(weekdays: Sequence[int], starts_at: time, ends_at: time, season: Season | None) -> tuple[Period, ...]:
    """The same hours on several weekdays, with other ones in a season."""
    return in_season(every(weekdays, starts_at, ends_at), season)


def _columns(draft: OfferingDraft) -> dict[str, object]:
    return {
        "kind": draft.kind,
        "plugin": draft.plugin,
        "title": draft.title.strip(),
        "summary": draft.summary.strip(),
        "grades": sorted(set(draft.grades)),
        "capacity": draft.capacity,
        "service": draft.service,
        "room_id": draft.room_id,
        "teacher_id": draft.teacher_id,
        "vendor_id": draft.vendor_id,
        "time_window": draft.time_window,
        "content": list(draft.content),
        "early_ends_at": draft.early_ends_at,
        "any_days": draft.any_days,
        "details": {**draft.details, "provider": draft.provider},
        "reason": draft.reason.strip(),
    }


def _periods(offering_id: UUID, draft: OfferingDraft) -> list[OfferingPeriod]:
    return [
        OfferingPeriod(
            offering_id=offering_id,
            weekday=p.weekday,
            starts_at=p.starts_at,
            ends_at=p.ends_at,
            valid_from=p.valid_from,
            valid_to=p.valid_to,
        )
        for p in draft.periods
    ]


def _refuse_nonsense(draft: OfferingDraft) -> None:
    wrong: list[FieldError] = []
    if not draft.title.strip() or len(draft.title) > 60:
        wrong.append(FieldError("title", _("请填写 1–60 个字的名称")))
    if not draft.grades or not set(draft.grades) <= set(range(1, 10)):
        wrong.append(FieldError("grades", _("请选择面向的年级")))
    if any(p.starts_at >= p.ends_at for p in draft.periods):
        wrong.append(FieldError("ends_at", _("结束时间应晚于开始时间")))
    if any(p.valid_from and p.valid_to and p.valid_from > p.valid_to for p in draft.periods):
        wrong.append(FieldError("season_to", _("结束日期要在开始日期之后")))
    if any(a.overlaps(b) for i, a in enumerate(draft.periods) for b in draft.periods[i + 1 :]):
        wrong.append(FieldError("weekdays", _("同一天的两个时段不能重叠")))
    if draft.capacity is not None and not 1 <= draft.capacity <= 10_000:
        wrong.append(FieldError("capacity", _("请填写 1–10000 的名额，或留空表示不限")))
    if wrong:
        raise Invalid(fields=wrong)


def _said(row: Offering) -> dict[str, object]:
    return {"offering": row.id, "kind": row.kind, "title": row.title, "plugin": row.plugin, "vendor": row.vendor_id}


__all__ = [
    "Season",
    "change_offering",
    "draft_of",
    "every",
    "offering",
    "offerings",
    "offerings_by_id",
    "propose_offering",
    "resume_offering",
    "review_offering",
    "season_of",
    "seasonal",
    "set_claimable",
    "suspend_offering",
    "withdraw_offering",
]
