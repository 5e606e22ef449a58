"""Online payment through Stripe: Alipay, WeChat Pay and cards on Stripe's own page."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.payments_stripe import hooks

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="payments_stripe",
        title=_l("在线缴费（Stripe）"),
        description=_l("家长用支付宝、微信支付或银行卡缴费，结果自动入账，退款原路返回。"),
        version="1.0.0",
        prefix="stripe_",
        migrations=HERE / "migrations",
        icon="credit-card",
    ),
    hooks,
)
