"""Read a foreign workbook safely: in a child process with capped memory and time, after a look at the archive."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tenants.roster.types import Problem

MEGABYTE: Final = 1024 * 1024
MOST_ROWS: Final = 20_000
"""Rows with something in them below the header, a sheet; more is a clear refusal."""
MOST_CELLS: Final = 256
"""Columns looked at, a row."""
_MOST_CHARS: Final = 40 * MEGABYTE
_MOST_UNPACKED: Final = 120 * MEGABYTE
_MOST_MEMBERS: Final = 2_000
_MEMORY_MB: Final = 1_024
_CPU_SECONDS: Final = 20
_WALL_SECONDS: Final = 40
_KEEP: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "TMPDIR")


class ReadError(Exception):
    """The file as a whole cannot be read; `problem` says why and what to do."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.problem = Problem.of(code, **values)


@dataclass(frozen=True, slots=True)
class RawSheet:
    """One sheet as the child process saw it; `merged` counts from 0, `errors` and `formulas` name references."""

    name: str
    count: int
    rows: list[tuple[int, list[Any]]]
    merged: tuple[tuple[int, int, int, int], ...]
    errors: frozenset[str]
    formulas: frozenset[str] = frozenset()


def inspect_archive(data: bytes) -> set[str]:
    """The member names of a zip, after refusing bombs and encrypted archives. Raises :class:`ReadError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError):
        raise ReadError("damaged_file") from None
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST_UNPACKED:
        raise ReadError("too_big_inside", limit=_MOST_UNPACKED // MEGABYTE)
    if any(member.flag_bits & 0x1 for member in members):
        raise ReadError("encrypted_file")
    return {member.filename for member in members}


def read_member(data: bytes, name: str) -> bytes:
    """The first megabyte of a small member. Raises :class:`ReadError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as member:
            return member.read(MEGABYTE)
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError, OSError, EOFError):
        raise ReadError("damaged_file") from None


def read_workbook(data: bytes, kind: str) -> list[RawSheet]:
    """The visible sheets of an .xlsx, .xls or .ods (`kind`). Raises :class:`ReadError`; never harms this process."""
    child = Path(__file__).with_name("sandbox_child.py")
    limits = (MOST_ROWS + 50, MOST_CELLS, _MOST_CHARS, _MEMORY_MB, _CPU_SECONDS)
    command = [sys.executable, "-I", "-X", "utf8", str(child), kind, *map(str, limits)]
    environment = {name: os.environ[name] for name in _KEEP if name in os.environ}
    try:
        # No preexec_fn: it is not safe in a process with threads. The child caps itself before it reads a byte.
        done = subprocess.run(  # noqa: S603 fixed command, no shell
            command, input=data, capture_output=True, timeout=_WALL_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReadError("reading_timeout") from None
    if done.returncode < 0:
        # A signal: out of memory (calamine aborts) or out of time, by our own limits.
        raise ReadError("too_big_inside", limit=_MOST_UNPACKED // MEGABYTE)
    if done.returncode > 0:
        # The file is not to blame: the child never came to reading it (a broken installation).
        raise RuntimeError(f"roster reader failed to start: {done.stderr[-2000:].decode(errors='replace')}")
    result = json.loads(done.stdout)
    if "failed" in result:
        raise ReadError(result["failed"], limit=_MOST_UNPACKED // MEGABYTE)
    return [
        RawSheet(
            name=sheet["name"],
            count=sheet["count"],
            rows=[(number, cells) for number, cells in sheet["rows"]],
            merged=tuple((a, b, c, d) for a, b, c, d in sheet["merged"]),
            errors=frozenset(sheet["errors"]),
            formulas=frozenset(sheet["formulas"]),
        )
        for sheet in result["sheets"]
    ]
