"""The one clock. Windows and deadlines that decide about a family are compared in SQL with the database's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SCHOOL_ZONE = ZoneInfo("Asia/Shanghai")

_offset = timedelta(0)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC) + _offset


def today() -> date:
    """Today's date where the schools are (Asia/Shanghai)."""
    return now().astimezone(SCHOOL_ZONE).date()


def school_time(moment: datetime) -> datetime:
    """`moment` as the wall clock in school shows it."""
    return moment.astimezone(SCHOOL_ZONE)


def at_school(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """The instant at which the school's wall clock shows `day` `hour`:`minute`."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SCHOOL_ZONE)


@contextmanager
def travelled(by: timedelta) -> Iterator[None]:
    """Move this process's clock, for tests and for the demonstration's story only."""
    global _offset
    before, _offset = _offset, _offset + by
    try:
        yield
    finally:
        _offset = before
