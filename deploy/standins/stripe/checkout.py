"""Checkout sessions: made with line items, paid, failed or left on the hosted page, or run out."""

from __future__ import annotations

from typing import Any

from deploy.standins.stripe import payments
from deploy.standins.stripe.errors import invalid
from deploy.standins.stripe.money import check_amount
from deploy.standins.stripe.world import DAY, Obj, World

SHORTEST, LONGEST = 30 * 60 - 60, DAY  # a minute for the request to arrive


def create_session(world: World, account: str | None, params: dict[str, Any], base: str) -> Obj:
    if params.get("mode") != "payment":
        raise invalid("The stand-in plays mode=payment only.", "parameter_invalid", "mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise invalid("The stand-in plays ui_mode=hosted_page only.", "parameter_invalid", "ui_mode")
    for url in ("success_url", "cancel_url"):
        if not str(params.get(url, "http://")).startswith(("http://", "https://")):
            raise invalid("Not a valid URL", "url_invalid", url)
    if not params.get("success_url"):
        raise invalid("Missing required param: success_url.", "parameter_missing", "success_url")
    if params.get("customer"):
        world.find(params["customer"], account, "customer")
    lines, currency = _lines(world, params)
    total = sum(line["amount_total"] for line in lines)
    check_amount(total, currency)
    methods = payments.methods_for(params)
    options = params.get("payment_method_options") or {}
    if "wechat_pay" in (params.get("allowed_payment_method_types") or ()):
        where = "payment_method_options[wechat_pay][client]"
        if (options.get("wechat_pay") or {}).get("client") not in ("web", "ios", "android"):
            raise invalid(f"Missing required param: {where}.", "parameter_missing", where)
    session = world.new(
        "checkout.session",
        "cs_test",
        account,
        mode="payment",
        ui_mode="hosted_page",
        status="open",
        payment_status="unpaid",
        amount_total=total,
        amount_subtotal=total,
        currency=currency,
        payment_method_types=methods,
        expires_at=_expiry(world, params),
        __lines=lines,
        __intent_data=params.get("payment_intent_data") or {},
    )
    copied = ("cancel_url", "client_reference_id", "customer", "customer_email", "locale", "metadata", "success_url")
    session.update({k: params[k] for k in copied if k in params})
    session["url"] = f"{base}/pay/{session['id']}"
    return session


def expire(world: World, account: str | None, params: dict[str, Any], id_: str) -> Obj:
    session = world.find(id_, account, "checkout.session")
    if session["status"] != "open":
        raise invalid('Only Checkout Sessions with a status in ["open"] can be expired.')
    return run_out(world, session)


def run_out(world: World, session: Obj) -> Obj:
    """Close an open session; the intent of a failed try is cancelled with it."""
    world.touch(session).update(status="expired", url=None)
    if session["payment_intent"]:
        intent = world.objects[session["payment_intent"]]
        if intent["status"] not in ("succeeded", "canceled"):
            payments.cancel(world, session["__account"], {}, intent["id"])
    world.emit("checkout.session.expired", session, session["__account"])
    return session


def pay(world: World, session: Obj, kind: str, *, good: bool = True) -> Obj:
    """The payer chose a method on the hosted page and it worked, or not. Raises when the session is not
    open."""
    if session["status"] != "open":
        raise invalid(f"The session is {session['status']}.")
    if kind not in session["payment_method_types"]:
        raise invalid(f"The payment method type {kind} is not allowed.", "payment_method_unactivated")
    intent = _intent(world, session)
    intent.update(__kind=kind)
    if not good:
        payments.fail(world, intent, "payment_intent_payment_attempt_failed", "The payer did not authorise it.")
        return session
    payments.succeed(world, intent, kind)
    world.touch(session).update(status="complete", payment_status="paid", url=None)
    if session["customer_email"]:
        session["customer_details"] = {"email": session["customer_email"]}
    world.emit("checkout.session.completed", session, session["__account"])
    return session


def _intent(world: World, session: Obj) -> Obj:
    """The session's payment intent, made when somebody first tries to pay."""
    if session["payment_intent"]:
        return world.touch(world.objects[session["payment_intent"]])
    data = session["__intent_data"]
    wished = {k: data[k] for k in ("metadata", "description", "receipt_email", "transfer_group") if k in data}
    intent = payments.create_intent(
        world,
        session["__account"],
        {
            "amount": session["amount_total"],
            "currency": session["currency"],
            "allowed_payment_method_types": session["payment_method_types"],
            **({"customer": session["customer"]} if session["customer"] else {}),
            **wished,
        },
    )
    world.touch(session)["payment_intent"] = intent["id"]
    return intent


def _lines(world: World, params: dict[str, Any]) -> tuple[list[Obj], str]:
    given = params.get("line_items") or []
    if not given:
        raise invalid("You must provide line_items for mode=payment.", "parameter_missing", "line_items")
    lines: list[Obj] = []
    for index, item in enumerate(given):
        price = item.get("price_data")
        if price is None:
            raise invalid(
                "No such price; the stand-in knows price_data only.", "resource_missing", f"line_items[{index}]"
            )
        amount, quantity = price.get("unit_amount"), item.get("quantity", 1)
        if amount is None or amount < 0 or quantity < 1:
            raise invalid("Invalid unit_amount or quantity.", "parameter_invalid", f"line_items[{index}]")
        lines.append(
            {
                "id": f"li_{index:04d}",
                "object": "item",
                "quantity": quantity,
                "amount_subtotal": amount * quantity,
                "amount_total": amount * quantity,
                "amount_discount": 0,
                "amount_tax": 0,
                "currency": str(price["currency"]).lower(),
                "description": (price.get("product_data") or {}).get("name"),
            }
        )
    currencies = {line["currency"] for line in lines}
    if len(currencies) > 1:
        raise invalid("All line items must have the same currency.", "parameter_invalid", "line_items")
    return lines, currencies.pop()


def _expiry(world: World, params: dict[str, Any]) -> int:
    wished = params.get("expires_at")
    if wished is None:
        return world.now() + LONGEST
    if not SHORTEST <= wished - world.now() <= LONGEST:
        text = "The `expires_at` timestamp must be between 30 minutes and 24 hours from now."
        raise invalid(text, "parameter_invalid", "expires_at")
    return int(wished)
