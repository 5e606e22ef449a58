"""Refunds, which cannot exceed the charge nor come too late, and disputes."""

from __future__ import annotations

from typing import Any

from deploy.standins.stripe.errors import invalid, missing
from deploy.standins.stripe.money import transaction
from deploy.standins.stripe.world import DAY, Obj, World

WINDOW_DAYS = {"alipay": 90, "wechat_pay": 180}
REASONS = (None, "duplicate", "fraudulent", "requested_by_customer")
DISPUTE_FEE = 1500


def create_refund(world: World, account: str | None, params: dict[str, Any]) -> Obj:
    charge = _charge_of(world, account, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if charge["disputed"]:
        raise invalid("Charge has been charged back; cannot issue a refund.", "charge_disputed")
    if left == 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if not 0 < amount <= left:
        text = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(text, param="amount")
    kind = charge["payment_method_details"]["type"]
    if kind in WINDOW_DAYS and world.now() - charge["created"] > WINDOW_DAYS[kind] * DAY:
        raise invalid("This charge is too old to be refunded.", "charge_not_refundable")
    if params.get("reason") not in REASONS:
        raise invalid("Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer", param="reason")
    world.touch(charge)["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    refund = world.new(
        "refund",
        "re",
        account,
        amount=amount,
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=params.get("reason"),
        status="pending" if kind in WINDOW_DAYS else "succeeded",
        metadata=params.get("metadata") or {},
    )
    out = transaction(world, account, "refund", -amount, 0, refund["id"], charge["currency"])
    refund["balance_transaction"] = out["id"]
    world.emit("refund.created", refund, account)
    world.emit("charge.refunded", charge, account)
    return refund


def settle(world: World, refund: Obj, good: bool) -> Obj:
    """The method's network answered: the payer has the money, or it came back to us."""
    account = refund["__account"]
    if refund["status"] not in ("pending", "succeeded"):
        raise invalid(f"The refund is {refund['status']} already.")
    world.touch(refund)
    if good:
        refund["status"] = "succeeded"
        world.emit("refund.updated", refund, account)
        return refund
    charge = world.touch(world.objects[refund["charge"]])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    back = transaction(world, account, "refund_failure", refund["amount"], 0, refund["id"], refund["currency"])
    refund.update(status="failed", failure_reason="unknown", failure_balance_transaction=back["id"])
    world.emit("refund.failed", refund, account)
    return refund


def dispute(world: World, charge: Obj, reason: str = "fraudulent") -> Obj:
    """The payer's bank takes the money back."""
    account = charge["__account"]
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise invalid("This charge cannot be disputed.")
    world.touch(charge)["disputed"] = True
    out = transaction(world, account, "adjustment", -charge["amount"], DISPUTE_FEE, None, charge["currency"])
    found = world.new(
        "dispute",
        "dp",
        account,
        amount=charge["amount"],
        currency=charge["currency"],
        charge=charge["id"],
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="needs_response",
        is_charge_refundable=False,
        evidence={},
    )
    out["source"] = found["id"]
    found["balance_transactions"] = [world.public(out)]
    world.emit("charge.dispute.created", found, account)
    world.emit("charge.dispute.funds_withdrawn", found, account)
    return found


def close_dispute(world: World, found: Obj, won: bool) -> Obj:
    account = found["__account"]
    if found["status"] in ("won", "lost"):
        raise invalid(f"The dispute is {found['status']} already.")
    world.touch(found)["status"] = "won" if won else "lost"
    if won:
        back = transaction(world, account, "adjustment", found["amount"], -DISPUTE_FEE, found["id"], found["currency"])
        found["balance_transactions"].append(world.public(back))
        world.touch(world.objects[found["charge"]])["disputed"] = False
        world.emit("charge.dispute.funds_reinstated", found, account)
    world.emit("charge.dispute.closed", found, account)
    return found


def _charge_of(world: World, account: str | None, params: dict[str, Any]) -> Obj:
    if params.get("payment_intent"):
        intent = world.find(params["payment_intent"], account, "payment_intent")
        id_ = intent["latest_charge"]
    else:
        id_ = params.get("charge")
    if not id_ and not params.get("payment_intent"):
        raise invalid("One of charge or payment_intent must be given.", "parameter_missing", "charge")
    charge = world.objects.get(id_ or "")
    if id_ and (charge is None or charge["__account"] != account or charge["object"] != "charge"):
        raise missing("charge", id_)
    if charge is None or charge["status"] != "succeeded":
        raise invalid("This PaymentIntent does not have a successful charge to refund.", "charge_not_refundable")
    return charge
