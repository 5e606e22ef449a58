"""What a plugin says of itself before any of its code is asked to do something."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.base.context import OrganisationKind

API_VERSION = (1, 0)
"""Major and minor version of core.api. A plugin names the majors that it was written for."""

_KEY = re.compile(r"[a-z][a-z0-9_]{1,30}")


@dataclass(frozen=True, slots=True)
class PluginManifest:
    """Identity and needs of a plugin.

    `prefix` starts the name of each of its tables; `migrations` is the folder of its Alembic versions (its version
    table is alembic_version_<key>); `kinds` are the organisations that may switch it on; `settings` is a pydantic
    model of the per-organisation settings. A plugin with `essential=True` stops the start when it is broken.
    """

    key: str
    title: Any
    version: str
    prefix: str
    api: tuple[int, ...] = (1,)
    requires: tuple[str, ...] = ()
    kinds: frozenset[OrganisationKind] = frozenset({"school"})
    migrations: Path | None = None
    settings: type[Any] | None = None
    description: Any = ""
    essential: bool = False
    icon: str = "puzzle"

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"plugin key {self.key!r}: lower-case letters, digits and _ only, 2 to 31 long")
        if not self.prefix.endswith("_") or not _KEY.fullmatch(self.prefix.rstrip("_")):
            raise ValueError(f"plugin {self.key}: table prefix {self.prefix!r} must be a short word ending in _")


@dataclass(frozen=True, slots=True)
class Plugin:
    """The object that an entry point of the group `kehou.plugins` names: a manifest and hook implementations.

    `hooks` is a module or an object whose functions are marked with core.api.hookimpl.
    """

    manifest: PluginManifest
    hooks: Any = field(repr=False)
