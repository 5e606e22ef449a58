"""Customers, accounts, payment intents and charges."""

from __future__ import annotations

from typing import Any

from deploy.standins.stripe.errors import ApiError, invalid
from deploy.standins.stripe.money import check_amount, fee_of, transaction
from deploy.standins.stripe.params import truthy
from deploy.standins.stripe.world import Obj, World

METHODS = ("alipay", "wechat_pay", "card")
STATE = "payment_intent_unexpected_state"
_COPIED = (
    "automatic_payment_methods",
    "customer",
    "description",
    "metadata",
    "on_behalf_of",
    "receipt_email",
    "transfer_group",
)


def create_customer(world: World, account: str | None, params: dict[str, Any]) -> Obj:
    named = ("email", "name", "phone", "description", "metadata")
    customer = world.new("customer", "cus", account, **{k: v for k, v in params.items() if k in named})
    world.emit("customer.created", customer, account)
    return customer


def update_customer(world: World, account: str | None, params: dict[str, Any], id_: str) -> Obj:
    customer = world.touch(world.find(id_, account, "customer"))
    customer.update({k: v for k, v in params.items() if k in ("email", "name", "phone", "description")})
    _merge_metadata(customer, params)
    return customer


def create_account(world: World, account: str | None, params: dict[str, Any]) -> Obj:
    """A connected account, which `Stripe-Account` may then name."""
    named = {k: params.get(k) for k in ("email", "country")}
    return world.new("account", "acct", None, charges_enabled=True, payouts_enabled=True, **named)


def methods_for(params: dict[str, Any]) -> list[str]:
    """The methods that remain of those wished for: unknown ones are dropped silently, as Stripe does."""
    wished = params.get("allowed_payment_method_types")
    if wished and params.get("automatic_payment_methods"):
        raise invalid(
            "allowed_payment_method_types and automatic_payment_methods are mutually exclusive.",
            "parameter_invalid",
            "allowed_payment_method_types",
        )
    dropped = params.get("excluded_payment_method_types") or ()
    return [m for m in METHODS if (not wished or m in wished) and m not in dropped]


def create_intent(world: World, account: str | None, params: dict[str, Any]) -> Obj:
    currency = str(params["currency"]).lower()
    check_amount(params["amount"], currency)
    if params.get("customer"):
        world.find(params["customer"], account, "customer")
    intent = world.new(
        "payment_intent",
        "pi",
        account,
        amount=params["amount"],
        amount_received=0,
        amount_capturable=0,
        currency=currency,
        status="requires_payment_method",
        payment_method_types=methods_for(params),
        capture_method=params.get("capture_method", "automatic_async"),
        confirmation_method="automatic",
    )
    intent.update({k: params[k] for k in _COPIED if k in params})
    intent["metadata"] = dict(intent["metadata"] or {})
    intent["client_secret"] = f"{intent['id']}_secret_standin"
    world.emit("payment_intent.created", intent, account)
    if truthy(params.get("confirm")):
        return confirm(world, account, params, intent["id"])
    return intent


def update_intent(world: World, account: str | None, params: dict[str, Any], id_: str) -> Obj:
    intent = world.find(id_, account, "payment_intent")
    if intent["status"] in ("succeeded", "canceled") and set(params) - {"metadata", "description"}:
        raise _wrong_state(world, intent, "update")
    if "amount" in params:
        check_amount(params["amount"], intent["currency"])
        intent["amount"] = params["amount"]
    intent.update({k: params[k] for k in ("description", "receipt_email") if k in params})
    _merge_metadata(intent, params)
    return world.touch(intent)


def confirm(world: World, account: str | None, params: dict[str, Any], id_: str) -> Obj:
    intent = world.find(id_, account, "payment_intent")
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise _wrong_state(world, intent, "confirm")
    method = params.get("payment_method")
    kind = (params.get("payment_method_data") or {}).get("type") or ("card" if method else None)
    if kind is None:
        raise invalid("You cannot confirm this PaymentIntent because it's missing a payment method.", STATE)
    if kind not in intent["payment_method_types"]:
        raise invalid(f"The payment method type {kind} is not allowed.", "payment_method_unactivated")
    world.touch(intent).update(payment_method=method or f"pm_standin_{kind}", __kind=kind)
    if kind == "card":
        if method == "pm_card_chargeDeclined":
            fail(world, intent, "card_declined", "Your card was declined.")
            raise ApiError(
                402,
                "card_error",
                "Your card was declined.",
                "card_declined",
                decline_code="generic_decline",
                payment_intent=world.public(intent),
            )
        return succeed(world, intent, "card")
    intent.update(status="requires_action", next_action=_next_action(intent, kind, params.get("return_url")))
    world.emit("payment_intent.requires_action", intent, account)
    return intent


