"""Giving money back: approved by a finance role, sent to the paying account by a job, never more than was paid."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from core.base import clock
from core.base.errors import FieldError
from core.base.money import Fen
from core.base.text import lazy_gettext as _l
from core.billing import journals
from core.billing.errors import TooMuchBack
from core.billing.models import Bill, PaymentAttempt, Refund
from core.billing.payments import alert, owed_by_fund, provider_of
from core.billing.port import ProviderRefused, ProviderUnsure, RefundOutcome, RefundRequest
from core.billing.states import BILL, REFUND
from core.db.delivery import Delivery, RetryLater
from core.db.uow import UnitOfWork
from core.ledger import service as ledger


async def approve(uow: UnitOfWork, attempt_id: UUID, amount_fen: int, reason: str) -> Refund:
    """Owe `amount_fen` of one payment back to the family and have it sent. Raises TooMuchBack."""
    uow.ctx.require("billing.refund")
    attempt = await uow.get(PaymentAttempt, attempt_id)
    bill = await uow.get(Bill, attempt.bill_id, lock=True)
    left = attempt.received_fen - await live_refunds(uow, attempt_id)
    if attempt.state != "succeeded" or not 0 < amount_fen <= left:
        wrong = FieldError("amount", _l("请填写不超过剩余可退金额的数"), "above_paid")
        raise TooMuchBack(fields=[wrong], left=f"¥{left / 100:.2f}")
    refund = Refund(bill_id=bill.id, attempt_id=attempt_id, amount_fen=amount_fen, reason=reason, state="approved")
    uow.session.add(refund)
    await uow.session.flush()
    await uow.audit("refund.approve", "refund", refund.id, bill=bill.id, amount_fen=amount_fen, reason=reason)
    await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=str(refund.id))
    shares = journals.by_fund(amount_fen, await owed_by_fund(uow, bill))
    await uow.session.flush()
    await ledger.post(uow, journals.refund_owed(refund.id, clock.today(), shares))
    return refund


async def live_refunds(uow: UnitOfWork, attempt_id: UUID) -> int:
    """Fen of a payment that were given back or are about to be."""
    query = select(func.coalesce(func.sum(Refund.amount_fen), 0)).where(
        Refund.attempt_id == attempt_id, Refund.state != "failed"
    )
    return int((await uow.session.execute(query)).scalar_one())


async def send(job: Delivery) -> None:
    """The long job "billing.refund" {refund_id}: asks the provider outside any transaction, then writes it down."""
    refund_id = UUID(job.payload["refund_id"])
    async with job.unit() as uow:
        refund = await uow.get(Refund, refund_id, lock=True)
        attempt = await uow.get(PaymentAttempt, refund.attempt_id)
        if refund.state == "approved":
            await REFUND.transition(uow, refund, "send")
        elif refund.state != "sent":
            return
        request = RefundRequest(
            key=refund.id,
            reference=attempt.provider_ref or "",
            amount=Fen(refund.amount_fen),
            reason=refund.reason,
            tenant_id=uow.ctx.tenant_id,
        )
    try:
        outcome = await provider_of(job.house, job.ctx).refund(request)
    except ProviderUnsure as exc:
        raise RetryLater(30, str(exc)) from exc
    except ProviderRefused as exc:
        outcome = RefundOutcome("failed", None, str(exc))
    async with job.unit() as uow:
        await record(uow, refund_id, outcome, source="worker")


async def record(uow: UnitOfWork, refund_id: UUID, outcome: RefundOutcome, *, source: str) -> str:
    """Write down what the provider says of a refund, once; returns its state. A failure stays owed and is shown."""
    refund = await uow.get(Refund, refund_id)
    bill = await uow.get(Bill, refund.bill_id, lock=True)
    refund = await uow.get(Refund, refund_id, lock=True)
    if refund.state in ("done", "failed") or outcome.status == "pending":
        refund.provider_ref = outcome.reference or refund.provider_ref
        return str(refund.state)
    refund.provider_ref = outcome.reference
    refund.settled_at = func.now()
    if outcome.status == "failed":
        refund.problem = outcome.problem[:500]
        await REFUND.transition(uow, refund, "fail")
        await alert(uow, f"refund:{refund.id}", "refund_failed", outcome.problem[:300], bill.id, refund.amount_fen)
        return str(refund.state)
    await REFUND.transition(uow, refund, "finish")
    if refund.surplus:
        shares = {"service": refund.amount_fen}
    else:
        shares = journals.by_fund(refund.amount_fen, await owed_by_fund(uow, bill))
        bill.refunded_fen += refund.amount_fen
        await BILL.transition(uow, bill, "refund_all" if bill.refunded_fen == bill.paid_fen else "refund_part")
    await uow.emit("refund.done", {"refund_id": refund.id, "bill_id": bill.id, "amount_fen": refund.amount_fen})
    await uow.session.flush()
    await ledger.post(uow, journals.refunded(refund.id, clock.today(), shares, source=source))
    return str(refund.state)
