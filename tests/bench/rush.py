"""The rush: guardians claim places of clubs at the same second.

ours      the whole way over HTTP: session, rights, organisation by row-level security, child, window, grade, overlap,
          idempotency, audit row; claims that wait are decided together
pgbench   the same SQL statement, one claim for each transaction, by pgbench with 1, 4 and 16 clients; the best counts

Once on one hot club and once over twenty. Both sides on one durable PostgreSQL (fsync on). Then, as figures of their
own: an opening in an open loop, refusals after it is sold out against a ping that asks no database, and what another
school feels meanwhile. Afterwards the books must agree: places given = rows = answers "claimed", none twice, none lost.

ratio_hot, ratio_20   decided claims a second ÷ pgbench's                                (goals 2 and 1)
p99_s, slowest_s      5,000 guardians, 10,000 requests in the first second, 600 places   (goal: all within 5 s)
ratio_soldout         refusals a second ÷ pings a second                                 (goal 0.5)
ratio_noisy           another school's 99th percentile during the rush ÷ without         (goal 1.5)
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.harness import Bench, Measure, Report, Side, interleave, median, watched
from tests.bench.rush_client import Ask, Said, opening, page_for, pages, rush
from tests.bench.rush_scene import CHILDREN, CLUBS, Scene, scene_with
from tests.support.crowd import GUARDIANS

CLIENTS = (1, 4, 16)
PLACES = 600

# Placeholders: where the clubs are, and how many of them.
SCRIPT = """\\set i :i + 1
\\set n :client_id * 8000 + :i
select * from claim_seats('{tenant}', jsonb_build_array(jsonb_build_object(
  'offering', ('{{{clubs}}}'::uuid[])[1 + (:n::bigint % {many})::int],
  'id', gen_random_uuid(), 'audit', gen_random_uuid(), 'actor', 'x', 'key', 'k' || :n,
  'account', '00000000-0000-7000-9000-' || lpad(to_hex(1 + :n::bigint % {guardians}), 12, '0'),
  'student', '00000000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))), interval '30 minutes');
"""


def _groups(scene: Scene, load: str) -> dict[str, list[int]]:
    assert scene.server is not None and scene.postgres.pid is not None
    groups = {"postgres": [scene.postgres.pid]}
    if load == "http":
        groups["web"] = [scene.server.pid]
    return groups


def _asks(scene: Scene, clubs: int) -> Iterator[Ask]:
    return ((scene.clubs[number % clubs], number) for number in range(1, CHILDREN + 1))


def _ours(scene: Scene, clubs: int, connections: int, seconds: float) -> Measure:
    scene.fresh()
    with watched(_groups(scene, "http")) as measure:
        said = asyncio.run(rush(scene.port, _asks(scene, clubs), connections=connections, seconds=seconds))
    rows = scene.count("select count(*) from seat_claim")
    measure.ops = said.outcomes["claimed"]
    measure.facts = {
        "p50_ms": round(said.slowest(0.5) * 1000, 1),
        "p99_ms": round(said.slowest(0.99) * 1000, 1),
        "not_decided": sum(said.failed.values()),
        "rows_minus_yeses": rows - measure.ops,
    }
    return measure


def _pgbench(scene: Scene, clubs: int, seconds: float) -> Measure:
    """The best of 1, 4 and 16 clients, each for `seconds`."""
    program = scene.postgres._bindir / "pgbench" if scene.postgres._bindir else Path("pgbench")
    script = scene.folder / f"claim{clubs}.sql"
    script.write_text(
        SCRIPT.format(
            tenant=scene.tenant, clubs=",".join(map(str, scene.clubs[:clubs])), many=clubs, guardians=GUARDIANS
        ),
        encoding="utf-8",
    )
    best: Measure | None = None
    tried: dict[str, float] = {}
    for clients in CLIENTS:
        scene.fresh()
        command = [str(program), "-n", "-f", str(script), "-c", str(clients), "-j", str(min(2, clients))]
        command += ["-T", str(max(1, int(seconds))), "-M", "prepared", "-D", "i=0", scene.addresses.app]
        with watched(_groups(scene, "pgbench")) as measure:
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            raise SystemExit(f"pgbench failed: {ran.stderr[-500:]}")
        measure.ops = scene.count("select count(*) from seat_claim")
        stated = re.search(r"tps = ([\d.]+)", ran.stdout)
        tried[f"tps_{clients}_clients"] = float(stated[1]) if stated else measure.rate
        if best is None or measure.rate > best.rate:
            best = measure
    assert best is not None
    best.facts = tried
    return best


def _opening(scene: Scene, guardians: int) -> tuple[Said, dict[str, int]]:
    """More children than places, each asking twice within the first second: what was told must be what is written."""
    scene.fresh(PLACES)
    asks = [(scene.offering, number) for number in [*range(1, guardians + 1), *range(1, guardians + 1)]]
    said = asyncio.run(opening(scene.port, asks, guardians=guardians, opens=scene.opens))
    rows = scene.count("select count(*) from seat_claim where released_at is null")
    distinct = scene.count("select count(distinct student_id) from seat_claim where released_at is null")
    taken = scene.count(f"select taken from offering_seats where id = '{scene.offering}'")
    winners = len(set(said.claimed))
    return said, {
        "oversold": max(0, rows - PLACES),
        "counter_wrong": abs(taken - rows),
        "twice": rows - distinct,
        "told_but_not_written": max(0, winners - rows),
        "places_left_empty": max(0, min(PLACES, guardians) - rows),
        "not_decided": sum(said.failed.values()),
    }


def _sold_out(scene: Scene, connections: int, seconds: float, rounds: int) -> float:
    """Refusals a second ÷ pings a second, turn by turn."""
    ratios = []
    for turn in range(rounds):
        losers = ((scene.offering, number) for number in itertools.count(GUARDIANS + 1 + turn * 20_000))
        refused = asyncio.run(rush(scene.port, losers, connections=connections, seconds=seconds))
        ping = asyncio.run(pages(scene.port, page_for("/health/live"), connections=connections, seconds=seconds))
        ratios.append(refused.outcomes["full"] / max(1, ping.outcomes["200"]))
    return median(ratios)


def _noisy(scene: Scene, connections: int, seconds: float, rounds: int) -> float:
    """What the office of the school beside it feels: the 99th percentile of its board during the rush ÷ without."""
    request = page_for("/api/t/beside/desk/offerings", scene.neighbour)

    async def felt(rushing: bool) -> float:
        board = pages(scene.port, request, connections=4, seconds=seconds, pause=0.02)
        if not rushing:
            return (await board).slowest(0.99)
        crowd = rush(scene.port, _asks(scene, 1), connections=connections, seconds=seconds)
        said, _ = await asyncio.gather(board, crowd)
        if set(said.outcomes) != {"200"}:
            raise SystemExit(f"the board of the school beside it answered {dict(said.outcomes)}")
        return said.slowest(0.99)

    ratios = []
    for _ in range(rounds):
        scene.fresh()
        quiet = asyncio.run(felt(False))
        ratios.append(asyncio.run(felt(True)) / quiet)
    return median(ratios)


class Rush(Bench):
    title = "claims of one hot club and of twenty: the whole HTTP path against pgbench on the same SQL"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--connections", type=int, default=64)
        parser.add_argument("--seconds", type=float, default=4.0, help="of each run of each side")
        parser.add_argument("--workers", type=int, default=1, help="web processes")
        parser.add_argument("--guardians", type=int, default=GUARDIANS, help="of the opening; each asks twice")

    def run(self, args: argparse.Namespace) -> Report:
        with scene_with(args.workers) as scene:
            _ours(scene, CLUBS, args.connections, 1.0)  # warm: code paths, plans, pool
            said, checks = _opening(scene, args.guardians)
            soldout = _sold_out(scene, args.connections, args.seconds / 2, args.rounds)
            noisy = _noisy(scene, args.connections, args.seconds, args.rounds)
            sides = [
                side
                for name, clubs in (("hot", 1), ("20", CLUBS))
                for side in (
                    Side(f"ours_{name}", lambda n=clubs: _ours(scene, n, args.connections, args.seconds)),
                    Side(f"pgbench_{name}", lambda n=clubs: _pgbench(scene, n, args.seconds)),
                )
            ]
            measures = interleave(sides, args.rounds)
            checks["rows_minus_yeses"] = sum(
                abs(int(m.facts["rows_minus_yeses"])) for name in ("hot", "20") for m in measures[f"ours_{name}"]
            )
            version = scene.count("select current_setting('server_version_num')::int")

        def ratio(name: str) -> float:
            ours, theirs = (median(m.rate for m in measures[f"{side}_{name}"]) for side in ("ours", "pgbench"))
            return round(ours / theirs, 3)

        headline: dict[str, Any] = {
            "ratio_hot": ratio("hot"),
            "ratio_20": ratio("20"),
            "slowest_s": round(said.slowest(), 3),
            "p99_s": round(said.slowest(0.99), 3),
            "ratio_soldout": round(soldout, 3),
            "ratio_noisy": round(noisy, 3),
            "oversold": checks["oversold"],
        }
        setup = {
            "connections": args.connections,
            "web_processes": args.workers,
            "seconds": args.seconds,
            "postgres": version,
            "durable": True,
            "opening": {"guardians": args.guardians, "requests": 2 * args.guardians, "places": PLACES}
            | dict(said.outcomes),
        }
        pairs = [("ours_hot", "pgbench_hot"), ("ours_20", "pgbench_20")]
        return Report("rush", measures, ratios=pairs, checks=checks, setup=setup, headline=headline)


bench = Rush()
