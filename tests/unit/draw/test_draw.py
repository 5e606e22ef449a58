"""The draw is fair, wastes nothing, cannot be gamed, and anybody can run it again."""

from __future__ import annotations

import copy
import itertools
import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.enrollment.draw import program
from core.enrollment.draw.models import DrawRound
from core.enrollment.draw.program import Wrong, canonical, commitment, envied, give, numbers, outcome, own_hash, verify
from core.enrollment.draw.states import badge

CLASSES = ["低年级", "其他"]


def market(dice: random.Random, children: int, courses: int, *, slots: int = 1, limit: int = 1) -> dict[str, Any]:
    """A random draw, made and complete."""
    offered = [
        {"id": f"c{n}", "title": f"课程{n}", "slot": f"s{n % slots}", "places": dice.randint(0, 2)}
        for n in range(courses)
    ]
    wishes = []
    for child in range(children):
        asked = dice.sample([c["id"] for c in offered], dice.randint(0, courses))
        wishes.append(
            {
                "receipt": f"R{child:04}",
                "salt": f"{dice.getrandbits(64):016x}",
                "ranked": [[c, dice.randint(0, 1)] for c in asked],
            }
        )
    return drawn(
        {
            "format": program.FORMAT,
            "title": "某校第一学期",
            "program": own_hash(),
            "rules": {"limit": limit, "classes": CLASSES},
            "courses": offered,
            "wishes": wishes,
            "seed": f"双色球 {dice.getrandbits(40)}",
        }
    )


def drawn(draw: dict[str, Any]) -> dict[str, Any]:
    draw["commitment"] = commitment(draw)
    draw["outcome"] = outcome(draw)
    return draw


def arrays(draw: dict[str, Any]) -> tuple[Any, ...]:
    """What `give` and `envied` work on, built anew from the file."""
    number = numbers(draw["seed"], [w["receipt"] for w in draw["wishes"]])
    place = {c["id"]: n for n, c in enumerate(draw["courses"])}
    wishes = [[place[c] for c, _ in w["ranked"]] for w in draw["wishes"]]
    priorities = [[cls * 10_000 + number[w["receipt"]] for _, cls in w["ranked"]] for w in draw["wishes"]]
    return wishes, priorities, [c["slot"] for c in draw["courses"]], [c["places"] for c in draw["courses"]]


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 12), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_no_justified_envy_and_no_waste(seed: int, children: int, courses: int, slots: int, limit: int) -> None:
    draw = market(random.Random(seed), children, courses, slots=slots, limit=limit)
    verify(draw, own_hash())
    wishes, priorities, slot, places = arrays(draw)
    got = [
        [[c for c, _ in w["ranked"]].index(c) for c in draw["outcome"]["given"][w["receipt"]]] for w in draw["wishes"]
    ]
    assert list(envied(wishes, priorities, slot, places, limit, got)) == []
    for child, mine in enumerate(got):
        taken = [slot[wishes[child][p]] for p in mine]
        assert len(taken) == len(set(taken)) <= limit


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_the_checker_sees_what_is_wrong(seed: int, children: int, courses: int) -> None:
    """Taking a place away from a child, or giving it to one more, is always noticed."""
    draw = market(random.Random(seed), children, courses)
    wishes, priorities, slot, places = arrays(draw)
    right = give(wishes, priorities, slot, places, 1)
    for child, mine in enumerate(right):
        if mine:
            robbed = [list(m) for m in right]
            robbed[child] = []
            assert list(envied(wishes, priorities, slot, places, 1, robbed))
        elif wishes[child]:
            crowded = [list(m) for m in right]
            crowded[child] = [0]
            assert list(envied(wishes, priorities, slot, places, 1, crowded))


def test_nobody_gains_by_false_wishes_on_any_small_market() -> None:
    """Every misreport of every child, on random markets of up to 5 children and 3 courses in one slot."""
    dice = random.Random(7)
    lists = [list(p) for n in range(4) for p in itertools.permutations(range(3), n)]
    for _ in range(150):
        children, courses = dice.randint(1, 5), dice.randint(1, 3)
        usable = [w for w in lists if all(c < courses for c in w)]
        places = [dice.randint(0, 2) for _ in range(courses)]
        classes = [[dice.randint(0, 1) for _ in range(courses)] for _ in range(children)]
        order = dice.sample(range(children), children)
        true = [dice.choice(usable) for _ in range(children)]

        def prefers(said: list[list[int]], classes: Any = classes, order: Any = order) -> list[list[int]]:
            return [[classes[c][w] * 10 + order[c] for w in ranked] for c, ranked in enumerate(said)]

        slots = [0] * courses
        honest = give(true, prefers(true), slots, places, 1)
        for child in range(children):
            mine = true[child]
            best = honest[child][0] if honest[child] else len(mine)
            for lie in usable:
                said = [*true[:child], lie, *true[child + 1 :]]
                got = give(said, prefers(said), slots, places, 1)[child]
                course = lie[got[0]] if got else None
                assert course is None or course not in mine or mine.index(course) >= best


