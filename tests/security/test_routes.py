"""Every route × every kind of caller, found by walking the application: 401, then 404, then 403; never a crash.

A new route is covered the moment it exists; one that declares no access rule stops the application from starting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from core.base.ids import new_id
from core.web.access import Access
from tests.support.world import School, World


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    method: str
    rule: Access
    plugin: str | None

    def url(self, slug: str) -> str:
        parts = []
        for part in self.path.split("/"):
            if part.startswith("{"):
                name, _, kind = part.strip("{}").partition(":")
                kind = kind or "str"
                part = (
                    slug
                    if name == "tenant"
                    else {"uuid": str(new_id()), "int": "1", "date": "2026-11-20"}.get(kind, "x")
                )
            parts.append(part)
        return "/".join(parts)


def routes(app: Litestar) -> Iterator[Route]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if not isinstance(handler, HTTPRouteHandler) or handler.http_methods == {"OPTIONS"}:
                continue
            rule = handler.opt.get("access")
            assert isinstance(rule, Access), f"{route.path} declares no access rule"
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield Route(route.path, method, rule, handler.opt.get("plugin"))


def tenant_routes(app: Litestar) -> list[Route]:
    return [r for r in routes(app) if "{tenant" in r.path]


@dataclass(slots=True)
class Cast:
    school: School
    other: School
    bureau: School
    vendor: School


@pytest.fixture
async def cast(world: World) -> Cast:
    bureau = await world.bureau()
    school = await world.school("school", parent=bureau.ctx)
    return Cast(school, await world.school("other"), bureau, await world.vendor())


async def test_nobody_gets_in_unasked(app: Litestar, world: World, cast: Cast) -> None:
    client = await world.client(None)
    wrong = []
    for route in routes(app):
        if route.rule.level == "public":
            continue
        answer = await client.request(route.method, route.url(cast.school.ctx.slug))
        if answer.status_code != 401:
            wrong.append((route.method, route.path, answer.status_code))
    assert wrong == []


async def test_a_stranger_sees_what_does_not_exist(app: Litestar, world: World, cast: Cast) -> None:
    """Somebody of another school, and somebody of no organisation at all."""
    nobody = await world.person("路人")
    wrong = []
    for person in (cast.other.people["principal"], cast.other.families[0].guardian, nobody):
        client = await world.client(person)
        slugs = (cast.school.ctx.slug, "no-such-school") if person is nobody else (cast.school.ctx.slug,)
        for route in tenant_routes(app):
            if route.rule.level == "public":
                continue
            for slug in slugs:
                answer = await client.request(route.method, route.url(slug))
                if answer.status_code != 404:
                    wrong.append((route.method, route.path, slug, answer.status_code))
    assert wrong == []


async def test_a_member_without_the_right_is_refused(app: Litestar, world: World, cast: Cast) -> None:
    people = {role: (cast.school, person) for role, person in cast.school.people.items()}
    people["guardian"] = (cast.school, cast.school.families[0].guardian)
    people |= {role: (org, p) for org in (cast.bureau, cast.vendor) for role, p in org.people.items()}
    wrong, tried = [], 0
    for org, person in people.values():
        ctx = await world.as_(org, person)
        client = await world.client(person)
        for route in tenant_routes(app):
            if not route.rule.permissions or any(ctx.may(p) for p in route.rule.permissions):
                continue
            if route.plugin is not None and route.plugin not in ctx.plugins:
                continue
            tried += 1
            answer = await client.request(route.method, route.url(org.ctx.slug))
            if answer.status_code != 403:
                wrong.append((route.method, route.path, person.name, answer.status_code))
    assert wrong == []
    assert tried > 50


async def test_unknown_ids_and_empty_bodies_never_crash(app: Litestar, world: World, cast: Cast) -> None:
    """As each person who may: a made-up id, no body. Refused or shown, never 5xx; as a page and as an answer for
    programs, where the principal asks for both of each route."""
    people = [(cast.school, p) for p in cast.school.people.values()]
    people += [(cast.school, cast.school.families[0].guardian)]
    people += [(org, p) for org in (cast.bureau, cast.vendor) for p in org.people.values()]
    wrong = []
    for org, person in people:
        ctx = await world.as_(org, person)
        both = person is cast.school.people["principal"]
        for page in (False, True):
            client = await world.client(person, page=page)
            for route in tenant_routes(app):
                if route.rule.permissions and not any(ctx.may(p) for p in route.rule.permissions):
                    continue
                if page == route.path.startswith("/api/") and not both:
                    continue
                answer = await client.request(route.method, route.url(org.ctx.slug))
                if answer.status_code >= 500 and answer.json().get("code") != "no_sms_gateway":
                    wrong.append((route.method, route.path, person.name, answer.status_code, answer.text[:200]))
    assert wrong == []


async def test_nonsense_in_an_address_never_crashes(app: Litestar, world: World, cast: Cast) -> None:
    """NUL in the organisation's name or in a search, days at the end of time: refused or shown, never 5xx."""
    client = await world.client(cast.school.people["principal"], page=True)
    slug = cast.school.ctx.slug
    assert (await client.get(f"/t/{slug}%00/desk")).status_code == 404
    wrong = []
    for route in tenant_routes(app):
        if route.method != "GET" or route.path.startswith("/api/"):
            continue
        for address in (
            f"{route.url(slug)}?q=%00&page_no=99999999999999999999&day=9999-12-31&month=9999-12",
            f"{route.url(slug)}?page_no=-1&day=0001-01-01&month=0001-01",
        ):
            answer = await client.get(address)
            if answer.status_code >= 500:
                wrong.append((address, answer.status_code))
    assert wrong == []


