"""The whole story, as `kehou walkthrough --fresh` plays it: an instance of its own, real processes, real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.walkthrough.story import STORY

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.req("R-037", "R-038", "R-239")
def test_the_story_from_provisioning_to_the_published_statement() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KEHOU_")}
    done = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "walkthrough", "--fresh", "--json"],
        capture_output=True, text=True, cwd=ROOT, env=clean, timeout=1200,
    )  # fmt: skip
    assert done.stdout, done.stderr
    played = json.loads(done.stdout)
    assert [step for step in played if not step["ok"]] == []
    assert [step["step"] for step in played] == [name for name, _ in STORY]
    assert done.returncode == 0
