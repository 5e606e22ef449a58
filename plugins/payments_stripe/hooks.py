"""What the plugin adds."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from core.api import Contribution, Job, Schedule, hookimpl
from core.api import lazy_gettext as _l
from plugins.payments_stripe import jobs, models, webhook
from plugins.payments_stripe.provider import StripePayments

__all__ = ["contribute", "models"]


@hookimpl
def contribute() -> Contribution:
    """A payment provider, the webhook's address, and the jobs behind them."""
    return Contribution(
        key="payments_stripe",
        handlers=(webhook.receive,),
        jobs=(
            Job("payments_stripe.event", jobs.handle_event, transactional=False, title=_l("处理支付通知")),
            Job("payments_stripe.reconcile", jobs.reconcile, transactional=False, title=_l("核对支付通道流水")),
        ),
        schedules=(
            Schedule("payments_stripe.reconcile", "payments_stripe.reconcile", frozenset({"school"}), at=time(2, 50)),
        ),
        locale=Path(__file__).parent / "locale",
        payment_provider=StripePayments.from_settings,
    )
