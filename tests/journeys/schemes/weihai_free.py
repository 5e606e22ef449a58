"""A school in Weihai (002#1): free, asked by letter, guard and doctor stay, safety agreement, no extra load."""

from __future__ import annotations

from tests.journeys.schemes.scene import Care, Refused, Scene, Wrong

SCENE = Scene(
    pack="weihai-free",
    wrong=(
        Wrong({"basis.survey_means": ["questionnaire"]}, "plan.survey_means", "002#1 1"),
        Wrong({"contents.no_load": False}, "content.adds_load", "002#1 2"),
        Wrong({"staffing.guard_until_end": False}, "staffing.guard_until_end", "002#1 3"),
        Wrong({"staffing.doctor_on_call": False}, "staffing.doctor_on_call", "002#1 3"),
    ),
    care=Care(any_days=True),
    refused=(Refused({"any_days": False}, "enrolment.any_days", "002#1 1"),),
    hand_first=True,
    no_fee=Refused({}, "fee.payer", "002#1 3"),
)
