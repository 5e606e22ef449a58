"""A city in Anhui (001#2): reviewed and filed, 18:00 in principle, ten bans, posted before it is charged."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Refused, Scene, Wrong

SCENE = Scene(
    pack="anhui-ten-bans",
    filed="review",
    wrong=(
        Wrong(
            {"contents.items": [{"title": "奥数", "kind": "contest_training", "weekdays": [3]}]},
            "content.blocked_words",
            "001#2 五（四）十严禁之二",
        ),
        Wrong(
            {"times.windows": [window("16:00", "18:30", early_ends_at="18:10")]},
            "time.latest_end",
            "001#2 三（一）",
            "warn",
        ),
        Wrong({"basis.survey_done": False}, "plan.survey", "001#2 三（三）"),
        Wrong({"providers.no_subjects": False}, "provider.subject_teaching", "001#2 五（二）"),
    ),
    refused=(Refused({"ends_at": "18:30"}, "time.latest_end", "001#2 三（一）"),),
    fee=500,
)
