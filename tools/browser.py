"""Finds the Chromium that browser tests drive: KEHOU_BROWSER, else the first one on the PATH."""

from __future__ import annotations

import os
import shutil

NAMES = (
    "chromium",
    "chromium-headless-shell",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)


def find() -> str | None:
    """Its path, or None."""
    if told := os.environ.get("KEHOU_BROWSER"):
        return shutil.which(told)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


if __name__ == "__main__":
    print(find() or "")
