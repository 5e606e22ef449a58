"""Runs one bench by the name of its module: any module here that holds a `bench` of type Bench."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pkgutil import iter_modules

import tests.bench as package
from tests.bench.harness import Bench


def benches() -> dict[str, Bench]:
    """Every bench in this folder, by its name."""
    found: dict[str, Bench] = {}
    for info in iter_modules(package.__path__):
        if info.name in ("__main__", "harness"):
            continue
        bench = getattr(import_module(f"{package.__name__}.{info.name}"), "bench", None)
        if isinstance(bench, Bench):
            found[info.name] = bench
    return found


def main(argv: list[str] | None = None) -> int:
    known = benches()
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, bench in known.items():
        sub = names.add_parser(name, help=bench.title, description=bench.title)
        sub.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        sub.add_argument("--rounds", type=int, default=bench.rounds, help="rounds of all sides, interleaved")
        bench.arguments(sub)
    args = parser.parse_args(argv)
    report = known[args.name].run(args)
    print(report.as_json() if args.json else report.as_text())
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
