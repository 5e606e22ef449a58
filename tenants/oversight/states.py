"""What the bureau does with a plan that it received (requirements 5.1, R-037)."""

from __future__ import annotations

from typing import Any

from core.base.errors import Conflict
from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

READ, REVIEW = "oversight.read", "oversight.review"

FILING = Machine(
    "oversight_filing",
    {
        "received": _l("待审核"),
        "passed": _l("已通过"),
        "returned": _l("已退回"),
        "filed": _l("已备案"),
    },
    [
        Move("pass", ("received",), "passed", _l("通过"), REVIEW, emits="filing.passed"),
        Move("return", ("received",), "returned", _l("退回"), REVIEW, reason=True, emits="filing.returned"),
        Move("file", ("received",), "filed", _l("备案"), emits="filing.filed"),
    ],
)


COURSE = Machine(
    "oversight_offering",
    {"received": _l("待审核"), "passed": _l("已通过"), "returned": _l("已退回")},
    [
        Move("pass", ("received",), "passed", _l("通过"), REVIEW),
        Move("return", ("received",), "returned", _l("退回"), REVIEW, reason=True),
    ],
)
"""What the bureau does with an offering that a school sent for review (R-096)."""


class StillObjected(Conflict):
    """The plan breaks a rule that no reason lifts; it can only be returned."""

    code = "filing_still_objected"
    status = 422
    text = _l("方案有 %(count)s 处不符合规定，不能通过，请退回学校修改")


def tone(state: str) -> Any:
    """The colour of a state's pill."""
    return {"received": "info", "passed": "ok", "filed": "ok", "returned": "bad"}.get(state, "")
