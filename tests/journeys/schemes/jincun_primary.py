"""Jincun primary (004#1): sessions by grade, own class, A and B teachers, no agencies, the committee decides."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Care, Refused, Scene, Wrong


def session(start: str, end: str, *grades: int) -> dict[str, object]:
    return window(start, end, grades=list(grades))


TIMES = [
    session("16:10", "17:10", 1, 2),
    session("16:10", "17:20", 3, 4),
    session("16:10", "17:30", 5, 6),
]

SCENE = Scene(
    reasons=True,
    pack="jincun-primary",
    plan={
        "basis.decided_by": ["parents_committee", "school"],
        "times.windows": TIMES,
        "staffing.ab_alternate": True,
        "staffing.b_in_room": True,
        "staffing.all_serve": True,
        "staffing.exemption_decided": True,
        "staffing.parent_leaders": 3,
    },
    wrong=(
        Wrong({"staffing.units": ["mixed_age"]}, "class.units", "004#1 四（二）、六"),
        Wrong({"times.windows": [window("16:10", "18:00")]}, "time.latest_end", "004#1 四（二）"),
        Wrong({"basis.decided_by": ["school"]}, "plan.items_decided_by", "004#2 一"),
        Wrong({"staffing.b_in_room": False}, "staffing.b_in_room", "004#1 五（一）"),
    ),
    care=Care("16:10", "17:20", None, grades=(3, 4)),
    refused=(Refused({"grades": [1, 2]}, "time.sessions", "004#1 五（二）"),),
    by_class=False,
    papers=("parent_signature",),
    hand_first=True,
)
