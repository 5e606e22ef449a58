"""What asking the rules costs: verdicts per second, their share of a page, and the memory of a county's packs.

`page` asks the application for a school's page of its rules; `page_checked` asks 500 questions in front of it. The
share is what these questions took of such a page. Memory is that of 3,000 schools, each with a document of its own
below one county's, all loaded and asked.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psutil

from core.policy.kinds import AtMost
from core.policy.load import load_packs
from core.policy.rules import CATALOGUE
from core.policy.service import EffectivePack, PackLibrary
from core.policy.types import Level
from core.web.app import build_app
from deploy.app import build_house
from tests.bench.harness import Bench, Measure, Report, Side, interleave, median, watched
from tests.support import database as databases
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
PACKS = ROOT / "tenants" / "packs"
ON = date(2026, 9, 1)
GOAL_MB = 200
CHECKS = 500
PAGES = 20

QUESTIONS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("time.latest_end", {"end": "17:50", "window": "afternoon", "stage": "primary"}),
    ("time.latest_end", {"end": "18:40", "window": "afternoon", "stage": "primary"}),
    ("time.minutes_max", {"minutes": 120, "window": "afternoon", "stage": "primary"}),
    ("content.banned_kinds", {"kinds": ["homework", "arts"], "stage": "primary"}),
    ("content.blocked_words", {"texts": ["合唱与朗诵", "每周一次"]}),
    ("provider.kinds", {"provider": "own_staff"}),
    ("fee.payer", {"amount_fen": 36000, "grades": (3,)}),
    ("fee.within_standard", {"amount_fen": 500, "standard_fen": 500}),
    ("application.chain", {"steps": ["class_review", "school_approval"]}),
    ("class.size_max", {"size": 45}),
)
"""A mixture as a page of offerings asks it: some answered by silence, some by an objection."""


class Policy(Bench):
    title = "Verdicts per second, 500 checks on a page, and the packs of 3,000 schools"
    rounds = 5

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--schools", type=int, default=3000)

    def run(self, args: argparse.Namespace) -> Report:
        pack = load_packs(PACKS).effective("anhui-ten-bans", ON)
        with databases.server() as server:
            databases.make_template(server)
            with databases.fresh(server) as database:
                bed = Bed(database)
                try:
                    sides = [
                        Side("verdicts", lambda: _timed(lambda: ask(pack, 50_000), 50_000)),
                        Side("bare_calls", lambda: _timed(lambda: bare(50_000), 50_000)),
                        Side("page", lambda: bed.pages(lambda: 0)),
                        Side("page_checked", lambda: bed.pages(lambda: ask(pack, CHECKS))),
                    ]
                    measures = interleave(sides, args.rounds)
                finally:
                    bed.close()
        rss_mb = memory(args.schools)
        added = median(m.facts["checks_ms"] for m in measures["page_checked"])
        share = 100 * added / median(m.facts["ms"] for m in measures["page"])
        setup = {
            "schools": args.schools,
            "checks": CHECKS,
            "checks_add_percent": round(share, 1),
            "rss_mb": round(rss_mb, 1),
            "goal_mb": GOAL_MB,
        }
        ratios = [("verdicts", "bare_calls"), ("page_checked", "page")]
        return Report("policy", measures, ratios=ratios, checks={"over_memory": int(rss_mb >= GOAL_MB)}, setup=setup)


class Bed:
    """One school on PostgreSQL, and its office that opens the page of the rules."""

    def __init__(self, database: databases.DatabaseAddresses) -> None:
        self.loop = asyncio.new_event_loop()
        self.house = build_house(database.settings())
        self.world = World(self.house, build_app(self.house))
        self.address, self.client = self.loop.run_until_complete(self._prepare())

    async def _prepare(self) -> tuple[str, httpx.AsyncClient]:
        school = await self.world.school(families=0)
        client = await self.world.client(school.people["office"], page=True)
        address = f"/t/{school.ctx.slug}/desk/rules"
        for _ in range(3):
            (await client.get(address)).raise_for_status()
        return address, client

    def pages(self, before: Callable[[], int]) -> Measure:
        """Pages over ASGI, each with `before` in front of it, as its handler would ask."""
        with watched({"us": [os.getpid()]}) as measure:
            checking, drawing = self.loop.run_until_complete(self._draw(before))
        measure.ops = PAGES
        measure.facts = {"ms": (checking + drawing) / PAGES * 1000, "checks_ms": checking / PAGES * 1000}
        return measure

    async def _draw(self, before: Callable[[], int]) -> tuple[float, float]:
        checking = drawing = 0.0
        for _ in range(PAGES):
            start = time.perf_counter()
            before()
            middle = time.perf_counter()
            await self.client.get(self.address)
            checking += middle - start
            drawing += time.perf_counter() - middle
        return checking, drawing

    def close(self) -> None:
        self.loop.run_until_complete(self.house.db.close())
        self.loop.close()


def _timed(work: Callable[[], object], ops: int) -> Measure:
    with watched({"us": [os.getpid()]}) as measure:
        work()
    measure.ops = ops
    return measure


def ask(pack: EffectivePack, many: int) -> int:
    """Ask `many` questions of the mixture; how many were answered with an objection."""
    objected = 0
    for number in range(many):
        rule, facts = QUESTIONS[number % len(QUESTIONS)]
        objected += not pack.ask(rule, **facts).ok
    return objected


def bare(many: int) -> int:
    """The least that a question could cost in this language: a call with its facts, and one comparison."""

    def answer(rule: str, /, **facts: Any) -> bool:
        return len(facts) > 0

    said = 0
    for number in range(many):
        rule, facts = QUESTIONS[number % len(QUESTIONS)]
        said += answer(rule, **facts)
    return said


def memory(schools: int) -> float:
    """Megabytes that `schools` effective packs take, each asked once, each of a document of its own."""
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    county = load_packs(PACKS)
    upper = county.version("anhui-ten-bans", ON)
    library = PackLibrary([*county, *(_school(upper, number) for number in range(schools))], CATALOGUE)
    for number in range(schools):
        ask(library.effective(f"school-{number}", ON), len(QUESTIONS))
    gc.collect()
    return float(process.memory_info().rss - before) / 2**20


def _school(upper: Any, number: int) -> Any:
    """A school's own document below the county's: it narrows each of the county's upper limits by one."""
    key = f"school-{number}"
    entries = tuple(
        replace(entry, value=entry.value - 1, pack_key=key, pack_title=key, level=Level.SCHOOL, clause="一")
        for entry in upper.entries
        if isinstance(CATALOGUE[entry.key].kind, AtMost) and isinstance(entry.value, int)
    )
    return replace(
        upper,
        key=key,
        title=key,
        level=Level.SCHOOL,
        parent=upper.key,
        entries=entries,
        revision=f"{number:064x}",
        raw={**upper.raw, "key": key},
    )


bench = Policy()