async def test_a_foreign_id_looks_like_an_unknown_one(app: Litestar, world: World, cast: Cast) -> None:
    """Ids that exist in another school are put into every place of every route: the answer is that of a made-up id."""
    person = cast.school.people["principal"]
    ctx = await world.as_(cast.school, person)
    client = await world.client(person)
    foreign = [str(i) for i in (cast.other.families[0].student_id, cast.other.class_id, cast.other.term_id)]
    wrong = []
    for route in tenant_routes(app):
        if ":uuid}" not in route.path or route.method != "GET":
            continue
        if route.rule.permissions and not any(ctx.may(p) for p in route.rule.permissions):
            continue
        made_up = await client.get(route.url(cast.school.ctx.slug))
        for id_ in foreign:
            parts = [id_ if p.endswith(":uuid}") else p for p in route.path.split("/")]
            url = "/".join(parts).replace("{tenant:str}", cast.school.ctx.slug)
            answer = await client.get(url)
            if answer.status_code != made_up.status_code:
                wrong.append((route.path, made_up.status_code, answer.status_code))
    assert wrong == []


async def test_off_means_off(app: Litestar, world: World, cast: Cast) -> None:
    """A switched-off plugin's routes look as if they were not there, to the principal too."""
    from tenants.service import switch_plugin

    plugins = [r.key for r in world.house.plugins.loaded]
    async with world.house.unit(cast.school.ctx) as uow:
        for key in reversed(world.house.plugins.order):
            if key in cast.school.ctx.plugins:
                await switch_plugin(uow, key, on=False)
    client = await world.client(cast.school.people["principal"])
    found = [r for r in tenant_routes(app) if r.plugin is not None]
    assert {r.plugin for r in found} <= set(plugins)
    wrong = []
    for route in found:
        if route.rule.level == "public":
            answer = await client.request(route.method, route.url(cast.school.ctx.slug))
        else:
            answer = await client.request(route.method, route.url(cast.school.ctx.slug))
        if answer.status_code != 404:
            wrong.append((route.method, route.path, answer.status_code))
    assert wrong == []


async def test_a_route_without_a_rule_stops_the_start(world: World) -> None:
    from core.web.app import build_app

    @get("/t/{tenant:str}/desk/undeclared")
    async def undeclared() -> str:
        return "x"

    with pytest.raises(RuntimeError, match="declares no access rule"):
        build_app(world.house, extra=[undeclared])


async def test_a_write_from_another_site_is_refused(world: World, cast: Cast) -> None:
    client = await world.client(cast.school.people["office"])
    url = "/sign-out"
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.test"}):
        answer = await client.post(url, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["code"] == "cross_site"
    assert (await client.post(url, headers={"origin": "http://kehou.test"})).status_code == 303
