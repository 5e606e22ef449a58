"""Stripe's webhook: verified on the raw bytes, written down, answered at once. A job then asks Stripe for the truth."""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar
from uuid import UUID

import stripe
from litestar import Request, Response, post
from litestar.di import NamedDependency
from sqlalchemy.dialects.postgresql import insert

from core.api import KehouError, UnitOfWork, new_id, now, public
from core.api import lazy_gettext as _l
from core.api.payments import House, working_in
from plugins.payments_stripe.models import StripeEvent

log = logging.getLogger("kehou.stripe")

TOLERANCE = 300
LARGEST = 512 * 1024


class BadSignature(KehouError):
    """Not from Stripe, too old, or from the future. Says nothing more to whoever tries."""

    code: ClassVar[str] = "webhook_signature"
    status: ClassVar[int] = 400
    text: ClassVar[Any] = _l("通知的签名不对")


@post("/hooks/stripe", opt=public(), status_code=200, request_max_body_size=LARGEST)
async def receive(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[dict[str, str]]:
    """Take an event. 400 for a forged one; 200 for all others, known or not, so that Stripe stops sending them."""
    body = await request.body()
    secret = house.settings.stripe_webhook_secret
    event = verified(body, request.headers.get("stripe-signature", ""), secret.get_secret_value() if secret else "")
    kept = await keep(house, event)
    return Response({"event": kept}, status_code=200)


def verified(body: bytes, signature: str, secret: str) -> dict[str, Any]:
    """The event in a body signed with our secret. Raises BadSignature; an empty secret verifies nothing."""
    if not secret.strip():
        log.error("a webhook came, but KEHOU_STRIPE_WEBHOOK_SECRET is not set")
        raise BadSignature()
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(text, signature, secret, None)
        event = json.loads(text)
    except (stripe.SignatureVerificationError, ValueError) as exc:
        log.warning("a webhook was refused: %s", exc)
        raise BadSignature() from exc
    stamps = [part.partition("=")[2] for part in signature.split(",") if part.strip().startswith("t=")]
    # The library looks at the past alone, and by a clock of its own.
    if not stamps or not stamps[0].isdigit() or abs(int(stamps[0]) - now().timestamp()) > TOLERANCE:
        raise BadSignature()
    if not isinstance(event, dict) or event.get("object") != "event":
        raise BadSignature()
    return event


async def keep(house: House, event: dict[str, Any]) -> str:
    """Write the event into the organisation that its object names, and have it handled. Says new, known or ignored."""
    found = event.get("data", {}).get("object", {})
    tags = found.get("metadata") or {}
    tenant, attempt, refund = (_uuid(tags.get(name)) for name in ("tenant", "attempt", "refund"))
    ctx = await working_in(house, tenant, "payments_stripe") if tenant else None
    if ctx is None or (attempt is None and refund is None):
        log.info("event %s (%s) is not about any of our payments", event.get("id"), event.get("type"))
        return "ignored"
    row = {
        "tenant_id": ctx.tenant_id,
        "id": new_id(),
        "event_id": str(event["id"]),
        "kind": str(event["type"]),
        "object_id": str(found.get("id", "")),
        "attempt_id": attempt,
        "refund_id": refund,
    }
    async with house.unit(ctx) as uow:
        return await _write(uow, row)


async def _write(uow: UnitOfWork, row: dict[str, Any]) -> str:
    made = insert(StripeEvent).values(**row).on_conflict_do_nothing().returning(StripeEvent.id)
    if (await uow.session.execute(made)).scalar_one_or_none() is None:
        return "known"
    await uow.enqueue("payments_stripe.event", {"event_row": row["id"]}, key=row["event_id"])
    return "new"


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None
