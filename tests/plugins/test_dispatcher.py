"""One failure policy for each family: whatever a plugin does, decide and compute refuse, present leaves it out."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from core.api import Figure, Panel
from core.api import hooks as hookspecs
from core.api.hooks import FAMILIES
from core.base.context import WORKER, TenantContext
from core.base.errors import Conflict
from core.billing.views import ChargeProposal, FeeItem, ReductionProposal, UnitPrice
from core.host import dispatch
from core.host.dispatch import Dispatcher, PluginFailed
from core.host.loader import load_plugins
from core.host.registry import Registry
from core.policy.types import Objection, Standing
from tests.plugins.inline import plugin
from tests.support.world import World

DECIDE = sorted(hook for hook, family in FAMILIES.items() if family == "decide")
COMPUTE = {
    "charges": ChargeProposal, "unit_prices": UnitPrice, "reductions": ReductionProposal, "under_rules": Standing,
}  # fmt: skip
PRESENT: dict[str, type[Any]] = {"page_panels": Panel, "figures": Figure, "fee_items": FeeItem}
CTX = TenantContext(UUID(int=1), "school", "school", "学校", WORKER, plugins=frozenset({"one", "two"}))
SPECS = {name: list(inspect.signature(getattr(hookspecs, name)).parameters) for name in FAMILIES}


def test_every_hook_has_a_family_that_these_tests_know() -> None:
    known = {name for name, thing in vars(hookspecs).items() if hasattr(thing, "kehou_spec")}
    assert known == set(FAMILIES) == {"contribute", *DECIDE, *COMPUTE, *PRESENT}


def named(hook: str, answer: Any, *, asynchronous: bool = True) -> Any:
    """An implementation of `hook` that takes its first argument besides ctx and gives or raises `answer`."""

    def act() -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    if asynchronous:

        async def implementation(ctx: Any) -> Any:
            found = act()
            return await found if inspect.isawaitable(found) else found
    else:

        def implementation(ctx: Any) -> Any:  # type: ignore[misc]
            return act()

    implementation.__name__ = hook
    return implementation


def dispatcher(hook: str, first: Any, second: Any = None, **options: Any) -> Dispatcher:
    found = [
        plugin("one", named(hook, first, **options)),
        plugin("two", named(hook, second if second is not None else [])),
    ]
    loaded = load_plugins(hookspecs, Registry(), found=found)
    assert loaded.order == ["one", "two"]
    return Dispatcher(loaded.manager, loaded.order, Objection)


def facts(hook: str) -> dict[str, Any]:
    return {name: None for name in SPECS[hook] if name != "ctx"}


async def hang() -> Any:
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def _short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DECIDE_SECONDS", "COMPUTE_SECONDS", "PRESENT_SECONDS"):
        monkeypatch.setattr(dispatch, name, 0.05)


FAILURES = {"raises": RuntimeError("boom"), "hangs": hang, "wrong type": [1, "two"], "not a list": 7}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("hook", DECIDE)
async def test_decide_refuses_when_a_plugin_cannot_say(hook: str, failure: str) -> None:
    said = Objection("two.no", "乙反对")
    found = await dispatcher(hook, FAILURES[failure], [said]).decide(hook, CTX, **facts(hook))
    assert [o.code for o in found] == ["plugin.check_failed", "two.no"]  # and the other one was still asked
    assert found[0].blocks and "one" in found[0].message and "boom" not in found[0].message


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("hook", COMPUTE)
async def test_compute_is_never_silently_nothing(hook: str, failure: str) -> None:
    with pytest.raises(PluginFailed) as refused:
        await dispatcher(hook, FAILURES[failure]).compute(hook, CTX, COMPUTE[hook], **facts(hook))
    assert refused.value.status == 503 and "boom" not in refused.value.message


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("hook", PRESENT)
async def test_present_leaves_out_and_shows_the_rest(hook: str, failure: str) -> None:
    shown = {
        "page_panels": Panel("two/x.html"),
        "figures": Figure("two.n", "乙", 1),
        "fee_items": FeeItem("care", "课后看护服务费"),
    }[hook]
    found = await dispatcher(hook, FAILURES[failure], [shown]).present(hook, CTX, PRESENT[hook], **facts(hook))
    assert found == [shown]


@pytest.mark.parametrize("hook", [*DECIDE, *COMPUTE, *PRESENT])
@pytest.mark.parametrize("asynchronous", [True, False])
async def test_nothing_said_is_an_empty_answer(hook: str, asynchronous: bool) -> None:
    asked = dispatcher(hook, lambda: None, asynchronous=asynchronous)
    if hook in DECIDE:
        assert await asked.decide(hook, CTX, **facts(hook)) == []
    elif hook in COMPUTE:
        assert await asked.compute(hook, CTX, COMPUTE[hook], **facts(hook)) == []
    else:
        assert await asked.present(hook, CTX, PRESENT[hook], **facts(hook)) == []


async def test_a_plugins_own_refusal_reaches_the_person() -> None:
    with pytest.raises(Conflict):
        await dispatcher("charges", Conflict()).compute("charges", CTX, ChargeProposal, **facts("charges"))


async def test_a_plugin_that_is_off_is_not_asked() -> None:
    off = TenantContext(UUID(int=1), "school", "school", "学校", WORKER, plugins=frozenset({"two"}))
    asked = dispatcher("check_plan", RuntimeError("boom"))
    assert await asked.decide("check_plan", off, **facts("check_plan")) == []


async def test_only_what_is_asked_for_is_handed_over() -> None:
    seen: list[Any] = []

    def check_offering(action: str) -> list[Objection]:
        seen.append(action)
        return []

    loaded = load_plugins(hookspecs, Registry(), found=[plugin("one", check_offering)])
    asked = Dispatcher(loaded.manager, loaded.order, Objection)
    await asked.decide("check_offering", CTX, uow="secret", offering="thing", action="propose")
    assert seen == ["propose"]


async def test_a_statement_that_fails_in_a_panel_does_not_take_the_page_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "PRESENT_SECONDS", 30.0)
    school = await world.school(plugins=())

    async def breaks(uow: Any) -> list[Figure]:
        await uow.session.execute(text("select 1 / 0"))
        return []

    async def works(uow: Any) -> list[Figure]:
        return [Figure("two.n", "乙", (await uow.session.execute(text("select 2"))).scalar_one())]

    breaks.__name__ = works.__name__ = "figures"
    loaded = load_plugins(hookspecs, Registry(), found=[plugin("one", breaks), plugin("two", works)])
    asked = Dispatcher(loaded.manager, loaded.order, Objection)
    async with world.house.unit(school.ctx) as uow:
        found = await asked.present("figures", CTX, Figure, uow=uow, term_id=None)
        assert [f.value for f in found] == [2]
        assert (await uow.session.execute(text("select 3"))).scalar_one() == 3
