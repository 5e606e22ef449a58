"""The life of a draw: first everything is fixed and published, then the seed comes into the world, then it is drawn."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move
from core.enrollment.draw.models import DrawRound

MANAGE = "draw.manage"

DRAW = Machine(
    "draw_round",
    {
        "drafted": _l("准备中"),
        "open": _l("填报中"),
        "closed": _l("填报结束"),
        "committed": _l("已锁定并公示"),
        "drawn": _l("已抽签"),
        "published": _l("结果已公布"),
        "cancelled": _l("已取消"),
    },
    [
        Move("open", ("drafted",), "open", _l("开放填报"), MANAGE, emits="draw.opened"),
        Move("close", ("open",), "closed", _l("结束填报"), MANAGE),
        Move("commit", ("closed",), "committed", _l("锁定并公示"), MANAGE, emits="draw.committed"),
        Move("draw", ("committed",), "drawn", _l("抽签"), emits="draw.drawn"),
        Move("publish", ("drawn",), "published", _l("公布结果"), emits="draw.published"),
        Move("cancel", ("drafted", "open", "closed", "committed"), "cancelled", _l("取消"), MANAGE, reason=True),
    ],
)

TONES: dict[str, Any] = {
    "open": "info",
    "closed": "warn",
    "committed": "warn",
    "drawn": "info",
    "published": "ok",
    "cancelled": "bad",
}


def standing(row: DrawRound, now: datetime) -> str:
    """The state that people see at `now` (aware): the window ends by the clock, a worker writes that later."""
    return "closed" if row.state == "open" and now >= row.closes_at else str(row.state)


def badge(row: DrawRound, now: datetime) -> tuple[str, str]:
    """What a round's badge says at `now`, and its tone."""
    seen = standing(row, now)
    if seen == "open" and now < row.opens_at:
        return _("未开始"), ""
    return DRAW.title(seen), str(TONES.get(seen, ""))
