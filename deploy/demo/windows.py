"""Two clubs of one afternoon whose last places are asked for within a window, and drawn afterwards."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from core.base import clock
from core.enrollment.draw import service as draws
from deploy.demo.stage import Stage

TITLES = ("水彩与国画", "科学小实验")
SEED = "中国福利彩票双色球第 {issue} 期开奖号码，红球从小到大、再加蓝球"
DRAW_DAYS: Final = (2, 4, 7)
"""The lottery is drawn on Tuesdays, Thursdays and Sundays, at 21:15."""
PAUSES: Final = (((2, 13), (2, 21)), ((10, 1), (10, 4)))
"""About when it pauses each year, (month, day) first and last: around the Spring Festival and the National Day."""


async def open_window(stage: Stage) -> None:
    """Open since an hour, for two days; families may still apply for what they drew before the menu closes."""
    school = stage.school
    assert school.term_id is not None
    now = clock.now()
    closes_at = now + timedelta(days=2)
    issue, seed_at = next_draw(closes_at + draws.LOCKING)
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
            closes_at=closes_at,
            per_child=1,
            seed_source=SEED.format(issue=issue),
            seed_at=seed_at,
            mode="window",
        )
        await draws.open_round(uow, row.id)


def next_draw(after: datetime) -> tuple[str, datetime]:
    """The first of the lottery's draws from this moment on: its number (year and count within it) and its time."""
    day = clock.school_time(after).date()
    while day.isoweekday() not in DRAW_DAYS or clock.at_school(day, 21, 15) < after:
        day += timedelta(days=1)
    first = date(day.year, 1, 1)
    days = [first + timedelta(days=n) for n in range((day - first).days + 1)]
    count = sum(d.isoweekday() in DRAW_DAYS and not any(a <= (d.month, d.day) <= b for a, b in PAUSES) for d in days)
    return f"{day.year}{count:03}", clock.at_school(day, 21, 15)
