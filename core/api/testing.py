"""For the tests of a plugin: `assert problems(plugin) == []` holds it against all that the house asks of one.

Needs no database. Every in-tree plugin passes it, and so should yours (docs/plugins).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.api import hooks as hookspecs
from core.base.text import LazyText, in_locale
from core.db.migrate import Chain, heads
from core.db.models import Base, TenantModel
from core.host.contribution import Contribution
from core.host.loader import load_plugins
from core.host.manifest import Plugin
from core.host.registry import Registry
from core.web.access import Access
from core.web.app import check_handlers
from core.web.icons import icon

_VERSION = re.compile(r"\d+\.\d+\.\d+([a-z0-9.+-]*)?")


def problems(plugin: Plugin) -> list[str]:
    """Everything wrong with a plugin that can be seen without running it, one sentence each."""
    registry = Registry()
    alone = plugin.manifest.requires == ()
    found = [plugin] if alone else [*_requirements(plugin), plugin]
    loaded = load_plugins(hookspecs, registry, found=found, check=check_handlers)
    report = loaded.report(plugin.manifest.key)
    if report is None or report.status != "loaded":
        return [f"does not load: {report.status}: {report.reason}" if report else "does not load"]
    contribution = report.contribution or Contribution(key=plugin.manifest.key)
    return [
        *_manifest(plugin),
        *_tables(plugin),
        *_names(plugin, contribution),
        *_handlers(contribution),
        *_folders(contribution),
    ]


def _requirements(plugin: Plugin) -> list[Plugin]:
    """Stand-ins for what a plugin requires, so that it can be looked at alone."""
    from core.host.manifest import PluginManifest

    class Nothing:
        pass

    return [
        Plugin(PluginManifest(key=key, title=key, version="1.0.0", prefix=f"{key}_"), Nothing())
        for key in plugin.manifest.requires
    ]


def _manifest(plugin: Plugin) -> Iterator[str]:
    manifest = plugin.manifest
    if not _VERSION.fullmatch(manifest.version):
        yield f"version {manifest.version!r} is not like 1.2.3"
    if not isinstance(manifest.title, LazyText):
        yield "the title is not a lazy text, so it cannot be translated"
    if manifest.settings is not None:
        try:
            manifest.settings()
        except Exception as exc:
            yield f"its settings have no defaults throughout: {exc}"
    if not manifest.kinds:
        yield "no kind of organisation may switch it on"
    try:
        icon(manifest.icon)
    except LookupError as exc:
        yield str(exc)


def models_of(plugin: Plugin) -> list[type[Any]]:
    """The plugin's own tables: declared in the package of its hooks."""
    package = _package(plugin)
    return [m.class_ for m in Base.registry.mappers if f"{m.class_.__module__}.".startswith(f"{package}.")]


def _package(plugin: Plugin) -> str:
    name = plugin.hooks.__name__ if inspect.ismodule(plugin.hooks) else type(plugin.hooks).__module__
    return str(name).rpartition(".")[0] or str(name)


def _tables(plugin: Plugin) -> Iterator[str]:
    manifest = plugin.manifest
    models = models_of(plugin)
    for model in models:
        table = model.__tablename__
        if not table.startswith(manifest.prefix):
            yield f"table {table} does not begin with {manifest.prefix}"
        if not issubclass(model, TenantModel):
            yield f"table {table} belongs to no tenant: derive it from TenantModel"
        for constraint in model.__table__.foreign_key_constraints:
            if "tenant_id" not in constraint.column_keys:
                yield f"a foreign key of {table} leaves the tenant: use tenant_fk"
    if models and manifest.migrations is None:
        yield "it has tables and no migrations"
    if manifest.migrations is not None:
        versions = manifest.migrations / "versions"
        if not versions.is_dir():
            yield f"{versions} does not exist"
        elif len(heads(Chain(manifest.key, versions, manifest.prefix))) != 1:
            yield "its migrations have not exactly one head"


