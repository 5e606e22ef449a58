"""Jobs and subscribers of billing. Scheduled ones only list and enqueue; the row's own job locks and looks again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.context import TenantContext
from core.billing.alerts import raise_alert
from core.billing.models import Bill, BillLine, PaymentAttempt, Refund
from core.billing.payments import close_page, look_and_settle, provider_named, stale_attempts
from core.billing.port import ProviderRefused, ProviderUnsure
from core.billing.refunds import record
from core.billing.settle import awaiting_fee
from core.db.delivery import Delivery, RetryLater
from core.db.house import House

LOST_REFUND = timedelta(hours=1)
OPEN = ("issued", "paid", "part_refunded")
"""States of a bill that still bears on a child's money."""


async def janitor(job: Delivery) -> None:
    """Every five minutes: has every payment and refund looked at whose outcome is not known, ever less often."""
    uow, now = job.uow, clock.now()
    for attempt in await stale_attempts(uow):
        turn = ((now - attempt.created_at) // timedelta(minutes=10)).bit_length()
        await uow.enqueue("billing.look", {"attempt_id": attempt.id}, key=f"{attempt.id}/{turn}")
    waiting = select(Refund).where(Refund.state.in_(("approved", "sent"))).order_by(Refund.id).limit(500)
    for refund in (await uow.session.execute(waiting)).scalars().all():
        age = now - refund.created_at
        turn = (age // timedelta(minutes=10)).bit_length()
        if refund.provider_ref is not None:
            await uow.enqueue("billing.look_refund", {"refund_id": refund.id}, key=f"{refund.id}/{refund.round}/{turn}")
        elif age > LOST_REFUND:  # its own job was set aside
            await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=f"{refund.id}/{refund.round}/{turn}")


async def fees(job: Delivery) -> None:
    """Nightly: asks for what the provider kept of payments that did not say so when they were settled."""
    for attempt_id in await awaiting_fee(job.uow):
        key = f"{attempt_id}/fee/{clock.today()}"
        await job.uow.enqueue("billing.look", {"attempt_id": attempt_id}, key=key)


async def look(job: Delivery) -> None:
    """Long: asks what became of one attempt {attempt_id} and settles it."""
    try:
        await look_and_settle(job.house, job.ctx, UUID(job.payload["attempt_id"]), source="janitor")
    except ProviderUnsure as exc:
        raise RetryLater(120, str(exc)) from exc


async def close(job: Delivery) -> None:
    """Long: shuts the page of an attempt {attempt_id} whose bill needs no payment any more."""
    try:
        await close_page(job.house, job.ctx, UUID(job.payload["attempt_id"]))
    except ProviderUnsure as exc:
        raise RetryLater(60, str(exc)) from exc


async def look_refund(job: Delivery) -> None:
    """Long: asks what became of one refund {refund_id} that is under way."""
    try:
        await look_at_refund(job.house, job.ctx, UUID(job.payload["refund_id"]), source="janitor")
    except ProviderUnsure as exc:
        raise RetryLater(120, str(exc)) from exc


async def look_at_refund(house: House, ctx: TenantContext, refund_id: UUID, *, source: str) -> str:
    """Ask the provider about a refund and write its answer down; returns the refund's state. Raises ProviderUnsure."""
    worker = ctx.as_worker()
    async with house.unit(worker) as uow:
        refund = await uow.get(Refund, refund_id)
        attempt = await uow.get(PaymentAttempt, refund.attempt_id)
    if refund.provider_ref is None:
        return refund.state
    try:
        outcome = await provider_named(house, attempt.provider).look_refund(refund.provider_ref)
    except ProviderRefused as exc:
        raise ProviderUnsure(str(exc)) from exc
    async with house.unit(worker) as uow:
        return await record(uow, refund_id, outcome, source=source)


async def withdrawn(job: Delivery) -> None:
    """Consumes "enrollment.withdrawn": a child that left has a bill that somebody must look at. Of one that exchanged
    an item the next run settles it (core.billing.changes), and somebody must start that, also when the old item stands
    on no bill: the new one is to."""
    uow = job.uow
    swapped = bool(job.payload.get("swapped"))
    query = (
        select(Bill)
        .where(Bill.student_id == UUID(job.payload["student"]), Bill.term_id == UUID(job.payload["term"]))
        .where(Bill.state != "void")
        .order_by(Bill.part.desc())
    )
    # Not by the enrolment: it may have begun anew, with other days, after the bill.
    lines = select(BillLine.bill_id).where(BillLine.offering_id == UUID(job.payload["offering"]))
    bills = list((await uow.session.execute(query.where(Bill.id.in_(lines), Bill.state.in_(OPEN)))).scalars())
    if swapped and not bills:
        bills = list((await uow.session.execute(query.limit(1))).scalars())
    for bill in bills:
        key = f"withdrawn:{bill.id}:{job.payload['enrolment']}"
        await raise_alert(uow, key, "swapped" if swapped else "withdrawn", bill_id=bill.id, number=bill.number)
