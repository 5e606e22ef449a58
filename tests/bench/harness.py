"""How two ways of doing the same work are compared fairly: in one run, on one machine, turn by turn (ABAB), by medians.

class Mine(Bench):
    title = "…"
    def arguments(self, parser): parser.add_argument("--size", type=int, default=1000)
    def run(self, args):
        sides = [Side("ours", ours), Side("peer", peer)]        # each a function () -> Measure
        measures = interleave(sides, args.rounds)
        return Report("mine", measures, ratios=[("ours", "peer")], checks={"lost": 0})
bench = Mine()

A side measures itself with `watched(pids)`: wall time, CPU of this process, its children and `pids`, and the most
memory that they held.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil


@dataclass(slots=True)
class Measure:
    """One round of one side. `ops` is what was done; `cpu` seconds by group of processes; `facts` what else it saw."""

    ops: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.ops / self.seconds if self.seconds else 0.0

    @property
    def cpu_us_per_op(self) -> dict[str, float]:
        return {name: seconds / self.ops * 1e6 for name, seconds in self.cpu.items()} if self.ops else {}


@dataclass(frozen=True, slots=True)
class Side:
    """One way of doing the work: a name and a function that does it once and says what it took."""

    name: str
    run: Callable[[], Measure]


def interleave(
    sides: Sequence[Side], rounds: int, say: Callable[[str], None] | None = None
) -> dict[str, list[Measure]]:
    """All sides in turn, `rounds` times: what disturbs the machine disturbs all of them."""
    say = say or (lambda line: print(line, file=sys.stderr, flush=True))
    measures: dict[str, list[Measure]] = {side.name: [] for side in sides}
    for number in range(rounds):
        for side in sides:
            measure = side.run()
            measures[side.name].append(measure)
            say(f"round {number + 1}/{rounds} {side.name}: {measure.rate:,.0f}/s")
    return measures


@contextmanager
def watched(groups: Mapping[str, Iterable[int]]) -> Iterator[Measure]:
    """Fill a Measure with wall time, CPU seconds and peak resident memory of each group of processes.

    A group's process ids stand for themselves and their children, without those that are another group's (an embedded
    server is a child of the bench); `ops` is the caller's to set. Memory is sampled
    every 50 ms; children are looked for once a second, since that reads the whole table of processes.
    """
    measure = Measure()
    roots = {name: [psutil.Process(pid) for pid in pids] for name, pids in groups.items()}
    before = {name: _cpu(family) for name, family in _families(roots).items()}
    done = threading.Event()

    def sample() -> None:
        families: dict[str, list[psutil.Process]] = {}
        for turn in itertools.count():
            if turn % 20 == 0:
                families = _families(roots)
            for name, family in families.items():
                measure.peak_bytes[name] = max(measure.peak_bytes.get(name, 0), _resident(family))
            if done.wait(0.05):
                return

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    start = time.perf_counter()
    try:
        yield measure
    finally:
        measure.seconds = time.perf_counter() - start
        for name, family in _families(roots).items():
            after = _cpu(family)
            measure.cpu[name] = sum(spent - before[name].get(pid, 0.0) for pid, spent in after.items())
        done.set()
        sampler.join()


def _family(processes: Iterable[psutil.Process]) -> Iterator[psutil.Process]:
    for process in processes:
        try:
            yield process
            yield from process.children(recursive=True)
        except psutil.NoSuchProcess:
            continue


def _families(roots: Mapping[str, Sequence[psutil.Process]]) -> dict[str, list[psutil.Process]]:
    """The processes of each group; whoever belongs to a group inside another one counts there alone."""
    found = {name: list(_family(processes)) for name, processes in roots.items()}
    for inner, processes in roots.items():
        for outer in found:
            if outer != inner and any(process in found[outer] for process in processes):
                found[outer] = [process for process in found[outer] if process not in found[inner]]
    return found


def _cpu(processes: Iterable[psutil.Process]) -> dict[int, float]:
    spent: dict[int, float] = {}
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        # Children that have ended already are in their parent's children_*.
        spent[process.pid] = times.user + times.system + times.children_user + times.children_system
    return spent


def _resident(processes: Iterable[psutil.Process]) -> int:
    total = 0
    for process in processes:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def machine() -> dict[str, Any]:
    """What it ran on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=Path(__file__).parent, check=False
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_mb": psutil.virtual_memory().total // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "commit": commit.stdout.strip(),
    }


