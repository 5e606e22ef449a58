"""The payment port over Stripe Checkout. Facts and traps it is built on: design notes in docs/billing.md.

Keys are row ids. Stripe may forget a key after 24 hours, so one that may have been used longer ago than KEY_LIFE is
looked for first and only then used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import stripe

from core.api import Fen, now
from core.api import lazy_gettext as _l
from core.api.payments import (
    OpenedPayment,
    PaymentOutcome,
    PaymentProvider,
    PaymentRequest,
    ProviderRefused,
    ProviderUnsure,
    RefundOutcome,
    RefundRequest,
    Settings,
)

API_VERSION = "2026-10-28.endive"
KEY_LIFE = timedelta(hours=20)
PAGE_LIFE = timedelta(hours=23)
"""From the first asking on, so that the same key always comes with the same parameters. Stripe allows 24 hours."""
METHODS = ["alipay", "wechat_pay", "card"]
DEEP = "payment_intent.latest_charge.balance_transaction"

T = TypeVar("T")


class StripePayments(PaymentProvider):
    """One for each process. The client is synchronous and runs in threads: it binds to no event loop."""

    key = "payments_stripe"
    title = _l("在线缴费")

    def __init__(
        self,
        secret_key: str | None,
        base: str | None = None,
        *,
        timeout: tuple[float, float] = (3, 20),
        retries: int = 2,
    ) -> None:
        stripe.enable_telemetry = False
        self._client = (
            stripe.StripeClient(
                secret_key,
                stripe_version=API_VERSION,
                max_network_retries=retries,
                base_addresses={"api": base.rstrip("/")} if base else {},
                http_client=stripe.RequestsClient(timeout=timeout),
            )
            if secret_key
            else None
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> StripePayments:
        """KEHOU_STRIPE_KEY, and KEHOU_STRIPE_API_BASE where something else plays Stripe."""
        secret = settings.stripe_key.get_secret_value() if settings.stripe_key else None
        return cls(secret, settings.stripe_api_base)

    async def call(self, act: Callable[[stripe.StripeClient], T]) -> T:
        """Run one call in a thread. Raises ProviderUnsure where nobody knows whether it acted, else ProviderRefused."""
        if self._client is None:
            raise ProviderRefused("KEHOU_STRIPE_KEY is not set")
        try:
            return await asyncio.to_thread(act, self._client)
        except stripe.StripeError as exc:
            raise _translated(exc) from exc

    # -- payments --------------------------------------------------------------------------------------------

    async def open(self, request: PaymentRequest) -> OpenedPayment:
        """A Checkout session for the attempt; the same one again for the same key."""
        if now() - request.first_asked_at > KEY_LIFE:
            found = await self.find(request.key, request.first_asked_at)
            if found is not None:
                return found
        params: Any = _session_params(request)
        try:
            session = await self.call(
                lambda c: c.v1.checkout.sessions.create(params, {"idempotency_key": f"pay:{request.key}"})
            )
        except ProviderRefused as exc:
            # The key was used with other words, such as another language: the page is there already.
            if isinstance(exc.__cause__, stripe.IdempotencyError):
                found = await self.find(request.key, request.first_asked_at)
                if found is not None:
                    return found
            raise
        return _opened(session)

    async def find(self, key: UUID, since: datetime) -> OpenedPayment | None:
        """The session made for an attempt, by the reference it carries."""
        window: Any = {
            "limit": 100,
            "created": {
                "gte": int((since - timedelta(minutes=10)).timestamp()),
                "lte": int((since + timedelta(hours=48)).timestamp()),
            },
        }

        def search(client: stripe.StripeClient) -> stripe.checkout.Session | None:
            for session in client.v1.checkout.sessions.list(window).auto_paging_iter():
                if session.client_reference_id == str(key):
                    return session
            return None

        session = await self.call(search)
        return _opened(session) if session is not None else None

    async def look(self, attempt_id: UUID, session: str) -> PaymentOutcome:
        """What became of an attempt, with the charge and what Stripe kept of it."""
        found = await self.call(lambda c: c.v1.checkout.sessions.retrieve(session, {"expand": [DEEP]}))
        if found.client_reference_id != str(attempt_id):
            raise ProviderRefused(f"session {session} belongs to another attempt")
        return _outcome(attempt_id, found)

    async def close(self, session: str) -> None:
        """Expire the session; one that is paid or expired already stays as it is."""
        try:
            await self.call(lambda c: c.v1.checkout.sessions.expire(session))
        except ProviderRefused:
            return

    # -- refunds ---------------------------------------------------------------------------------------------

    async def refund(self, request: RefundRequest) -> RefundOutcome:
        """Back to the paying account, once for each key."""
        if now() - request.first_asked_at > KEY_LIFE:
            known = await self._refund_of(request)
            if known is not None:
                return known
        params: Any = {
            "payment_intent": request.reference,
            "amount": int(request.amount),
            "reason": "requested_by_customer",
            "metadata": {
                "tenant": str(request.tenant_id),
                "refund": str(request.refund_id),
                "key": str(request.key),
            },
        }
        made = await self.call(lambda c: c.v1.refunds.create(params, {"idempotency_key": f"refund:{request.key}"}))
        return _refund_outcome(made)

    async def _refund_of(self, request: RefundRequest) -> RefundOutcome | None:
        asked: Any = {"payment_intent": request.reference, "limit": 100}

        def search(client: stripe.StripeClient) -> stripe.Refund | None:
            for refund in client.v1.refunds.list(asked).auto_paging_iter():
                if _tag(refund, "key") == str(request.key):
                    return refund
            return None

        found = await self.call(search)
        return _refund_outcome(found) if found is not None else None

    async def look_refund(self, reference: str) -> RefundOutcome:
        """What became of a refund."""
        return _refund_outcome(await self.call(lambda c: c.v1.refunds.retrieve(reference)))

    async def transactions(self, since: datetime) -> list[Any]:
        """The account's balance transactions since a moment, each with the charge or refund behind it."""
        asked: Any = {"limit": 100, "created": {"gte": int(since.timestamp())}, "expand": ["data.source"]}
        return await self.call(lambda c: list(c.v1.balance_transactions.list(asked).auto_paging_iter()))

    async def reachable(self) -> None:
        """Ask for the account's balance, to see that key and address are right. Raises ProviderUnsure or Refused."""
        await self.call(lambda c: c.v1.balance.retrieve())


