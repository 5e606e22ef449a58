"""Several worker processes under one parent, and how each of our processes is asked to stop. Standard library alone."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

log = logging.getLogger("kehou.worker")

STOP_MS = 8_000
"""How long running consumers get to finish. What is cut short goes on elsewhere when its lease ends."""


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask(number: int, frame: object) -> None:
        stop.set()

    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, ask)
    return stop


def run_several(argv: Sequence[str], count: int, stop: threading.Event) -> int:
    """Run `argv` in `count` processes; one that dies is started again. Returns 1 when they die faster than that helps.

    A message that kills its worker must not take the other processes with it, as Dramatiq's own master would have it.
    """
    children: list[subprocess.Popen[bytes]] = [_child(argv) for _ in range(count)]
    deaths: list[float] = []
    try:
        while not stop.wait(0.2):
            for place, child in enumerate(children):
                if child.poll() is None:
                    continue
                deaths = [moment for moment in deaths if moment > time.monotonic() - 60] + [time.monotonic()]
                log.error("a worker process ended (code %s)", child.returncode)
                if len(deaths) > 10 * count:
                    return 1
                stop.wait(min(0.1 * len(deaths), 5.0))
                children[place] = _child(argv)
        return 0
    finally:
        _end(children)


def _child(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, *argv], env=os.environ)  # noqa: S603 - our own command


def _end(children: Sequence[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + STOP_MS / 1000 + 3
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
        child.kill()
        child.wait()
