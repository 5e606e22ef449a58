"""Rules of the house that a linter does not know: read from the syntax tree of every module, with named exceptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "tenants", "plugins", "workers", "deploy")
LONGEST = 400


def modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "versions" not in path.parts)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with its dotted name, such as "datetime.now"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            parts: list[str] = []
            function: ast.expr = node.func
            while isinstance(function, ast.Attribute):
                parts.append(function.attr)
                function = function.value
            if isinstance(function, ast.Name):
                parts.append(function.id)
            yield ".".join(reversed(parts)), node


BANNED_CALLS: dict[str, tuple[set[str], set[str]]] = {
    # what is banned → where it may stand all the same
    "the clock has one home": (
        {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "dt.datetime.now", "dt.date.today"},
        {"core/base/clock.py"},
    ),
    "ids have one home": ({"uuid4", "uuid.uuid4", "uuid.uuid1", "uuid7"}, {"core/base/ids.py"}),
    "sessions and transactions are made in core/db": (
        {"async_sessionmaker", "create_async_engine", "sessionmaker"},
        {"core/db/engine.py"},
    ),
}


@pytest.mark.parametrize("rule", BANNED_CALLS)
def test_calls_have_one_home(rule: str) -> None:
    banned, homes = BANNED_CALLS[rule]
    found = [
        f"{name(path)}:{node.lineno} {called}"
        for path in modules()
        if name(path) not in homes and not name(path).startswith("deploy/standins/")
        for called, node in calls(ast.parse(path.read_text(encoding="utf-8")))
        if called in banned
    ]
    assert found == []


def test_nobody_commits_but_the_unit_of_work() -> None:
    """A commit in the middle of a request would announce what may still fail."""
    allowed = {"core/db/migrate.py"}
    found = [
        f"{name(path)}:{node.lineno}"
        for path in modules()
        if path.parts[len(ROOT.parts)] in ("core", "tenants", "plugins") and name(path) not in allowed
        for called, node in calls(ast.parse(path.read_text(encoding="utf-8")))
        if called.endswith("session.commit")
    ]
    assert found == []


def test_nobody_assigns_a_state() -> None:
    """States move through core.db.states.Machine.transition, which checks, records and announces."""
    found = []
    for path in modules():
        if path.parts[len(ROOT.parts)] not in ("core", "tenants", "plugins") or name(path) == "core/db/states.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            for target in [each for t in targets for each in (t.elts if isinstance(t, ast.Tuple) else [t])]:
                if isinstance(target, ast.Attribute) and target.attr == "state":
                    owner = target.value
                    if not (isinstance(owner, ast.Name) and owner.id == "self"):
                        found.append(f"{name(path)}:{node.lineno}")
    # What is no aggregate's life of ours: a request's state, a plugin's load report, a copy of what a letter says.
    foreign = ("core/web/", "core/host/", "plugins/vendors/vendor_service.py", "plugins/vendors/school_service.py")
    allowed = {f for f in found if f.startswith(foreign)}
    assert sorted(set(found) - allowed) == []


def test_a_refused_form_is_shown_again() -> None:
    """A form with errors is false: `form or Form.blank()` would throw away what was typed, and the errors."""
    found = [name(path) for path in modules() if " or Form.blank(" in path.read_text(encoding="utf-8")]
    assert found == []


def test_no_float_near_money() -> None:
    """Money is whole fen: the rooms of money neither make floats nor divide into one."""
    rooms = (
        "core/ledger",
        "core/billing",
        "core/base/money.py",
        "plugins/fees",
        "plugins/pay/",
        "plugins/payments_stripe",
    )
    found = []
    for path in modules():
        if not name(path).startswith(rooms):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for called, node in calls(tree):
            if called in ("float", "round"):
                found.append(f"{name(path)}:{node.lineno} {called}")
    assert found == []


def test_modules_stay_short() -> None:
    long = {name(p): n for p in modules() if (n := len(p.read_text(encoding="utf-8").splitlines())) > LONGEST}
    assert long == {}


def test_plugin_keys_are_not_known_to_the_house() -> None:
    """Core, tenants and workers name no plugin: they are found, never listed."""
    keys = {path.name for path in (ROOT / "plugins").iterdir() if (path / "__init__.py").exists()}
    # Words that are also the field's own are looked for as module paths only.
    found = [
        f"{name(path)}: plugins.{key}"
        for path in modules()
        if path.parts[len(ROOT.parts)] in ("core", "tenants", "workers")
        for key in keys
        if f"plugins.{key}" in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_flat_names_are_ours() -> None:
    """`core`, `plugins`, `workers` are generic names: what is imported must be this checkout."""
    import core
    import plugins
    import tenants
    import workers

    for module in (core, plugins, tenants, workers):
        assert module.__file__ is not None
        assert Path(module.__file__).is_relative_to(ROOT)