def cancel(world: World, account: str | None, params: dict[str, Any], id_: str) -> Obj:
    intent = world.find(id_, account, "payment_intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise _wrong_state(world, intent, "cancel")
    world.touch(intent).update(
        status="canceled", canceled_at=world.now(), cancellation_reason=params.get("cancellation_reason")
    )
    world.emit("payment_intent.canceled", intent, account)
    return intent


def succeed(world: World, intent: Obj, kind: str) -> Obj:
    """The payer authorised the payment with a method of this kind."""
    if intent["status"] in ("succeeded", "canceled"):
        raise _wrong_state(world, intent, "pay")
    account = intent["__account"]
    charge = _charge(world, intent, kind, "succeeded")
    money = transaction(
        world, account, "charge", intent["amount"], fee_of(intent["amount"]), charge["id"], intent["currency"]
    )
    charge["balance_transaction"] = money["id"]
    world.touch(intent).update(
        status="succeeded",
        amount_received=intent["amount"],
        next_action=None,
        last_payment_error=None,
        payment_method=intent["payment_method"] or f"pm_standin_{kind}",
    )
    world.emit("charge.succeeded", charge, account)
    world.emit("payment_intent.succeeded", intent, account)
    return intent


def fail(world: World, intent: Obj, code: str, message: str) -> Obj:
    """The payer or the method said no; the intent may be tried again."""
    if intent["status"] in ("succeeded", "canceled"):
        raise _wrong_state(world, intent, "fail")
    kind = intent.get("__kind") or "card"
    charge = _charge(world, intent, kind, "failed")
    charge.update(failure_code=code, failure_message=message)
    error = {"type": "card_error" if kind == "card" else "invalid_request_error", "code": code, "message": message}
    world.touch(intent).update(
        status="requires_payment_method", next_action=None, payment_method=None, last_payment_error=error
    )
    world.emit("charge.failed", charge, intent["__account"])
    world.emit("payment_intent.payment_failed", intent, intent["__account"])
    return intent


def _charge(world: World, intent: Obj, kind: str, status: str) -> Obj:
    paid = status == "succeeded"
    charge = world.new(
        "charge",
        "ch",
        intent["__account"],
        amount=intent["amount"],
        amount_captured=intent["amount"] if paid else 0,
        amount_refunded=0,
        currency=intent["currency"],
        payment_intent=intent["id"],
        customer=intent["customer"],
        description=intent["description"],
        status=status,
        paid=paid,
        captured=paid,
        refunded=False,
        disputed=False,
        metadata=dict(intent["metadata"]),
        payment_method=intent["payment_method"],
        payment_method_details={"type": kind, kind: {}},
    )
    intent["latest_charge"] = charge["id"]
    return charge


def _next_action(intent: Obj, kind: str, return_url: str | None) -> Obj:
    if kind == "alipay":
        if not return_url:
            raise invalid("The parameter return_url is required.", "parameter_missing", "return_url")
        redirect = {"url": f"https://standin.invalid/{intent['id']}", "return_url": return_url}
        return {"type": "alipay_handle_redirect", "alipay_handle_redirect": redirect}
    code = {
        "data": f"weixin://standin/{intent['id']}",
        "hosted_instructions_url": "https://standin.invalid/",
        "image_data_url": "data:,",
        "image_url_png": "https://standin.invalid/qr.png",
        "image_url_svg": "https://standin.invalid/qr.svg",
    }
    return {"type": "wechat_pay_display_qr_code", "wechat_pay_display_qr_code": code}


def _wrong_state(world: World, intent: Obj, verb: str) -> ApiError:
    text = f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}."
    return invalid(text, STATE, payment_intent=world.public(intent))


def _merge_metadata(found: Obj, params: dict[str, Any]) -> None:
    """An empty value removes a key; the others are added."""
    merged = {**found["metadata"], **(params.get("metadata") or {})}
    found["metadata"] = {k: v for k, v in merged.items() if v != ""}
