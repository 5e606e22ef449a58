"""What an outcome of a payment does to bills and books.

`settle` is the one code path for the webhook's job, the janitor and the page that the guardian comes back to. It takes
outcomes late, twice and in any order; money that arrived is never refused: it pays, or is owed back, or waits in
suspense, and a finance role sees it.
"""

from __future__ import annotations

import secrets
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from core.base import clock
from core.base.ids import new_id
from core.billing import journals
from core.billing.alerts import raise_alert
from core.billing.models import Bill, BillLine, BillReduction, PaymentAttempt, Receipt, Refund
from core.billing.port import PaymentOutcome
from core.billing.states import ATTEMPT, BILL, LIVE, MONEY_IN
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.ledger.chart import SCHOOL, SERVICE
from core.ledger.numbers import next_number, show_number
from core.ledger.types import Journal
from core.terms.models import Term
from core.web.i18n import money

FEE_FUND = SCHOOL
"""Nobody may take a charge out of the families' money (R-357): the provider's fee is the school's own cost."""


async def settle(uow: UnitOfWork, outcome: PaymentOutcome, *, source: str) -> str:
    """Write down what the provider says of an attempt, once; returns the attempt's state. Raises NotFound."""
    attempt = await uow.get(PaymentAttempt, outcome.attempt_id)
    bill = await uow.get(Bill, attempt.bill_id, lock=True)
    attempt = await uow.get(PaymentAttempt, outcome.attempt_id, lock=True)
    if outcome.status == "succeeded":
        on = clock.school_time(outcome.at).date() if outcome.at else clock.today()
        posts: list[Journal] = []
        if attempt.state not in MONEY_IN:
            attempt.provider_ref = outcome.reference
            attempt.received_fen = int(outcome.received)
            attempt.method = outcome.method
            attempt.settled_at = outcome.at or clock.now()
            posts += await _received(uow, bill, attempt, outcome, on, source)
        posts += _fee(attempt, outcome, on, source)
        await uow.session.flush()
        await ledger.post(uow, *posts)
    elif outcome.status in ("failed", "expired") and attempt.state in LIVE:
        attempt.problem = outcome.problem[:500] or None
        await ATTEMPT.transition(uow, attempt, "fail" if outcome.status == "failed" else "expire")
    return attempt.state


async def _received(
    uow: UnitOfWork, bill: Bill, attempt: PaymentAttempt, outcome: PaymentOutcome, on: date, source: str
) -> list[Journal]:
    if outcome.currency != "CNY" or int(outcome.received) != attempt.amount_fen:
        return await _mismatched(uow, bill, attempt, outcome, on, source)
    if bill.state == "issued" and bill.due_fen - bill.paid_fen >= attempt.amount_fen:
        return await _pay(uow, bill, attempt, on, source)
    return await _give_back(uow, bill, attempt, on, source)


async def _pay(uow: UnitOfWork, bill: Bill, attempt: PaymentAttempt, on: date, source: str) -> list[Journal]:
    shares = journals.by_fund(attempt.amount_fen, await owed_by_fund(uow, bill.id))
    bill.paid_fen += attempt.amount_fen
    await ATTEMPT.transition(uow, attempt, "succeed")
    if bill.paid_fen == bill.due_fen:
        await BILL.transition(uow, bill, "pay", payload={"student_id": bill.student_id})
    await close_pages(uow, bill.id)
    term = await uow.get(Term, bill.term_id)
    number = await next_number(uow, "receipt", term.code)
    receipt = Receipt(
        id=new_id(),
        bill_id=bill.id,
        attempt_id=attempt.id,
        number=show_number("SJ", term.code.replace("-", ""), number),
        amount_fen=attempt.amount_fen,
        token=secrets.token_urlsafe(16),
        paid_at=attempt.settled_at,
    )
    uow.session.add(receipt)
    await uow.emit("payment.received", {"bill_id": bill.id, "receipt_id": receipt.id, "amount_fen": attempt.amount_fen})
    return [journals.paid(_reference(attempt), on, shares, source=source)]


