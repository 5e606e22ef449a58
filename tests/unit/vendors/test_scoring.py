"""The score: as the worked tables say, replayable, hard to buy, and silent without evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.vendors.scoring import LIMITS, Unreplayable, compute, digest, replay, verify

DOC = Path(__file__).parents[3] / "docs" / "scoring.md"
WEIGHTS = {"satisfaction": 40, "lessons_held": 40, "punctuality": 10, "complaints": 10}


def table(title: str) -> list[dict[str, str]]:
    section = DOC.read_text(encoding="utf-8").split(f"## {title}")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


def inputs(
    due: int, held: int, stand_ins: int = 0, on_time: int | None = None, children: int = 0, upheld: int = 0,
    voices: str = "", min_ratings: int = 5,
) -> dict[str, Any]:  # fmt: skip
    on_time = held if on_time is None else on_time
    lessons = [
        {
            "on": f"2026-10-{n + 1:02}",
            "state": "held" if n < held else "missed",
            "minutes_late": (0 if n < on_time else 6) if n < held else None,
            "stand_in": n < stand_ins,
            "present": children // held + (1 if n < children % held else 0) if n < held else 0,
        }
        for n in range(due)
    ]
    pairs = [pair.split(":") for pair in voices.split()]
    return {
        "version": 1,
        "vendor": "v",
        "school": "s",
        "term": "2026-2027-1",
        "pack": "",
        "weights": WEIGHTS,
        "limits": dict(LIMITS),
        "min_ratings": min_ratings,
        "lessons": lessons,
        "ratings": [{"child": int(c), "stars": int(s)} for c, s in pairs],
        "complaints": [{"on": "2026-10-01", "ground": "complaint"}] * upheld,
    }


@pytest.mark.parametrize("row", table("Worked table: parts"))
def test_worked_parts(row: dict[str, str]) -> None:
    numbers = {k: int(v) for k, v in row.items() if k != "voices"}
    found = compute(
        inputs(
            numbers["due"], numbers["held"], numbers["stand-ins"], numbers["on time"], numbers["child-lessons"],
            numbers["upheld"], row["voices"],
        )
    )  # fmt: skip
    measured = found["measured"]
    assert measured["lessons_held"] == numbers["held share"]
    assert measured["punctuality"] == numbers["punctual share"]
    assert measured["stars_milli"] == numbers["stars"]
    assert measured["satisfaction"] == numbers["satisfaction share"]
    assert measured["complaints"] == numbers["complaints share"]
    assert found["centipoints"] == numbers["centipoints"]


@pytest.mark.parametrize("row", table("Worked table: evidence"))
def test_worked_evidence(row: dict[str, str]) -> None:
    due, raters = int(row["due lessons"]), int(row["rating children"])
    found = compute(inputs(due, due, voices=" ".join(f"{n}:5" for n in range(raters))))
    assert found["lacking"] == row["lacking"].split()
    assert (found["centipoints"] is None) == bool(row["lacking"])


stars = st.integers(1, 5)
voices = st.lists(st.tuples(st.integers(1, 30), stars), max_size=60)


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 900), st.integers(0, 9), voices)
def test_points_add_up_and_replay_gives_the_same(due: int, held: int, children: int, upheld: int, given_: Any) -> None:
    held = min(held, due)
    text = " ".join(f"{c}:{s}" for c, s in given_)
    found = compute(inputs(due, held, children=children if held else 0, upheld=upheld, voices=text))
    if found["enough"]:
        assert found["centipoints"] == sum(c["points"] for c in found["components"])
        assert 0 <= found["centipoints"] <= 10_000
    assert replay(found) == found
    assert verify(found, digest(found))


@given(voices)
def test_shuffling_what_does_not_matter_changes_nothing(given_: Any) -> None:
    text = " ".join(f"{c}:{s}" for c, s in given_)
    backwards = " ".join(f"{c}:{s}" for c, s in reversed(given_))
    one, other = compute(inputs(8, 8, voices=text)), compute(inputs(8, 8, voices=backwards))
    assert one["centipoints"] == other["centipoints"]


def test_twenty_bought_ratings_of_one_child_are_one_voice() -> None:
    honest = " ".join(f"{n}:3" for n in range(1, 9))
    before = compute(inputs(10, 10, voices=honest))["centipoints"]
    bought = compute(inputs(10, 10, voices=honest + " 99:5" * 20))["centipoints"]
    assert 0 <= bought - before <= 150


def test_one_angry_family_in_a_class_of_eight_moves_at_most_what_the_page_says() -> None:
    calm = " ".join(f"{n}:5" for n in range(1, 9))
    angry = calm.replace("8:5", "8:1")
    change = compute(inputs(10, 10, voices=calm))["centipoints"] - compute(inputs(10, 10, voices=angry))["centipoints"]
    assert 0 < change <= 308


def test_an_altered_snapshot_is_found_out() -> None:
    found = compute(inputs(10, 8, voices="1:3 2:3 3:3 4:3 5:3"))
    sha256 = digest(found)
    assert verify(found, sha256)
    assert not verify({**found, "centipoints": 9900}, sha256)
    better = {**found, "lessons": [{**x, "state": "held"} for x in found["lessons"]]}
    assert not verify(better, digest(better))
    with pytest.raises(Unreplayable):
        replay({**found, "version": 2})
    with pytest.raises(Unreplayable):
        replay({**found, "weights": {"beauty": 100}})
