"""What the rest of enrollment asks of groups in force: whether a room or a teacher is taken, and that hours follow a
changed offering. Knows models alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, as_slots, as_spans
from core.enrollment.forming.problem import DAY, Span, clash
from core.enrollment.views import OfferingView
from core.people.models import Staff


def _spans(view: OfferingView) -> dict[int, Span]:
    """Weekday → the offering's span of that day."""
    found: dict[int, Span] = {}
    for p in view.periods:
        base = p.weekday * DAY
        span = base + p.starts_at.hour * 60 + p.starts_at.minute, base + p.ends_at.hour * 60 + p.ends_at.minute
        low, high = found.get(p.weekday, span)
        found[p.weekday] = min(low, span[0]), max(high, span[1])
    return found


async def taken_by_group(uow: UnitOfWork, view: OfferingView) -> tuple[str, str] | None:
    """("room" or "teacher", the group's name) when a group of another offering in force needs what `view` names.

    What has groups itself needs the rooms and teachers of these, whatever the menu says.
    """
    spans = list(_spans(view).values())
    now = Range(clock.today(), None)
    own = select(CareGroup.id).where(
        CareGroup.offering_id == view.id, CareGroup.board == uow.ctx.tenant_id, CareGroup.valid.op("&&")(now)
    )
    if (await uow.session.execute(own.limit(1))).first() is not None:
        return None
    rooms = select(CareGroup.title, CareGroup.slots).where(
        CareGroup.room_id == view.room_id,
        CareGroup.offering_id != view.id,
        CareGroup.board == uow.ctx.tenant_id,
        CareGroup.valid.op("&&")(now),
    )
    duties = (
        select(Staff.name, CareGroupDuty.slots)
        .join(Staff, (Staff.tenant_id == CareGroupDuty.tenant_id) & (Staff.id == CareGroupDuty.staff_id))
        .outerjoin(
            CareGroup, (CareGroup.tenant_id == CareGroupDuty.tenant_id) & (CareGroup.id == CareGroupDuty.group_id)
        )
        .where(
            CareGroupDuty.staff_id == view.teacher_id,
            func.coalesce(CareGroup.offering_id != view.id, True),
            CareGroupDuty.board == uow.ctx.tenant_id,
            CareGroupDuty.valid.op("&&")(now),
        )
    )
    asked: list[tuple[str, Any]] = []
    if view.room_id:
        asked.append(("room", rooms))
    if view.teacher_id:
        asked.append(("teacher", duties))
    for what, query in asked:
        for title, slots in (await uow.session.execute(query)).all():
            if clash(spans, as_spans(slots)):
                return what, title
    return None


async def follow_hours(uow: UnitOfWork, before: OfferingView, view: OfferingView) -> None:
    """Groups in force keep the hours of their offering. The database refuses hours that clash (IntegrityError).

    Moved to as many other days, duties move too, the earliest day given up to the earliest new one; children come on
    all days of what is taken whole (core.enrollment.moved).
    """
    spans = _spans(view)
    query = select(CareGroup).where(
        CareGroup.offering_id == view.id,
        CareGroup.board == uow.ctx.tenant_id,
        CareGroup.valid.op("&&")(Range(clock.today(), None)),
    )
    groups = (await uow.session.execute(query)).scalars().all()
    ids = [group.id for group in groups]
    if not ids or all(as_spans(group.slots) == tuple(spans[day] for day in sorted(spans)) for group in groups):
        return
    for group in groups:
        group.slots = as_slots(list(spans.values()))
    members = select(CareGroupMember).where(CareGroupMember.group_id.in_(ids))
    for member in (await uow.session.execute(members)).scalars():
        days = {start // DAY for start, _end in as_spans(member.slots)}
        member.slots = as_slots([span for day, span in spans.items() if day in days or not before.any_days])
    duties = select(CareGroupDuty).where(CareGroupDuty.group_id.in_(ids))
    gone, new = sorted(set(before.weekdays) - spans.keys()), sorted(spans.keys() - set(before.weekdays))
    other_day = dict(zip(gone, new, strict=True)) if len(gone) == len(new) else {}
    for duty in (await uow.session.execute(duties)).scalars():
        duty.weekday = other_day.get(duty.weekday, duty.weekday)
        start, end = spans.get(duty.weekday, (0, 0))
        if duty.role == "b" and duty.slots:
            old = as_spans(duty.slots)[0]
            start = max(start, end - (old[1] - old[0]))
        duty.slots = as_slots([(start, end)] if end else [])
    await uow.session.flush()
