"""Setting out to pay a bill, and asking what became of it. No provider is called inside a unit of work.

An attempt is written first, then the provider is asked, then its answer is written down: a crash between any two of
these leaves an attempt that the janitor asks about. What an outcome does to the books is core.billing.settle.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import Busy
from core.base.money import Fen
from core.billing.alerts import raise_alert, settle_alert
from core.billing.errors import NoProvider, NothingToPay
from core.billing.models import Bill, PaymentAttempt
from core.billing.port import OpenedPayment, PaymentProvider, PaymentRequest, ProviderRefused, ProviderUnsure
from core.billing.settle import settle
from core.billing.states import ATTEMPT, LIVE
from core.db.house import House
from core.db.uow import UnitOfWork

KEY_HOURS = 20
"""Providers may forget a key after 24 hours; an attempt whose page was never reached by then is left to expire."""
LOST_AFTER = timedelta(hours=1)


def provider_of(house: House, ctx: TenantContext) -> PaymentProvider:
    """The payment provider whose plugin is on in this organisation. Raises NoProvider."""
    for plugin, contribution in house.registry.contributions:
        if contribution.payment_provider is not None and plugin in ctx.plugins:
            return provider_named(house, contribution.key)
    raise NoProvider()


def provider_named(house: House, key: str) -> PaymentProvider:
    """A provider by its key, whether or not its plugin is on: money under way is followed to the end."""
    known: dict[str, PaymentProvider] = house.services.setdefault(PaymentProvider, {})
    if key not in known:
        makers = {c.key: c.payment_provider for _, c in house.registry.contributions if c.payment_provider is not None}
        if key not in makers:
            raise NoProvider()
        known[key] = makers[key](house.settings)
    return known[key]


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
            await uow.session.refresh(attempt)
            await uow.audit("payment.begin", "bill", bill_id, attempt=attempt.id, amount_fen=left)
        request = _request(house, ctx, bill, attempt)
        number = bill.number
    if attempt.pay_url:
        return attempt
    try:
        opened = await provider.open(request)
    except ProviderUnsure as exc:
        await _silent(house, ctx, attempt, number, str(exc))
        raise Busy() from exc
    except ProviderRefused as exc:
        async with house.unit(ctx) as uow:
            row = await uow.get(PaymentAttempt, attempt.id, lock=True)
            row.problem = str(exc)[:500]
            if row.state in LIVE:
                await ATTEMPT.transition(uow, row, "fail")
            await raise_alert(
                uow, f"refused:{row.id}", "provider_refused",
                bill_id=row.bill_id, amount_fen=row.amount_fen, number=number, why=exc,
            )  # fmt: skip
        raise NoProvider() from exc
    return await _opened(house, ctx, attempt.id, opened)


async def _opened(house: House, ctx: TenantContext, attempt_id: UUID, opened: OpenedPayment) -> PaymentAttempt:
    async with house.unit(ctx) as uow:
        row = await uow.get(PaymentAttempt, attempt_id, lock=True)
        row.session_ref, row.pay_url, row.expires_at = opened.session, opened.url, opened.expires_at
        if row.state == "started":
            await ATTEMPT.transition(uow, row, "open")
        await settle_alert(uow, f"silent:{attempt_id}")
        return row


async def _live_attempt(uow: UnitOfWork, bill_id: UUID, amount: int, provider: str) -> PaymentAttempt | None:
    fresh = func.now() - func.make_interval(0, 0, 0, 0, KEY_HOURS)
    query = (
        select(PaymentAttempt)
        .where(
            PaymentAttempt.bill_id == bill_id,
            PaymentAttempt.state.in_(LIVE),
            PaymentAttempt.amount_fen == amount,
            PaymentAttempt.provider == provider,
            or_(
                PaymentAttempt.expires_at > func.now(),
                PaymentAttempt.session_ref.is_(None) & (PaymentAttempt.created_at > fresh),
            ),
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
        first_asked_at=attempt.created_at,
    )


async def look_and_settle(house: House, ctx: TenantContext, attempt_id: UUID, *, source: str = "look") -> str:
    """Ask the provider what became of an attempt and settle it; returns the attempt's state.

    Raises ProviderUnsure, having put it before the finance roles. An attempt of which the provider knows nothing
    after an hour has expired: nobody ever had its page.
    """
    worker = ctx.as_worker()
    async with house.unit(worker) as uow:
        attempt = await uow.get(PaymentAttempt, attempt_id)
        bill = await uow.get(Bill, attempt.bill_id)
        number = bill.number
    provider = provider_named(house, attempt.provider)
    try:
        if attempt.session_ref is None:
            found = await provider.find(attempt.id, attempt.created_at)
            if found is None:
                return await _never_opened(house, worker, attempt_id)
            attempt = await _opened(house, worker, attempt_id, found)
        assert attempt.session_ref is not None
        outcome = await provider.look(attempt.id, attempt.session_ref)
    except ProviderUnsure as exc:
        await _silent(house, worker, attempt, number, str(exc))
        raise
    except ProviderRefused as exc:  # such as a page of another account: a person must look
        await _silent(house, worker, attempt, number, str(exc))
        return attempt.state
    async with house.unit(worker) as uow:
        await settle_alert(uow, f"silent:{attempt_id}")
        return await settle(uow, outcome, source=source)


async def _never_opened(house: House, ctx: TenantContext, attempt_id: UUID) -> str:
    async with house.unit(ctx) as uow:
        row = await uow.get(PaymentAttempt, attempt_id, lock=True)
        if row.state == "started" and row.created_at < clock.now() - LOST_AFTER:
            await ATTEMPT.transition(uow, row, "expire")
            await settle_alert(uow, f"silent:{attempt_id}")
        return row.state


async def _silent(house: House, ctx: TenantContext, attempt: PaymentAttempt, number: str, why: str) -> None:
    async with house.unit(ctx) as uow:
        await raise_alert(
            uow, f"silent:{attempt.id}", "provider_silent",
            bill_id=attempt.bill_id, amount_fen=attempt.amount_fen, number=number, why=why,
        )  # fmt: skip


async def close_page(house: House, ctx: TenantContext, attempt_id: UUID) -> None:
    """Shut a page on which nobody should pay any more, and settle what happened on it until now."""
    async with house.unit(ctx) as uow:
        attempt = await uow.get(PaymentAttempt, attempt_id)
    if attempt.state in LIVE and attempt.session_ref is not None:
        await provider_named(house, attempt.provider).close(attempt.session_ref)
    if attempt.state in LIVE:
        await look_and_settle(house, ctx, attempt_id)


async def stale_attempts(uow: UnitOfWork, minutes: int = 10) -> list[PaymentAttempt]:
    """Attempts whose outcome is still unknown after `minutes`: the janitor asks about them."""
    limit = func.now() - func.make_interval(0, 0, 0, 0, 0, minutes)
    query = select(PaymentAttempt).where(PaymentAttempt.state.in_(LIVE), PaymentAttempt.created_at < limit)
    return list((await uow.session.execute(query.order_by(PaymentAttempt.created_at).limit(500))).scalars().all())