@pytest.mark.parametrize("seeds", [20_000])
def test_twins_have_equal_chances(seeds: int) -> None:
    """Two children alike in all: over 20,000 seeds each wins the only place about half of the time (5 deviations)."""
    receipts = ["TWIN-A", "TWIN-B", "STAFF-CHILD"]
    firsts = dict.fromkeys(receipts, 0)
    for seed in range(seeds):
        number = numbers(f"第{seed}期", receipts)
        firsts[min(receipts, key=number.__getitem__)] += 1
    spread = 5 * (seeds * (1 / 3) * (2 / 3)) ** 0.5
    assert all(abs(wins - seeds / 3) < spread for wins in firsts.values())


def test_together_or_not_at_all() -> None:
    dice = random.Random(3)
    for _ in range(60):
        draw = market(dice, dice.randint(2, 10), dice.randint(1, 4))
        for wish in draw["wishes"][:4]:
            wish["together"] = dice.choice(["g1", "g2"])
        drawn(draw)
        verify(draw, own_hash())
        for group in ("g1", "g2"):
            got = [set(draw["outcome"]["given"][w["receipt"]]) for w in draw["wishes"] if w.get("together") == group]
            assert all(mine == got[0] for mine in got)


def test_another_seed_is_noticed_even_where_it_gives_the_same_order() -> None:
    draw = market(random.Random(1), 1, 1)
    draw["seed"] += "0"
    with pytest.raises(Wrong):
        verify(draw, own_hash())


def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    dice = random.Random(11)
    draw = market(dice, 30, 5)
    changes: list[Any] = [
        lambda d: d["wishes"][4]["ranked"].reverse() if len(d["wishes"][4]["ranked"]) > 1 else d["wishes"].pop(4),
        lambda d: d["wishes"].pop(),
        lambda d: d.update(seed=d["seed"][:-1] + ("0" if d["seed"][-1] != "0" else "1")),
        lambda d: d["courses"][0].update(places=d["courses"][0]["places"] + 1),
        lambda d: d["rules"].update(limit=2),
        lambda d: d.update(program="0" * 64),
        lambda d: d["outcome"]["given"].update({next(k for k, v in d["outcome"]["given"].items() if v): []}),
    ]
    for change in changes:
        other = copy.deepcopy(draw)
        change(other)
        assert canonical(other) != canonical(draw)
        with pytest.raises(Wrong):
            verify(other, own_hash())


def run(file: Path, script: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(script), "verify", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_stands_alone(tmp_path: Path) -> None:
    """Copied somewhere else, without the product: the same result, and a plain no to a forged or broken file."""
    script = tmp_path / "kehou_draw.py"
    script.write_bytes(Path(program.__file__).read_bytes())
    draw = market(random.Random(5), 200, 12, slots=3, limit=2)
    file = tmp_path / "draw.json"
    file.write_text(json.dumps(draw, ensure_ascii=False), encoding="utf-8")
    done = run(file, script)
    assert done.returncode == 0 and "一致" in done.stdout, done.stdout + done.stderr
    draw["seed"] += " "
    file.write_text(json.dumps(draw), encoding="utf-8")
    assert run(file, script).returncode == 1
    file.write_text("{}", encoding="utf-8")
    assert run(file, script).returncode == 1
    file.write_text("not json", encoding="utf-8")
    assert run(file, script).returncode == 2
    missing = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "draw", "verify", str(tmp_path / "none.json")], check=False
    )
    assert missing.returncode == 2


@pytest.mark.req("R-216")
def test_the_badge_of_a_round_follows_the_clock() -> None:
    """An open round says so between its hours alone; what is decided after them is the worker's to say."""
    noon = datetime(2026, 9, 1, 12, tzinfo=UTC)
    row = DrawRound(state="open", opens_at=noon, closes_at=noon + timedelta(hours=1))
    minute = timedelta(minutes=1)
    said = [badge(row, at)[0] for at in (noon - minute, noon, row.closes_at - minute, row.closes_at)]
    assert said == ["未开始", "填报中", "填报中", "填报结束"]
    row.state = "committed"
    assert badge(row, noon)[0] == "已锁定并公示"
