"""The public number that the demonstration's window is drawn with can really be looked up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.base import clock
from deploy.demo.windows import next_draw


@pytest.mark.req("R-216")
def test_the_demonstration_names_a_draw_that_takes_place() -> None:
    start = clock.at_school(clock.today(), 6, 41)
    for hours in range(0, 24 * 400, 7):
        after = start + timedelta(hours=hours)
        issue, moment = next_draw(after)
        at = clock.school_time(moment)
        assert after <= moment <= after + timedelta(days=3)
        assert (at.isoweekday() in (2, 4, 7), at.hour, at.minute) == (True, 21, 15)
        assert len(issue) == 7 and issue[:4] == str(at.year) and 1 <= int(issue[4:]) <= 157
        following, later = next_draw(moment + timedelta(minutes=1))
        assert following >= issue and later > moment
