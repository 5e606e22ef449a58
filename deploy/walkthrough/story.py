"""The story's steps in their order."""

from __future__ import annotations

from deploy.walkthrough import steps_day, steps_family, steps_menu, steps_money, steps_plan, steps_school, steps_vendor
from deploy.walkthrough.play import Step

STORY: list[Step] = [
    *steps_school.STEPS,
    *steps_plan.STEPS,
    *steps_menu.BEFORE,
    *steps_vendor.STEPS,
    *steps_menu.AFTER,
    *steps_family.STEPS,
    *steps_money.STEPS,
    *steps_day.STEPS,
]
