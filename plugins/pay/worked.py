"""The arithmetic of pay, pure: what one lesson is worth, and which corrections a person's pay can bear."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Protocol, TypeVar
from uuid import UUID


class RateLike(Protocol):
    """What the arithmetic needs to know of a rate."""

    payee: str
    kind: str
    unit: str
    unit_fen: int
    effective_from: date
    effective_to: date | None


R = TypeVar("R", bound=RateLike)


def amount_of(unit: str, unit_fen: int, minutes: int) -> int:
    """What a lesson of this length is paid, in fen; a part of an hour in proportion, rounded down to the fen."""
    return unit_fen if unit == "lesson" else unit_fen * minutes // 60


def rate_for(rates: Iterable[R], payee: str, kind: str, on: date) -> R | None:
    """The approved rate of the day, if there is one."""
    return next(
        (
            rate
            for rate in rates
            if rate.payee == payee
            and rate.kind == kind
            and rate.effective_from <= on
            and (rate.effective_to is None or on <= rate.effective_to)
        ),
        None,
    )


def borne(earned: int, owed: Sequence[int]) -> int:
    """How many of the corrections (what was paid wrongly, in fen, oldest first) this pay can bear: never below nought.

    The rest waits for the next list, so that nobody is asked to pay money in.
    """
    taken, sum_ = 0, 0
    for amount in owed:
        if sum_ + amount > earned:
            break
        sum_ += amount
        taken += 1
    return taken


@dataclass(frozen=True, slots=True)
class Span:
    """When somebody is in charge of a lesson."""

    staff_id: UUID
    lesson_id: UUID
    on: date
    starts_at: time
    ends_at: time


def at_two_places(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Lessons of one person that overlap in time: somebody cannot be at two places at once (R-454)."""
    found: list[tuple[Span, Span]] = []
    ordered = sorted(spans, key=lambda s: (s.staff_id, s.on, s.starts_at, s.ends_at, s.lesson_id))
    latest: Span | None = None
    for span in ordered:
        same = latest is not None and (latest.staff_id, latest.on) == (span.staff_id, span.on)
        if latest is not None and same and span.starts_at < latest.ends_at:
            found.append((latest, span))
        if latest is None or not same or span.ends_at > latest.ends_at:
            latest = span
    return found


def percent_up(part: int, whole: int) -> int:
    """`part` in percent of `whole`, rounded up, so that a limit is never passed by a fraction."""
    return -(-part * 100 // whole)
