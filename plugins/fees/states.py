"""The lives of a fee standard (requirements 5.9) and of a relief (5.10)."""

from __future__ import annotations

from core.api import Machine, Move
from core.api import lazy_gettext as _l

STANDARD = Machine(
    "fees_standard",
    {
        "proposed": _l("已提出"),
        "returned": _l("已退回"),
        "approved": _l("已批准"),
        "disclosed": _l("已公开"),
        "posted_at_school": _l("公示中"),
        "in_force": _l("执行中"),
        "blocked": _l("停止收费"),
        "superseded": _l("已被替代"),
        "expired": _l("已到期"),
    },
    [
        Move("approve", ("proposed",), "approved", _l("批准"), permission="fees.approve"),
        Move("return", ("proposed",), "returned", _l("退回"), permission="fees.approve", reason=True),
        Move("disclose", ("approved",), "disclosed", _l("公开"), permission="fees.approve"),
        Move("post", ("approved", "disclosed"), "posted_at_school", _l("公示"), permission="fees.post"),
        Move("enforce", ("posted_at_school",), "in_force", _l("执行"), emits="fees.standard_in_force"),
        Move("block", ("posted_at_school", "in_force"), "blocked", _l("停止收费"), emits="fees.standard_blocked"),
        Move("mend", ("blocked",), "posted_at_school", _l("改正公示"), permission="fees.post"),
        Move("supersede", ("in_force", "blocked"), "superseded", _l("替代")),
        Move("expire", ("in_force", "blocked"), "expired", _l("到期")),
    ],
)

LIVING = ("proposed", "approved", "disclosed", "posted_at_school", "in_force", "blocked")
"""A standard that is in force, or may still come to be."""

TONES = {
    "proposed": "info",
    "returned": "bad",
    "approved": "info",
    "disclosed": "info",
    "posted_at_school": "warn",
    "in_force": "ok",
    "blocked": "bad",
}

RELIEF = Machine(
    "fees_relief",
    {
        "requested": _l("待审核"),
        "granted": _l("已同意"),
        "declined": _l("未同意"),
        "ended": _l("已结束"),
    },
    [
        Move("grant", ("requested",), "granted", _l("同意"), permission="fees.relief"),
        Move("decline", ("requested",), "declined", _l("不同意"), permission="fees.relief"),
        Move("end", ("granted",), "ended", _l("结束"), permission="fees.relief"),
        Move("withdraw", ("requested",), "ended", _l("撤回")),
    ],
)
"""No move carries a reason: reasons are sealed with the request, for history and audit are read by others."""
