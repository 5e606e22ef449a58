"""The first school's care is being formed into groups; the workers arrange it once they run."""

from __future__ import annotations

from datetime import timedelta

from core.base import clock
from core.enrollment.forming import service
from core.terms.service import current_term
from deploy.demo.stage import Stage


async def form_groups(stage: Stage) -> None:
    """By grades in small groups, from next week on. The office corrects and publishes."""
    school = stage.schools[0]
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        term = await current_term(uow)
        care = [view for view in await service.formable(uow, term.id) if view.kind == "care"]
        run = await service.make_run(
            uow,
            term.id,
            title="秋季课后托管",
            offering_ids=[view.id for view in care],
            mode="same_grade",
            size=8,
            alternate=False,
            starts_on=clock.today() + timedelta(days=7),
            reason="按报名人数统一安排",
        )
        await service.solve(uow, run.id)
