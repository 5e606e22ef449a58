"""The life of a forming: prepared, arranged by the machine, corrected by people, published, replaced by a later one."""

from __future__ import annotations

from typing import Any

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

MANAGE = "forming.manage"

FORMING = Machine(
    "forming_run",
    {
        "draft": _l("待编排"),
        "solving": _l("自动编排中"),
        "proposed": _l("待核对"),
        "published": _l("已公布"),
        "replaced": _l("已更新"),
        "dropped": _l("已放弃"),
    },
    [
        Move("solve", ("draft", "proposed", "solving"), "solving", _l("自动编排"), MANAGE),
        Move("propose", ("solving", "draft"), "proposed", _l("编排完成")),
        Move("stop", ("solving",), "draft", _l("编排没有完成")),
        Move("publish", ("proposed",), "published", _l("公布"), MANAGE, emits="forming.published"),
        Move("replace", ("published",), "replaced", _l("由新编排代替")),
        Move("drop", ("draft", "proposed", "solving"), "dropped", _l("放弃"), MANAGE),
    ],
)

TONES: dict[str, Any] = {"solving": "info", "proposed": "warn", "published": "ok", "dropped": "bad"}
OPEN = ("draft", "solving", "proposed")
"""Not in force yet, and still to be worked on."""
