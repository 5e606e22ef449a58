"""Bad plugins: each is reported with its reason, all others load (the report reaches CLI, readiness and doctor)."""

from __future__ import annotations

from importlib.metadata import EntryPoint, PackageNotFoundError
from typing import Any

import pytest
from litestar import get

from core.api import Contribution, Job, NavItem, Permission, Plugin, access
from core.api import hooks as hookspecs
from core.host import loader
from core.host.loader import GROUP, EssentialPluginBroken, LoadedPlugins, load_plugins
from core.host.registry import Registry
from core.web.app import check_handlers
from tests.plugins.inline import plugin


def figures(uow: Any) -> list[Any]:
    return []


GOOD = plugin("good", figures, contribution=Contribution(key="good", permissions=[Permission("good.read", "看")]))


def load(*found: Plugin | EntryPoint, **options: Any) -> tuple[LoadedPlugins, Registry]:
    registry = Registry()
    loaded = load_plugins(hookspecs, registry, found=[*found, GOOD], check=check_handlers, **options)
    return loaded, registry


def refused(*found: Plugin | EntryPoint, key: str = "bad", **options: Any) -> tuple[str, str]:
    """Status and reason of the bad one, after checking that the good one stands and the bad one left nothing."""
    loaded, registry = load(*found, **options)
    assert loaded.order == ["good"] and [r.key for r in loaded.loaded] == ["good"]
    assert set(registry.permissions) == {"good.read"}
    assert len(loaded.manager.hook.figures.get_hookimpls()) == 1
    assert all(i.plugin_name == "good" for c in vars(loaded.manager.hook).values() for i in c.get_hookimpls())
    report = loaded.report(key)
    assert report is not None
    return report.status, report.reason


def entry(key: str, module: str) -> EntryPoint:
    return EntryPoint(key, f"tests.plugins.bad.{module}:plugin", GROUP)


def test_one_that_cannot_be_imported() -> None:
    assert refused(entry("bad", "raises")) == ("broken", "ImportError: a library is missing")


def test_one_that_leaves_the_program() -> None:
    assert refused(entry("bad", "leaves")) == ("broken", "SystemExit: usage: ...")


def test_one_that_is_not_there() -> None:
    status, reason = refused(entry("bad", "nowhere"))
    assert (status, reason.split(":")[0]) == ("broken", "ModuleNotFoundError")


def test_one_of_the_wrong_type() -> None:
    status, reason = refused(entry("bad", "thing"))
    assert status == "broken" and "not a core.api.Plugin" in reason


def test_one_whose_entry_point_has_another_name() -> None:
    status, reason = refused(EntryPoint("bad", "plugins.clubs:plugin", GROUP))
    assert status == "broken" and "'clubs'" in reason and "'bad'" in reason


def test_one_that_asks_for_an_argument_that_there_is_not() -> None:
    def check_plan(plan: Any, weather: Any) -> list[Any]:
        return []

    status, reason = refused(plugin("bad", figures, check_plan))
    assert status == "broken" and "weather" in reason


def test_one_with_a_misspelt_hook() -> None:
    def check_aplication(application: Any) -> list[Any]:
        return []

    status, reason = refused(plugin("bad", figures, check_aplication))
    assert status == "broken" and "check_aplication" in reason


@pytest.mark.parametrize("requires", [("absent",), ("bad",), ("bad2",)])
def test_one_whose_requirement_is_not_met(requires: tuple[str, ...]) -> None:
    circle = plugin("bad2", figures, requires=("bad",))
    status, reason = refused(plugin("bad", figures, requires=requires), circle)
    assert status == "missing_requirement" and requires[0] in reason


def test_one_whose_requirement_is_broken() -> None:
    def check_nothing() -> None: ...

    needed = plugin("needed", check_nothing)
    status, reason = refused(plugin("bad", figures, requires=("needed",)), needed)
    assert status == "missing_requirement" and "needed" in reason


def test_two_with_one_key() -> None:
    status, reason = refused(plugin("bad", figures), plugin("bad", figures, prefix="other_"))
    assert status == "duplicate" and "neither" in reason


@pytest.mark.parametrize("prefix", ["good_", "good_times_"])
def test_one_whose_tables_would_fall_among_anothers(prefix: str) -> None:
    status, reason = refused(plugin("later", figures, prefix=prefix), key="later")
    assert status == "broken" and "belongs to good" in reason


def test_one_whose_tables_would_fall_on_the_cores() -> None:
    status, reason = refused(plugin("bad", figures, prefix="offering_"), reserved={"offering_period", "student"})
    assert status == "broken" and "offering_period" in reason


