"""Plugins made in a line, for tests of the host."""

from __future__ import annotations

from typing import Any

from core.api import Contribution, Plugin, PluginManifest, hookimpl


class Hooks:
    """Holds the functions as a module would; not a SimpleNamespace, two of which with the same functions are equal."""


def plugin(key: str, *hooks: Any, contribution: Contribution | None = None, **manifest: Any) -> Plugin:
    """A plugin whose hooks are these functions (named as the hooks are)."""
    values = {"title": key, "version": "1.0.0", "prefix": f"{key}_"} | manifest
    made: Any = Hooks()
    for hook in hooks:
        setattr(made, hook.__name__, hookimpl(hook))
    if contribution is not None:

        def contribute() -> Contribution:
            return contribution

        made.contribute = hookimpl(contribute)
    return Plugin(PluginManifest(key=key, **values), made)
