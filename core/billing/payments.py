"""Paying a bill: an attempt is written, the provider is asked outside any transaction, what it says is settled once.

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
from core.base.context import TenantContext
from core.base.errors import Busy
from core.base.ids import new_id
from core.base.money import Fen
from core.base.text import gettext as _
from core.billing import journals
from core.billing.errors import NoProvider, NothingToPay
from core.billing.models import Bill, BillLine, BillReduction, FinanceAlert, PaymentAttempt, Receipt, Refund
from core.billing.port import PaymentOutcome, PaymentProvider, PaymentRequest, ProviderRefused, ProviderUnsure
from core.billing.states import ATTEMPT, BILL
from core.db.house import House
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.ledger.numbers import next_number, show_number
from core.terms.models import Term

LIVE = ("started", "open")


def provider_of(house: House, ctx: TenantContext) -> PaymentProvider:
    """The payment provider whose plugin is on in this organisation. Raises NoProvider."""
    for plugin, contribution in house.registry.contributions:
        if contribution.payment_provider is not None and plugin in ctx.plugins:
            known: dict[str, PaymentProvider] = house.services.setdefault(PaymentProvider, {})
            if contribution.key not in known:
                known[contribution.key] = contribution.payment_provider(house.settings)
            return known[contribution.key]
    raise NoProvider()


async def begin(house: House, ctx: TenantContext, bill_id: UUID) -> PaymentAttempt:
    """Open a payment page for what a bill still owes; an open page for the same amount is used again.

    Call it outside any unit of work: two short transactions with the provider's call between them. Raises
    NothingToPay, NoProvider, Busy (the provider gave no clear answer: trying again is safe).
    """
    provider = provider_of(house, ctx)
    async with house.unit(ctx) as uow:
        bill = await uow.get(Bill, bill_id, lock=True)
        left = bill.due_fen - bill.paid_fen
        if bill.state != "issued" or left <= 0:
            raise NothingToPay()
        attempt = await _live_attempt(uow, bill_id, left, provider.key)
        if attempt is None:
            attempt = PaymentAttempt(
                bill_id=bill_id,
                amount_fen=left,
                provider=provider.key,
                state="started",
                account_id=ctx.actor.account_id,
            )
            uow.session.add(attempt)
            await uow.session.flush()
            await uow.audit("payment.begin", "bill", bill_id, attempt=attempt.id, amount_fen=left)
        request = _request(house, ctx, bill, attempt)
    if attempt.pay_url and attempt.expires_at and attempt.expires_at > clock.now():
        return attempt
    try:
        opened = await provider.open(request)
    except ProviderUnsure as exc:
        raise Busy() from exc
    except ProviderRefused as exc:
        async with house.unit(ctx) as uow:
            row = await uow.get(PaymentAttempt, attempt.id, lock=True)
            row.problem = str(exc)[:500]
            await ATTEMPT.transition(uow, row, "fail")
            await alert(uow, f"refused:{row.id}", "provider_refused", str(exc)[:300], row.bill_id, row.amount_fen)
        raise NoProvider() from exc
    async with house.unit(ctx) as uow:
        row = await uow.get(PaymentAttempt, attempt.id, lock=True)
        row.session_ref, row.pay_url, row.expires_at = opened.session, opened.url, opened.expires_at
        if row.state == "started":
            await ATTEMPT.transition(uow, row, "open")
        return row


async def _live_attempt(uow: UnitOfWork, bill_id: UUID, amount: int, provider: str) -> PaymentAttempt | None:
    query = (
        select(PaymentAttempt)
        .where(
            PaymentAttempt.bill_id == bill_id,
            PaymentAttempt.state.in_(LIVE),
            PaymentAttempt.amount_fen == amount,
            PaymentAttempt.provider == provider,
            (PaymentAttempt.expires_at.is_(None)) | (PaymentAttempt.expires_at > func.now()),
        )
        .order_by(PaymentAttempt.created_at.desc())
        .limit(1)
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


def _request(house: House, ctx: TenantContext, bill: Bill, attempt: PaymentAttempt) -> PaymentRequest:
    base = f"{house.settings.public_url.rstrip('/')}/t/{ctx.slug}/home/bills/{bill.id}"
    return PaymentRequest(
        key=attempt.id,
        tenant_id=ctx.tenant_id,
        tenant_name=ctx.name,
        bill_number=bill.number,
        amount=Fen(attempt.amount_fen),
        success_url=f"{base}/back?attempt={attempt.id}",
        cancel_url=base,
        locale=ctx.locale,
    )


async def look_and_settle(house: House, ctx: TenantContext, attempt_id: UUID) -> str:
    """Ask the provider what became of an attempt and settle it; returns the attempt's state. Raises ProviderUnsure."""
    provider = provider_of(house, ctx)
    async with house.unit(ctx) as uow:
        attempt = await uow.get(PaymentAttempt, attempt_id)
    if attempt.session_ref is None:
        return attempt.state
    outcome = await provider.look(attempt.id, attempt.session_ref)
    async with house.unit(ctx.as_worker()) as uow:
        return await settle(uow, outcome, source="look")


