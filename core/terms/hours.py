"""Hours of a week in words, in the reader's language: 周一至周五 16:30–17:30, winter times with their dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time

from core.base.text import gettext as _
from core.web.i18n import fdate, time_range, weekday, weekdays

Hours = tuple[int, time, time, date | None, date | None]
"""A weekday from 1 (Monday), beginning and end, and the first and last day of these hours (None: the term's)."""


def days_line(days: Sequence[int]) -> str:
    """周二、周四, or 周一至周五 where three or more follow one another."""
    ordered = sorted(set(days))
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return _("%(first)s至%(last)s", first=weekday(ordered[0]), last=weekday(ordered[-1]))
    return weekdays(ordered)


def hours_line(hours: Iterable[Hours]) -> str:
    """周二、周四 16:30–17:30; hours of a season say their dates. Empty where there are none."""
    grouped: dict[tuple[time, time, date | None, date | None], list[int]] = {}
    for day, start, end, first, last in sorted(hours, key=lambda h: (h[3] or date.min, h[0], h[1])):
        grouped.setdefault((start, end, first, last), []).append(day)
    said = [
        f"{days_line(days)} {time_range(start, end)}{_season(first, last)}"
        for (start, end, first, last), days in grouped.items()
    ]
    return _("；").join(said)


def _season(first: date | None, last: date | None) -> str:
    if first and last:
        return _("（%(first)s至%(last)s）", first=fdate(first, "short"), last=fdate(last, "short"))
    if first:
        return _("（%(first)s起）", first=fdate(first, "short"))
    return _("（到%(last)s为止）", last=fdate(last, "short")) if last else ""
