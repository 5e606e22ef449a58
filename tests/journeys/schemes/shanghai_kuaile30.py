"""A Shanghai school (001#3): free, families in difficulty, ordinary care to 16:20, from the second week."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Care, Refused, Scene, Wrong

SCENE = Scene(
    pack="shanghai-kuaile30",
    plan={
        "basis.starts_on": "2026-09-08",
        "contents.clubs_start_week": 3,
        "staffing.units": ["mixed_age"],
        "times.windows": [window("15:30", "16:20"), window("16:20", "18:00", window="extended")],
    },
    wrong=(
        Wrong({"times.windows": [window("15:30", "16:40")]}, "time.latest_end", "001#3 二 2"),
        Wrong(
            {"times.windows": [window("15:30", "16:20"), window("16:20", "18:10", window="extended")]},
            "time.latest_end",
            "001#3 二 2",
        ),
        Wrong({"basis.starts_on": "2026-09-01"}, "time.start_week", "001#3 二 2", "warn"),
        Wrong({"staffing.units": ["own_class"]}, "class.units", "001#3 二 1、二 2"),
    ),
    care=Care("15:30", "16:20", None),
    refused=(Refused({"ends_at": "16:40"}, "time.latest_end", "001#3 二 2"),),
    need=True,
    papers=("employer_stamp",),
    no_fee=Refused({}, "fee.payer", "001#3 三 1"),
)
