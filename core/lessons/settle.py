"""What must be decided about a lesson besides teaching it: the night's closing, disputes, cancelling, stand-ins."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.lessons import custody, rules, unstaffed
from core.lessons.errors import AssignmentObjected
from core.lessons.models import Lesson
from core.lessons.planning import said
from core.lessons.queries import expected
from core.lessons.register import finishes, hold
from core.lessons.states import LESSON
from core.lessons.views import AssignmentView
from core.people.ethics import objections_to_staff
from core.people.models import Staff
from core.policy import service as policy

BATCH = 200


async def close_days(job: Delivery) -> None:
    """Nightly, long: lessons of days that are over become held, missed or disputed, chunk by chunk."""
    while True:
        async with job.unit() as uow:
            if not await _close_batch(uow):
                return


async def _close_batch(uow: UnitOfWork) -> int:
    query = (
        select(Lesson)
        .where(Lesson.day < clock.today(), Lesson.state.in_(("planned", "roll_called")))
        .order_by(Lesson.day, Lesson.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    rows = list((await uow.session.execute(query)).scalars().all())
    for lesson in rows:
        await close(uow, lesson)
    return len(rows)


async def close(uow: UnitOfWork, lesson: Lesson) -> None:
    """Decide one lesson whose day is over, by its signals alone. The caller holds the row.

    A teacher who signed in and called the whole roll but forgot to press "end" has taught: the lesson ended on time.
    """
    signed, called = lesson.signed_in_at is not None, lesson.registered_at is not None
    if not signed and not called and not await expected(uow, lesson):
        # Nobody was to come, so nobody missed it: neither families nor teacher are held to such a lesson.
        await LESSON.transition(uow, lesson, "cancel", reason=_("没有学生参加"), payload=said(lesson))
        lesson.cancelled_by = "offering"
        return
    if signed and called and lesson.expected > 0:
        if lesson.ended_at is None:
            lesson.ended_at, lesson.ended_by = finishes(lesson), _("系统")
        await hold(uow, lesson, "hold")
    elif not signed and not called:
        await LESSON.transition(uow, lesson, "miss", reason=_("没有签到，也没有点名"), payload=said(lesson))
    else:
        why = _("签到了，但没有点完名") if signed else _("点了名，但老师没有签到")
        await LESSON.transition(uow, lesson, "dispute", reason=why, payload=said(lesson))


async def watch(job: Delivery) -> None:
    """Every few minutes: children who are picked up late become so in the chain, and the school hears of it; so it does
    of groups whose teacher has not come."""
    await custody.mark_late(job.uow)
    await unstaffed.warn(job.uow)


async def resolve(uow: UnitOfWork, lesson_id: UUID, *, held: bool, reason: str) -> None:
    """A person decides about a disputed or missed lesson, with a reason: the paper record counts."""
    lesson = await uow.get(Lesson, lesson_id, lock=True)
    if held:
        await hold(uow, lesson, "confirm", reason)
    else:
        await LESSON.transition(uow, lesson, "reject", reason=reason, payload=said(lesson))


async def cancel(uow: UnitOfWork, lesson_id: UUID, reason: str) -> None:
    """Cancel one lesson; families are told by the event."""
    lesson = await uow.get(Lesson, lesson_id, lock=True)
    await LESSON.transition(uow, lesson, "cancel", reason=reason, payload={**said(lesson), "reason": reason})
    lesson.cancelled_by, lesson.remark = "person", reason.strip()[:200]


async def stand_in(uow: UnitOfWork, lesson_id: UUID, staff_id: UUID) -> Lesson:
    """Somebody else teaches this lesson. Plugins may object (an external teacher who is not cleared).

    Raises AssignmentObjected, NotFound.
    """
    swap = rules.blocks(rules.ask(uow, {"staff.swap_approved": {"approved": uow.ctx.may("lesson.manage")}}))
    if not await policy.decided(uow, "lesson.stand_in", "lesson", lesson_id, swap):
        raise AssignmentObjected(swap)
    uow.ctx.require("lesson.manage")
    lesson = await uow.get(Lesson, lesson_id, lock=True)
    staff = await uow.get(Staff, staff_id)
    if staff.left_at is not None or lesson.state not in ("planned", "roll_called") or lesson.signed_in_at:
        raise NotFound()
    offering = await enrollment.offering(uow, lesson.offering_id)
    assignment = AssignmentView(
        offering_id=offering.id,
        offering_kind=offering.kind,
        staff_id=staff.id,
        vendor_id=offering.vendor_id,
        person_name=staff.name,
        weekdays=(lesson.weekday,),
    )
    found = await objections_to_staff(uow, staff.id)
    found += await uow.hooks.decide("check_assignment", uow.ctx, uow=uow, assignment=assignment)
    blocking = [o for o in found if o.blocks]
    if not await policy.decided(uow, "lesson.stand_in", "lesson", lesson.id, blocking):
        raise AssignmentObjected(found)
    usual = lesson.usual_teacher_id or lesson.teacher_id
    lesson.teacher_id = staff.id
    lesson.usual_teacher_id = None if usual == staff.id else usual
    await uow.audit("lesson.stand_in", "lesson", lesson.id, staff=staff.id, name=staff.name)
    return lesson
