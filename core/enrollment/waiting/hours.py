"""How long an offer lasts: in hours in which families are awake (docs/waiting.md has the worked table)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from core.base import clock


def deadline(start: datetime, hours: int, wakes_at: time, sleeps_at: time) -> datetime:
    """When an offer made at `start` ends: after `hours` that lie between `wakes_at` and `sleeps_at`, school time.

    Every day of the week counts. `start` is aware; `wakes_at` is before `sleeps_at`.
    """
    left = timedelta(hours=hours)
    day = clock.school_time(start).date()
    while True:
        begins = max(start, clock.at_school(day, wakes_at.hour, wakes_at.minute))
        ends = clock.at_school(day, sleeps_at.hour, sleeps_at.minute)
        if ends - begins >= left:
            return begins + left
        left -= max(ends - begins, timedelta(0))
        day += timedelta(days=1)
