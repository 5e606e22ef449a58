"""Refusals about rates, lists and subsidies."""

from __future__ import annotations

from core.api import Conflict, Invalid
from core.api import lazy_gettext as _l


class SamePerson(Conflict):
    code = "pay_second_person"
    text = _l("提出和批准的不能是同一个人，请由另一位有权限的人员办理")


class RateOverlaps(Conflict):
    code = "pay_rate_overlaps"
    text = _l("执行日期要晚于现行标准的执行日期（%(on)s），已经执行的日子不能改价")


class RateWaiting(Conflict):
    code = "pay_rate_waiting"
    text = _l("同一类课次已有一份标准在等审批，请先办理那一份")


class MonthNotBegun(Conflict):
    code = "pay_month_not_begun"
    text = _l("这个月还没有到，不能造表")


class OutsideTerm(Conflict):
    code = "pay_outside_term"
    text = _l("这个月不在本学期之内")


class NothingToPay(Conflict):
    code = "pay_nothing"
    text = _l("表里没有可以发放的课次，请作废")


class ListChanged(Conflict):
    """The list's own arithmetic does not hold: nobody may approve it."""

    code = "pay_list_changed"
    text = _l("表内金额与课次不一致，请作废后重新造表")


class GuidelineMissing(Conflict):
    """A pack limits the total against the local guideline, and nobody has said what that is."""

    code = "pay_guideline_missing"
    text = _l("政策规定绩效工资总量不超过指导线的一定比例，请先在插件设置里填写指导线和绩效工资总量")


class NotUnderstood(Invalid):
    code = "pay_subsidy_account"
    text = _l("请选择资金账户")


class OverGranted(Conflict):
    code = "pay_over_granted"
    text = _l("到账合计超过批准金额（%(granted)s），请先登记追加的文件")


class ReturnTooMuch(Conflict):
    code = "pay_return_too_much"
    text = _l("退回金额不能超过到账金额（%(received)s）")


class DocumentKnown(Conflict):
    code = "pay_document_known"
    text = _l("这个文号在本学期已经登记过")


class ReferenceKnown(Conflict):
    code = "pay_reference_known"
    text = _l("这笔银行流水已经登记过，金额或日期不同，请核对")


class NotYet(Conflict):
    code = "pay_date_ahead"
    text = _l("日期不能晚于今天")
