"""The life of a flag, and of a line of the responsibility list."""

from __future__ import annotations

from typing import Any

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

READ, RECORD, ANSWER, OVERSEE = "duties.read", "duties.record", "duties.answer", "duties.oversee"

FLAG = Machine(
    "duty_flag",
    {"open": _l("待处理"), "acknowledged": _l("已说明"), "cleared": _l("已消除")},
    [
        Move("acknowledge", ("open",), "acknowledged", _l("说明"), ANSWER, reason=True, emits="duties.flag_answered"),
        # Only the check itself says that a cause is gone or back.
        Move("clear", ("open", "acknowledged"), "cleared", _l("消除")),
        Move("reopen", ("cleared",), "open", _l("再次出现"), emits="duties.flag_opened"),
    ],
)

ANSWERS = ("kept", "excused", "not_kept")
DUTY = Machine(
    "duty_item",
    {
        "open": _l("待填报"),
        "kept": _l("已做到"),
        "excused": _l("另有安排"),
        "not_kept": _l("未做到"),
    },
    [
        Move("keep", ("open", *ANSWERS), "kept", _l("填报为做到"), RECORD, emits="duties.recorded"),
        # The pack only warns: a written reason lets it pass.
        Move(
            "excuse", ("open", *ANSWERS), "excused", _l("填报为另有安排"), RECORD, reason=True, emits="duties.recorded"
        ),
        Move("fail", ("open", *ANSWERS), "not_kept", _l("填报为未做到"), RECORD, reason=True, emits="duties.recorded"),
    ],
)

SEVERITIES = {"breach": _l("违反规定"), "warning": _l("须说明理由"), "signal": _l("线索")}


def severity_tone(severity: str) -> str:
    return {"breach": "bad", "warning": "warn"}.get(severity, "info")


def flag_tone(state: str) -> str:
    return {"open": "bad", "acknowledged": "warn", "cleared": "ok"}.get(state, "")


def duty_tone(state: str, overdue: bool = False) -> str:
    """The colour of a line: what is late is as bad as what was not done."""
    if state == "open":
        return "bad" if overdue else "info"
    return {"kept": "ok", "excused": "warn", "not_kept": "bad"}.get(state, "")


def late(row: Any, today: Any) -> bool:
    """Whether a line should have been answered by now."""
    return bool(row.applies and row.state == "open" and row.due_on < today)
