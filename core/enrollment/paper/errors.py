"""What is refused of papers."""

from __future__ import annotations

from core.base.errors import Conflict, Forbidden, Invalid
from core.base.text import lazy_gettext as _l


class SamePerson(Forbidden):
    """R-132: who keyed a paper in does not confirm it."""

    code = "paper_same_person"
    text = _l("录入的人不能自己核对，请由另一位老师核对")


class PaperOpen(Conflict):
    code = "paper_open"
    text = _l("这个孩子已有一份纸质材料在等待核对")


class AskedFirst(Invalid):
    """R-139: the scheme wants the parent to ask orally first."""

    code = "paper_asked_first"
    text = _l("当地要求家长先口头申请，班主任登记后再发申请表。请先登记口头申请")


class SignedLater(Invalid):
    code = "paper_signed_later"
    text = _l("签字日期不能晚于今天")


class NotTold(Invalid):
    code = "paper_not_told"
    text = _l("请先把告家长书交给家长，再收申请表")


class IntakeOwed(Invalid):
    code = "paper_intake_owed"
    text = _l("当地由家委会受理申请，请填写受理人")
