"""What the draw promises, proved on every small market, on twins, and against a library that knows nothing of ours."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from matching.games import HospitalResident

from core.enrollment.draw import program
from core.enrollment.draw.giving import decide, wrongly_missed
from core.enrollment.draw.program import give

CHILDREN, COURSES = 5, 3
LISTS = [ranked for size in range(COURSES + 1) for ranked in itertools.permutations(range(COURSES), size)]


ALIKE = ((), (0,), (0, 1), (0, 1, 2))
"""The lists of one child where all courses are of one size, up to their names; and where the first is larger."""
ONE_LARGER = ((), (0,), (1,), (0, 1), (1, 0), (1, 2), (0, 1, 2), (1, 0, 2), (1, 2, 0))


@pytest.mark.req("R-216")
@pytest.mark.parametrize(("places", "firsts"), [((1, 1, 1), ALIKE), ((2, 1, 1), ONE_LARGER)])
def test_no_misreport_gains_on_every_market_of_five_children_and_three_courses(
    places: tuple[int, ...], firsts: tuple[tuple[int, ...], ...]
) -> None:
    """Brute force: whatever the others say, whatever is true, each of the 15 other lists gets a child nothing better.

    A class of priority and a number together are one order of the children, so the children can be called 0 to 4 in
    that order; whoever ranks nothing is not there, so smaller markets are inside. Courses of equal size can be renamed:
    the list of the first child is one of `firsts`; it always gets its first wish, so it cannot gain either.
    """
    priorities = [[[child] * len(ranked) for ranked in LISTS] for child in range(CHILDREN)]
    got = np.empty((CHILDREN, *[len(LISTS)] * (CHILDREN - 1)), dtype=np.int8)
    worth = np.full(
        (len(LISTS), COURSES + 1), len(LISTS), dtype=np.int8
    )  # of a course, to who ranks so; less is better
    for number, ranked in enumerate(LISTS):
        worth[number, -1] = COURSES
        for place, course in enumerate(ranked):
            worth[number, course] = place
    for first in firsts:
        for others in itertools.product(range(len(LISTS)), repeat=CHILDREN - 1):
            ranked = [first, *(LISTS[number] for number in others)]
            prefers = [[0] * len(first), *(priorities[child][n] for child, n in enumerate(others, 1))]
            given = give(ranked, prefers, [0] * COURSES, places, 1)
            for child, mine in enumerate(given):
                got[(child, *others)] = ranked[child][mine[0]] if mine else -1
        assert (got[0] == (first[0] if first else -1)).all()
        for child in range(1, CHILDREN):
            mine_by_list = np.moveaxis(got[child], child - 1, 0).reshape(len(LISTS), -1)
            for true in range(len(LISTS)):
                assert (worth[true][mine_by_list] >= worth[true][mine_by_list[true]]).all()


@pytest.mark.req("R-216")
def test_equal_to_a_library_that_others_wrote() -> None:
    """`matching` solves the same market from both sides' full preferences: the same places, child by child."""
    dice = random.Random(5)
    for _market in range(40):
        children, courses = dice.randint(1, 40), dice.randint(1, 8)
        places = [dice.randint(1, 4) for _course in range(courses)]
        wishes = [dice.sample(range(courses), dice.randint(1, courses)) for _child in range(children)]
        number = dice.sample(range(children), children)
        classes = [dice.randrange(3) * children for _child in range(children)]
        priorities = [[classes[child] + number[child]] * len(line) for child, line in enumerate(wishes)]
        ours = {c: wishes[c][g[0]] for c, g in enumerate(give(wishes, priorities, [0] * courses, places, 1)) if g}
        order = sorted(range(children), key=lambda child: priorities[child][0])
        wanted = {course: [child for child in order if course in wishes[child]] for course in range(courses)}
        game = HospitalResident.create_from_dictionaries(
            {child: [f"c{course}" for course in line] for child, line in enumerate(wishes)},
            {f"c{course}": mine for course, mine in wanted.items() if mine},
            {f"c{course}": places[course] for course, mine in wanted.items() if mine},
        )
        theirs = {int(child.name): int(course.name[1:]) for course, got in game.solve().items() for child in got}
        assert ours == theirs


def committed(wishes: list[dict[str, object]], **rules: object) -> dict[str, object]:
    """A draw of two courses with one place each, committed to and without its seed."""
    draw: dict[str, object] = {
        "format": program.FORMAT,
        "title": "x",
        "program": program.own_hash(),
        "rules": {"limit": 1, "classes": ["全体学生"], **rules},
        "courses": [
            {"id": f"c{n}", "title": f"c{n}", "slot": "1", "places": places} for n, places in enumerate((1, 1))
        ],
        "wishes": wishes,
    }
    return {**draw, "commitment": program.commitment(draw)}


@pytest.mark.req("R-216")
def test_over_20000_seeds_twins_win_as_often_as_each_other_and_as_the_child_of_a_teacher() -> None:
    """Four children alike in wishes and class, two of them twins, one a teacher's: whatever of a family the school
    knows, the file has no word for it. Each wins each place as often as the others (5 standard deviations).
    """
    names = ["TWIN-A", "TWIN-B", "TEACHER", "SENT-200"]
    draw = committed([{"receipt": name, "salt": "s", "ranked": [["c0", 0], ["c1", 0]]} for name in names])
    seeds, won = 20_000, dict.fromkeys(itertools.product(names, ["c0", "c1"]), 0)
    for seed in range(seeds):
        for name, courses in program.outcome({**draw, "seed": f"第 {seed} 期"})["given"].items():
            for course in courses:
                won[name, course] += 1
    spread = 5 * (seeds * (1 / 4) * (3 / 4)) ** 0.5
    assert sum(won.values()) == 2 * seeds
    assert all(abs(times - seeds / 4) < spread for times in won.values())


def test_groups_are_checked_too_after_a_draw() -> None:
    """What was struck for a group is nobody's envy; a place taken away is, in a draw with groups too."""
    dice = random.Random(2)
    struck = 0
    for seed in range(60):
        wishes: list[dict[str, object]] = [
            {"receipt": f"R{n}", "salt": "s", "ranked": [[c, 0] for c in dice.sample(["c0", "c1"], dice.randint(1, 2))]}
            for n in range(5)
        ]
        wishes[0]["together"] = wishes[1]["together"] = "g"
        drawn = decide(committed(wishes), str(seed))
        assert not isinstance(drawn, str), drawn
        assert wrongly_missed(drawn) == []
        struck += len(drawn["outcome"]["struck"])
        receipt = next((r for r, got in drawn["outcome"]["given"].items() if got), None)
        if receipt is not None:
            drawn["outcome"]["given"][receipt] = []
            assert wrongly_missed(drawn)
    assert struck > 20
