"""The life of a one-off request (requirements 5.4): requested, then taken on; what follows is the handover's."""

from __future__ import annotations

from typing import Any

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

ONE_OFF = Machine(
    "one_off",
    {
        "requested": _l("等待班主任答复"),
        "taken_on": _l("已安排"),
        "refused": _l("没有安排"),
        "withdrawn": _l("家长取消"),
    },
    [
        Move("take_on", ("requested",), "taken_on", _l("安排"), emits="one_off.answered"),
        Move("refuse", ("requested",), "refused", _l("不安排"), reason=True, emits="one_off.answered"),
        Move("withdraw", ("requested", "taken_on"), "withdrawn", _l("取消")),
    ],
)

TONES: dict[str, Any] = {"requested": "warn", "taken_on": "ok", "refused": "bad"}
