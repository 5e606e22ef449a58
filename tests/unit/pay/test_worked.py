"""The arithmetic of pay: amounts, the rate of a day, corrections that are set off, one person at two places."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pay.subsidies import per_pupil, proposed, without_supplement
from plugins.pay.worked import Span, amount_of, at_two_places, borne, percent_up, rate_for

FEN = st.integers(1, 10_000_000)
DAY = date(2026, 11, 2)


@pytest.mark.req("R-386", "R-388")
@given(FEN, st.integers(1, 600))
def test_an_hour_is_shared_to_the_fen_and_a_lesson_is_a_lesson(fen: int, minutes: int) -> None:
    assert amount_of("lesson", fen, minutes) == fen
    hourly = amount_of("hour", fen, minutes)
    assert hourly * 60 <= fen * minutes < (hourly + 1) * 60


@pytest.mark.req("R-454")
@given(st.integers(0, 100_000), st.lists(st.integers(1, 20_000), max_size=20))
def test_corrections_never_make_pay_negative_and_take_all_they_can(earned: int, owed: list[int]) -> None:
    taken = borne(earned, owed)
    assert sum(owed[:taken]) <= earned
    assert taken == len(owed) or sum(owed[: taken + 1]) > earned


@dataclass
class Rate:
    payee: str
    kind: str
    unit: str
    unit_fen: int
    effective_from: date
    effective_to: date | None


@pytest.mark.req("R-388")
def test_a_lesson_keeps_the_rate_of_its_day() -> None:
    old = Rate("own", "care", "lesson", 5000, date(2026, 9, 1), date(2026, 10, 31))
    new = Rate("own", "care", "lesson", 6000, date(2026, 11, 1), None)
    rates = [new, old]
    assert rate_for(rates, "own", "care", date(2026, 10, 31)) is old
    assert rate_for(rates, "own", "care", date(2026, 11, 1)) is new
    assert rate_for(rates, "own", "care", date(2026, 8, 31)) is None
    assert rate_for(rates, "external", "care", DAY) is None
    assert rate_for(rates, "own", "club", DAY) is None


def span(person: int, lesson: int, start: int, end: int, day: date = DAY) -> Span:
    clock = (time(16, 0), time(16, 30), time(17, 0), time(17, 30), time(18, 0))
    return Span(UUID(int=person), UUID(int=100 + lesson), day, clock[start], clock[end])


@pytest.mark.req("R-454")
def test_one_person_at_two_places() -> None:
    first, second = span(1, 1, 0, 2), span(1, 2, 1, 3)
    assert at_two_places([second, first]) == [(first, second)]
    assert at_two_places([span(1, 1, 0, 2), span(1, 2, 2, 3)]) == [], "one after the other"
    assert at_two_places([span(1, 1, 0, 2), span(2, 2, 0, 2)]) == [], "two people"
    assert at_two_places([first, span(1, 2, 1, 3, DAY + timedelta(days=1))]) == [], "two days"
    long, inside, later = span(1, 1, 0, 4), span(1, 2, 1, 2), span(1, 3, 2, 3)
    assert at_two_places([long, inside, later]) == [(long, inside), (long, later)], "the longest is looked at"


TIMES = st.integers(0, 3).flatmap(lambda start: st.tuples(st.just(start), st.integers(start + 1, 4)))


@given(st.lists(st.tuples(st.integers(1, 2), TIMES), max_size=8))
def test_somebody_is_at_two_places_exactly_when_two_lessons_overlap(rows: list[tuple[int, tuple[int, int]]]) -> None:
    spans = [span(person, number, *times) for number, (person, times) in enumerate(rows)]
    clash = any(
        a.staff_id == b.staff_id and a.starts_at < b.ends_at and b.starts_at < a.ends_at
        for i, a in enumerate(spans)
        for b in spans[i + 1 :]
    )
    assert bool(at_two_places(spans)) == clash


@pytest.mark.req("R-381")
@given(st.integers(0, 10**10), st.integers(1, 10**10))
def test_a_limit_in_percent_is_never_passed_by_a_fraction(part: int, whole: int) -> None:
    percent = percent_up(part, whole)
    assert percent * whole >= part * 100 > (percent - 1) * whole


@pytest.mark.req("R-363", "R-378", "R-379")
@given(st.integers(0, 5000), st.integers(1, 200_000), st.integers(0, 100))
def test_what_pupils_give_is_within_the_rate_that_is_held_against_a_cap(pupils: int, rate: int, remote: int) -> None:
    amount = proposed(pupils, rate, remote)
    assert per_pupil(without_supplement(amount, remote), pupils) <= rate


@pytest.mark.req("R-378", "R-379")
def test_remote_schools_get_600_at_most() -> None:
    assert proposed(100, 50000, 20) == 100 * 60000
    assert per_pupil(without_supplement(100 * 60000, 20), 100) == 50000
    assert per_pupil(without_supplement(100 * 60000 + 1, 20), 100) == 50001
