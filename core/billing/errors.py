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


class AcrossTerms(Conflict):
    """A coming term is not charged while another one runs (R-344)."""

    code = "billing_across_terms"
    text = _l("不得跨学期预收：本学期结束以后，才能生成下学期的账单")


class NothingInSuspense(Conflict):
    code = "nothing_in_suspense"
    text = _l("这笔款项已经处理过了")


class BankTooLow(Conflict):
    """An offline refund needs money that is booked as being in the bank."""

    code = "bank_too_low"
    text = _l("账上的银行存款不够退这笔款。请先登记支付通道结算到账")


class NotToPayer(Conflict):
    """A refund goes to the account that paid (R-374). `objections` hold the clause, or mark the platform's default."""

    code = "refund_not_to_payer"
    text = _l("退费须退回原付款账户，请退到原来付款的账户后再登记")


class LessonsOwed(Invalid):
    """Once the term is over, what was not held is given back one by one (R-374)."""

    code = "refund_below_lessons_owed"
    text = _l("学期已经结束，未开展的课次应退 %(owed)s，退费不能少于这个数")


class SecondPerson(Conflict):
    """Maker and checker differ."""

    code = "second_person_needed"
    text = _l("批准退费和登记线下退款的不能是同一个人，请由另一位财务人员办理")
