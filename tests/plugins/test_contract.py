"""What every plugin of this repository keeps: the author's kit, the import rule, English, its own tables."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from core.api import Plugin
from core.api.testing import models_of, problems, source_of
from core.db.migrate import drift
from core.host.loader import discover
from tests.support.database import DatabaseAddresses
from tools.messages import missing

ROOT = Path(__file__).resolve().parents[2]
IN_TREE = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py"))
FOUND = {entry.name: entry for entry in discover() if entry.value.startswith("plugins.")}


def load(key: str) -> Plugin:
    plugin = FOUND[key].load()
    assert isinstance(plugin, Plugin)
    return plugin


def test_every_folder_is_an_entry_point_and_none_is_listed_elsewhere() -> None:
    assert sorted(FOUND) == IN_TREE


@pytest.mark.parametrize("key", IN_TREE)
def test_the_kit_finds_no_fault(key: str) -> None:
    assert problems(load(key)) == []


@pytest.mark.parametrize("key", IN_TREE)
def test_it_knows_core_api_alone(key: str) -> None:
    """In the migrations too, which import-linter does not see."""
    strange = []
    for path in sorted((ROOT / "plugins" / key).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                top = name.split(".")[0]
                if top in ("core", "tenants", "workers", "deploy", "plugins") and not name.startswith(
                    ("core.api", f"plugins.{key}")
                ):
                    strange.append(f"{path.relative_to(ROOT)}: {name}")
    assert strange == []


@pytest.mark.parametrize("key", IN_TREE)
def test_its_english_is_complete(key: str) -> None:
    assert missing().get(ROOT / "plugins" / key, {}) == {}


@pytest.mark.parametrize("key", IN_TREE)
def test_its_folder_has_what_its_hooks_need(key: str) -> None:
    plugin = load(key)
    assert source_of(plugin) == ROOT / "plugins" / key
    assert bool(models_of(plugin)) == (plugin.manifest.migrations is not None)


def test_migrations_make_exactly_the_tables_of_the_models(database: DatabaseAddresses) -> None:
    from deploy.app import build_house

    house = build_house(database.settings())
    assert drift(database.owner, house.plugins) == {}
