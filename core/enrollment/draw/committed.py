"""The program that a draw was committed to, run as it lies in the round when another version is installed by now.

Its text runs in a Python of its own, which knows nothing of this product: no settings, no database, no packages; and
only when its hash is the one that was published before the public value existed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from core.enrollment.draw import program

SECONDS: Final = 600
_KEEP: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
"""What an interpreter may need to start. Secrets stay here."""

_CHILD: Final = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("kehou_draw", sys.argv[1])
program = importlib.util.module_from_spec(spec)
sys.modules["kehou_draw"] = program
spec.loader.exec_module(program)
draw = json.load(sys.stdin.buffer)
try:
    program.sound(draw)
except program.Wrong as wrong:
    print(wrong, file=sys.stderr)
    sys.exit(3)
sys.stdout.buffer.write(program.canonical(program.outcome(draw)))
"""


class CannotRun(Exception):
    """It ended without an outcome; in words why."""


def outcome(draw: Mapping[str, Any], source: str) -> dict[str, Any]:
    """What the committed `source` makes of a draw with its seed. Blocking, for a thread.

    Raises program.Wrong when it finds the file unsound, CannotRun.
    """
    keep = {name: os.environ[name] for name in _KEEP if name in os.environ}
    with TemporaryDirectory(prefix="kehou-draw-") as folder:
        file = Path(folder) / "kehou_draw.py"
        file.write_text(source, encoding="utf-8", newline="")
        try:
            done = subprocess.run(  # noqa: S603 its hash is the published one
                [sys.executable, "-I", "-S", "-c", _CHILD, str(file)],
                input=program.canonical(draw),
                capture_output=True,
                timeout=SECONDS,
                cwd=folder,
                env={**keep, "PYTHONHASHSEED": "0"},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotRun(type(error).__name__) from error
    said = done.stderr.decode("utf-8", "replace").strip()[-200:]
    if done.returncode == 3:
        raise program.Wrong(said)
    if done.returncode:
        raise CannotRun(said or str(done.returncode))
    made: dict[str, Any] = json.loads(done.stdout)
    return made
