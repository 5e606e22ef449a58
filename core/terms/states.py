"""The life of a term: open until a finance or office role closes it, then frozen."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

CLOSE = "terms.close"

TERM = Machine(
    "term",
    {"open": _l("进行中"), "closing": _l("正在结账"), "closed": _l("已结账")},
    [
        Move("close", ("open",), "closing", _l("学期结账"), CLOSE, emits="term.closing"),
        Move("finish", ("closing",), "closed", _l("结账完成"), emits="term.closed"),
    ],
)
