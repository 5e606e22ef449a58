"""The life of a paper: asked for, keyed in with its scan, then confirmed by a second person, or not."""

from __future__ import annotations

from typing import Any

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

CHECK = "application.approve"
"""Who may be the second pair of eyes."""

PAPER = Machine(
    "paper_form",
    {
        "asked": _l("已口头申请"),
        "entered": _l("等待核对"),
        "confirmed": _l("已核对"),
        "returned": _l("已退回"),
        "objected": _l("家长有异议"),
        "dropped": _l("已作废"),
    },
    [
        Move("enter", ("asked",), "entered", _l("录入"), emits="paper.entered"),
        Move("confirm", ("entered",), "confirmed", _l("核对一致"), CHECK, emits="paper.confirmed"),
        Move("return", ("entered",), "returned", _l("退回"), CHECK, reason=True, emits="paper.returned"),
        Move("object", ("entered",), "objected", _l("提出异议"), "enrollment.apply", emits="paper.objected"),
        Move("drop", ("asked", "entered"), "dropped", _l("作废")),
    ],
)

TONES: dict[str, Any] = {"entered": "warn", "confirmed": "ok", "returned": "bad", "objected": "bad"}
