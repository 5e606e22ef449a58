"""Off means off at every door of every plugin: addresses, messages, schedules, navigation, rights, hooks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from core.api.hooks import FAMILIES
from core.base import clock
from core.base.ids import new_id
from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from core.host.contribution import Contribution
from core.host.loader import discover
from tenants.service import switch_plugin
from tests.support.world import School, World
from workers.scheduler import Scheduler

KEYS = sorted(entry.name for entry in discover() if entry.value.startswith("plugins."))


@dataclass
class Off:
    """A plugin that was on and is now off in an organisation that could have it."""

    key: str
    org: School
    contribution: Contribution
    world: World


@pytest.fixture(params=KEYS)
async def off(request: pytest.FixtureRequest, world: World) -> Off:
    key = request.param
    report = world.house.plugins.report(key)
    assert report is not None and report.plugin is not None, key
    assert report.status == "loaded", report.reason
    kinds = report.plugin.manifest.kinds
    if "school" in kinds:
        org = await world.school()
    else:
        org = await (world.vendor() if "vendor" in kinds else world.bureau())
    async with world.house.unit(org.ctx) as uow:
        needing = [r.key for r in world.house.plugins.loaded if r.plugin and key in r.plugin.manifest.requires]
        for other in [*needing, key]:
            await switch_plugin(uow, other, on=False)
    org.ctx = await world._refreshed(org.ctx)
    return Off(key, org, report.contribution or Contribution(key=key), world)


def address(path: str, slug: str) -> str:
    values = {
        "tenant:str": slug,
        "uuid": str(new_id()),
        "date": str(clock.today()),
        "int": "1",
        "str": "x",
        "path": "x",
    }
    return re.sub(r"\{(\w+):(\w+)\}", lambda m: values.get(f"{m[1]}:{m[2]}", values[m[2]]), path)


async def test_every_address_answers_as_if_it_were_not_there(off: Off) -> None:
    clients = [await off.world.client(person) for person in off.org.people.values()]
    clients.append(await off.world.client(None))
    wrong = []
    for handler in off.contribution.handlers:
        for path in sorted(handler.paths):
            if "{tenant:str}" not in path:
                assert path.startswith("/hooks/"), f"{path} is outside organisations: no switch can reach it"
                continue
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                for client in clients:
                    answer = await client.request(method, address(path, off.org.ctx.slug))
                    public = handler.opt["access"].level == "public"
                    expected = 404 if public or "authorization" in client.headers else 401
                    if answer.status_code != expected:
                        wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []


async def test_nobody_holds_its_rights_and_nothing_leads_to_it(off: Off) -> None:
    rights = {permission.key for permission in off.contribution.permissions}
    for person in off.org.people.values():
        ctx = await off.world.as_(off.org, person)
        assert not ctx.permissions & rights
        assert off.key not in ctx.plugins
    nav = [owned for owned in off.world.house.registry.nav if owned.plugin == off.key]
    assert len(nav) == len(off.contribution.nav)
    paths = [f"/t/{off.org.ctx.slug}/{owned.item.path}" for owned in nav]
    for person in off.org.people.values():
        client = await off.world.client(person, page=True)
        for face in ("desk", "teach", "vendor", "bureau", "home"):
            page = (await client.get(f"/t/{off.org.ctx.slug}/{face}")).text
            assert not [path for path in paths if f'href="{path}"' in page]


async def put(off: Off, kind: str, name: str) -> str:
    """A message that was written while the plugin was on, delivered now."""
    message = new_id()
    async with off.world.house.unit(off.org.ctx) as uow:
        uow.session.add(
            Outbox(id=message, kind=kind, name=name, target_id=uow.ctx.tenant_id, payload={}, plugin=off.key)
        )
    return await deliver(off.world.house, off.org.ctx.tenant_id, message)


async def test_its_jobs_events_and_documents_are_skipped(off: Off) -> None:
    made = off.contribution
    outcomes: dict[str, str] = {}
    for kind, names in (
        ("job", [job.name for job in made.jobs]),
        ("event", [subscriber.name for subscriber in made.subscribers]),
        ("document", [document.kind for document in made.documents]),
    ):
        outcomes |= {f"{kind} {name}": await put(off, kind, name) for name in names}
    assert set(outcomes.values()) <= {"skipped"}, outcomes


async def test_no_new_message_is_written_for_it(off: Off) -> None:
    from sqlalchemy import select

    names = {subscriber.name for subscriber in off.contribution.subscribers}
    async with off.world.house.unit(off.org.ctx) as uow:
        for event in {subscriber.event for subscriber in off.contribution.subscribers}:
            await uow.emit(event, {})
    async with off.world.house.unit(off.org.ctx) as uow:
        written = set((await uow.session.execute(select(Outbox.name))).scalars())
    assert not written & names


async def test_the_scheduler_passes_it_by(off: Off) -> None:
    scheduler = Scheduler(off.world.house)
    for schedule in off.contribution.schedules:
        owned = off.world.house.registry.schedules[schedule.name]
        assert owned.plugin == off.key
        assert await scheduler.fan_out(owned, clock.now(), clock.now()) == 0, schedule.name


async def test_its_hooks_are_not_asked(off: Off, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = off.world.house.plugins.manager
    asked: set[str] = set()
    for hook in FAMILIES:
        for impl in getattr(manager.hook, hook).get_hookimpls():
            monkeypatch.setattr(impl, "function", lambda key=impl.plugin_name, **_: asked.add(key))
    hooks = off.world.house.hooks
    for hook, family in FAMILIES.items():
        facts: dict[str, Any] = {name: None for name in getattr(manager.hook, hook).spec.argnames if name != "ctx"}
        if family == "decide":
            assert await hooks.decide(hook, off.org.ctx, **facts) == []
        elif family == "compute":
            assert await hooks.compute(hook, off.org.ctx, object, **facts) == []
        elif family == "present":
            assert await hooks.present(hook, off.org.ctx, object, **facts) == []
    assert asked == {key for key in off.org.ctx.plugins if _answers(manager, key)}


def _answers(manager: Any, key: str) -> bool:
    """Whether a plugin implements any hook besides `contribute`."""
    hooks = [hook for hook, family in FAMILIES.items() if family != "contribute"]
    return any(impl.plugin_name == key for hook in hooks for impl in getattr(manager.hook, hook).get_hookimpls())


async def test_switched_on_again_it_finds_its_rights(off: Off) -> None:
    async with off.world.house.unit(off.org.ctx) as uow:
        await switch_plugin(uow, off.key, on=True)
    rights = {permission.key for permission in off.contribution.permissions if permission.roles}
    held: set[str] = set()
    for person in off.org.people.values():
        held |= (await off.world.as_(off.org, person)).permissions
    for family in off.org.families:
        held |= (await off.world.as_(off.org, family.guardian)).permissions
    here = {p.key for p in off.contribution.permissions if set(p.roles) & _roles(off)}
    assert here & rights <= held


def _roles(off: Off) -> set[str]:
    return set(off.org.people) | ({"guardian"} if off.org.families else set())
