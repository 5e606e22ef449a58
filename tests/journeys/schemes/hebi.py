"""Hebi city (001#5): filed, at most 90 minutes, no agencies, the need confirmed, the fee set by government."""

from __future__ import annotations

from tests.journeys.schemes.plans import window
from tests.journeys.schemes.scene import Refused, Scene, Wrong

AGENCY = {
    "name": "启明",
    "kind": "training_agency",
    "need": "书法",
    "non_subject": True,
    "clean_record": True,
}

SCENE = Scene(
    pack="hebi",
    filed="file",
    plan={"staffing.units": ["by_stage_and_age"]},
    wrong=(
        Wrong({"providers.partners": [AGENCY]}, "provider.banned_kinds", "001#5 三（五）"),
        Wrong(
            {"times.windows": [window("16:00", "18:00", early_ends_at="17:40")]},
            "time.minutes_max",
            "001#5 三（二）",
            "warn",
        ),
        Wrong({"contents.learning_periods": 2}, "content.learning_periods_max", "001#5 三（三）"),
        Wrong({"contents.no_written_lower": False}, "content.written_home_homework", "001#5 三（三）"),
        Wrong({"basis.survey_to_all": False}, "plan.survey_all", "001#5 三（四）1"),
    ),
    refused=(Refused({"ends_at": "17:45"}, "time.minutes_max", "001#5 三（二）"),),
    need=True,
    fee=350,
    fee_form={"account": "special_account"},
    approval={"approver": "same_level_government", "proposers": ["price_authority", "education_department"]},
)
