"""Who may call a handler: said in its own declaration, closed by default, answered 401, then 404, then 403."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler

from core.base.errors import Forbidden, NotFound, NotSignedIn
from core.base.text import get_locale, use_locale
from core.db.giving_way import others_of
from core.db.house import House
from core.db.resolve import SignedIn, member_context, public_context, signed_in
from core.db.resolve_many import crowd_of
from core.host.contribution import Area

Level = Literal["public", "signed_in", "member"]

COOKIE = "kehou_session"


@dataclass(frozen=True, slots=True)
class Access:
    """The rule of one handler. `permissions`: any one of them suffices; `face`: whose navigation the page wears;
    `crowd`: so many ask at once that they are looked up together."""

    level: Level
    permissions: tuple[str, ...] = ()
    face: Area | None = None
    crowd: bool = False


def access(*permissions: str, face: Area | None = None, crowd: bool = False) -> dict[str, Any]:
    """opt= of a handler for members who hold one of `permissions`; with none given, for every member."""
    return {"access": Access("member", permissions, face, crowd)}


def in_session(*, face: Area | None = None) -> dict[str, Any]:
    """opt= of a handler for anyone who is signed in; outside organisations."""
    return {"access": Access("signed_in", (), face)}


def public() -> dict[str, Any]:
    """opt= of a handler for everyone. Inside an organisation's address it sees only what is public there."""
    return {"access": Access("public")}


def hash_token(token: str) -> str:
    """What the database keeps of a session token."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The session token of a request: from `Authorization: Bearer`, else from the cookie."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return connection.cookies.get(COOKIE)


async def enforce(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The application's guard: resolves the person and the organisation once, and leaves them in the request's state.

    Raises NotSignedIn, NotFound (unknown organisation, stranger, switched-off plugin), Forbidden.
    """
    if connection.scope.get("method") == "OPTIONS":
        return  # Litestar's own answer: it only lists methods
    rule: Access = handler.opt["access"]
    house: House = connection.app.state.house
    plugin: str | None = handler.opt.get("plugin")
    slug: str | None = connection.path_params.get("tenant")
    if slug is not None and not slug.isprintable():
        raise NotFound()
    # The request's state by its own dictionary: Litestar's wrapper locks and copies at every name.
    state: dict[str, Any] = connection.scope["state"]
    state |= {"access": rule, "ctx": None, "person": None}
    if not rule.crowd:
        others = others_of(house)
        others.came()
        state["answered"] = others.answered
    token = token_of(connection)
    known = await crowd_of(house).who(slug, hash_token(token)) if rule.crowd and slug and token else None
    if known is not None:
        state["person"] = known.person
    elif rule.level != "public" or token:
        state["person"] = await signed_in(house, hash_token(token)) if token else None
        if state["person"] is None and rule.level != "public":
            raise NotSignedIn()
    person: SignedIn | None = state["person"]
    if person is not None and person.locale and not state.get("locale_chosen"):
        use_locale(person.locale)
    if slug is None:
        return
    asked = {"locale": get_locale(), "request_id": state.get("request_id", "")}
    if rule.level == "public":
        state["ctx"] = await public_context(house, slug, **asked)
    elif known is not None:
        if known.place is None:
            raise NotFound()
        state |= {"ctx": replace(known.place[0], **asked), "faces": known.place[1]}
    else:
        assert person is not None
        ctx, faces = await member_context(house, slug, person, **asked)
        state |= {"ctx": ctx, "faces": faces}
    ctx = state["ctx"]
    if plugin is not None and plugin not in ctx.plugins:
        raise NotFound()
    if rule.permissions and not any(ctx.may(permission) for permission in rule.permissions):
        raise Forbidden(permission=rule.permissions[0])


def refuse_undeclared(handlers: Iterable[HTTPRouteHandler]) -> None:
    """Stop the start when a handler does not say who may call it. Raises RuntimeError naming it."""
    for handler in handlers:
        if not isinstance(handler.opt.get("access"), Access):
            raise RuntimeError(f"{handler} ({', '.join(sorted(handler.paths))}) declares no access rule")
