"""Hours of a season (winter times) for offerings of every kind that has hours (R-187).

The care form writes its season with its hours. Forms of plugins know one pair of hours; their offerings get a season
here, and keep it when the plugin's own form changes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta

from core.base.errors import FieldError, Invalid
from core.base.text import gettext as _
from core.enrollment.views import OfferingDraft, OfferingView, Period


@dataclass(frozen=True, slots=True)
class Season:
    """Other hours from one day on, until another or the term's end (winter times)."""

    first: date
    last: date | None
    starts_at: time
    ends_at: time


def usual_hours(periods: Sequence[Period]) -> tuple[Period, ...]:
    """The hours outside of any season, without dates."""
    plain = [p for p in periods if p.valid_from is None] or list(periods)
    return tuple(dict.fromkeys(replace(p, valid_from=None, valid_to=None) for p in plain))


def in_season(usual: Sequence[Period], season: Season | None) -> tuple[Period, ...]:
    """The same hours, with other ones in a season; every weekday keeps its own outside of it.

    Raises Invalid where a weekday has several sessions: the season's one pair of hours would stand for all of them.
    """
    if season is None:
        return tuple(usual)
    if len({p.weekday for p in usual}) < len(usual):
        text = _("同一天有两个时段的项目，不能设另一季的时间。请每天只留一个时段，或者分成两个项目")
        raise Invalid(fields=[FieldError("starts_at", text)])
    before = [replace(p, valid_to=season.first - timedelta(days=1)) for p in usual]
    inside = [
        Period(day, season.starts_at, season.ends_at, season.first, season.last)
        for day in sorted({p.weekday for p in usual})
    ]
    after = [replace(p, valid_from=season.last + timedelta(days=1)) for p in usual] if season.last else []
    return (*before, *inside, *after)


def season_of(periods: Sequence[Period]) -> tuple[Period | None, Season | None]:
    """What `in_season` was made from: one of the usual hours, and the season."""
    usual = next((p for p in periods if p.valid_from is None), next(iter(periods), None))
    first = min((p.valid_from for p in periods if p.valid_from is not None), default=None)
    other = next((p for p in periods if p.valid_from == first), None) if first is not None else None
    if first is None or other is None:
        return usual, None
    return usual, Season(first, other.valid_to, other.starts_at, other.ends_at)


def keeping_season(before: OfferingView, draft: OfferingDraft) -> OfferingDraft:
    """A plugin's draft with the season that the offering has; one with dates of its own stays as it is. Raises as
    `in_season`."""
    season = season_of(before.periods)[1]
    if draft.plugin is None or season is None or any(p.valid_from or p.valid_to for p in draft.periods):
        return draft
    return replace(draft, periods=in_season(draft.periods, season))
