"""How long an offer lasts, by the table in the documentation; and a list made again from any log."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base import clock
from core.enrollment.waiting.hours import deadline
from core.enrollment.waiting.replay import replay
from core.enrollment.waiting.states import LIVE, WAITING

DOC = (Path(__file__).resolve().parents[3] / "docs" / "waiting.md").read_text(encoding="utf-8")
ROWS = re.findall(r"\| (\d{4}-\S+ \S+) \| (\d+) \| (\S+) \| (\S+) \| (\d{4}-\S+ \S+) \|", DOC)


def school(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=clock.SCHOOL_ZONE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1]}h")
def test_an_offer_lasts_as_the_documentation_says(row: tuple[str, ...]) -> None:
    start, hours, wakes, sleeps, ends = row
    found = deadline(school(start), int(hours), time.fromisoformat(wakes), time.fromisoformat(sleeps))
    assert found == school(ends)
    assert len(ROWS) == 7


@given(st.integers(0, 60 * 24 * 30), st.integers(2, 240), st.integers(0, 11), st.integers(12, 23))
@settings(max_examples=200, deadline=None)
def test_every_hour_of_an_offer_is_a_waking_one(minutes: int, hours: int, wakes: int, sleeps: int) -> None:
    """Counted minute by minute, between the start and the deadline lie exactly the promised hours."""
    start = clock.at_school(datetime(2026, 11, 1, tzinfo=UTC).date()) + timedelta(minutes=minutes)
    ends = deadline(start, hours, time(wakes), time(sleeps))
    awake, moment = 0, start
    while moment < ends:
        awake += time(wakes) <= clock.school_time(moment).time() < time(sleeps)
        moment += timedelta(minutes=1)
    assert awake == hours * 60
    assert clock.school_time(ends).time() <= time(sleeps)


@dataclass
class Line:
    entry_id: UUID
    kind: str
    at: int
    facts: dict[str, Any] = field(default_factory=dict)


@given(st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_the_log_gives_the_list_and_names_who_was_passed_over(seed: int) -> None:
    """Random lives in random order: live entries come back in order, and an offer out of order is found."""
    dice = random.Random(seed)
    lines: list[Line] = []
    states: dict[UUID, str] = {}
    keys: dict[UUID, tuple[Any, ...]] = {}
    passed = 0
    for number in range(40):
        if not states or dice.random() < 0.3:
            entry = UUID(int=dice.getrandbits(128))
            facts = {"cls": dice.randint(0, 1), "tier": dice.randint(0, 2), "number": number}
            lines.append(Line(entry, "join", number, facts))
            states[entry], keys[entry] = "waiting", (1, facts["cls"], facts["tier"], number)
            continue
        entry = dice.choice(list(states))
        if states[entry] == "waiting" and dice.random() < 0.2:
            at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number)
            lines.append(Line(entry, "jump", number, {"jumped_at": at.isoformat()}))
            keys[entry] = (0, at)
            continue
        moves = [event for (source, event) in WAITING.moves if source == states[entry]]
        if not moves:
            continue
        event = dice.choice(moves)
        if event == "offer":
            passed += sum(s == "waiting" and keys[other] < keys[entry] for other, s in states.items() if other != entry)
        lines.append(Line(entry, event, number))
        states[entry] = WAITING.moves[states[entry], event].target
    made = replay(lines)
    assert [(p.entry_id, p.state) for p in made.places] == [
        (entry, states[entry]) for entry in sorted(states, key=lambda e: keys[e]) if states[entry] in LIVE
    ]
    assert len(made.passed_over) == passed
