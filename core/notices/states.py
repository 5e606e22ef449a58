"""The lives of a posting and of an objection to it. Who may move them is said by whoever asks: a page, a feature."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.base.text import lazy_pgettext as _pl
from core.db.states import Machine, Move

NOTICE = Machine(
    "notice",
    {"draft": _l("草稿"), "published": _pl("notice", "公示中"), "withdrawn": _l("已撤下")},
    [
        Move("publish", ("draft",), "published", _pl("notice", "公示"), emits="notice.published"),
        Move("withdraw", ("published",), "withdrawn", _l("撤下"), reason=True),
    ],
)

OBJECTION = Machine(
    "notice_objection",
    {"open": _l("待答复"), "answered": _l("已答复")},
    [Move("answer", ("open",), "answered", _l("答复"))],
)
