"""A city (000#3): free for all enrolled pupils, two more class periods, no homework set, courses reviewed."""

from __future__ import annotations

from tests.journeys.schemes.scene import Refused, Scene, Wrong

SCENE = Scene(
    pack="city-free-1000",
    wrong=(
        Wrong({"contents.no_homework": False}, "content.sets_homework", "000#3 五（三）"),
        Wrong({"contents.reviewed_by": []}, "content.reviewed_by", "000#3 二（三）、五（四）"),
        Wrong({"times.periods": 3}, "time.lesson_periods", "000#3 三（二）", "warn"),
        Wrong({"funds.instruments": ["service_charge"]}, "fee.instruments", "000#3 六（一）"),
    ),
    plan={"times.periods": 2},
    no_fee=Refused({}, "fee.payer", "000#3 二（三）、七（二）2"),
)
