"""Changzhi (003#1): five days, two hours, one weekend day; open weeks in holidays; a fee only once issued."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Care, Scene, Wrong

TIMES = [
    window("16:00", "18:00"),
    window("18:00", "18:30", window="extended"),
    window("09:00", "11:00", window="weekend", weekdays=[6]),
]

SCENE = Scene(
    pack="changzhi-521",
    plan={"times.windows": TIMES, "times.winter_weeks": 1, "times.summer_weeks": 3},
    wrong=(
        Wrong({"times.windows": [window("16:00", "17:30"), *TIMES[1:]]}, "time.minutes_min", "003#1 三（二）", "warn"),
        Wrong({"times.windows": TIMES[:2]}, "time.weekend_days", "003#1 三（二）"),
        Wrong({"times.windows": [TIMES[0], TIMES[2]]}, "time.extra_care", "003#1 三（二）"),
        Wrong({"times.summer_weeks": 2}, "time.summer_open_weeks", "003#1 三（二）"),
        Wrong({"joining.midterm": False}, "enrolment.midterm", "003#1 四（1）"),
    ),
    care=Care("16:00", "18:00", None),
    fee=400,
)
