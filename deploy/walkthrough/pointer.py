"""How the walkthrough finds the folder of the demonstration that runs on a port."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def pointer(port: int) -> Path:
    """Where a demonstration that runs on `port` says in which folder it lives; for its own user alone."""
    return Path(tempfile.gettempdir()) / f"kehou-running-{os.geteuid()}" / f"{port}.json"


def leave_pointer(port: int, folder: Path) -> None:
    """Say where we live, for `kehou walkthrough --url` on the same machine."""
    place = pointer(port)
    with suppress(OSError):
        place.parent.mkdir(mode=0o700, exist_ok=True)
        place.write_text(json.dumps({"data": str(folder)}), encoding="utf-8")


def find_pointer(port: int) -> Path | None:
    """The folder of the demonstration on this port, if one said so and we may read it."""
    place = pointer(port)
    with suppress(OSError, ValueError, KeyError):
        if place.parent.stat().st_uid == os.geteuid():
            return Path(json.loads(place.read_text(encoding="utf-8"))["data"])
    return None