async def close_pages(uow: UnitOfWork, bill_id: UUID) -> None:
    """Have every page shut on which this bill could still be paid."""
    query = select(PaymentAttempt.id).where(PaymentAttempt.bill_id == bill_id, PaymentAttempt.state.in_(LIVE))
    await uow.session.flush()
    for attempt_id in (await uow.session.execute(query)).scalars().all():
        await uow.enqueue("billing.close", {"attempt_id": attempt_id}, key=f"{attempt_id}")


async def _mismatched(
    uow: UnitOfWork, bill: Bill, attempt: PaymentAttempt, outcome: PaymentOutcome, on: date, source: str
) -> list[Journal]:
    """Another amount or currency than was asked: it waits in suspense until a finance role decides."""
    await ATTEMPT.transition(uow, attempt, "mismatch")
    received = int(outcome.received)
    got = money(received) if outcome.currency == "CNY" else f"{outcome.currency} {received}"
    await raise_alert(
        uow, f"mismatch:{attempt.id}", "amount_mismatch",
        bill_id=bill.id, amount_fen=received, number=bill.number, got=got, want=money(attempt.amount_fen),
    )  # fmt: skip
    if received <= 0 or outcome.currency != "CNY":
        return []
    return [journals.suspended(_reference(attempt), on, {SERVICE: received}, source=source)]


async def _give_back(uow: UnitOfWork, bill: Bill, attempt: PaymentAttempt, on: date, source: str) -> list[Journal]:
    """Paid twice, or after the bill was settled or voided: owed back to the family and refunded at once."""
    await ATTEMPT.transition(uow, attempt, "overpay")
    shares = {SERVICE: attempt.received_fen}
    refund = Refund(
        id=new_id(),
        bill_id=bill.id,
        attempt_id=attempt.id,
        amount_fen=attempt.received_fen,
        reason="surplus",
        state="approved",
        surplus=True,
        shares=shares,
    )
    uow.session.add(refund)
    kind = "paid_void" if bill.state == "void" else "paid_twice"
    await raise_alert(
        uow, f"surplus:{attempt.id}", kind, bill_id=bill.id, amount_fen=attempt.received_fen, number=bill.number
    )
    await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=f"{refund.id}/0")
    return [journals.surplus(_reference(attempt), on, shares, source=source)]


def _fee(attempt: PaymentAttempt, outcome: PaymentOutcome, on: date, source: str) -> list[Journal]:
    """What the provider kept, as soon as it says so. Nothing is booked for money in another currency."""
    if outcome.fee is None or attempt.fee_fen is not None or outcome.currency != "CNY":
        return []
    attempt.fee_fen = int(outcome.fee)
    if not outcome.fee:
        return []
    return [journals.provider_fee(_reference(attempt), on, int(outcome.fee), fund=FEE_FUND, source=source)]


async def owed_by_fund(uow: UnitOfWork, bill_id: UUID) -> dict[str, int]:
    """What a bill charges less what it reduces, by fund, in fen: the weights by which payments are shared."""
    return journals.less(await charged_of(uow, bill_id), await reduced_of(uow, bill_id))


async def charged_of(uow: UnitOfWork, bill_id: UUID) -> dict[str, int]:
    """A bill's charges by fund, in fen."""
    query = select(BillLine.fund, func.sum(BillLine.amount_fen)).where(BillLine.bill_id == bill_id)
    return {fund: int(n) for fund, n in (await uow.session.execute(query.group_by(BillLine.fund))).all()}


async def reduced_of(uow: UnitOfWork, bill_id: UUID) -> dict[str, int]:
    """A bill's reductions by fund, in fen."""
    query = select(BillReduction.fund, func.sum(BillReduction.amount_fen)).where(BillReduction.bill_id == bill_id)
    return {fund: int(n) for fund, n in (await uow.session.execute(query.group_by(BillReduction.fund))).all()}


def _reference(attempt: PaymentAttempt) -> str:
    return attempt.provider_ref or str(attempt.id)


async def awaiting_fee(uow: UnitOfWork, limit: int = 200) -> list[UUID]:
    """Payments of which the provider has not yet said what it keeps."""
    query = select(PaymentAttempt.id).where(PaymentAttempt.state.in_(MONEY_IN), PaymentAttempt.fee_fen.is_(None))
    return list((await uow.session.execute(query.order_by(PaymentAttempt.id).limit(limit))).scalars().all())
