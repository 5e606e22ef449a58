"""One school (000#2): free, for families in need, not on Thursday, winter 17:00, the principal decides."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Care, Refused, Scene, Wrong

DAYS = [1, 2, 3, 5]
WINTER = window("15:50", "17:00", season="winter", weekdays=DAYS, early_ends_at="16:45")
SUMMER = window("15:50", "17:30", season="summer", weekdays=DAYS, early_ends_at="17:15")

SCENE = Scene(
    pack="school-free-care",
    plan={"times.windows": [WINTER, SUMMER]},
    wrong=(
        Wrong({"times.windows": [window("15:50", "17:00")]}, "time.weekdays_off", "000#2 四（二）"),
        Wrong({"times.windows": [{**WINTER, "ends_at": "17:30"}, SUMMER]}, "time.latest_end", "000#2 四（二）", "warn"),
        Wrong({"funds.instruments": ["service_charge"]}, "fee.instruments", "000#2 五（二）2"),
    ),
    care=Care("15:50", "17:00", "16:45", weekdays=(1, 2, 3, 5)),
    refused=(Refused({"ends_at": "17:30"}, "time.latest_end", "000#2 四（二）"),),
    by_school="principal",
    need=True,
    no_fee=Refused({}, "fee.payer", "000#2 五（二）2"),
)
