"""Clubs (社团): weekly courses that the school's own teachers offer."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.clubs import hooks

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="clubs",
        title=_l("社团"),
        version="1.0.0",
        prefix="clubs_",
        icon="ball-basketball",
    ),
    hooks,
)
