"""Is this deployment ready to take payments? Used by `kehou doctor` and before going live."""

from __future__ import annotations

from core.api import gettext as _
from core.api.payments import ProviderRefused, ProviderUnsure, Settings
from plugins.payments_stripe.provider import StripePayments


async def check(settings: Settings) -> list[str]:
    """What is wrong, in sentences; empty when everything is there and Stripe answers."""
    wrong: list[str] = []
    key = settings.stripe_key.get_secret_value() if settings.stripe_key else ""
    secret = settings.stripe_webhook_secret.get_secret_value() if settings.stripe_webhook_secret else ""
    if not key:
        wrong.append(_("没有设置 KEHOU_STRIPE_KEY，家长不能在线缴费"))
    if not secret.strip():
        wrong.append(_("没有设置 KEHOU_STRIPE_WEBHOOK_SECRET，所有支付通知都会被拒绝"))
    if key.startswith(("sk_live_", "rk_live_")) and settings.stripe_api_base:
        wrong.append(_("正式密钥不能和 KEHOU_STRIPE_API_BASE 一起使用"))
    if key.startswith(("sk_live_", "rk_live_")) and not settings.public_url.startswith("https://"):
        wrong.append(_("正式收款时 KEHOU_PUBLIC_URL 必须以 https:// 开头"))
    if key and not wrong:
        try:
            await StripePayments(key, settings.stripe_api_base, timeout=(3, 8), retries=0).reachable()
        except (ProviderRefused, ProviderUnsure) as exc:
            wrong.append(_("Stripe 没有接受我们的请求：%(why)s", why=str(exc)))
    return wrong
