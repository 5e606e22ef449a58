"""Finds plugins by entry point, loads them one by one, survives each failure and reports it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any, Literal

import pluggy

from core.host.contribution import Contribution
from core.host.manifest import API_VERSION, Plugin
from core.host.registry import Registry

GROUP = "kehou.plugins"
PROJECT = "kehou"

log = logging.getLogger("kehou.host")

Status = Literal["loaded", "blocked", "incompatible", "broken", "missing_requirement", "duplicate"]


@dataclass(slots=True)
class PluginReport:
    """What became of one plugin at the start; `reason` is for people."""

    key: str
    status: Status
    reason: str = ""
    plugin: Plugin | None = field(default=None, repr=False)
    contribution: Contribution | None = field(default=None, repr=False)
    distribution: str = ""


class EssentialPluginBroken(RuntimeError):
    """A plugin that calls itself essential did not load; the start stops."""


class NotInstalled(SystemExit):
    """The project itself is not installed, so that no entry point of any plugin can be seen."""


@dataclass(slots=True)
class LoadedPlugins:
    """The plugin manager with every loaded plugin registered under its key, and the report of all found."""

    manager: pluggy.PluginManager
    reports: list[PluginReport]
    order: list[str]

    def report(self, key: str) -> PluginReport | None:
        return next((r for r in self.reports if r.key == key), None)

    @property
    def loaded(self) -> list[PluginReport]:
        by_key = {r.key: r for r in self.reports if r.status == "loaded"}
        return [by_key[key] for key in self.order]


def discover() -> list[EntryPoint]:
    """Entry points of the group, sorted by name: the order of installed metadata is no contract.

    Raises NotInstalled in a checkout whose own package was never installed: it would run without a single plugin.
    """
    try:
        distribution(PROJECT)
    except PackageNotFoundError:
        raise NotInstalled(
            "Kehou is not installed in this environment, so its plugins cannot be found. Run: make setup"
        ) from None
    return sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def load_plugins(
    specs: Any,
    registry: Registry,
    *,
    found: Sequence[EntryPoint | Plugin] | None = None,
    allow: frozenset[str] | None = None,
    block: frozenset[str] = frozenset(),
    reserved: Collection[str] = (),
    check: Callable[[Contribution], None] | None = None,
) -> LoadedPlugins:
    """Load every plugin that can be loaded and add its contribution to `registry`.

    `found` replaces discovery (tests). `reserved` are the core's tables, on which no plugin's prefix may fall; `check`
    raises for a contribution that the application could not use (handlers that do not fit). Never raises for a
    broken plugin, except EssentialPluginBroken.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    reports = [_import(item, allow, block) for item in (discover() if found is None else found)]
    _refuse_duplicates(reports)
    _refuse_prefixes(reports, reserved)
    order: list[str] = []
    for report in _by_requirement(reports):
        _attempt(report, partial(_register, report, manager, registry, check))
        if report.status == "loaded":
            order.append(report.key)
    for report in reports:
        if report.status != "loaded":
            log.warning("plugin %s: %s: %s", report.key, report.status, report.reason)
            if report.plugin and report.plugin.manifest.essential and report.status != "blocked":
                raise EssentialPluginBroken(f"{report.key}: {report.status}: {report.reason}")
    return LoadedPlugins(manager, reports, order)


def _import(item: EntryPoint | Plugin, allow: frozenset[str] | None, block: frozenset[str]) -> PluginReport:
    if isinstance(item, Plugin):
        report = PluginReport(item.manifest.key, "loaded", plugin=item)
    else:
        report = PluginReport(item.name, "loaded", distribution=item.dist.name if item.dist else "")
    if report.key in block or (allow is not None and report.key not in allow):
        report.status, report.reason = "blocked", "not allowed by KEHOU_PLUGINS_ALLOW / KEHOU_PLUGINS_BLOCK"
        return report
    if isinstance(item, EntryPoint):
        _attempt(report, lambda: _load_entry(report, item))
    if report.plugin and API_VERSION[0] not in report.plugin.manifest.api:
        wanted = ", ".join(map(str, report.plugin.manifest.api))
        report.status = "incompatible"
        report.reason = f"written for plugin API {wanted}; this is {API_VERSION[0]}.{API_VERSION[1]}"
    return report


