"""Refusals about bills and payments."""

from __future__ import annotations

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l


class NothingToPay(Conflict):
    code = "bill_nothing_to_pay"
    text = _l("这张账单已经没有需要缴纳的金额")


class NoProvider(Conflict):
    code = "no_payment_provider"
    text = _l("学校还没有开通在线缴费，请联系学校")


class TooMuchBack(Invalid):
    code = "refund_above_paid"
    text = _l("退费金额不能超过这笔付款的剩余金额 %(left)s")


class PayeeNotRegistered(Conflict):
    """Only payees that the bureau registered may receive families' money (idea 7)."""

    code = "payee_not_registered"
    text = _l("收款账户没有登记，不能发起缴费")
