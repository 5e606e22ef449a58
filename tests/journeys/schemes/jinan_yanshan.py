"""Yanshan School (001#1): the third afternoon period, Monday to Thursday; free for grades 1 and 2."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Care, Refused, Scene, Wrong

SCENE = Scene(
    pack="jinan-yanshan",
    plan={
        "times.windows": [window("16:00", "17:30", weekdays=[1, 2, 3, 4], early_ends_at="17:10")],
        "times.afternoon_period": 3,
    },
    wrong=(
        Wrong({"times.windows": [window("16:00", "17:30")]}, "time.weekdays_only", "001#1 四（三）1"),
        Wrong({"times.afternoon_period": 2}, "time.afternoon_period", "001#1 四（三）"),
        Wrong({"staffing.enough_on_duty": False}, "staffing.enough_on_duty", "001#1 二（三）"),
    ),
    care=Care(weekdays=(1, 2, 3, 4)),
    refused=(Refused({"weekdays": [5]}, "time.weekdays_only", "001#1 四（三）1"),),
    fee=300,
    fee_form={"grades": [3, 4, 5, 6]},
    no_fee=Refused({}, "fee.payer", "001#1 四（二）"),
)
