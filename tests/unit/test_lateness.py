"""When a child counts as picked up late: minutes after the end, a clock time, the grade's exit window, by season."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from core.base.clock import school_time
from core.lessons.rules import late_from
from core.policy.library import PackLibrary
from core.policy.load import load_packs

WINTER, SUMMER = date(2026, 12, 1), date(2026, 6, 1)


@pytest.fixture(scope="module")
def library() -> PackLibrary:
    return load_packs(Path(__file__).parents[2] / "tenants" / "packs")


@pytest.mark.req("R-247")
@pytest.mark.parametrize(
    ("pack", "day", "ends", "grade", "late"),
    [
        # 60 minutes in winter and 30 in summer, and six o'clock besides: they say the same.
        ("school-free-care", WINTER, time(17), 3, "18:00"),
        ("school-free-care", SUMMER, time(17, 30), 3, "18:00"),
        ("school-free-care", WINTER, time(17, 30), 3, "18:30"),
        # Six o'clock alone; who ends later is not late before the end.
        ("city-free-1000", WINTER, time(17, 0), 3, "18:00"),
        ("city-free-1000", WINTER, time(18, 30), 8, "18:30"),
        # 10 minutes, half past five, and each grade's own window.
        ("jincun-primary", WINTER, time(17, 10), 1, "17:30"),
        ("jincun-primary", WINTER, time(17, 20), 3, "17:30"),
        ("jincun-primary", WINTER, time(17, 30), 6, "17:40"),
        # A silent scheme: the platform's 15 minutes.
        ("anhui-ten-bans", WINTER, time(17, 30), 3, "17:45"),
    ],
)
def test_late_is_what_the_scheme_says(
    library: PackLibrary, pack: str, day: date, ends: time, grade: int, late: str
) -> None:
    moment = school_time(late_from(library.effective(pack, day), day, ends, grade))
    assert (moment.date(), f"{moment:%H:%M}") == (day, late)
