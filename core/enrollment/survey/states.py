"""The life of a need survey: written, sent to all families, closed."""

from __future__ import annotations

from typing import Any

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

MANAGE = "survey.manage"
OF_CLASS = "survey.class"

SURVEY = Machine(
    "need_survey",
    {"draft": _l("准备中"), "open": _l("正在调查"), "closed": _l("已结束")},
    [
        Move("open", ("draft",), "open", _l("发给全体家庭"), MANAGE, emits="survey.opened"),
        Move("close", ("open",), "closed", _l("结束调查"), MANAGE, emits="survey.closed"),
    ],
)

TONES: dict[str, Any] = {"open": "info", "closed": "ok"}
