"""The port through which families pay. Providers are plugins; neither bills nor the ledger know any of them.

No method is called inside a transaction or while a lock is held. Each call carries a key that is a row's id, so that
asking again after a crash means the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from core.base.money import ZERO, Fen

PaymentStatus = Literal["pending", "succeeded", "failed", "expired"]
RefundStatus = Literal["pending", "done", "failed"]


class ProviderUnsure(Exception):
    """The provider did not answer clearly; nobody knows yet whether it acted. Ask again later with the same key."""


class ProviderRefused(Exception):
    """The provider said no, for good: repeating it will not help."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What a provider needs to open a payment page. `key` is the attempt's id; it never holds a child's name."""

    key: UUID
    tenant_id: UUID
    tenant_name: str
    bill_number: str
    amount: Fen
    success_url: str
    cancel_url: str
    locale: str
    first_asked_at: datetime
    """When this key may first have been used: providers forget keys, so an old one is looked for before it is used."""
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class OpenedPayment:
    """A payment page: `session` is the provider's name for it, `url` where the guardian goes."""

    session: str
    url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """What the provider says of one attempt now. `reference` names the movement of money; unique at the provider."""

    attempt_id: UUID
    status: PaymentStatus
    reference: str | None = None
    received: Fen = ZERO
    currency: str = "CNY"
    method: str = ""
    at: datetime | None = None
    fee: Fen | None = None
    """What the provider keeps of it; None while it does not say."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    key: UUID
    refund_id: UUID
    reference: str
    """The provider's reference of the payment that is given back."""
    amount: Fen
    tenant_id: UUID
    first_asked_at: datetime


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """What the provider says of a refund now. `key`, where it is known, tells a late word about an earlier round."""

    status: RefundStatus
    reference: str | None = None
    problem: str = ""
    key: UUID | None = None


class PaymentProvider:
    """What a payment plugin implements. Raises ProviderUnsure or ProviderRefused, nothing else on purpose."""

    key: str = ""
    title: object = ""

    async def open(self, request: PaymentRequest) -> OpenedPayment:
        """Make (or find again, by key) the payment page of an attempt."""
        raise NotImplementedError

    async def find(self, key: UUID, since: datetime) -> OpenedPayment | None:
        """The page that was opened under `key` at or after `since`, if the answer about it was lost."""
        raise NotImplementedError

    async def look(self, attempt_id: UUID, session: str) -> PaymentOutcome:
        """What became of an attempt: the truth is asked for, never taken from an event's body."""
        raise NotImplementedError

    async def close(self, session: str) -> None:
        """Close a page nobody should pay on any more; already closed or paid does no harm."""
        raise NotImplementedError

    async def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give money back to the paying account, once for each key."""
        raise NotImplementedError

    async def look_refund(self, reference: str) -> RefundOutcome:
        """What became of a refund, by the provider's reference."""
        raise NotImplementedError