def test_one_written_for_another_api() -> None:
    status, reason = refused(plugin("bad", figures, api=(7,)))
    assert status == "incompatible" and "7" in reason


def test_one_that_the_operator_blocks_is_not_even_imported() -> None:
    assert refused(entry("bad", "leaves"), block=frozenset({"bad"}))[0] == "blocked"
    assert refused(entry("bad", "leaves"), allow=frozenset({"good"}))[0] == "blocked"


def test_one_whose_contribution_fails() -> None:
    def contribute() -> Contribution:
        raise RuntimeError("no settings")

    assert refused(plugin("bad", figures, contribute)) == ("broken", "RuntimeError: no settings")


def test_one_whose_contribution_is_something_else() -> None:
    def contribute() -> Any:
        return {"key": "bad"}

    status, reason = refused(plugin("bad", figures, contribute))
    assert status == "broken" and "not a Contribution" in reason


def test_one_whose_contribution_has_another_name() -> None:
    assert refused(plugin("bad", figures, contribution=Contribution(key="other")))[0] == "broken"


def test_one_that_takes_anothers_name_is_refused_whole() -> None:
    async def work(job: Any) -> None: ...

    taken = Contribution(key="bad", jobs=[Job("bad.work", work)], permissions=[Permission("good.read", "看")])
    loaded, registry = load(
        plugin("later", figures, contribution=Contribution(key="later", permissions=taken.permissions))
    )
    assert loaded.report("later").status == "broken"  # type: ignore[union-attr]
    assert "bad.work" not in registry.jobs and "good.read" in registry.permissions


@get("/t/{tenant:str}/desk/good", opt=access("good.read"))
async def page_of_good() -> str:
    return ""


@get("/t/{tenant:str}/desk/{thing:str}", opt=access("good.read"))
async def some_page() -> str:
    return ""


@get("/t/{tenant:str}/desk/bad")
async def page_without_a_rule() -> str:
    return ""


@get("/t/{tenant:str}/desk/bad", opt=access("bad.read"))
async def page_that_litestar_refuses(state: str = "") -> str:
    return ""


@pytest.mark.parametrize("handler", [page_without_a_rule, page_that_litestar_refuses])
def test_one_whose_page_would_stop_the_application(handler: Any) -> None:
    assert refused(plugin("bad", figures, contribution=Contribution(key="bad", handlers=[handler])))[0] == "broken"


def test_one_that_wants_anothers_address() -> None:
    @get("/t/{tenant:str}/desk/{other:str}", opt=access("bad.read"))
    async def same_page() -> str:
        return ""

    first = plugin("a1", figures, contribution=Contribution(key="a1", handlers=[some_page]))
    second = plugin("a2", figures, contribution=Contribution(key="a2", handlers=[same_page]))
    loaded, _ = load(first, second)
    assert {r.key: r.status for r in loaded.reports} == {"a1": "loaded", "a2": "broken", "good": "loaded"}
    assert "GET /t/{:str}/desk/{:str}" in loaded.report("a2").reason  # type: ignore[union-attr]


def test_one_that_calls_itself_essential_stops_the_start() -> None:
    def check_nothing() -> None: ...

    with pytest.raises(EssentialPluginBroken, match="check_nothing"):
        load(plugin("bad", check_nothing, essential=True))
    loaded, _ = load(plugin("bad", check_nothing, essential=True), block=frozenset({"bad"}))
    assert loaded.report("bad").status == "blocked"  # type: ignore[union-attr]


def test_requirements_come_first_whatever_the_names() -> None:
    loaded, _ = load(plugin("a1", figures, requires=("z9",)), plugin("z9", figures, requires=("good",)))
    assert loaded.order == ["good", "z9", "a1"]


def test_the_order_does_not_depend_on_the_metadata() -> None:
    one, two, three = (plugin(key, figures) for key in ("c3", "a1", "b2"))
    assert load(one, two, three)[0].order == load(three, two, one)[0].order == ["a1", "b2", "c3", "good"]


def test_a_checkout_that_was_never_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(loader, "distribution", nothing)
    with pytest.raises(SystemExit, match="make setup"):
        loader.discover()


def test_navigation_and_permissions_carry_their_plugin() -> None:
    made = Contribution(
        key="a1", nav=[NavItem("desk", "甲", "desk/a1", "book")], permissions=[Permission("a1.x", "甲")]
    )
    _, registry = load(plugin("a1", figures, contribution=made))
    assert [owned.plugin for owned in registry.nav] == ["a1"]
    assert registry.permissions["a1.x"].plugin == "a1"