def median(values: Iterable[float]) -> float:
    listed = list(values)
    return statistics.median(listed) if listed else 0.0


@dataclass(slots=True)
class Report:
    """What came out. `ratios` are pairs (numerator, denominator) of sides; `checks` counts that must be 0."""

    name: str
    measures: dict[str, list[Measure]]
    ratios: Sequence[tuple[str, str]] = ()
    checks: Mapping[str, int] = field(default_factory=dict)
    setup: Mapping[str, Any] = field(default_factory=dict)
    headline: Mapping[str, Any] = field(default_factory=dict)
    """The few numbers that the bench is asked for, by name; they stand at the top of the JSON."""

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong; slowness is no failure."""
        return all(count == 0 for count in self.checks.values())

    def data(self) -> dict[str, Any]:
        sides = {name: _summary(rounds) for name, rounds in self.measures.items()}
        ratios = {}
        for over, under in self.ratios:
            pairs = [a.rate / b.rate for a, b in zip(self.measures[over], self.measures[under], strict=True) if b.rate]
            ratios[f"{over} / {under}"] = {
                "rate": round(sides[over]["per_second"] / sides[under]["per_second"], 3),
                "rate_each_round": [round(pair, 3) for pair in pairs],
            }
        return {
            "bench": self.name,
            "ok": self.ok,
            **self.headline,
            "sides": sides,
            "ratios": ratios,
            "checks": dict(self.checks),
            "setup": dict(self.setup),
            "machine": machine(),
        }

    def as_json(self) -> str:
        return json.dumps(self.data(), ensure_ascii=False)

    def as_text(self) -> str:
        data = self.data()
        lines = [f"{self.name}: {json.dumps(data['setup'], ensure_ascii=False)}"]
        for name, side in data["sides"].items():
            cpu = ", ".join(f"{group} {spent:,.0f} µs" for group, spent in side["cpu_us_per_op"].items())
            peak = ", ".join(f"{group} {size:,.0f} MB" for group, size in side["peak_mb"].items())
            low, high = side["per_second_range"]
            lines.append(
                f"  {name}: {side['per_second']:,.0f}/s ({low:,.0f}–{high:,.0f}) · CPU per op: {cpu} · peak: {peak}"
            )
            lines += [f"    {key}: {value}" for key, value in side["facts"].items()]
        lines += [f"  {name}: {value}" for name, value in self.headline.items()]
        lines += [f"  {pair}: {ratio['rate']} {ratio['rate_each_round']}" for pair, ratio in data["ratios"].items()]
        lines += [f"  {name}: {count}" for name, count in data["checks"].items()]
        lines.append(f"  on {json.dumps(data['machine'], ensure_ascii=False)}")
        return "\n".join(lines)


def _summary(rounds: Sequence[Measure]) -> dict[str, Any]:
    rates = [measure.rate for measure in rounds]
    groups = {name for measure in rounds for name in measure.cpu}
    facts: dict[str, Any] = {}
    for key in sorted({key for measure in rounds for key in measure.facts}):
        values = [measure.facts[key] for measure in rounds if key in measure.facts]
        facts[key] = round(median(values), 3) if all(isinstance(v, int | float) for v in values) else values[-1]
    return {
        "per_second": round(median(rates), 1),
        "per_second_range": [round(min(rates), 1), round(max(rates), 1)] if rates else [0, 0],
        "ops": [measure.ops for measure in rounds],
        "cpu_us_per_op": {g: round(median(m.cpu_us_per_op.get(g, 0.0) for m in rounds), 1) for g in sorted(groups)},
        "peak_mb": {g: round(max(m.peak_bytes.get(g, 0) for m in rounds) / 2**20, 1) for g in sorted(groups)},
        "facts": facts,
    }


class Bench:
    """Base of a bench: what it is called, what may be asked of it, and how it runs."""

    title = ""
    rounds = 5

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add options of its own."""

    def run(self, args: argparse.Namespace) -> Report:
        raise NotImplementedError
