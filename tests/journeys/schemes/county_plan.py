"""A county (000#1): plan filed, before 18:00, applied for and approved by the school alone, cost shared."""

from __future__ import annotations

from tests.journeys.schemes.scene import Refused, Scene, Wrong

SCENE = Scene(
    reasons=True,
    pack="county-plan",
    filed="file",
    wrong=(
        Wrong({"times.in_holiday": True}, "time.no_holidays", "000#1 四（二）", "warn"),
        Wrong(
            {"contents.items": [{"title": "集体授课", "kind": "collective_teaching", "weekdays": [3]}]},
            "content.banned_kinds",
            "000#1 四（三）、五（三）",
        ),
        Wrong({"rules.handover_rules": ""}, "plan.rules", "000#1 五（二）"),
        Wrong({"joining.priority": []}, "application.priority_groups", "000#1 四（一）"),
    ),
    refused=(Refused({"ends_at": "18:30"}, "time.latest_end", "000#1 四（二）"),),
    by_class=False,
    fee=400,
)
