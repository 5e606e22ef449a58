"""The life of a draw: first everything is fixed and published, then the seed comes into the world, then it is drawn."""

from __future__ import annotations

from typing import Any

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

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
