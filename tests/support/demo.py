"""A running demonstration, as `make demo` starts it: real processes, seeded county; stopped and removed afterwards."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
"""Seconds until it must answer: it sets up a database and seeds three schools."""


@dataclass(frozen=True, slots=True)
class Demo:
    """Its address, and its folder."""

    url: str
    folder: Path

    def code(self, phone: str) -> str:
        """The newest code sent to a phone; in a demonstration they are written into a file."""
        return next(sent["code"] for sent in reversed(self._sent()) if sent["phone"] == phone)

    def newest_code(self) -> str:
        """The newest code sent to anybody."""
        return self._sent()[-1]["code"]

    def _sent(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self.folder / "codes.jsonl").read_text(encoding="utf-8").splitlines()]


@contextmanager
def demonstration() -> Iterator[Demo]:
    """Start one on a free port. Raises AssertionError with the end of its output when it does not come up."""
    folder = Path(tempfile.mkdtemp(prefix="kehou-browser-"))
    port = _free_port()
    command = [sys.executable, "-m", "deploy.cli", "demo", "--data", str(folder / "data"), "--port", str(port)]
    with (folder / "out.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(address):
            assert process.poll() is None, (folder / "out.log").read_text()[-3000:]
            assert time.monotonic() < deadline, (folder / "out.log").read_text()[-3000:]
            time.sleep(0.5)
        yield Demo(address, folder / "data")
    finally:
        process.send_signal(signal.SIGTERM)  # SIGINT is ignored where the test run itself is in the background
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health/ready", timeout=2) as answer:
            return bool(json.load(answer)["status"] in ("ok", "degraded"))
    except OSError:
        return False