def _load_entry(report: PluginReport, entry: EntryPoint) -> None:
    plugin = entry.load()
    if not isinstance(plugin, Plugin):
        raise TypeError(f"{entry.value} is a {type(plugin).__name__}, not a core.api.Plugin")
    if plugin.manifest.key != entry.name:
        raise ValueError(f"its manifest says {plugin.manifest.key!r}, its entry point {entry.name!r}")
    report.plugin = plugin


def _attempt(report: PluginReport, step: Callable[[], None]) -> None:
    try:
        step()
    except (Exception, SystemExit) as exc:  # a plugin may fail in any way; the others must load
        report.status, report.reason = "broken", f"{type(exc).__name__}: {exc}"
        log.debug("plugin %s", report.key, exc_info=exc)


def _refuse_duplicates(reports: list[PluginReport]) -> None:
    live = [r for r in reports if r.status == "loaded"]
    for report in live:
        twins = [r for r in live if r.key == report.key]
        if len(twins) > 1:
            names = ", ".join(sorted(r.distribution or "?" for r in twins))
            report.status = "duplicate"
            report.reason = f"two plugins use this key ({names}); neither is loaded"


def _refuse_prefixes(reports: list[PluginReport], reserved: Collection[str]) -> None:
    """One owner for each table: no prefix begins another, and none falls on a table of the core's."""
    taken: dict[str, str] = {}
    for report in sorted(reports, key=lambda r: r.key):
        if report.status != "loaded" or report.plugin is None:
            continue
        mine = report.plugin.manifest.prefix
        owner = next((key for other, key in taken.items() if mine.startswith(other) or other.startswith(mine)), None)
        core = next((table for table in sorted(reserved) if table.startswith(mine)), None)
        if owner or core:
            report.status = "broken"
            report.reason = f"its table prefix {mine} " + (
                f"belongs to {owner}" if owner else f"falls on the core's table {core}"
            )
        else:
            taken[mine] = report.key


def _by_requirement(reports: Iterable[PluginReport]) -> list[PluginReport]:
    """Those still alive, requirements first; a plugin whose requirement is absent is marked and left out."""
    alive = {r.key: r for r in reports if r.status == "loaded"}
    ordered: list[PluginReport] = []
    placed: set[str] = set()
    while True:
        ready = [r for key, r in sorted(alive.items()) if key not in placed and _needs(r) <= placed]
        if not ready:
            break
        ordered += ready
        placed |= {r.key for r in ready}
    for key, report in alive.items():
        if key not in placed:
            report.status = "missing_requirement"
            report.reason = "needs " + ", ".join(sorted(_needs(report) - placed))
    return ordered


def _needs(report: PluginReport) -> set[str]:
    return set(report.plugin.manifest.requires) if report.plugin else set()


def _register(
    report: PluginReport,
    manager: pluggy.PluginManager,
    registry: Registry,
    check: Callable[[Contribution], None] | None,
) -> None:
    assert report.plugin is not None
    hooks, key = report.plugin.hooks, report.key
    for needed in report.plugin.manifest.requires:
        if not manager.has_plugin(needed):
            report.status, report.reason = "missing_requirement", f"needs {needed}, which did not load"
            return
    try:
        manager.register(hooks, name=key)
        manager.check_pending()
        contribution = _contribution(hooks)
        if contribution is not None:
            if contribution.key != key:
                raise ValueError(f"its contribution is called {contribution.key!r}")
            if check is not None:
                check(contribution)
            registry.add(contribution, plugin=key)
        report.contribution = contribution
    except (Exception, SystemExit):
        _forget(manager, key)
        raise


def _forget(manager: pluggy.PluginManager, key: str) -> None:
    """Take out all that a failed registration left behind; pluggy itself stops half-way at the first bad hook."""
    hooks = manager.get_plugin(key)
    if hooks is None:
        return
    for caller in vars(manager.hook).values():
        if any(impl.plugin_name == key for impl in caller.get_hookimpls()):
            caller._remove_plugin(hooks)
    manager.unregister(name=key)


def _contribution(hooks: Any) -> Contribution | None:
    make = getattr(hooks, "contribute", None)
    if make is None:
        return None
    contribution = make()
    if not isinstance(contribution, Contribution):
        raise TypeError(f"contribute() returned {type(contribution).__name__}, not a Contribution")
    return contribution
