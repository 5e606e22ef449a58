"""Many words about one payment at once, many hands on one bill."""

from __future__ import annotations

import asyncio

from core.billing import refunds
from core.billing.errors import TooMuchBack
from core.billing.models import Bill, PaymentAttempt, Receipt
from core.billing.payments import begin, look_and_settle
from tests.integration.payments.conftest import house, standin, till  # noqa: F401 - fixtures
from tests.integration.payments.till import Till

PAID = "checkout.session.completed"


async def test_webhook_sent_twice_at_once(till: Till) -> None:  # noqa: F811
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    event = till.standin.events(PAID)[0]
    assert set(await asyncio.gather(*(till.hook(event) for _ in range(6)))) == {200}
    outcomes = await till.run()
    assert outcomes.count("done") >= 1
    assert (await till.get(Bill, bill_id)).paid_fen == 48000
    assert len(await till.all(Receipt)) == 1
    await till.agree()


async def test_settled_from_webhook_janitor_and_page_at_once(till: Till) -> None:  # noqa: F811
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    states = await asyncio.gather(*(look_and_settle(till.house, till.school.ctx, attempt.id) for _ in range(6)))
    assert set(states) == {"succeeded"}
    assert len(await till.all(Receipt)) == 1
    await till.agree()


async def test_pressing_pay_many_times_opens_one_page(till: Till) -> None:  # noqa: F811
    bill_id = await till.bill()
    ctx = await till.guardian()
    opened = await asyncio.gather(*(begin(till.house, ctx, bill_id) for _ in range(5)))
    assert len({a.id for a in opened}) == 1 and len({a.pay_url for a in opened}) == 1
    assert len(await till.all(PaymentAttempt)) == 1


async def test_two_payments_settled_at_once_one_goes_back(till: Till) -> None:  # noqa: F811
    from core.billing.port import PaymentOutcome
    from core.billing.settle import settle

    bill_id = await till.bill()
    first = await till.begin(bill_id)
    async with till.house.unit(till.school.ctx) as uow:
        await settle(uow, PaymentOutcome(first.id, "expired"), source="look")
    second = await till.begin(bill_id)
    till.pay(first)
    till.pay(second)
    states = await asyncio.gather(
        *(look_and_settle(till.house, till.school.ctx, a.id) for a in (first, second, first, second))
    )
    assert sorted(set(states)) == ["succeeded", "surplus"]
    await till.run()
    assert await till.alerts() == ["paid_twice"]
    await till.agree()


async def test_refunds_approved_at_once_never_exceed_what_was_paid(till: Till) -> None:  # noqa: F811
    bill_id = await till.bill(fen=48000)
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    await look_and_settle(till.house, till.school.ctx, attempt.id)
    ctx = await till.finance()

    async def approve() -> int:
        async with till.house.unit(ctx) as uow:
            return (await refunds.approve(uow, attempt.id, 20000, "退班")).amount_fen

    done = await asyncio.gather(*(approve() for _ in range(5)), return_exceptions=True)
    assert done.count(20000) == 2
    assert [type(x) for x in done].count(TooMuchBack) == 3
    await till.run()
    await till.agree()
