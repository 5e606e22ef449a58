"""The door of the policy feature for the rest of the house.

A process loads its packs once at start and keeps them here; asking needs no database and no await.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from core.base import clock
from core.base.text import add_catalogue
from core.policy.ask import EffectivePack
from core.policy.catalogue import Catalogue
from core.policy.explain import explain, silent_keys
from core.policy.library import PackLibrary
from core.policy.load import json_schema, load_packs
from core.policy.rules import CATALOGUE
from core.policy.types import Explained, Objection, Verdict

add_catalogue(Path(__file__).parent / "locale")

_library: PackLibrary | None = None


def use(library: PackLibrary | None) -> None:
    """Set the packs of this process (at start, or in a test)."""
    global _library
    _library = library


def library() -> PackLibrary:
    """The packs of this process. Raises RuntimeError before any were loaded."""
    if _library is None:
        raise RuntimeError("no policy packs are loaded: call core.policy.service.use(load_packs(folder)) at start")
    return _library


def pack(key: str, on: date | None = None) -> EffectivePack:
    """What holds for a pack on a day, today (Asia/Shanghai) when none is named. Raises UnknownPack."""
    return library().effective(key, on or clock.today())


__all__ = [
    "CATALOGUE",
    "Catalogue",
    "EffectivePack",
    "Explained",
    "Objection",
    "PackLibrary",
    "Verdict",
    "explain",
    "json_schema",
    "library",
    "load_packs",
    "pack",
    "silent_keys",
    "use",
]
