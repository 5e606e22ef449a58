"""Each hook is documented with its exact arguments, answered by a plugin of ours, and only ever grows."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from core.api import API_VERSION, hooks
from core.api.hooks import FAMILIES
from core.host.loader import load_plugins
from core.host.registry import Registry
from tools import reference

SNAPSHOT = Path(__file__).parent / "hooks.snapshot.json"
HOOKS = sorted(FAMILIES)


@pytest.fixture(scope="module")
def answered() -> dict[str, set[str]]:
    """Which of our plugins answer each hook."""
    loaded = load_plugins(hooks, Registry())
    in_tree = {r.key for r in loaded.loaded if r.distribution == "kehou"}
    return {
        hook: {i.plugin_name for i in getattr(loaded.manager.hook, hook).get_hookimpls()} & in_tree for hook in HOOKS
    }


@pytest.mark.parametrize("hook", HOOKS)
def test_a_plugin_of_ours_answers_it(hook: str, answered: dict[str, set[str]]) -> None:
    assert answered[hook], f"no plugin in plugins/ implements {hook}: a hook that nobody needs"


@pytest.mark.parametrize("hook", HOOKS)
def test_it_says_when_and_what_if_it_fails(hook: str) -> None:
    said = inspect.getdoc(getattr(hooks, hook)) or ""
    assert said.startswith(f"{FAMILIES[hook]} · ")
    assert said.count(" · ") >= 2


@pytest.mark.parametrize("hook", HOOKS)
def test_it_stands_in_the_documentation_with_its_arguments(hook: str) -> None:
    page = (reference.ROOT / "docs" / "plugins" / "hooks.md").read_text(encoding="utf-8")
    assert f"def {reference.signature(hook)}\n" in page


def arguments() -> dict[str, list[str]]:
    return {hook: list(inspect.signature(getattr(hooks, hook)).parameters) for hook in HOOKS}


def test_arguments_are_only_ever_added() -> None:
    """Taking one away breaks plugins that are out there: that needs a new major version of the API.

    After adding a hook or an argument: python -m tests.plugins.test_hooks
    """
    known = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    if known["api"] == API_VERSION[0]:
        for hook, names in known["hooks"].items():
            assert hook in FAMILIES, f"{hook} is gone"
            assert set(names) <= set(arguments()[hook]), f"{hook} lost an argument"
    assert known == {"api": API_VERSION[0], "hooks": arguments()}, "python -m tests.plugins.test_hooks writes it anew"


def test_references_are_as_the_code_is() -> None:
    """In a process of its own: which of two translations of one text wins depends on what was imported before."""
    command = [sys.executable, "-m", "tools.reference", "--check"]
    checked = subprocess.run(command, cwd=reference.ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr[-2000:]


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps({"api": API_VERSION[0], "hooks": arguments()}, indent=1) + "\n", encoding="utf-8")
