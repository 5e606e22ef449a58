"""What frames every request: its id, its language, the refusal of cross-site writes, and the safety headers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from core.base.ids import new_id
from core.base.text import SUPPORTED, use_locale
from core.web.i18n import negotiate

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOCALE_COOKIE = "kehou_locale"

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "object-src 'none'; base-uri 'self'; form-action 'self' {pay}; frame-ancestors 'self'"
)

PRIVATE = ((b"cache-control", b"no-store"), (b"vary", b"Accept-Language, Cookie"))


def frame(pay_origin: str = "") -> Any:
    """Middleware factory. `pay_origin` is where a payment form may lead besides this site."""
    policy = POLICY.format(pay=pay_origin).replace(" ;", ";")
    always = (
        (b"content-security-policy", policy.encode("ascii")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"same-origin"),
    )

    def wrap(app: ASGIApp) -> ASGIApp:
        async def framed(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != ScopeType.HTTP:
                await app(scope, receive, send)
                return
            headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
            state = scope.setdefault("state", {})
            state["request_id"] = str(new_id())
            cookie = _cookie(headers.get("cookie", ""), LOCALE_COOKIE)
            state["locale_chosen"] = cookie in SUPPORTED
            use_locale(negotiate(cookie, headers.get("accept-language")))
            if scope["method"] not in SAFE and cross_site(headers, scope["path"]):
                await _refuse(send)
                return

            async def with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _answered(state)
                    own = {name.lower() for name, _ in message["headers"]}
                    ours: tuple[tuple[bytes, bytes], ...] = (*always, (b"x-request-id", state["request_id"].encode()))
                    if not scope["path"].startswith("/static/"):
                        ours += PRIVATE
                    message["headers"] = [*message["headers"], *(pair for pair in ours if pair[0] not in own)]
                await send(message)

            try:
                await app(scope, receive, with_headers)
            finally:
                _answered(state)

        return framed

    return wrap


def _answered(state: dict[str, Any]) -> None:
    """Who waited for this answer (core.db.giving_way) waits no more."""
    if (answered := state.pop("answered", None)) is not None:
        answered()


def cross_site(headers: dict[str, str], path: str) -> bool:
    """Whether a browser sent this write from another site's page.

    Browsers say so themselves, in Sec-Fetch-Site or, older ones, in Origin; a program that is no browser sends
    neither and carries no cookie of a family. Webhooks prove themselves by signature.
    """
    if path.startswith("/hooks/"):
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc != headers.get("host", "")


async def _refuse(send: Send) -> None:
    from core.base.errors import CrossSite

    body = f'{{"type":"urn:kehou:error:cross_site","status":403,"code":"cross_site","title":"{CrossSite().message}"}}'
    await send(
        {
            "type": "http.response.start",
            "status": 403,
            "headers": [(b"content-type", b"application/problem+json; charset=utf-8")],
        }
    )
    await send({"type": "http.response.body", "body": body.encode(), "more_body": False})


def _cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None
