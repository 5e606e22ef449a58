"""Refusals about fee standards and relief."""

from __future__ import annotations

from core.api import Conflict
from core.api import lazy_gettext as _l


class NotYetPosted(Conflict):
    code = "fee_notice_running"
    text = _l("公示还没有满 %(days)s 天，%(on)s 起可以执行")


class NotYetEffective(Conflict):
    code = "fee_not_effective"
    text = _l("执行日期是 %(on)s，到时才能执行")


class ReliefLive(Conflict):
    code = "relief_live"
    text = _l("这个孩子已经有一份申请或减免")


class OtherPerson(Conflict):
    code = "relief_second_person"
    text = _l("登记和审核的不能是同一个人，请由另一位有权限的人员审核")
