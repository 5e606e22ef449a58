"""The whole story of the main job over HTTP, as `kehou walkthrough --fresh` plays it on an instance of its own."""

from __future__ import annotations

import json
import subprocess
import sys


def test_the_story_from_roster_to_statement() -> None:
    command = [sys.executable, "-m", "deploy.cli", "walkthrough", "--fresh", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    start = done.stdout.find("[")
    assert start >= 0, done.stdout[-2000:] + done.stderr[-2000:]
    steps = json.JSONDecoder().raw_decode(done.stdout[start:])[0]
    assert [step for step in steps if not step["ok"]] == []
    assert done.returncode == 0
    chapters = {step["step"].partition(".")[0] for step in steps}
    assert chapters == {"1", "2", "3", "4", "5", "6", "7", "8"}
