"""Pay of the demonstration: rates as each of the first two schools' schemes want them, and one that waits."""

from __future__ import annotations

from typing import Any

from core.api import KehouError
from core.api.terms import current_term
from plugins.pay import rates
from plugins.pay.schemas import RateForm

SCHEMES: tuple[dict[str, Any], ...] = (
    {
        "fund": "subsidy",
        "mechanism": "outside_performance_pay",
        "factors": ["nature", "content", "time"],
        "set_by": "school",
        "document": "实验小学校长办公会纪要〔2026〕9 号",
    },
    {
        "fund": "school",
        "mechanism": "extra_work_only",
        "factors": ["workload"],
        "set_by": "departments",
        "document": "青人社发〔2026〕22 号",
    },
)
"""One for each of the county's first two schools, in their order."""
RATES = (("care", 6000, True), ("club", 8000, True), ("lunch", 3000, False))
"""Kind, fen a lesson, and whether the principal has approved it yet."""


async def demo(stage: Any) -> None:
    """Finance proposes, the principal approves all but one."""
    for school, scheme in zip(stage.schools[:2], SCHEMES, strict=True):
        if "pay" not in school.ctx.plugins:
            continue
        for kind, fen, approved in RATES:
            try:
                async with stage.house.unit(await stage.as_(school, "finance")) as uow:
                    term = await current_term(uow)
                    form = RateForm(kind=kind, unit_fen=fen, effective_from=term.starts_on, **scheme)
                    row = await rates.propose(uow, form)
                if approved:
                    async with stage.house.unit(await stage.as_(school, "principal")) as uow:
                        await rates.approve(uow, row.id)
            except KehouError as refused:
                stage.say(f"  ! {refused}")
