"""Openings: the announced moments, and the lot of their first second."""

from __future__ import annotations

from datetime import datetime, time
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from core.base.clock import SCHOOL_ZONE
from core.enrollment.openings import Openings, last_opening

OPENS = datetime(2026, 9, 1, 18, 0, tzinfo=SCHOOL_ZONE)
RETURNS = (time(12), time(20, 30))


@pytest.mark.req("R-216")
@pytest.mark.parametrize(
    ("now", "opened"),
    [
        ((1, 17, 59), None),
        ((1, 18, 0), (1, 18, 0)),
        ((1, 20, 29), (1, 18, 0)),  # today's 12:00 was before anything had opened
        ((1, 20, 30), (1, 20, 30)),
        ((2, 0, 5), (1, 20, 30)),  # yesterday evening's
        ((2, 12, 0), (2, 12, 0)),
    ],
)
def test_places_open_with_the_menu_and_at_each_announced_time(
    now: tuple[int, int, int], opened: tuple[int, int, int] | None
) -> None:
    def moment(day: int, hour: int, minute: int) -> float:
        return datetime(2026, 9, day, hour, minute, tzinfo=SCHOOL_ZONE).timestamp()

    assert last_opening(OPENS, RETURNS, moment(*now)) == (None if opened is None else moment(*opened))


def openings(key: bytes) -> Openings:
    return Openings(cast(Any, SimpleNamespace(settings=SimpleNamespace(master_key_bytes=key))))


@pytest.mark.req("R-216")
def test_a_lot_is_one_for_each_child_and_opening_the_same_in_every_process_and_even() -> None:
    ours, other_process, elsewhere = openings(b"k" * 32), openings(b"k" * 32), openings(b"x" * 32)
    club, moment = uuid4(), OPENS.timestamp()
    children = [UUID(int=number) for number in range(4_000)]
    lots = [ours.lot(club, moment, child) for child in children]
    assert lots == [other_process.lot(club, moment, child) for child in children]
    for another in (
        [elsewhere.lot(club, moment, child) for child in children],
        [ours.lot(uuid4(), moment, child) for child in children],
        [ours.lot(club, moment + 3600, child) for child in children],
    ):
        assert sum(a == b for a, b in zip(lots, another, strict=True)) == 0
    tenths = [0] * 10
    for lot in lots:
        tenths[int(lot * 10)] += 1
    # Chi-square with nine degrees of freedom: above 33.7 in one of ten thousand keys, and this key is a fixed one.
    assert sum((found - 400) ** 2 / 400 for found in tenths) < 33.7
