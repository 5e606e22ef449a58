"""The payment port: what a payment plugin implements, and the one path by which it tells what became of money.

A provider names rows by their ids: an attempt by `PaymentRequest.key`, a refund by `RefundRequest.key`. An event from
outside is only a reason to look: `look_and_settle` and `look_at_refund` ask the provider and write its answer down.
"""

from __future__ import annotations

from uuid import UUID

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.settings import Settings
from core.billing.jobs import look_at_refund
from core.billing.payments import look_and_settle
from core.billing.port import (
    OpenedPayment,
    PaymentOutcome,
    PaymentProvider,
    PaymentRequest,
    ProviderRefused,
    ProviderUnsure,
    RefundOutcome,
    RefundRequest,
)
from core.billing.refunds import record as record_refund
from core.billing.service import is_known, report_unknown
from core.billing.settle import settle as settle_attempt
from core.db.house import House
from core.db.resolve import worker_context


async def working_in(house: House, tenant_id: UUID, plugin: str) -> TenantContext | None:
    """A worker's context in the organisation that an event names; None when unknown or the plugin is off there."""
    try:
        ctx = await worker_context(house, tenant_id)
    except NotFound:
        return None
    return ctx if plugin in ctx.plugins else None


__all__ = [
    "House",
    "OpenedPayment",
    "PaymentOutcome",
    "PaymentProvider",
    "PaymentRequest",
    "ProviderRefused",
    "ProviderUnsure",
    "RefundOutcome",
    "RefundRequest",
    "Settings",
    "is_known",
    "look_and_settle",
    "look_at_refund",
    "record_refund",
    "report_unknown",
    "settle_attempt",
    "working_in",
]
