"""How long a whole school takes to be formed: 1,200 pupils, 60 staff, 5 days; goal: under 60 seconds on two cores.

Every answer is checked by the tests' own checker, which shares no code with the solver.
"""

from __future__ import annotations

import argparse
import os
import time

from core.enrollment.forming.problem import Problem
from core.enrollment.forming.solver import propose
from tests.bench.harness import Bench, Measure, Report, Side, interleave, watched
from tests.support.forming import school, wrong

GOAL_SECONDS = 60
MODES = ("same_grade", "mixed_age", "own_class")


class Forming(Bench):
    title = "Forming 1,200 pupils with 60 staff over 5 days, by mode"
    rounds = 1

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--pupils", type=int, default=1200)
        parser.add_argument("--staff", type=int, default=60)

    def run(self, args: argparse.Namespace) -> Report:
        problems = {
            mode: school(pupils=args.pupils, staff=args.staff, mode=mode, alternate=mode == "own_class", effort=8.0)
            for mode in MODES
        }
        measures = interleave([Side(mode, lambda p=p: _solve(p)) for mode, p in problems.items()], args.rounds)
        seconds = [float(m.facts["wall_s"]) for rounds in measures.values() for m in rounds]
        broken = sum(int(m.facts["broken"]) for rounds in measures.values() for m in rounds)
        checks = {"rules_broken": broken, "over_goal": sum(s > GOAL_SECONDS for s in seconds)}
        setup = {"pupils": args.pupils, "staff": args.staff, "days": 5, "goal_s": GOAL_SECONDS, "worst_s": max(seconds)}
        return Report("forming", measures, checks=checks, setup=setup)


def _solve(problem: Problem) -> Measure:
    with watched({"solver": [os.getpid()]}) as measure:
        began = time.perf_counter()
        found = propose(problem)
        took = time.perf_counter() - began
    measure.ops = 1
    measure.facts = {
        "wall_s": round(took, 1),
        "groups": len(found.groups),
        "unmet": len(found.unmet),
        "broken": len(wrong(problem, found)),
    }
    return measure


bench = Forming()
