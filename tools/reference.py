"""References written from the code: ``python -m tools.reference`` writes them, ``--check`` says which are stale.

docs/plugins/hooks.md · docs/reference/{permissions,errors,settings}.md. A test holds them fresh.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from core.api import hooks as hookspecs
from core.api.hooks import FAMILIES
from core.base.errors import KehouError
from core.base.settings import PREFIX, Settings
from core.base.text import LazyText, add_catalogue, in_locale
from core.host.loader import LoadedPlugins, load_plugins
from core.host.registry import Registry
from deploy.features import features
from tools.messages import TOPS

ROOT: Final = Path(__file__).resolve().parents[1]
NOTE: Final = "<!-- Written by `python -m tools.reference` from the code. Do not edit. -->"
POLICIES: Final = {
    "contribute": "at start-up; a plugin that fails is marked broken, the others go on",
    "decide": "inside the transaction, before the write; a plugin that fails counts as a blocking objection",
    "compute": "inside the transaction, no side effects; a plugin that fails stops the operation, nothing is written",
    "present": "read only, in a savepoint; a plugin that fails is left out and logged",
}


def house() -> tuple[Registry, LoadedPlugins]:
    """Registry and plugins as a start makes them, without a database."""
    registry = Registry()
    for contribution in features():
        registry.add(contribution)
    loaded = load_plugins(hookspecs, registry)
    for folder in sorted(path for top in TOPS for path in (ROOT / top).rglob("locale") if path.is_dir()):
        add_catalogue(folder)
    return registry, loaded


def both(text: Any) -> tuple[str, str]:
    """A text in Chinese and English."""
    with in_locale("zh_CN"):
        chinese = str(text)
    with in_locale("en"):
        english = str(text) if isinstance(text, LazyText) else ""
    return _cell(chinese), _cell(english)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def signature(hook: str) -> str:
    """`check_plan(ctx: TenantContext, uow: UnitOfWork, plan: PlanView) -> list[Objection]`"""
    return f"{hook}{inspect.signature(getattr(hookspecs, hook))}".replace("'", "")


def hooks_page() -> str:
    """The hooks by family with signature, meaning, and who answers them in this repository."""
    _registry, loaded = house()
    lines = [NOTE, "", "# Hooks", ""]
    lines += [
        "An implementation is a function of the hook's name, marked with `core.api.hookimpl`, sync or async. It takes",
        "any of the arguments, by name. Arguments are only ever added. Plugins that an organisation has switched off",
        "are not asked. An async implementation past its deadline has failed (decide 5 s, compute 30 s, present 2 s).",
        "",
    ]
    for family, policy in POLICIES.items():
        lines += [f"## {family}", "", f"{policy[0].upper()}{policy[1:]}.", ""]
        for hook in [name for name, its in FAMILIES.items() if its == family]:
            implementations = getattr(loaded.manager.hook, hook).get_hookimpls()
            mine = sorted({impl.plugin_name for impl in implementations} & set(_in_tree()))
            kind = "def" if family == "contribute" else "async def"
            said = inspect.getdoc(getattr(hookspecs, hook)) or ""
            lines += [f"### {hook}", "", "```python", f"{kind} {signature(hook)}", "```", ""]
            lines += [_sentence(said, family), "", f"Answered by: {', '.join(f'`{key}`' for key in mine) or '—'}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _in_tree() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py"))


def _sentence(docstring: str, family: str) -> str:
    text = _cell(docstring.removeprefix(f"{family} · "))
    return f"{text[0].upper()}{text[1:]}"


def permissions_page() -> str:
    """Every registered right with its title and the standard roles that hold it at first."""
    registry, _ = house()
    lines = [NOTE, "", "# Permissions · 权限", ""]
    lines += ["| key | 中文 | English | roles | from |", "|---|---|---|---|---|"]
    for key, owned in sorted(registry.permissions.items()):
        if owned.plugin is not None and owned.plugin not in _in_tree():
            continue
        chinese, english = both(owned.item.title)
        source = f"plugin {owned.plugin}" if owned.plugin else "core"
        lines.append(f"| `{key}` | {chinese} | {english} | {', '.join(owned.item.roles) or '—'} | {source} |")
    return "\n".join(lines) + "\n"


def errors_page() -> str:
    """Every refusal with its stable code, status and sentence."""
    house()
    _import_all()
    lines = [NOTE, "", "# Errors · 错误", ""]
    lines += ["API answers are RFC 9457 problem details of type `urn:kehou:error:<code>`.", ""]
    lines += ["| code | status | 中文 | English | from |", "|---|---|---|---|---|"]
    for code, kind in sorted(KehouError.registered.items()):
        room = kind.__module__.partition(".")[0]
        if room not in TOPS or (room == "plugins" and kind.__module__.split(".")[1] not in _in_tree()):
            continue
        chinese, english = both(kind.text)
        lines.append(f"| `{code}` | {kind.status} | {chinese} | {english} | `{kind.__module__}` |")
    return "\n".join(lines) + "\n"


def _import_all() -> None:
    """Errors register themselves when their module is imported; some modules wait for their first use."""
    from importlib import import_module

    for top in ("core", "tenants", "plugins", "workers"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "versions" in parts or parts[-1] in ("env", "__main__", "sandbox_child"):
                continue
            import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def settings_page() -> str:
    """Every environment variable of a deployment, then each plugin's settings in an organisation."""
    _registry, loaded = house()
    lines = [NOTE, "", "# Settings · 设置", "", "## Deployment", ""]
    lines += ["Environment variables; an empty one counts as not set.", ""]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "**required**" if field.is_required() else _default(field.default)
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {_cell(field.description or '')} |")
    lines += ["", "## Plugins", "", "Given by each organisation for itself where it switches a plugin on.", ""]
    lines += ["| plugin | setting | default | 中文 | English |", "|---|---|---|---|---|"]
    for report in sorted(loaded.loaded, key=lambda r: r.key):
        model = report.plugin.manifest.settings if report.plugin else None
        if model is None or report.key not in _in_tree():
            continue
        for name, field in model.model_fields.items():
            label = next((m.label for m in field.metadata if getattr(m, "label", None)), field.title or name)
            chinese, english = both(label)
            default = _default(field.get_default(call_default_factory=True))
            lines.append(f"| {report.key} | `{name}` | {default} | {chinese} | {english} |")
    return "\n".join(lines) + "\n"


def _default(value: Any) -> str:
    if value is None or value in (frozenset(), ""):
        return "—"
    shown = value if isinstance(value, str) else repr(value) if isinstance(value, (int, bool)) else str(value)
    return f"`{_cell(shown)}`"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "docs/plugins/hooks.md": hooks_page,
    "docs/reference/permissions.md": permissions_page,
    "docs/reference/errors.md": errors_page,
    "docs/reference/settings.md": settings_page,
}


def stale() -> list[str]:
    """The pages that differ from what the code says."""
    found = []
    for name, make in PAGES.items():
        path = ROOT / name
        if not path.is_file() or path.read_text(encoding="utf-8") != make():
            found.append(name)
    return found


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        found = stale()
        for name in found:
            print(f"{name} is stale: run python -m tools.reference")
        return 1 if found else 0
    for name, make in PAGES.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8")
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
