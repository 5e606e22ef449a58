"""Answers with pages: the shell round a feature's template, the reader's navigation, messages shown once."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import Environment
from litestar import MediaType, Request, Response
from litestar.response import Redirect

from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.house import House
from core.db.uow import UnitOfWork
from core.host.contribution import Area
from core.web.markup import Flash, Level, NavItem, Panel, Shell

FLASH = "kehou_flash"


class Pages:
    """Draws templates. One for each application, in app.state.pages."""

    def __init__(self, environment: Environment, *, demo: bool = False) -> None:
        self.environment = environment
        self.demo = demo

    def render(self, template: str, **context: Any) -> str:
        return self.environment.get_template(template).render(**context)


async def page(
    request: Request[Any, Any, Any],
    template: str,
    uow: UnitOfWork | None = None,
    *,
    status: int = 200,
    **context: Any,
) -> Response[str]:
    """Draw `template` for this request. `uow` lets the navigation count what waits; give it inside organisations."""
    pages: Pages = request.app.state.pages
    ctx: TenantContext | None = request.state.get("ctx")
    face = request.state.access.face or _face(request)
    nav = await _nav(request, ctx, face, uow) if ctx and face else []
    flashes = _flashes(request)
    panels = await _panels(uow, template, context) if uow else {}
    html = pages.render(
        template,
        ctx=ctx,
        request=request,
        nav=nav,
        tabs=[item for item in nav if item.href != inbox_of(ctx, face)],
        flashes=flashes,
        shell=_shell(request, ctx, face, nav),
        panels_by_slot=panels,
        **context,
    )
    response = Response(html, status_code=status, media_type=MediaType.HTML)
    if flashes:
        response.delete_cookie(FLASH)
    return response


def redirect(path: str, *, flash: str = "", level: Level = "ok") -> Redirect:
    """See another page next (303), with one message that it shows once."""
    response = Redirect(path, status_code=303)
    if flash:
        value = quote(json.dumps([{"text": flash, "level": level}], ensure_ascii=False))
        response.set_cookie(FLASH, value, httponly=True, samesite="lax", max_age=60)
    return response


def _flashes(request: Request[Any, Any, Any]) -> list[Flash]:
    raw = request.cookies.get(FLASH)
    if not raw:
        return []
    try:
        return [Flash(str(f["text"])[:300], f["level"]) for f in json.loads(unquote(raw))][:3]
    except (ValueError, KeyError, TypeError):
        return []


def _face(request: Request[Any, Any, Any]) -> Area | None:
    """The face by the address: /t/<organisation>/<face>/…."""
    parts = request.url.path.split("/")
    faces: dict[str, Area] = {
        "desk": "desk",
        "teach": "teach",
        "home": "home",
        "vendor": "vendor",
        "bureau": "bureau",
    }
    return faces.get(parts[3]) if len(parts) > 3 and parts[1] == "t" else None


async def _nav(
    request: Request[Any, Any, Any], ctx: TenantContext, face: Area, uow: UnitOfWork | None
) -> list[NavItem]:
    house: House = request.app.state.house
    here = request.url.path
    items = [
        owned.item
        for owned in house.registry.nav
        if owned.item.area == face
        and (owned.plugin is None or owned.plugin in ctx.plugins)
        and (owned.item.permission is None or ctx.may(owned.item.permission))
    ]
    shown: list[NavItem] = []
    paths = [f"/t/{ctx.slug}/{item.path}" for item in items]
    best = max((p for p in paths if here == p or here.startswith(p + "/")), key=len, default="")
    first: dict[str, int] = {}  # a group stands where its first entry stands, and stays together
    for item in items:
        group = str(item.group or "")
        first[group] = min(first.get(group, item.order), item.order)
    for item in sorted(items, key=lambda i: (first[str(i.group)] if i.group else i.order, i.order)):
        href = f"/t/{ctx.slug}/{item.path}"
        badge = await item.badge(uow) if item.badge and uow else 0
        group = str(item.group) if item.group else ""
        shown.append(NavItem(str(item.label), href, item.icon, group, badge, href == best))
    return shown


MESSAGES_PATH = "messages"
"""Where in a face the reader's messages are: that entry becomes the bell in the top bar and leaves the tab bar."""


def inbox_of(ctx: TenantContext | None, face: Area | None) -> str:
    """The address of the reader's messages in a face."""
    return f"/t/{ctx.slug}/{face}/{MESSAGES_PATH}" if ctx and face else ""


def _shell(request: Request[Any, Any, Any], ctx: TenantContext | None, face: Area | None, nav: list[NavItem]) -> Shell:
    person = request.state.get("person")
    if person is None:
        return Shell(org=ctx.name if ctx else "")
    links: list[tuple[str, str, str]] = []
    titles = {
        "desk": _("学校办公"),
        "teach": _("教师"),
        "home": _("家长"),
        "vendor": _("机构"),
        "bureau": _("教育局"),
    }
    for other in request.state.get("faces") or []:
        if ctx and other != face and other in titles:
            links.append((titles[other], f"/t/{ctx.slug}/{other}", "switch-horizontal"))
    links.append((_("换一个单位"), "/me", "building"))
    inbox = next((item for item in nav if item.href == inbox_of(ctx, face)), None)
    return Shell(
        inbox=inbox.href if inbox else "",
        unread=inbox.badge if inbox else 0,
        org=ctx.name if ctx else "",
        user=person.name,
        home=f"/t/{ctx.slug}/{face}" if ctx and face else "/me",
        sign_out="/sign-out",
        links=links,
    )


async def _panels(uow: UnitOfWork, template: str, context: dict[str, Any]) -> dict[str, list[Panel]]:
    """Panels of plugins for this page's slots; the slot's name is the template's, without ".html"."""
    slot = template.removesuffix(".html")
    offered = await uow.hooks.present("page_panels", uow.ctx, Panel, uow=uow, slot=slot, subject=context.get("subject"))
    return {slot: offered} if offered else {}
