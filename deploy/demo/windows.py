"""Two clubs of one afternoon whose last places are asked for within a window, and drawn afterwards."""

from __future__ import annotations

from datetime import timedelta

from core.base import clock
from core.enrollment.draw import service as draws
from deploy.demo.stage import Stage

TITLES = ("水彩与国画", "科学小实验")
SEED = "中国福利彩票双色球下一期开奖号码，红球从小到大、再加蓝球"


async def open_window(stage: Stage) -> None:
    """Open since an hour, for two days; families may still apply for what they drew before the menu closes."""
    school = stage.school
    assert school.term_id is not None
    now = clock.now()
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        views = [view for view in await draws.choosable(uow, school.term_id) if view.title in TITLES and view.left]
        if not views:
            return
        row = await draws.make_round(
            uow,
            school.term_id,
            title="周三社团余下名额",
            offering_ids=[view.id for view in views],
            opens_at=now - timedelta(hours=1),
            closes_at=now + timedelta(days=2),
            per_child=1,
            seed_source=SEED,
            seed_at=now + timedelta(days=4),
            mode="window",
        )
        await draws.open_round(uow, row.id)
