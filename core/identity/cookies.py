"""Addresses to go on to, and the cookies of sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from core.db.house import House
from core.identity.service import SESSION_DAYS
from core.web.access import COOKIE

PHONE_COOKIE = "kehou_phone"
"""Remembers between the two steps of sign-in which phone the code went to; no address shows it."""


def local_path(address: str, fallback: str = "/me") -> str:
    """`address` if it is a path of this site and nothing else, else `fallback`.

    Browsers read "//host", "/\\host" and "/<tab>/host" as other sites; none of them passes.
    """
    if len(address) > 1000 or not address.startswith("/") or address.startswith("//"):
        return fallback
    if "\\" in address or any(ord(c) <= 32 or ord(c) == 127 for c in address):
        return fallback
    try:
        parts = urlsplit(address)
    except ValueError:
        return fallback
    return fallback if parts.scheme or parts.netloc else address


def came_from(request: Request[Any, Any, Any], fallback: str = "/") -> str:
    """The page of this site that a form was sent from, by its Referer."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return fallback
    if parts.netloc != request.headers.get("host", ""):
        return fallback
    return local_path(parts.path + (f"?{parts.query}" if parts.query else ""), fallback)


def secure(house: House) -> bool:
    """Whether families reach this site by https: then cookies travel by nothing else."""
    return house.settings.public_url.startswith("https://")


def session_cookie(house: House, token: str) -> Cookie:
    """The cookie that signs a browser in."""
    return Cookie(
        key=COOKIE,
        value=token,
        httponly=True,
        samesite="lax",
        secure=secure(house),
        max_age=SESSION_DAYS * 86_400,
    )


def phone_cookie(house: House, phone: str) -> Cookie:
    """The cookie between the two steps of sign-in, ten minutes long."""
    return Cookie(
        key=PHONE_COOKIE,
        value=phone,
        path="/sign-in",
        httponly=True,
        samesite="lax",
        secure=secure(house),
        max_age=600,
    )
