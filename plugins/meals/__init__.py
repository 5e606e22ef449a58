"""Lunch (午餐): menu, dietary bans, orders, the count for the kitchen, and how it is settled."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.meals import hooks

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="meals",
        title=_l("午餐"),
        version="1.0.0",
        prefix="meals_",
        migrations=HERE / "migrations",
        icon="soup",
    ),
    hooks,
)
