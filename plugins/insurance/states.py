"""The life of a policy and of a claim (requirements 5.11). Time alone moves most of it: a daily job."""

from __future__ import annotations

from core.api import Machine, Move
from core.api import lazy_gettext as _l

POLICY = Machine(
    "insurance_policy",
    {
        "recorded": _l("已登记，未到起保日"),
        "in_force": _l("保障中"),
        "expiring": _l("即将到期"),
        "renewed": _l("已续保"),
        "lapsed": _l("已过期"),
    },
    [
        Move("start", ("recorded",), "in_force", _l("起保")),
        Move("near_end", ("recorded", "in_force"), "expiring", _l("临近到期"), emits="insurance.expiring"),
        Move("renew", ("in_force", "expiring", "lapsed"), "renewed", _l("续保")),
        Move("lapse", ("recorded", "in_force", "expiring"), "lapsed", _l("到期"), emits="insurance.lapsed"),
    ],
)

CLAIM = Machine(
    "insurance_claim",
    {"claim_open": _l("理赔中"), "claim_closed": _l("已结案")},
    [Move("close", ("claim_open",), "claim_closed", _l("结案"), "insurance.write", reason=True)],
)
