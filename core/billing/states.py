"""The lives of a bill, a payment attempt and a refund (requirements 5.10)."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

BILL = Machine(
    "bill",
    {
        "computed": _l("已计算"),
        "issued": _l("待缴费"),
        "settled": _l("无需缴费"),
        "paid": _l("已缴费"),
        "part_refunded": _l("部分退费"),
        "refunded": _l("已退费"),
        "void": _l("已作废"),
    },
    [
        Move("issue", ("computed",), "issued", _l("发出账单"), emits="bill.issued"),
        Move("settle", ("computed",), "settled", _l("结清"), emits="bill.issued"),
        Move("pay", ("issued",), "paid", _l("缴费"), emits="bill.paid"),
        Move("void", ("issued", "settled"), "void", _l("作废"), permission="billing.void", reason=True),
        Move("refund_part", ("paid", "part_refunded", "refunded"), "part_refunded", _l("部分退费")),
        Move("refund_all", ("paid", "part_refunded", "refunded"), "refunded", _l("全部退费")),
        Move("refund_none", ("part_refunded", "refunded"), "paid", _l("退费未成功")),
    ],
)

ATTEMPT = Machine(
    "payment_attempt",
    {
        "started": _l("已发起"),
        "open": _l("等待付款"),
        "succeeded": _l("付款成功"),
        "surplus": _l("多付，退回中"),
        "failed": _l("付款失败"),
        "expired": _l("已过期"),
        "mismatched": _l("金额不符，待核实"),
        "returned": _l("金额不符，已退回"),
    },
    [
        Move("open", ("started",), "open", _l("打开付款页")),
        Move("succeed", ("started", "open", "failed", "expired"), "succeeded", _l("付款成功")),
        Move("overpay", ("started", "open", "failed", "expired"), "surplus", _l("重复付款")),
        Move("mismatch", ("started", "open", "failed", "expired"), "mismatched", _l("金额不符")),
        Move("return", ("mismatched",), "returned", _l("退回"), permission="billing.refund", reason=True),
        Move("fail", ("started", "open"), "failed", _l("付款失败")),
        Move("expire", ("started", "open"), "expired", _l("过期")),
    ],
)
LIVE = ("started", "open")
MONEY_IN = ("succeeded", "surplus", "mismatched", "returned")
"""States in which the payment has reached the provider."""

REFUND = Machine(
    "refund",
    {
        "approved": _l("已批准"),
        "sent": _l("退款中"),
        "done": _l("已退回"),
        "failed": _l("退款失败"),
        "paid_offline": _l("已线下退回"),
    },
    [
        Move("send", ("approved",), "sent", _l("发出退款")),
        Move("finish", ("approved", "sent"), "done", _l("退款到账")),
        Move("fail", ("approved", "sent", "done"), "failed", _l("退款失败")),
        Move("retry", ("failed",), "approved", _l("重新退款"), permission="billing.refund"),
        Move("pay_offline", ("failed",), "paid_offline", _l("线下退回"), permission="billing.refund", reason=True),
    ],
)
