"""Plays Stripe's API 2026-10-28.endive on this machine, from the types of the installed `stripe` package.

    with Standin(secret="whsec_x", webhook="http://127.0.0.1:8765/hooks/stripe") as stripe_here:
        client = stripe.StripeClient("sk_test_1", base_addresses={"api": stripe_here.base})

or `python -m deploy.standins.stripe --port 12111 --webhook URL --secret S --data FILE`.

What it is built from (docs.stripe.com unless said otherwise; read again before going live):
- object keys and parameters: the package's own classes and TypedDicts; an unknown parameter is refused;
- endive refuses `payment_method_types` on payment intents and sessions (package 16.1, changelog of the API);
- idempotency: /api/idempotent_requests; a key may be forgotten after 24 h, and here it is;
- Alipay refunds up to 90 days, WeChat Pay up to 180, both asynchronous: /payments/alipay, /payments/wechat-pay;
- refunds never exceed the charge: /refunds; events come late, twice, in any order: /webhooks;
- a session's payment intent appears once somebody pays: /payments/checkout (API 2022-08-01 and later).
The fee (0.6 %) and the smallest amount (¥4) are the stand-in's own figures.
"""

from deploy.standins.stripe.server import Standin

__all__ = ["Standin"]
