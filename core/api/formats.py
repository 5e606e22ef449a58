"""Money, dates, classes and lists written for people, in the reader's language; templates have the same names."""

from __future__ import annotations

from core.web.i18n import (
    class_name,
    fdate,
    fdatetime,
    ftime,
    grade_name,
    joined,
    money,
    money_exact,
    time_range,
    weekdays,
)

__all__ = [
    "class_name",
    "fdate",
    "fdatetime",
    "ftime",
    "grade_name",
    "joined",
    "money",
    "money_exact",
    "time_range",
    "weekdays",
]
