"""`kehou demo` on a small county: first start, a start cut short, a second start, and what stands in its way."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from deploy.demo import county, seed
from deploy.demo.steps import SEEDED, Demo, run_demo
from deploy.embedded.folders import free_port
from deploy.embedded.home import Home
from deploy.process import DeployError
from deploy.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kd-") as made:
        yield Path(made) / "demo"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    schools = tuple(replace(plan, pupils=pupils) for plan, pupils in zip(county.SCHOOLS, (90, 48, 48), strict=True))
    monkeypatch.setattr(county, "SCHOOLS", schools)


class Lines(list[str]):
    def say(self, line: str) -> None:
        self.append(line)


def start(folder: Path, lines: Lines, check: object = None, *, reset: bool = False) -> None:
    def until(supervisor: Supervisor, demo: Demo) -> None:
        if callable(check):
            check(demo)

    run_demo(folder, free_port(), reset=reset, say=lines.say, until=until)


def kehou(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)


def count(demo: Demo, query: str) -> int:
    with psycopg.connect(demo.environment["KEHOU_DATABASE_URL"]) as db:
        row = db.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_first_start_cut_short_then_whole_then_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setattr(seed, "_play", broken)
        with pytest.raises(RuntimeError, match="the power went"):
            start(folder, Lines())
    home = Home(folder)
    assert not home.done(SEEDED)

    lines = Lines()
    seen: list[int] = []

    def look(demo: Demo) -> None:
        with urllib.request.urlopen(f"{demo.url}/", timeout=60) as page:
            text = page.read().decode()
        assert "/demo/enter" in text
        assert all(plan.name in text for plan in county.SCHOOLS)
        seen.append(count(demo, "select count(*) from organisation"))
        deadline = time.monotonic() + 60
        while True:  # the processes behind the web server need a moment for their first sign of life
            found = json.loads(kehou("doctor", "--json", "--data", str(folder)).stdout)
            wrong = [c["name"] for c in found["checks"] if not c["ok"] and not c["name"].startswith("plugin ")]
            if not wrong or time.monotonic() > deadline:
                break
        assert wrong == []
        listed = json.loads(kehou("tenants", "list", "--json", "--data", str(folder)).stdout)
        assert {row["slug"] for row in listed} >= {plan.slug for plan in county.SCHOOLS}

    start(folder, lines, look)
    assert any("放入一个县" in line for line in lines)
    assert Home(folder).done(SEEDED)

    again = Lines()
    start(folder, again, lambda demo: seen.append(count(demo, "select count(*) from organisation")))
    assert not any("放入一个县" in line for line in again)
    assert seen == [6, 6]


def test_a_taken_port_is_a_sentence(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(DeployError, match="端口"):
            run_demo(folder, other.getsockname()[1], reset=False, say=print, until=lambda *_: None)
    assert not folder.exists()


def test_a_folder_that_is_not_ours_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.docx").write_text("mine")
    with pytest.raises(DeployError):
        start(folder, Lines(), reset=True)
    assert (folder / "thesis.docx").read_text() == "mine"