async def settle(uow: UnitOfWork, outcome: PaymentOutcome, *, source: str) -> str:
    """Write down what the provider says of an attempt, once; returns the attempt's state afterwards."""
    attempt = await uow.get(PaymentAttempt, outcome.attempt_id)
    bill = await uow.get(Bill, attempt.bill_id, lock=True)
    attempt = await uow.get(PaymentAttempt, outcome.attempt_id, lock=True)
    if attempt.state in ("succeeded", "surplus", "mismatched"):
        return attempt.state
    if outcome.status == "pending":
        return attempt.state
    if outcome.status in ("failed", "expired"):
        if attempt.state in LIVE:
            attempt.problem = outcome.problem[:500] or None
            await ATTEMPT.transition(uow, attempt, "fail" if outcome.status == "failed" else "expire")
        return attempt.state
    attempt.provider_ref = outcome.reference
    attempt.received_fen = int(outcome.received)
    attempt.method = outcome.method
    attempt.settled_at = outcome.at or func.now()
    on = clock.school_time(outcome.at).date() if outcome.at else clock.today()
    if outcome.currency != "CNY" or int(outcome.received) != attempt.amount_fen:
        await _mismatched(uow, attempt, outcome, on, source)
    elif bill.state == "issued" and bill.due_fen - bill.paid_fen >= attempt.amount_fen:
        await _pay(uow, bill, attempt, on, source)
    else:
        await _give_back(uow, bill, attempt, on, source)
    return attempt.state


async def _pay(uow: UnitOfWork, bill: Bill, attempt: PaymentAttempt, on: date, source: str) -> None:
    owed = await owed_by_fund(uow, bill)
    shares = journals.by_fund(attempt.amount_fen, owed)
    bill.paid_fen += attempt.amount_fen
    await ATTEMPT.transition(uow, attempt, "succeed")
    if bill.paid_fen == bill.due_fen:
        await BILL.transition(uow, bill, "pay", payload={"student_id": bill.student_id})
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
    await uow.session.flush()
    await ledger.post(uow, journals.paid(_reference(attempt), on, shares, source=source))


async def owed_by_fund(uow: UnitOfWork, bill: Bill) -> dict[str, int]:
    """What a bill charges less what it reduces, by fund, in fen: the weights by which payments are shared."""
    charged = await uow.session.execute(
        select(BillLine.fund, func.sum(BillLine.amount_fen)).where(BillLine.bill_id == bill.id).group_by(BillLine.fund)
    )
    owed = {fund: int(amount) for fund, amount in charged.all()}
    reduced = await uow.session.execute(
        select(BillReduction.fund, func.sum(BillReduction.amount_fen))
        .where(BillReduction.bill_id == bill.id)
        .group_by(BillReduction.fund)
    )
    for fund, amount in reduced.all():
        owed[fund] -= int(amount)
    return owed


async def _mismatched(uow: UnitOfWork, attempt: PaymentAttempt, outcome: PaymentOutcome, on: date, source: str) -> None:
    """Another amount or currency than was asked: it waits in suspense until a finance role decides."""
    await ATTEMPT.transition(uow, attempt, "mismatch")
    message = _("收到 %(got)s 分 %(currency)s，应收 %(want)s 分，请核实后处理") % {
        "got": int(outcome.received),
        "currency": outcome.currency,
        "want": attempt.amount_fen,
    }
    await alert(uow, f"mismatch:{attempt.id}", "amount_mismatch", message, attempt.bill_id, int(outcome.received))
    await uow.session.flush()
    if outcome.received > 0 and outcome.currency == "CNY":
        journal = journals.suspended(_reference(attempt), on, int(outcome.received), source=source)
        await ledger.post(uow, journal)


async def _give_back(uow: UnitOfWork, bill: Bill, attempt: PaymentAttempt, on: date, source: str) -> None:
    """Paid twice, or after the bill was settled or voided: owed back to the family and refunded at once."""
    await ATTEMPT.transition(uow, attempt, "overpay")
    refund = Refund(
        bill_id=bill.id,
        attempt_id=attempt.id,
        amount_fen=attempt.received_fen,
        reason="surplus",
        state="approved",
        surplus=True,
    )
    uow.session.add(refund)
    await uow.session.flush()
    message = _("账单 %(number)s 重复收到一笔付款，系统已自动退回") % {"number": bill.number}
    await alert(uow, f"surplus:{attempt.id}", "paid_twice", message, bill.id, attempt.received_fen)
    await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=str(refund.id))
    await uow.session.flush()
    await ledger.post(uow, journals.surplus(_reference(attempt), on, attempt.received_fen, source=source))


def _reference(attempt: PaymentAttempt) -> str:
    return attempt.provider_ref or str(attempt.id)


async def alert(uow: UnitOfWork, key: str, kind: str, message: str, subject: UUID, amount_fen: int) -> None:
    """Put something before the finance roles, once for each `key`."""
    known = select(FinanceAlert.id).where(FinanceAlert.key == key)
    if (await uow.session.execute(known)).scalar_one_or_none() is None:
        uow.session.add(FinanceAlert(key=key, kind=kind, message=message, subject_id=subject, amount_fen=amount_fen))
        await uow.emit("finance.alert", {"kind": kind, "subject_id": subject})


async def stale_attempts(uow: UnitOfWork, minutes: int = 10) -> list[UUID]:
    """Attempts whose outcome is still unknown after `minutes`: the janitor asks about them."""
    limit = func.now() - func.make_interval(0, 0, 0, 0, 0, minutes)
    query = select(PaymentAttempt.id).where(PaymentAttempt.state.in_(LIVE), PaymentAttempt.created_at < limit)
    return list((await uow.session.execute(query.limit(500))).scalars().all())
