"""The stand-in as the real client sees it. The part without `standin` could run unchanged against a Stripe sandbox."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from deploy.standins.stripe import Standin

SECRET = "whsec_contract"
VERSION = "2026-10-28.endive"


@pytest.fixture(scope="module")
def standin() -> Iterator[Standin]:
    with Standin(secret=SECRET) as running:
        yield running


def client_of(base: str, **more: Any) -> stripe.StripeClient:
    return stripe.StripeClient(
        "sk_test_contract",
        stripe_version=VERSION,
        base_addresses={"api": base},
        max_network_retries=more.pop("retries", 0),
        http_client=stripe.RequestsClient(timeout=(2, 5), async_fallback_client=stripe.HTTPXClient(timeout=5)),
        **more,
    )


@pytest.fixture(scope="module")
def client(standin: Standin) -> stripe.StripeClient:
    return client_of(standin.base)


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)


def session_params(**more: Any) -> Any:
    return {
        "mode": "payment",
        "success_url": "http://127.0.0.1:1/back?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:1/bill",
        "client_reference_id": "bill-1",
        "line_items": [
            {
                "quantity": 2,
                "price_data": {"currency": "cny", "unit_amount": 18000, "product_data": {"name": "课后服务"}},
            },
            {"quantity": 1, "price_data": {"currency": "cny", "unit_amount": 4550, "product_data": {"name": "<社团>"}}},
        ],
        "payment_intent_data": {"metadata": {"attempt": "a1"}},
        **more,
    }


def paid_intent(client: stripe.StripeClient, amount: int = 36000, **more: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": amount, "currency": "cny", "payment_method": "pm_card_visa", "confirm": True, **more}
    )


def alipay_intent(standin: Standin, client: stripe.StripeClient, amount: int = 36000) -> stripe.PaymentIntent:
    made = client.v1.payment_intents.create(
        {"amount": amount, "currency": "cny", "allowed_payment_method_types": ["alipay"]}
    )
    client.v1.payment_intents.confirm(
        made.id, {"payment_method_data": {"type": "alipay"}, "return_url": "http://127.0.0.1:1/r"}
    )
    standin.act(f"payment_intents/{made.id}/succeed")
    return client.v1.payment_intents.retrieve(made.id, {"expand": ["latest_charge.balance_transaction"]})


# -- customers, parameters, versions -----------------------------------------------------------------------------


def test_customer_reads_back(client: stripe.StripeClient) -> None:
    made = client.v1.customers.create({"email": "p@x.example", "metadata": {"g": "1"}})
    client.v1.customers.update(made.id, {"name": "家长", "metadata": {"h": "2", "g": ""}})
    found = client.v1.customers.retrieve(made.id)
    assert (found.email, found.name, found.metadata.to_dict() if found.metadata else None) == (
        "p@x.example",
        "家长",
        {"h": "2"},
    )


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amonut": 1}, "parameter_unknown", "amonut"),
        ({"amount": "360.0"}, "parameter_invalid", "amount"),
        ({"amount": 100}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": None}, "parameter_missing", "currency"),
        ({"payment_method_types": ["alipay"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
        (
            {"automatic_payment_methods": {"enabled": True}, "allowed_payment_method_types": ["alipay"]},
            "parameter_invalid",
            "allowed_payment_method_types",
        ),
        ({"transfer_data": {"destinatoin": "x"}}, "parameter_unknown", "transfer_data[destinatoin]"),
    ],
)
def test_wrong_parameters_are_refused(
    client: stripe.StripeClient, params: dict[str, Any], code: str, param: str
) -> None:
    given = {k: v for k, v in {"amount": 36000, "currency": "cny", **params}.items() if v is not None}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.create(given)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.param, refused.value.http_status) == (code, param, 400)


def test_the_packages_own_types_are_left_as_they_were(client: stripe.StripeClient) -> None:
    from stripe.params._payment_intent_create_params import PaymentIntentCreateParams

    client.v1.payment_intents.create({"amount": 36000, "currency": "cny"})
    assert not hasattr(PaymentIntentCreateParams, "__pydantic_config__")


def test_objects_carry_the_keys_of_the_package(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 36000, "currency": "cny"})
    declared = {k for k in stripe.PaymentIntent.__annotations__ if k.islower() and not k.startswith("_")}
    assert declared <= set(intent.to_dict())


def test_other_keys_and_versions_are_refused(standin: Standin) -> None:
    live = stripe.StripeClient("sk_live_1", base_addresses={"api": standin.base})
    with pytest.raises(stripe.AuthenticationError):
        live.v1.customers.create({})
    old = stripe.StripeClient("sk_test_1", stripe_version="2020-08-27", base_addresses={"api": standin.base})
    with pytest.raises(stripe.InvalidRequestError):
        old.v1.customers.create({})


# -- payment intents ---------------------------------------------------------------------------------------------


def test_alipay_waits_for_the_payer(standin: Standin, client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {"amount": 36000, "currency": "cny", "allowed_payment_method_types": ["alipay", "giropay"]}
    )
    assert intent.payment_method_types == ["alipay"], "an unknown method is dropped in silence"
    waiting = client.v1.payment_intents.confirm(
        intent.id, {"payment_method_data": {"type": "alipay"}, "return_url": "http://127.0.0.1:1/r"}
    )
    assert waiting.status == "requires_action"
    assert waiting.next_action is not None
    assert waiting.next_action.type == "alipay_handle_redirect"
    standin.act(f"payment_intents/{intent.id}/succeed")
    done = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.balance_transaction"]})
    assert (done.status, done.amount_received) == ("succeeded", 36000)
    assert isinstance(done.latest_charge, stripe.Charge)
    assert isinstance(done.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert (done.latest_charge.balance_transaction.fee, done.latest_charge.balance_transaction.net) == (216, 35784)


def test_wechat_shows_a_code(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {"amount": 5000, "currency": "cny", "allowed_payment_method_types": ["wechat_pay"]}
    )
    waiting = client.v1.payment_intents.confirm(intent.id, {"payment_method_data": {"type": "wechat_pay"}})
    assert waiting.next_action is not None
    assert waiting.next_action.wechat_pay_display_qr_code is not None
    assert waiting.next_action.wechat_pay_display_qr_code.data.startswith("weixin://")


def test_card_declined_then_tried_again(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 36000, "currency": "cny"})
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    assert (refused.value.code, refused.value.http_status) == ("card_declined", 402)
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_final_states_stay(client: stripe.StripeClient) -> None:
    intent = paid_intent(client)
    for act in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            act(intent.id)
        assert refused.value.code == "payment_intent_unexpected_state"


# -- idempotency, accounts, lists --------------------------------------------------------------------------------


def test_key_replays_and_refuses_other_parameters(standin: Standin, client: stripe.StripeClient) -> None:
    params: Any = {"amount": 36000, "currency": "cny"}
    first = client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    again = client.v1.payment_intents.create(params, {"idempotency_key": "k1"})
    assert first.id == again.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"  # type: ignore[index]
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({**params, "amount": 1000}, {"idempotency_key": "k1"})
    standin.advance(days=1)
    assert client.v1.payment_intents.create(params, {"idempotency_key": "k1"}).id != first.id, "keys live a day"


def test_a_refusal_by_type_does_not_use_up_the_key(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create({"amount": 36000}, {"idempotency_key": "k2"})  # type: ignore[typeddict-item]
    assert client.v1.payment_intents.create({"amount": 36000, "currency": "cny"}, {"idempotency_key": "k2"}).id


def test_accounts_do_not_see_one_another(client: stripe.StripeClient) -> None:
    school = client.v1.accounts.create({"country": "HK", "email": "s@x.example"})
    theirs = client.v1.payment_intents.create(
        {"amount": 5000, "currency": "cny"}, {"stripe_account": school.id, "idempotency_key": "shared"}
    )
    ours = client.v1.payment_intents.create({"amount": 5000, "currency": "cny"}, {"idempotency_key": "shared"})
    assert ours.id != theirs.id
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.retrieve(theirs.id)
    assert (refused.value.code, refused.value.http_status) == ("resource_missing", 404)
    with pytest.raises(stripe.PermissionError):
        client.v1.payment_intents.retrieve(ours.id, None, {"stripe_account": "acct_nope"})


def test_pages_of_a_list() -> None:
    with Standin() as fresh:
        client = client_of(fresh.base)
        made = [client.v1.customers.create({"email": f"u{n}@x.example"}).id for n in range(26)]
        assert [c.id for c in client.v1.customers.list({"limit": 10}).auto_paging_iter()] == made[::-1]
        assert [c.id for c in client.v1.customers.list({"email": "u3@x.example"}).data] == [made[3]]
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.customers.list({"limit": 101})


# -- checkout ----------------------------------------------------------------------------------------------------


def test_checkout_from_creation_to_receipt(standin: Standin, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(session_params())
    assert (session.amount_total, session.status, session.payment_status) == (40550, "open", "unpaid")
    assert session.payment_intent is None, "no intent before somebody pays"
    assert session.url is not None
    assert len(client.v1.checkout.sessions.line_items.list(session.id).data) == 2
    page = httpx.get(session.url)
    assert page.status_code == 200
    assert "¥405.50" in page.text
    assert "&lt;社团&gt;" in page.text
    assert "支付宝" in page.text
    failed = httpx.post(session.url, data={"action": "fail", "method": "alipay"})
    assert "支付没有成功" in failed.text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"
    assert httpx.post(session.url, data={"action": "cancel"}).headers["location"] == "http://127.0.0.1:1/bill"
    paid = httpx.post(session.url, data={"action": "succeed", "method": "alipay"})
    assert (paid.status_code, paid.headers["location"]) == (303, f"http://127.0.0.1:1/back?s={session.id}")
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    assert (done.status, done.payment_status) == ("complete", "paid")
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert done.payment_intent.metadata is not None
    assert done.payment_intent.metadata["attempt"] == "a1"
    assert "已经付清" in httpx.get(f"{standin.base}/pay/{session.id}").text
    again = httpx.post(f"{standin.base}/pay/{session.id}", data={"action": "succeed", "method": "alipay"})
    assert again.status_code == 200, "a second press pays nothing"
    names = [
        e["type"] for e in standin.events() if e["data"]["object"].get("id") in (session.id, done.payment_intent.id)
    ]
    assert names == [
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_checkout_in_english(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(session_params(locale="en"))
    assert session.url is not None
    text = httpx.get(session.url).text
    assert 'lang="en"' in text
    assert "Payment succeeds" in text
    assert "支付" not in text


def test_checkout_runs_out(standin: Standin, client: stripe.StripeClient) -> None:
    soon = client.v1.checkout.sessions.create(session_params(expires_at=standin.world.now() + 1800))
    later = client.v1.checkout.sessions.create(session_params())
    standin.advance(seconds=1801)
    assert client.v1.checkout.sessions.retrieve(soon.id).status == "expired"
    assert client.v1.checkout.sessions.retrieve(later.id).status == "open"
    page = httpx.post(f"{standin.base}/pay/{soon.id}", data={"action": "succeed", "method": "alipay"})
    assert "付款时间已过" in page.text
    assert client.v1.checkout.sessions.expire(later.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(later.id)
    assert httpx.get(f"{standin.base}/pay/nothing").status_code == 404


@pytest.mark.parametrize(
    "more",
    [
        {"expires_at": 1},
        {"line_items": []},
        {"mode": "subscription"},
        {"success_url": "javascript:alert(1)"},
        {"customer": "cus_nobody"},
        {"allowed_payment_method_types": ["wechat_pay"]},
        {"payment_method_types": ["alipay"]},
        {"line_items": [{"quantity": 0, "price_data": {"currency": "cny", "unit_amount": 1}}]},
    ],
)
def test_impossible_sessions_are_refused(client: stripe.StripeClient, more: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(session_params(**more))


# -- refunds, disputes, payouts ----------------------------------------------------------------------------------


def test_refunds_never_exceed_the_charge(standin: Standin, client: stripe.StripeClient) -> None:
    intent = alipay_intent(standin, client)
    part: Any = {"payment_intent": intent.id, "amount": 12000, "metadata": {"refund": "r1"}}
    first = client.v1.refunds.create(part, {"idempotency_key": "r1"})
    assert (first.status, client.v1.refunds.create(part, {"idempotency_key": "r1"}).id) == ("pending", first.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 24001})
    assert refused.value.http_status == 400
    standin.act(f"refunds/{first.id}/succeed")
    rest = client.v1.refunds.create({"payment_intent": intent.id})
    assert rest.amount == 24000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    standin.act(f"refunds/{rest.id}/fail")
    assert client.v1.refunds.retrieve(rest.id).status == "failed"
    again = client.v1.refunds.create({"payment_intent": intent.id})
    assert again.amount == 24000, "money that came back may be refunded anew"
    assert {r.id for r in client.v1.refunds.list({"payment_intent": intent.id}).data} == {first.id, rest.id, again.id}


def test_refund_windows(standin: Standin, client: stripe.StripeClient) -> None:
    alipay, card = alipay_intent(standin, client), paid_intent(client)
    standin.advance(days=91)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": alipay.id})
    assert refused.value.code == "charge_not_refundable"
    assert client.v1.refunds.create({"payment_intent": card.id}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": card.id, "reason": "bored"})


def test_every_fen_is_a_balance_transaction() -> None:
    with Standin() as fresh:
        client = client_of(fresh.base)
        one, two = paid_intent(client, 50000), alipay_intent(fresh, client, 36001)
        refund = client.v1.refunds.create({"payment_intent": two.id, "amount": 1})
        fresh.act(f"refunds/{refund.id}/fail")
        found = fresh.act(f"charges/{one.latest_charge}/dispute")
        fresh.act(f"disputes/{found['id']}/close", {"won": True})
        rows = list(client.v1.balance_transactions.list({"limit": 2}).auto_paging_iter())
        assert sum(r.net for r in rows) == 50000 - 300 + 36001 - 216
        payout = fresh.act("payouts")
        of_it = client.v1.balance_transactions.list({"payout": payout["id"], "limit": 100}).data
        assert sum(r.net for r in of_it if r.type != "payout") == payout["amount"]
        balance = client.v1.balance.retrieve()
        assert (balance.available[0].amount, balance.pending[0].amount) == (0, 0)
        assert client.v1.disputes.retrieve(found["id"]).status == "won"


# -- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "attempts", "made"),
    [
        ("drop_before", 2, 1),
        ("drop_after", 2, 1),
        ("500_before", 2, 1),
        ("500_after", 2, 1),
        ("409", 2, 1),
        ("429", 1, 0),
    ],
)
def test_faults_and_the_clients_retries(kind: str, attempts: int, made: int) -> None:
    """Retries repeat the same key, so whatever breaks, at most one object comes of it."""
    with Standin() as fresh:
        client = client_of(fresh.base, retries=1)
        fresh.fault(kind, "^/v1/customers$")
        try:
            client.v1.customers.create({"email": "a@x.example"}, {"idempotency_key": "c1"})
        except stripe.StripeError:
            assert kind == "429"
        assert len(fresh.calls) == attempts
        assert fresh.act("faults")["objects"].get("customer", 0) == made


def test_hanging(standin: Standin) -> None:
    impatient = stripe.StripeClient(
        "sk_test_1", base_addresses={"api": standin.base}, http_client=stripe.RequestsClient(timeout=(1, 0.2))
    )
    standin.fault("hang", "^/v1/customers$", seconds=0.6)
    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.customers.create({})


def test_many_at_once(standin: Standin, client: stripe.StripeClient) -> None:
    async def run() -> int:
        made = await asyncio.gather(
            *(client.v1.payment_intents.create_async({"amount": 5000 + n, "currency": "cny"}) for n in range(50))
        )
        return len({m.id for m in made})

    assert asyncio.run(run()) == 50


# -- webhooks ----------------------------------------------------------------------------------------------------


class Receiver(ThreadingHTTPServer):
    """Takes events; refuses the first `refuse` of them."""

    def __init__(self, refuse: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.refuse, self.taken, self.lock = refuse, [], threading.Lock()  # type: ignore[var-annotated]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks"


class _Take(BaseHTTPRequestHandler):
    server: Receiver

    def log_message(self, format: str, *args: Any) -> None: ...

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            refuse = self.server.refuse > 0
            self.server.refuse -= 1
            if not refuse:
                self.server.taken.append((body, self.headers["Stripe-Signature"]))
        self.send_response(500 if refuse else 200)
        self.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver(refuse=1)
    yield made
    made.shutdown()
    made.server_close()


def test_events_arrive_signed_and_again_after_a_refusal(receiver: Receiver) -> None:
    with Standin(webhook=receiver.url, secret=SECRET) as fresh:
        client = client_of(fresh.base)
        paid_intent(client)
        until(lambda: len(receiver.taken) == 3)
        events = [client.construct_event(body, sig, SECRET) for body, sig in receiver.taken]
        assert {e.type for e in events} == {
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
        }
        assert {e.api_version for e in events} == {VERSION}
        assert isinstance(events[0].data.object, stripe.StripeObject)
        until(lambda: fresh.courier.waiting() == 0)
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(receiver.taken[0][0] + b" ", receiver.taken[0][1], SECRET)
        with pytest.raises(stripe.SignatureVerificationError):
            client.construct_event(*receiver.taken[0], "whsec_other")  # type: ignore[arg-type]
        names = [e.type for e in client.v1.events.list({"type": "charge.succeeded"}).data]
        assert names == ["charge.succeeded"]


def test_a_test_decides_what_arrives(standin: Standin, client: stripe.StripeClient, receiver: Receiver) -> None:
    paid_intent(client)
    event = standin.events("payment_intent.succeeded")[-1]
    body, signature = standin.signed(event["id"])
    assert client.construct_event(body, signature, SECRET).id == event["id"]
    old = standin.signed(event["id"], at=int(time.time()) - 301)
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(*old, SECRET)
    receiver.refuse = 0
    standin.courier.url = receiver.url
    for _ in range(2):
        assert standin.deliver(event["id"]) == 200
    standin.courier.url = None
    assert len(receiver.taken) == 2


# -- keeping -----------------------------------------------------------------------------------------------------


def test_a_restart_forgets_nothing(tmp_path: Path, receiver: Receiver) -> None:
    """A process of its own, killed without a word: objects, keys, the clock and undelivered events are there again."""
    file = tmp_path / "stripe.db"

    def run(*more: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "deploy.standins.stripe", "--data", str(file), *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    first, base = run()
    try:
        client = client_of(base)
        intent = client.v1.payment_intents.create({"amount": 36000, "currency": "cny"}, {"idempotency_key": "k"})
        session = client.v1.checkout.sessions.create(session_params())
        httpx.post(f"{base}/_control/clock", json={"advance": 3600}).raise_for_status()
    finally:
        first.kill()
        first.wait()
    receiver.refuse = 0
    second, base = run("--webhook", receiver.url, "--secret", SECRET)
    try:
        client = client_of(base)
        same = client.v1.payment_intents.create({"amount": 36000, "currency": "cny"}, {"idempotency_key": "k"})
        assert same.id == intent.id
        assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
        assert httpx.get(f"{base}/_control/state").json()["now"] >= time.time() + 3500
        until(lambda: len(receiver.taken) == 1)
        assert json.loads(receiver.taken[0][0])["type"] == "payment_intent.created"
        assert httpx.get(f"{base}/pay/{session.id}").status_code == 200
    finally:
        second.terminate()
        assert second.wait(timeout=15) == 0


def test_refunds_settle_by_themselves_in_the_demonstration() -> None:
    with Standin(settle_after=0) as fresh:
        client = client_of(fresh.base)
        refund = client.v1.refunds.create({"payment_intent": alipay_intent(fresh, client).id})
        until(lambda: client.v1.refunds.retrieve(refund.id).status == "succeeded")
