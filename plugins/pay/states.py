"""The lives of a rate, of a month's list and of a subsidy."""

from __future__ import annotations

from core.api import Machine, Move
from core.api import lazy_gettext as _l

RATE = Machine(
    "pay_rate",
    {"proposed": _l("待审批"), "in_force": _l("执行中"), "ended": _l("已停止"), "returned": _l("已退回")},
    [
        Move("approve", ("proposed",), "in_force", _l("批准"), "pay.approve"),
        Move("return", ("proposed",), "returned", _l("退回"), "pay.approve", reason=True),
        Move("end", ("in_force",), "ended", _l("停止执行")),
    ],
)
RATE_TONES = {"proposed": "warn", "in_force": "ok", "returned": "bad"}

LIST = Machine(
    "pay_list",
    {
        "making": _l("正在造表"),
        "draft": _l("待核对"),
        "submitted": _l("待审批"),
        "approved": _l("待发放"),
        "paid": _l("已发放"),
        "discarded": _l("已作废"),
    },
    [
        Move("made", ("making",), "draft", _l("造表完成")),
        Move("submit", ("draft",), "submitted", _l("提交审批"), "pay.make"),
        Move("return", ("submitted",), "draft", _l("退回"), "pay.approve", reason=True),
        Move("approve", ("submitted",), "approved", _l("批准"), "pay.approve", emits="pay.list_approved"),
        Move("pay", ("approved",), "paid", _l("登记发放"), "pay.make", emits="pay.list_paid"),
        Move("discard", ("draft",), "discarded", _l("作废"), "pay.make"),
    ],
)
LIST_TONES = {"making": "info", "draft": "warn", "submitted": "warn", "approved": "info", "paid": "ok"}

SUBSIDY = Machine(
    "pay_subsidy",
    {"expected": _l("待拨付"), "received": _l("已到账"), "settled": _l("已结算"), "cancelled": _l("已撤销")},
    [
        Move("receive", ("expected",), "received", _l("登记到账"), "pay.subsidy"),
        Move("settle", ("received",), "settled", _l("结算"), "pay.subsidy"),
        Move("cancel", ("expected",), "cancelled", _l("撤销"), "pay.subsidy", reason=True),
    ],
)
SUBSIDY_TONES = {"expected": "warn", "received": "ok", "settled": "info"}
