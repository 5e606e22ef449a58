"""The life of a child's entry on a waiting list, and the words for why somebody was put ahead."""

from __future__ import annotations

from typing import Any, Final

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

MANAGE = "waiting.manage"

WAITING = Machine(
    "waiting_entry",
    {
        "waiting": _l("候补中"),
        "blocked": _l("暂时不能安排"),
        "offered": _l("名额待确认"),
        "taken": _l("已接受"),
        "refused": _l("已谢绝"),
        "lapsed": _l("逾期未答复"),
        "left": _l("已退出候补"),
        "carried": _l("转入下学期"),
        "ended": _l("已结束"),
    },
    [
        Move("offer", ("waiting", "blocked"), "offered", _l("发出名额")),
        Move("block", ("waiting",), "blocked", _l("暂缓")),
        Move("unblock", ("blocked",), "waiting", _l("恢复候补")),
        Move("take", ("waiting", "blocked", "offered"), "taken", _l("接受名额")),
        Move("refuse", ("offered",), "refused", _l("谢绝名额"), "enrollment.apply"),
        Move("lapse", ("offered",), "lapsed", _l("逾期")),
        Move("leave", ("waiting", "blocked"), "left", _l("退出候补"), "enrollment.apply"),
        Move("carry", ("waiting", "blocked", "offered"), "carried", _l("转入下学期")),
        Move("end", ("waiting", "blocked", "offered", "carried"), "ended", _l("结束候补")),
    ],
)

LIVE: Final = ("waiting", "blocked", "offered")

JUMP_REASONS: Final = {
    "safety": _l("安全或监护紧急情况"),
    "special_care": _l("残疾或特殊照护需要"),
    "school_error": _l("纠正学校的差错"),
    "course_ended": _l("原项目停开，优先转入"),
    "sibling": _l("兄弟姐妹已在同一项目"),
}
"""The only reasons for which somebody is put ahead; the database knows no other (WaitingEntry)."""

TONES: dict[str, Any] = {"waiting": "info", "blocked": "warn", "offered": "warn", "taken": "ok", "lapsed": "bad"}
