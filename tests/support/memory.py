"""Temporary folders in memory, where the machine has room: a thousand databases of some 800 files each are made and
dropped in one run, and on a disk that alone takes half of its time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""Bytes that must be free; a run was seen to use a tenth of it."""


def use_memory() -> None:
    """Send what this process and its children make for a while to memory. TMPDIR, where somebody set it, counts."""
    if "TMPDIR" in os.environ or not SHARED_MEMORY.is_dir() or not os.access(SHARED_MEMORY, os.W_OK):
        return
    if shutil.disk_usage(SHARED_MEMORY).free >= ROOM:
        os.environ["TMPDIR"] = str(SHARED_MEMORY)
        tempfile.tempdir = None  # asked anew
