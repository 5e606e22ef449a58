"""Bad cases of money: refused or settled, never lost, always before a finance role; the books balance after each."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import text

from core.base import clock
from core.base.errors import Busy
from core.base.money import Fen
from core.billing import refunds, service
from core.billing.errors import (
    LessonsOwed,
    NoProvider,
    NothingInSuspense,
    NothingToPay,
    NotToPayer,
    SecondPerson,
    TooMuchBack,
)
from core.billing.models import Bill, PaymentAttempt, Receipt, Refund
from core.billing.payments import begin, look_and_settle
from core.billing.port import PaymentOutcome
from core.billing.settle import settle
from tests.integration.payments.till import SECRET, Till
from tests.support.lessons import at

PAID = "checkout.session.completed"


async def test_paid_by_webhook(till: Till) -> None:
    bill_id = await till.bill(fen=48000)
    attempt = await till.begin(bill_id)
    assert attempt.pay_url and attempt.pay_url.startswith(till.standin.base)
    till.pay(attempt)
    await till.hooks(PAID, "payment_intent.succeeded")
    await till.run()
    bill = await till.get(Bill, bill_id)
    assert (bill.state, bill.paid_fen) == ("paid", 48000)
    receipt = (await till.all(Receipt))[0]
    assert receipt.number == "SJ202620271-000001"
    assert await till.balance("receivable") == 0
    assert await till.balance("psp_fees", "school") == 288, "0.6 % of 480 yuan, the school's own cost"
    assert await till.alerts() == []
    await till.agree()


async def test_open_page_is_used_again(till: Till) -> None:
    bill_id = await till.bill()
    first, second = await till.begin(bill_id), await till.begin(bill_id)
    assert first.id == second.id and first.pay_url == second.pay_url


async def test_amount_changed_waits_in_suspense_and_goes_back(till: Till) -> None:
    bill_id = await till.bill(fen=48000)
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    with till.standin.world.lock:
        for found in till.standin.world.objects.values():
            if found["object"] == "payment_intent":
                found["amount_received"] = 47000
            if found["object"] == "balance_transaction":
                found.update(amount=47000, net=47000 - found["fee"])
    await till.hooks(PAID)
    await till.run()
    assert (await till.get(PaymentAttempt, attempt.id)).state == "mismatched"
    assert (await till.get(Bill, bill_id)).paid_fen == 0
    assert await till.balance("suspense") == -47000
    assert await till.alerts() == ["amount_mismatch"]
    await till.agree()
    async with till.house.unit(await till.finance()) as uow:
        await refunds.return_suspense(uow, attempt.id, "金额与账单不符，原路退回")
    with till.standin.world.lock:
        charge = next(o for o in till.standin.world.objects.values() if o["object"] == "charge")
        charge["amount"] = 47000
    await till.run()
    till.standin.act(f"refunds/{(await till.refunds())[0].provider_ref}/succeed")
    await till.hooks("refund.updated")
    await till.run()
    assert await till.balance("suspense") == 0
    assert await till.balance("refund_payable") == 0
    assert await till.alerts() == []
    await till.agree()
    with pytest.raises(NothingInSuspense):
        async with till.house.unit(await till.finance()) as uow:
            await refunds.return_suspense(uow, attempt.id, "再退一次")


async def _two_pages(till: Till, bill_id: UUID) -> tuple[PaymentAttempt, PaymentAttempt]:
    """Two pages on which the same bill can be paid: the first is taken for expired while it is not."""
    first = await till.begin(bill_id)
    async with till.house.unit(till.school.ctx) as uow:
        await settle(uow, PaymentOutcome(first.id, "expired"), source="look")
    second = await till.begin(bill_id)
    assert second.id != first.id
    return first, second


async def test_bill_paid_twice_gives_one_back(till: Till) -> None:
    bill_id = await till.bill(fen=48000)
    first, second = await _two_pages(till, bill_id)
    till.pay(first)
    till.pay(second, "wechat_pay")
    await till.hooks(PAID)
    await till.run()
    states = {(await till.get(PaymentAttempt, a.id)).state for a in (first, second)}
    assert states == {"succeeded", "surplus"}
    assert await till.alerts() == ["paid_twice"]
    refund = (await till.refunds())[0]
    assert (refund.state, refund.amount_fen, refund.in_transit) == ("sent", 48000, True)
    await till.agree()
    till.standin.act(f"refunds/{refund.provider_ref}/succeed")
    await till.hooks("refund.updated")
    await till.run()
    assert (await till.refunds())[0].state == "done"
    assert (await till.get(Bill, bill_id)).refunded_fen == 0, "the bill itself stays paid"
    assert await till.balance("refund_payable") == 0
    assert len(await till.all(Receipt)) == 1
    await till.agree()


async def test_late_success_after_expiry_pays(till: Till) -> None:
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    async with till.house.unit(till.school.ctx) as uow:
        assert await settle(uow, PaymentOutcome(attempt.id, "expired"), source="look") == "expired"
    till.pay(attempt)
    await till.hooks(PAID)
    await till.run()
    assert (await till.get(Bill, bill_id)).state == "paid"
    await till.agree()


async def test_paid_after_the_bill_was_voided_goes_back(till: Till) -> None:
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    async with till.house.unit(await till.finance()) as uow:
        await service.void(uow, bill_id, "开错账单")
    await till.hooks(PAID)
    await till.run()
    assert "paid_void" in await till.alerts()
    till.standin.act(f"refunds/{(await till.refunds())[0].provider_ref}/succeed")
    await till.hooks("refund.updated")
    await till.run()
    assert await till.balance("receivable") == 0
    assert await till.balance("deferred_income") == 0
    await till.agree()


async def test_other_pages_are_shut_once_paid(till: Till) -> None:
    bill_id = await till.bill()
    first = await till.begin(bill_id)
    async with till.house.unit(till.school.ctx) as uow:
        await uow.session.execute(text("update payment_attempt set expires_at = now() - interval '1 minute'"))
    second = await till.begin(bill_id)
    till.pay(second)
    await till.hooks(PAID)
    await till.run()
    with till.standin.world.lock:
        assert till.standin.world.objects[first.session_ref]["status"] == "expired"
    assert (await till.get(PaymentAttempt, first.id)).state == "expired"


async def paid(till: Till, kind: str = "alipay", **bill: object) -> tuple[UUID, PaymentAttempt]:
    bill_id = await till.bill(**bill)  # type: ignore[arg-type]
    attempt = await till.begin(bill_id)
    till.pay(attempt, kind)
    await till.hooks(PAID)
    await till.run()
    return bill_id, attempt


async def test_refund_above_what_was_paid_is_refused(till: Till) -> None:
    _, attempt = await paid(till, fen=48000)
    ctx = await till.finance()
    for fen in (48001, 0, -1):
        with pytest.raises(TooMuchBack):
            async with till.house.unit(ctx) as uow:
                await refunds.approve(uow, attempt.id, fen, "退班")
    async with till.house.unit(ctx) as uow:
        await refunds.approve(uow, attempt.id, 30000, "退班")
    with pytest.raises(TooMuchBack):
        async with till.house.unit(ctx) as uow:
            await refunds.approve(uow, attempt.id, 18001, "退班")
    await till.run()
    await till.agree()


@pytest.mark.req("R-374")
async def test_after_the_term_a_refund_covers_every_lesson_that_was_not_held(till: Till) -> None:
    bill_id, attempt = await paid(till, lines=[("care", "service", 30000), ("insurance", "agency", 18000)])
    async with till.house.unit(await till.finance()) as uow:
        term_id = (await uow.get(Bill, bill_id)).term_id
        assert await refunds.owed_back(uow, term_id) == [bill_id]
    with at(date(2027, 3, 1), 9):
        with pytest.raises(LessonsOwed) as refused:
            async with till.house.unit(await till.finance()) as uow:
                await refunds.approve(uow, attempt.id, 29999, "课没有开")
        assert refused.value.params["objections"][0]["rule"] == "refund.lessons_not_held"
        async with till.house.unit(await till.finance()) as uow:
            await refunds.approve(uow, attempt.id, 48000, "课没有开")
            assert await refunds.owed_back(uow, term_id) == []


async def test_refund_goes_its_way(till: Till) -> None:
    bill_id, attempt = await paid(till, lines=[("care", "service", 30000), ("lunch", "meals", 18000)])
    async with till.house.unit(await till.finance()) as uow:
        refund = await refunds.approve(uow, attempt.id, 24000, "退班")
    assert refund.shares == {"meals": 9000, "service": 15000}
    await till.run()
    assert await till.balance("refund_transit") == 15000
    await till.agree()
    till.standin.act(f"refunds/{(await till.refunds())[0].provider_ref}/succeed")
    await till.hooks("refund.created", "refund.updated", "refund.updated")
    await till.run()
    bill = await till.get(Bill, bill_id)
    assert (bill.state, bill.refunded_fen) == ("part_refunded", 24000)
    assert await till.balance("deferred_income", "meals") == -9000
    await till.agree()


async def test_refund_that_fails_stays_owed_and_can_be_sent_again(till: Till) -> None:
    bill_id, attempt = await paid(till)
    async with till.house.unit(await till.finance()) as uow:
        refund = await refunds.approve(uow, attempt.id, 48000, "退班")
    await till.run()
    till.standin.act(f"refunds/{(await till.refunds())[0].provider_ref}/fail")
    await till.hooks("refund.failed")
    await till.run()
    assert (await till.refunds())[0].state == "failed"
    assert await till.alerts() == ["refund_failed"]
    assert await till.balance("refund_payable") == -48000, "owed until it is given back"
    await till.agree()
    async with till.house.unit(await till.finance()) as uow:
        await refunds.retry(uow, refund.id)
    await till.run()
    await till.hooks("refund.failed")  # a late word about the first round
    await till.run()
    again = (await till.refunds())[0]
    assert (again.state, again.round) == ("sent", 1)
    till.standin.act(f"refunds/{again.provider_ref}/succeed")
    await till.hooks("refund.updated")
    await till.run()
    assert (await till.get(Bill, bill_id)).state == "refunded"
    assert await till.alerts() == []
    await till.agree()


async def test_refund_that_fails_after_it_was_done(till: Till) -> None:
    bill_id, attempt = await paid(till, kind="card")
    async with till.house.unit(await till.finance()) as uow:
        await refunds.approve(uow, attempt.id, 20000, "退班")
    await till.run()
    assert (await till.refunds())[0].state == "done"
    till.standin.act(f"refunds/{(await till.refunds())[0].provider_ref}/fail")
    await till.hooks("refund.failed")
    await till.run()
    bill = await till.get(Bill, bill_id)
    assert (bill.state, bill.refunded_fen) == ("paid", 0)
    assert await till.alerts() == ["refund_failed"]
    await till.agree()


@pytest.mark.req("R-374")
async def test_too_old_for_the_provider_is_paid_from_the_bank_by_a_second_person(till: Till) -> None:
    bill_id, attempt = await paid(till)
    till.standin.advance(days=91)
    async with till.house.unit(await till.finance()) as uow:
        refund = await refunds.approve(uow, attempt.id, 48000, "退班")
    await till.run()
    assert (await till.refunds())[0].state == "failed"
    with pytest.raises(SecondPerson):
        async with till.house.unit(await till.finance()) as uow:
            await refunds.pay_offline(uow, refund.id, "回单 1", to_payer=True)
    async with till.house.unit(await till.world.as_(till.school, "principal")) as uow:
        await service.book_payout(uow, "po-1", {"service": 48000})
        with pytest.raises(NotToPayer) as refused:
            await refunds.pay_offline(uow, refund.id, "回单 20261201-7", to_payer=False)
        assert refused.value.params["objections"][0]["rule"] == "refund.to_paying_account"
        await refunds.pay_offline(uow, refund.id, "回单 20261201-7", to_payer=True)
    assert (await till.get(Bill, bill_id)).state == "refunded"
    assert await till.balance("refund_payable") == 0
    assert await till.balance("bank") == 0
    assert await till.alerts() == []


async def test_forged_signature_is_refused(till: Till) -> None:
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    event = till.standin.events(PAID)[0]["id"]
    body, good = till.standin.signed(event)
    _, other = till.standin.signed(event, secret="whsec_other")
    _, old = till.standin.signed(event, at=int(clock.now().timestamp()) - 3600)
    _, ahead = till.standin.signed(event, at=int(clock.now().timestamp()) + 86400)
    async with await till.world.client() as client:
        for signature in (other, old, ahead, "", "t=1,v1=00", "v1=x"):
            answer = await client.post("/hooks/stripe", content=body, headers={"stripe-signature": signature})
            assert answer.status_code == 400, signature
        changed = body.replace(b'"paid"', b'"unpaid"')
        answer = await client.post("/hooks/stripe", content=changed, headers={"stripe-signature": good})
        assert answer.status_code == 400
    await till.run()
    assert (await till.get(Bill, bill_id)).state == "issued"


async def test_empty_secret_verifies_nothing() -> None:
    from plugins.payments_stripe.webhook import BadSignature, verified

    with pytest.raises(BadSignature):
        verified(b'{"object":"event"}', "t=1,v1=x", " ")


async def test_webhook_twice_and_out_of_order(till: Till) -> None:
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    for event in [*reversed(till.standin.events()), *till.standin.events()]:
        assert await till.hook(event) == 200
    await till.run()
    for event in till.standin.events():
        await till.hook(event)
    await till.run()
    assert (await till.get(Bill, bill_id)).paid_fen == 48000
    assert len(await till.all(Receipt)) == 1
    await till.agree()


async def test_webhook_that_never_comes_is_healed_by_the_janitor(till: Till) -> None:
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.pay(attempt)
    await till.age("payment_attempt", 15)
    await till.enqueue("billing.janitor")
    await till.run()
    assert (await till.get(Bill, bill_id)).state == "paid"
    await till.agree()


async def test_page_nobody_paid_on_expires(till: Till) -> None:
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    till.standin.advance(days=1)
    await till.age("payment_attempt", 15)
    await till.enqueue("billing.janitor")
    await till.run()
    assert (await till.get(PaymentAttempt, attempt.id)).state == "expired"
    assert (await till.get(Bill, bill_id)).state == "issued", "the child is not turned away and may still pay"


async def test_event_of_strangers_is_answered_and_ignored(till: Till) -> None:
    with till.standin.world.lock:
        for tags in ({"tenant": "not-a-uuid"}, {}, {"tenant": str(till.school.ctx.tenant_id)}):
            strange = till.standin.world.new("checkout.session", "cs", None, metadata=tags)
            till.standin.world.emit(PAID, strange, None)
    for event in till.standin.events():
        assert await till.hook(event) == 200
    assert await till.run() == []


async def test_provider_down(till: Till) -> None:
    bill_id = await till.bill()
    till.standin.fault("drop_before", "/v1/checkout/sessions", times=1)
    with pytest.raises(Busy):
        await till.begin(bill_id)
    assert await till.alerts() == ["provider_silent"]
    attempt = await till.begin(bill_id)
    assert len(await till.all(PaymentAttempt)) == 1, "the same attempt goes on"
    assert await till.alerts() == []
    till.pay(attempt)
    await till.hooks(PAID)
    await till.run()
    await till.agree()


@pytest.mark.parametrize("fault", ["500_after", "drop_after", "hang", "429", "409"])
async def test_provider_acts_without_saying_so(till: Till, fault: str) -> None:
    """The page was made, the answer was lost: asking again finds the same page, not a second one."""
    bill_id = await till.bill()
    till.standin.fault(fault, "/v1/checkout/sessions$", times=1, seconds=5)
    with pytest.raises(Busy):
        await till.begin(bill_id)
    attempt = await till.begin(bill_id)
    with till.standin.world.lock:
        assert len(list(till.standin.world.all("checkout.session", None))) == 1
    till.pay(attempt)
    await till.hooks(PAID)
    await till.run()
    assert (await till.get(Bill, bill_id)).state == "paid"
    await till.agree()


async def test_crash_between_the_providers_answer_and_our_commit(till: Till) -> None:
    """We die after the provider made the page and before we wrote its name down: the janitor finds the page."""
    bill_id = await till.bill()
    attempt = await till.begin(bill_id)
    async with till.house.unit(till.school.ctx) as uow:
        await uow.session.execute(
            text("update payment_attempt set session_ref = null, pay_url = null, expires_at = null, state = 'started'")
        )
    till.pay(attempt)
    await till.age("payment_attempt", 5)
    await look_and_settle(till.house, till.school.ctx, attempt.id)
    assert (await till.get(Bill, bill_id)).state == "paid"
    await till.agree()


async def test_attempt_that_never_reached_the_provider_expires(till: Till) -> None:
    bill_id = await till.bill()
    till.standin.fault("drop_before", "/v1/checkout/sessions", times=1)
    with pytest.raises(Busy):
        await till.begin(bill_id)
    await till.age("payment_attempt", 90)
    await till.enqueue("billing.janitor")
    await till.run()
    assert [a.state for a in await till.all(PaymentAttempt)] == ["expired"]
    assert await till.alerts() == []


async def test_refund_whose_answer_was_lost_is_given_once(till: Till) -> None:
    _, attempt = await paid(till)
    till.standin.fault("500_after", "/v1/refunds", times=2)
    async with till.house.unit(await till.finance()) as uow:
        await refunds.approve(uow, attempt.id, 48000, "退班")
    outcomes = await till.run()
    assert "retry" in outcomes
    with till.standin.world.lock:
        assert len(list(till.standin.world.all("refund", None))) == 1
    assert (await till.refunds())[0].state == "sent"
    await till.agree()


async def test_refund_asked_again_after_the_key_was_forgotten(till: Till) -> None:
    """Retried blindly after 25 hours it would be paid twice: an old key is looked for first."""
    _, attempt = await paid(till)
    till.standin.fault("drop_after", "/v1/refunds", times=1)
    async with till.house.unit(await till.finance()) as uow:
        refund = await refunds.approve(uow, attempt.id, 20000, "退班")
    async with till.house.unit(till.school.ctx) as uow:
        from sqlalchemy import select

        from core.db.delivery import deliver
        from core.db.kernel_tables import Outbox

        id_ = (await uow.session.execute(select(Outbox.id).where(Outbox.name == "billing.refund"))).scalar_one()
    assert await deliver(till.house, till.school.ctx.tenant_id, id_) == "retry"
    assert await till.alerts() == ["refund_silent"]
    till.standin.advance(seconds=25 * 3600)
    async with till.house.unit(till.school.ctx) as uow:
        await uow.session.execute(text("update refund set sent_at = sent_at - interval '25 hours'"))
    await till.run()
    with till.standin.world.lock:
        assert len(list(till.standin.world.all("refund", None))) == 1
    assert (await till.get(Refund, refund.id)).provider_ref is not None
    assert await till.alerts() == []
    await till.agree()


async def test_amount_that_the_provider_refuses_is_shown(till: Till) -> None:
    bill_id = await till.bill(fen=100)  # below the provider's smallest amount
    with pytest.raises(NoProvider):
        await till.begin(bill_id)
    assert await till.alerts() == ["provider_refused"]


async def test_nothing_to_pay(till: Till) -> None:
    bill_id, _ = await paid(till)
    with pytest.raises(NothingToPay):
        await begin(till.house, await till.guardian(), bill_id)


async def test_without_the_plugin_there_is_no_provider(till: Till) -> None:
    from dataclasses import replace

    ctx = await till.guardian()
    bill_id = await till.bill()
    with pytest.raises(NoProvider):
        await begin(till.house, replace(ctx, plugins=ctx.plugins - {"payments_stripe"}), bill_id)


async def test_reconcile_finds_money_unknown_to_us(till: Till) -> None:
    _, _attempt = await paid(till)
    await till.enqueue("payments_stripe.reconcile")
    await till.run()
    assert await till.alerts() == []
    async with till.house.unit(till.school.ctx) as uow:
        await uow.session.execute(text("update payment_attempt set provider_ref = 'pi_elsewhere'"))
    await till.enqueue("payments_stripe.reconcile")
    await till.run()
    assert await till.alerts() == ["provider_unknown"]


async def test_fee_told_later_is_booked_by_the_nightly_look(till: Till) -> None:
    _bill_id, _attempt = await paid(till)
    async with till.house.unit(till.school.ctx) as uow:
        later = await till.bill(family=1)
        outcome = PaymentOutcome(
            (await till.begin(later)).id, "succeeded", reference="pi_x", received=Fen(48000), method="alipay"
        )
        assert await settle(uow, outcome, source="look") == "succeeded"
    assert await till.balance("psp_fees", "school") == 288
    async with till.house.unit(till.school.ctx) as uow:
        known = PaymentOutcome(
            outcome.attempt_id, "succeeded", reference="pi_x", received=Fen(48000), method="alipay", fee=Fen(288)
        )
        await settle(uow, known, source="look")
        await settle(uow, known, source="look")
    assert await till.balance("psp_fees", "school") == 576


def test_secret_is_not_empty() -> None:
    assert SECRET
