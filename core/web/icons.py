"""Icons, drawn inline from one file: no requests, any plugin may use any of Tabler's."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

_FOLDER: Final = Path(__file__).parent / "static" / "vendor" / "tabler-icons"
_STROKE: Final = 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"'


class UnknownIcon(LookupError):
    """A name that Tabler does not have: found when the page is first rendered in a test."""


@cache
def _shapes(kind: str) -> dict[str, list[list[Any]]]:
    path = _FOLDER / f"tabler-nodes-{kind}.json"
    if not path.is_file():
        raise RuntimeError("front-end files are missing: run `python tools/assets.py` first")
    shapes: dict[str, list[list[Any]]] = json.loads(path.read_text(encoding="utf-8"))
    return shapes


def icon(name: str, size: int = 20, label: str = "", kind: str = "outline", cls: str = "") -> Markup:
    """An inline SVG. With `label` it is an image with that name, without one it is hidden from screen readers.

    Raises UnknownIcon.
    """
    return _drawn(name, size, str(label), kind, cls)  # str(): a lazy label must not be cached in one language


@lru_cache(maxsize=2048)
def _drawn(name: str, size: int, label: str, kind: str, cls: str) -> Markup:
    try:
        shapes = _shapes(kind)[name]
    except KeyError:
        raise UnknownIcon(f"no {kind} icon is called {name!r}") from None
    body = "".join(
        "<{} {}/>".format(tag, " ".join(f'{key}="{escape(value)}"' for key, value in attributes.items()))
        for tag, attributes in shapes
    )
    paint = _STROKE if kind == "outline" else 'fill="currentColor"'
    named = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    css = f"icon {escape(cls)}".rstrip()
    return Markup(  # noqa: S704 - every part is our own file or escaped
        f'<svg class="{css}" width="{size}" height="{size}" viewBox="0 0 24 24" {paint} {named}>{body}</svg>'
    )
