"""Vendors (机构): vetted and listed; courses offered and reviewed; scores; exits by due process."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest, lazy_gettext
from plugins.vendors import hooks

HERE = Path(__file__).parent

plugin = Plugin(
    manifest=PluginManifest(
        key="vendors",
        title=lazy_gettext("机构课程"),
        version="1.0.0",
        prefix="vendors_",
        kinds=frozenset({"school", "vendor", "bureau"}),
        migrations=HERE / "migrations",
        description=lazy_gettext("遴选、课程审核、评分与退出评估"),
        icon="building-store",
    ),
    hooks=hooks,
)
