"""Insurance (保险): the school's liability policy and voluntary accident insurance."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.insurance import hooks

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="insurance",
        title=_l("保险"),
        version="1.0.0",
        prefix="insurance_",
        migrations=HERE / "migrations",
        icon="shield-check",
    ),
    hooks,
)
