"""The draw at the size of a country: giving places, against the library `matching`, and with the database around it.

seconds_274k       giving places to 274,000 children in 6,400 courses with 5 wishes each (the size of Chile's system)
ratio_to_matching  time of `matching` on 3,000 children with 8 wishes, divided by ours; both from plain lists of wishes
ratio_to_copy      the step of the product's own job that draws (committed wishes read from the database, checked
                   against their published hash, drawn, checked for envy, written back with seed and outcome), divided
                   by COPY out + COPY in of the 274,000 wishes' rows under the same keys, turn by turn
rss_mb             the most memory that this process held

The market: courses of unequal popularity, four classes of priority, somewhat fewer places than children.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

import psycopg

from core.enrollment.draw import giving, program
from deploy.app import build_house
from tests.bench.harness import Bench, Measure, Report, Side, interleave, median, watched
from tests.support import database as databases
from tests.support.world import School, World

CLASSES: Final = 4
GOALS: Final = {"seconds_274k": "< 3", "ratio_to_matching": ">= 100", "ratio_to_copy": "<= 3"}
SEED: Final = "02 07 11 19 24 30 + 08"

Arrays = tuple[list[list[int]], list[list[int]], list[int], list[int], int]


def market(children: int, courses: int, wishes: int, places: int, seed: int = 1) -> Arrays:
    """What `program.give` takes: courses of unequal popularity, `places` in each, one slot."""
    dice = random.Random(seed)
    popular = list(itertools.accumulate(1 / (1 + course / 20) for course in range(courses)))
    ranked = [
        list(dict.fromkeys(dice.choices(range(courses), cum_weights=popular, k=3 * wishes)))[:wishes]
        for _child in range(children)
    ]
    number = dice.sample(range(1, children + 1), children)
    priority = [dice.randrange(CLASSES) * (children + 1) + number[child] for child in range(children)]
    priorities = [[priority[child]] * len(line) for child, line in enumerate(ranked)]
    return ranked, priorities, [0] * courses, [places] * courses, 1


def record_of(arrays: Arrays) -> dict[str, Any]:
    """The same market as a committed draw's file, receipts and salts made up."""
    ranked, priorities, slots, places, limit = arrays
    dice = random.Random(2)
    ids = [str(UUID(int=(7 << 76) | (8 << 60) | course)) for course in range(len(places))]
    lines = [
        {
            "receipt": f"{dice.getrandbits(60):015X}",
            "salt": f"{dice.getrandbits(128):032x}",
            "ranked": [
                [ids[course], priority // (len(ranked) + 1)] for course, priority in zip(line, mine, strict=True)
            ],
        }
        for line, mine in zip(ranked, priorities, strict=True)
    ]
    record = {
        "format": program.FORMAT,
        "title": "bench",
        "program": program.own_hash(),
        "rules": {"limit": limit, "classes": [str(cls) for cls in range(CLASSES)]},
        "courses": [
            {"id": id_, "title": id_, "slot": str(slot), "places": size}
            for id_, slot, size in zip(ids, slots, places, strict=True)
        ],
        "wishes": sorted(lines, key=lambda line: str(line["receipt"])),
    }
    record["commitment"] = program.commitment(record)
    return record


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came out; without the collector of cycles, as timeit does, and as the product's job draws."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        result = work()
        return time.perf_counter() - start, result
    finally:
        gc.enable()


def peer(arrays: Arrays, turns: int = 5) -> tuple[float, float, bool]:
    """The least seconds of `matching` and of ours on one market, turn by turn, and whether both gave the same places.

    `matching` copies itself recursively: call this in a thread with a deep stack (`deeply`).
    """
    from matching.games import HospitalResident

    ranked, priorities, _slots, places, _limit = arrays
    wanted: dict[int, list[int]] = {}
    for child in sorted(range(len(ranked)), key=lambda c: min(priorities[c], default=0)):
        for course in ranked[child]:
            wanted.setdefault(course, []).append(child)

    def solve() -> Any:
        return HospitalResident.create_from_dictionaries(
            {child: [f"c{course}" for course in line] for child, line in enumerate(ranked) if line},
            {f"c{course}": children for course, children in wanted.items()},
            {f"c{course}": places[course] for course in wanted},
        ).solve()

    theirs, mine = [], []
    for _turn in range(turns):
        spent, solved = timed(solve)
        theirs.append(spent)
        spent, given = timed(lambda: program.give(*arrays))
        mine.append(spent)
    got = {int(child.name): int(course.name[1:]) for course, children in solved.items() for child in children}
    same = got == {child: ranked[child][at[0]] for child, at in enumerate(given) if at}
    return min(theirs), min(mine), same


def deeply(work: Callable[[], tuple[float, float, bool]]) -> tuple[float, float, bool]:
    """Run in a thread that may recurse as deep as `matching` does."""
    answers: list[tuple[float, float, bool]] = []
    depth, size = sys.getrecursionlimit(), threading.stack_size(512 * 2**20)
    sys.setrecursionlimit(1_000_000)
    try:
        thread = threading.Thread(target=lambda: answers.append(work()))
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(depth)
        threading.stack_size(size)
    return answers[0]


class Bed:
    """A school with one committed draw in a database of its own; each side leaves it as it found it."""

    def __init__(self, database: databases.DatabaseAddresses, server_pid: int | None, record: dict[str, Any]) -> None:
        self.loop = asyncio.new_event_loop()
        self.house = build_house(database.settings())
        self.owner = database.superuser
        self.groups = {"us": [os.getpid()], **({"postgres": [server_pid]} if server_pid else {})}
        self.children = len(record["wishes"])
        self.wrong = 0
        self.school: School = self.loop.run_until_complete(World(self.house).school(families=0, plugins=()))
        self.round_id = UUID(int=(7 << 76) | (8 << 60) | (1 << 59))
        with psycopg.connect(self.owner, autocommit=True) as db:
            self._populate(db, record)

    def _populate(self, db: psycopg.Connection[Any], record: dict[str, Any]) -> None:
        """Children, the committed round and its wishes, written as the product writes them."""
        lines = record["wishes"]
        where = {"t": self.school.ctx.tenant_id, "c": self.school.class_id, "r": self.round_id, "n": len(lines)}
        db.execute(
            "insert into student (tenant_id, id, class_id, name, name_sort) select %(t)s, "
            "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %(c)s, 'x', 'x' "
            "from generate_series(0, %(n)s::bigint - 1) n",
            where,
        )
        db.execute(
            "insert into draw_round (tenant_id, id, term_id, title, state, opens_at, closes_at, per_child, classes, "
            "seed_source, seed_at, seed, record) values (%(t)s, %(r)s, %(term)s, 'bench', 'committed', "
            "now() - interval '3 d', now() - interval '2 d', 1, %(classes)s, 'x', now(), %(seed)s, %(record)s)",
            {
                **where,
                "term": self.school.term_id,
                "classes": json.dumps(record["rules"]["classes"]),
                "seed": SEED,
                "record": json.dumps(record),
            },
        )
        with db.cursor().copy(
            "copy draw_wish (tenant_id, id, round_id, student_id, receipt, line, saved_at) from stdin"
        ) as copy:
            for number, line in enumerate(lines):
                id_ = f"00000000-0000-7000-8000-{number:012x}"
                copy.write_row(
                    (where["t"], id_, self.round_id, id_, line["receipt"], json.dumps(line), "2026-09-01 00:00:00+00")
                )
        db.execute("create table bench_wish (like draw_wish including all)")
        foreign = "select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = %s::regclass"
        for key in db.execute(foreign, ("draw_wish",)).fetchall():
            db.execute(f"alter table bench_wish add {key[0]}")
        db.execute("create unlogged table bench_round as select record from draw_round")
        db.execute("vacuum analyze")
        db.execute("checkpoint")

    def ours(self) -> Measure:
        """What the job does at once for all: read, draw, check, write back; then undone."""
        with watched(self.groups) as measure:
            why = self.loop.run_until_complete(self._draw())
        measure.ops = self.children
        self.wrong += bool(why)
        with psycopg.connect(self.owner, autocommit=True) as db:
            db.execute("update draw_round set state = 'committed', record = (select record from bench_round)")
            db.execute("vacuum full draw_round")
            db.execute("checkpoint")
        return measure

    async def _draw(self) -> str:
        async with self.house.unit(self.school.ctx) as uow:
            return await giving.draw_round(uow, self.round_id)

    def copied(self) -> Measure:
        """The rows of all wishes out of the table, and into one like it."""
        rows = bytearray()
        with psycopg.connect(self.owner, autocommit=True) as db:
            with watched(self.groups) as measure:
                with db.cursor().copy("copy draw_wish to stdout") as out:
                    for part in out:
                        rows += part
                with db.cursor().copy("copy bench_wish from stdin") as into:
                    into.write(bytes(rows))
            measure.ops = self.children
            db.execute("truncate bench_wish")
            db.execute("checkpoint")
        return measure

    def close(self) -> None:
        self.loop.run_until_complete(self.house.db.close())
        self.loop.close()


class Draw(Bench):
    title = "Places for 274,000 children: the kernel, against `matching`, and with the database against COPY"
    rounds = 3

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--children", type=int, default=274_000)
        parser.add_argument("--courses", type=int, default=6_400)

    def run(self, args: argparse.Namespace) -> Report:
        theirs, mine, same = deeply(lambda: peer(market(3_000, 150, 8, 18)))
        arrays = market(args.children, args.courses, 5, max(1, args.children * 15 // 16 // args.courses))
        kernel = []
        for _turn in range(args.rounds):
            spent, given = timed(partial(program.give, *arrays))
            kernel.append(spent)
        envied = sum(1 for _wrong in program.envied(*arrays, given))
        with databases.server() as server:
            databases.make_template(server)
            with databases.fresh(server) as database:
                bed = Bed(database, server.pid, record_of(arrays))
                del arrays, given
                try:
                    measures = interleave([Side("ours", bed.ours), Side("copy", bed.copied)], args.rounds)
                finally:
                    bed.close()
        ratios = [a.seconds / b.seconds for a, b in zip(measures["ours"], measures["copy"], strict=True)]
        return Report(
            "draw",
            measures,
            ratios=[("copy", "ours")],
            checks={"envied": envied, "not_drawn": bed.wrong, "unlike_matching": int(not same)},
            setup={"children": args.children, "courses": args.courses, "goals": GOALS},
            headline={
                "seconds_274k": round(median(kernel), 3),
                "ratio_to_matching": round(theirs / mine, 1),
                "ratio_to_copy": round(median(ratios), 2),
                "rss_mb": round(max(m.peak_bytes["us"] for m in measures["ours"]) / 2**20),
            },
        )


bench = Draw()
