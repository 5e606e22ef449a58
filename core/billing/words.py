"""Names of things in bills, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.base.text import lazy_gettext as _l

UNITS: Mapping[str, Any] = {"lesson": _l("课次"), "term": _l("学期"), "month": _l("个月"), "meal": _l("餐")}
FUNDS: Mapping[str, Any] = {
    "service": _l("课后服务费"),
    "meals": _l("餐费"),
    "agency": _l("代收费"),
    "subsidy": _l("财政补助资金"),
    "school": _l("学校公用经费"),
}
METHODS: Mapping[str, Any] = {"alipay": _l("支付宝"), "wechat_pay": _l("微信支付"), "card": _l("银行卡")}
REASONS: Mapping[str, Any] = {"surplus": _l("重复付款，自动退回")}
BILL_TONES = {
    "issued": "warn",
    "settled": "ok",
    "paid": "ok",
    "part_refunded": "info",
    "refunded": "info",
    "void": "",
}
ATTEMPT_TONES = {"succeeded": "ok", "mismatched": "bad", "surplus": "warn", "open": "info", "started": "info"}
REFUND_TONES = {"done": "ok", "paid_offline": "ok", "failed": "bad", "sent": "info", "approved": "info"}
