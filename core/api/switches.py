"""A plugin's settings in one organisation, read and kept as the plugin's own type."""

from __future__ import annotations

from core.db.switches import change_settings, plugin_settings

__all__ = ["change_settings", "plugin_settings"]
