"""Addresses of static files, with a hash of their content, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

STATIC_URL: Final = "/static"
CORE_STATIC: Final = Path(__file__).parent / "static"


class Assets:
    """``url("app.css")`` is the core's file, ``url("clubs/x.css")`` that of the feature or plugin `clubs`.

    With `reload` the hash is taken anew whenever the file's time of change moves (development).
    """

    def __init__(self, static_dirs: Mapping[str, Path] | None = None, *, reload: bool = False) -> None:
        self._dirs = dict(static_dirs or {})
        self._reload = reload
        self._known: dict[str, tuple[int, str]] = {}

    def path(self, name: str) -> Path:
        """The file behind `name`. Raises FileNotFoundError, also for a name that climbs out of its folder."""
        owner, _slash, rest = name.partition("/")
        root, inside = (self._dirs[owner], rest) if rest and owner in self._dirs else (CORE_STATIC, name)
        path = (root / inside).resolve()
        if not path.is_relative_to(root.resolve()) or not path.is_file():
            raise FileNotFoundError(f"static file {name!r} is missing")
        return path

    def url(self, name: str) -> str:
        """The address of a static file: ``/static/app.css?v=0a1b2c3d4e``. Raises FileNotFoundError."""
        known = self._known.get(name)
        if known and not self._reload:
            return known[1]
        path = self.path(name)
        changed = path.stat().st_mtime_ns
        if known and known[0] == changed:
            return known[1]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        address = f"{STATIC_URL}/{name}?v={digest}"
        self._known[name] = (changed, address)
        return address
