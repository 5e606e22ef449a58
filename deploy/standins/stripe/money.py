"""Balance transactions, the balance and payouts: every fen that moves is one transaction, and they add up."""

from __future__ import annotations

from typing import Any

from deploy.standins.stripe.errors import invalid
from deploy.standins.stripe.world import DAY, Obj, World

FEE_PER_THOUSAND = 6
SMALLEST = {"cny": 400}
LARGEST = 99_999_999


def fee_of(amount: int) -> int:
    """0.6 %, half a fen rounded up."""
    return (amount * FEE_PER_THOUSAND + 500) // 1000


def check_amount(amount: int, currency: str) -> None:
    """Raises what Stripe says of amounts too small or too large."""
    if amount < SMALLEST.get(currency, 50):
        raise invalid("Amount must convert to at least 50 cents.", "amount_too_small", "amount")
    if amount > LARGEST:
        raise invalid("Amount must be no more than 99999999.", "amount_too_large", "amount")


def transaction(
    world: World, account: str | None, kind: str, amount: int, fee: int, source: str | None, currency: str
) -> Obj:
    """One balance transaction; `net` = `amount` - `fee`."""
    details = {"amount": fee, "currency": currency, "type": "stripe_fee", "application": None, "description": "fee"}
    return world.new(
        "balance_transaction",
        "txn",
        account,
        type=kind,
        reporting_category=kind,
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        source=source,
        status="pending",
        available_on=world.now() + 7 * DAY,
        fee_details=[details] if fee else [],
    )


def balance(world: World, account: str | None) -> Obj:
    """GET /v1/balance."""
    rows = list(world.all("balance_transaction", account))
    currencies = sorted({r["currency"] for r in rows}) or ["cny"]

    def part(status: str) -> list[Obj]:
        sums = {c: sum(r["net"] for r in rows if r["status"] == status and r["currency"] == c) for c in currencies}
        return [{"amount": amount, "currency": c, "source_types": {}} for c, amount in sums.items()]

    return {"object": "balance", "livemode": False, "available": part("available"), "pending": part("pending")}


def pay_out(world: World, account: str | None, currency: str = "cny") -> Obj:
    """Pay out everything that has not been, as the automatic daily payout would."""
    rows = [
        r
        for r in world.all("balance_transaction", account)
        if r["currency"] == currency and not r.get("__payout") and r["type"] != "payout"
    ]
    amount = sum(r["net"] for r in rows)
    if amount <= 0:
        raise invalid("You have insufficient funds in your Stripe account.", "balance_insufficient")
    payout = world.new(
        "payout",
        "po",
        account,
        amount=amount,
        currency=currency,
        status="paid",
        automatic=True,
        reconciliation_status="completed",
        arrival_date=world.now(),
        method="standard",
        type="bank_account",
    )
    for row in rows:
        world.touch(row).update(__payout=payout["id"], status="available")
    out = transaction(world, account, "payout", -amount, 0, payout["id"], currency)
    out.update(__payout=payout["id"], status="available")
    payout["balance_transaction"] = out["id"]
    world.emit("payout.paid", payout, account)
    world.emit("payout.reconciliation_completed", payout, account)
    return payout


def create_payout(world: World, account: str | None, params: dict[str, Any]) -> Obj:
    """POST /v1/payouts: the stand-in pays out all or nothing."""
    due = sum(
        r["net"]
        for r in world.all("balance_transaction", account)
        if r["currency"] == params["currency"] and not r.get("__payout")
    )
    if params["amount"] != due:
        raise invalid(f"The stand-in pays out the whole balance ({due}) or nothing.", "balance_insufficient", "amount")
    return pay_out(world, account, params["currency"])
