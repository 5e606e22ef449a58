"""Behind the webhook: every event leads to a look at Stripe, and every look to the one path into the books."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.api import Delivery, NotFound, RetryLater, UnitOfWork, new_id, now
from core.api.payments import (
    ProviderRefused,
    ProviderUnsure,
    is_known,
    look_and_settle,
    look_at_refund,
    record_refund,
    report_unknown,
)
from plugins.payments_stripe.models import StripeCursor, StripeEvent
from plugins.payments_stripe.provider import StripePayments

log = logging.getLogger("kehou.stripe")

OVERLAP = timedelta(days=2)
"""Transactions show up late; so much of what was compared before is compared again."""


async def handle_event(job: Delivery) -> None:
    """Long job "payments_stripe.event" {event_row}: asks Stripe about the payment or refund that an event names."""
    async with job.unit() as uow:
        event = await uow.get(StripeEvent, UUID(job.payload["event_row"]))
    try:
        if event.refund_id is not None:
            await _refund(job, event)
        elif event.attempt_id is not None:
            await look_and_settle(job.house, job.ctx, event.attempt_id, source="webhook")
    except ProviderUnsure as exc:
        raise RetryLater(30, str(exc)) from exc
    except NotFound:
        log.warning("event %s is about %s, which these books do not know", event.event_id, event.object_id)
        async with job.unit() as uow:
            await report_unknown(uow, event.object_id, 0)


async def _refund(job: Delivery, event: StripeEvent) -> None:
    """A refund's event may come before our own call has returned: then its reference is first learnt here."""
    assert event.refund_id is not None
    provider = StripePayments.from_settings(job.house.settings)
    reference = event.object_id
    if not reference.startswith("re_"):
        await look_at_refund(job.house, job.ctx, event.refund_id, source="webhook")
        return
    outcome = await provider.look_refund(reference)
    async with job.unit() as uow:
        await record_refund(uow, event.refund_id, outcome, source="webhook")


async def reconcile(job: Delivery) -> None:
    """Nightly: every charge and refund of the account that carries this school's mark must be in its books."""
    provider = StripePayments.from_settings(job.house.settings)
    async with job.unit() as uow:
        cursor = (await uow.session.execute(select(StripeCursor))).scalar_one_or_none()
    since = cursor.seen_until - OVERLAP if cursor else datetime.fromtimestamp(0, UTC)
    began = now()
    try:
        found = await provider.transactions(since)
    except ProviderUnsure as exc:
        raise RetryLater(600, str(exc)) from exc
    except ProviderRefused as exc:
        log.error("the account's transactions cannot be read: %s", exc)
        return
    mine = [t for t in found if _tenant_of(t) == str(job.ctx.tenant_id)]
    async with job.unit() as uow:
        for transaction in mine:
            await _compare(uow, transaction)
        await _move(uow, began, len(mine))


async def _compare(uow: UnitOfWork, transaction: Any) -> None:
    source = transaction.source
    reference = source.payment_intent if transaction.type == "charge" else source.id
    if reference and not await is_known(uow, str(reference)):
        await report_unknown(uow, str(reference), abs(int(transaction.amount)))


async def _move(uow: UnitOfWork, until: datetime, compared: int) -> None:
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "seen_until": until, "compared": compared}
    changed = {"seen_until": until, "compared": StripeCursor.compared + compared}
    await uow.session.execute(
        insert(StripeCursor).values(**row).on_conflict_do_update(index_elements=["tenant_id"], set_=changed)
    )


def _tenant_of(transaction: Any) -> str:
    source = transaction.source
    if transaction.type not in ("charge", "refund", "refund_failure") or source is None or isinstance(source, str):
        return ""
    metadata = source.metadata
    return str(metadata["tenant"]) if metadata is not None and "tenant" in metadata else ""