def _names(plugin: Plugin, contribution: Contribution) -> Iterator[str]:
    key = plugin.manifest.key
    words = (f"{key}.", plugin.manifest.prefix.rstrip("_") + ".", plugin.manifest.prefix.rstrip("_") + "_")
    for what, names in (
        ("permission", [p.key for p in contribution.permissions]),
        ("job", [j.name for j in contribution.jobs]),
        ("subscriber", [s.name for s in contribution.subscribers]),
        ("schedule", [s.name for s in contribution.schedules]),
        ("document", [d.kind for d in contribution.documents]),
    ):
        for name in names:
            if not name.startswith(words):
                yield f"{what} {name} does not begin with {key}."
    jobs = {job.name for job in contribution.jobs}
    for schedule in contribution.schedules:
        if schedule.job not in jobs:
            yield f"schedule {schedule.name} runs {schedule.job}, which is not one of its jobs"
        if (schedule.every is None) == (schedule.at is None):
            yield f"schedule {schedule.name} needs either `every` or `at`"
    permissions = {p.key for p in contribution.permissions}
    paths = {path for handler in contribution.handlers for path in getattr(handler, "paths", ())}
    for item in contribution.nav:
        if f"/t/{{tenant:str}}/{item.path}" not in paths:
            yield f"navigation leads to {item.path}, where there is no page"
        if item.permission is not None and item.permission.startswith(f"{key}.") and item.permission not in permissions:
            yield f"navigation asks for {item.permission}, which is not registered"
        try:
            icon(item.icon)
        except LookupError as exc:
            yield str(exc)
    yield from _consumers(contribution)


def _consumers(contribution: Contribution) -> Iterator[str]:
    consumers: list[Any] = [*contribution.jobs, *contribution.subscribers, *contribution.documents]
    for consumer in consumers:
        if not inspect.iscoroutinefunction(consumer.handler):
            yield f"{consumer.handler} must be async"
    if contribution.demo is not None and not inspect.iscoroutinefunction(contribution.demo):
        yield "demo must be async"


def _handlers(contribution: Contribution) -> Iterator[str]:
    permissions = {p.key for p in contribution.permissions}
    for handler in contribution.handlers:
        rule: Access = handler.opt["access"]
        where = ", ".join(sorted(handler.paths))
        if "{tenant:str}" in where and rule.level == "signed_in":
            yield f"{where} is inside an organisation: use access(…) or public()"
        for permission in rule.permissions:
            if permission.startswith(f"{contribution.key}.") and permission not in permissions:
                yield f"{where} asks for {permission}, which is not registered"


def _folders(contribution: Contribution) -> Iterator[str]:
    if contribution.templates is not None and not contribution.templates.is_dir():
        yield f"{contribution.templates} does not exist"
    if contribution.locale is None:
        if contribution.templates is not None:
            yield "it has pages and no locale folder"
        return
    if not (contribution.locale / "en.po").is_file():
        yield f"{contribution.locale} has no en.po"
        return
    yield from untranslated(contribution)


def untranslated(contribution: Contribution) -> Iterator[str]:
    """Titles that have no English: those of permissions, navigation and jobs."""
    from core.base.text import add_catalogue

    assert contribution.locale is not None
    add_catalogue(contribution.locale)
    shown = [p.title for p in contribution.permissions] + [n.label for n in contribution.nav]
    shown += [n.group for n in contribution.nav if n.group] + [j.title for j in contribution.jobs if j.title]
    with in_locale("en"):
        for title in shown:
            if not isinstance(title, LazyText):
                yield f"{title!r} is not a lazy text"
            elif str(title) == str.__str__(title):
                yield f"{title} has no English"


def source_of(plugin: Plugin) -> Path | None:
    """The folder that the plugin's hooks live in."""
    file = getattr(sys.modules.get(_package(plugin)), "__file__", None)
    return Path(file).parent if file else None