def _session_params(request: PaymentRequest) -> dict[str, Any]:
    tags = {"tenant": str(request.tenant_id), "attempt": str(request.key)}
    name = f"{request.tenant_name} {request.bill_number}"
    return {
        "mode": "payment",
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "client_reference_id": str(request.key),
        "locale": "en" if request.locale.startswith("en") else "zh",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": int(request.amount),
                    "product_data": {"name": name},
                },
            }
        ],
        "allowed_payment_method_types": METHODS,
        "payment_method_options": {"wechat_pay": {"client": "web"}},
        "expires_at": int((request.first_asked_at + PAGE_LIFE).timestamp()),
        "metadata": tags,
        "payment_intent_data": {"metadata": tags, "description": request.bill_number},
    }


def _opened(session: stripe.checkout.Session) -> OpenedPayment:
    expires = datetime.fromtimestamp(session.expires_at, UTC) if session.expires_at else None
    return OpenedPayment(session.id, session.url or "", expires)


def _outcome(attempt_id: UUID, session: stripe.checkout.Session) -> PaymentOutcome:
    intent: Any = session.payment_intent
    if intent is not None and intent.status == "succeeded":
        charge: Any = intent.latest_charge
        money: Any = charge.balance_transaction
        return PaymentOutcome(
            attempt_id,
            "succeeded",
            reference=intent.id,
            received=Fen(intent.amount_received),
            currency=str(intent.currency).upper(),
            method=str(charge.payment_method_details.type),
            at=datetime.fromtimestamp(charge.created, UTC),
            fee=Fen(money.fee) if money is not None and money.currency == intent.currency else None,
        )
    if session.status == "expired":
        return PaymentOutcome(attempt_id, "expired")
    if session.status == "complete" and intent is not None and intent.status == "requires_payment_method":
        return PaymentOutcome(attempt_id, "failed", problem=_said(intent.last_payment_error))
    return PaymentOutcome(attempt_id, "pending", problem=_said(intent.last_payment_error) if intent else "")


def _said(error: Any) -> str:
    return str(error.message or "") if error is not None and "message" in error else ""


def _refund_outcome(refund: stripe.Refund) -> RefundOutcome:
    key = _tag(refund, "key")
    status = str(refund.status)
    known: Any = {"succeeded": "done", "failed": "failed", "canceled": "failed"}
    problem = str(refund.failure_reason or status) if status in ("failed", "canceled") else ""
    return RefundOutcome(known.get(status, "pending"), refund.id, problem, key=UUID(key) if key else None)


def _tag(found: Any, name: str) -> str:
    """One piece of metadata; blank where there is none (a StripeObject is no dict)."""
    metadata = found.metadata
    return str(metadata[name]) if metadata is not None and name in metadata else ""


def _translated(exc: stripe.StripeError) -> ProviderUnsure | ProviderRefused:
    status = exc.http_status or 0
    words = f"{type(exc).__name__}: {exc.user_message or exc}"[:300]
    clear = 400 <= status < 500 and status not in (408, 409, 429)
    return ProviderRefused(words) if clear else ProviderUnsure(words)
