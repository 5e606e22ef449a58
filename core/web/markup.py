"""What pages hand to the shell and the macros: navigation, flashes, panels, pagers, steps, marks."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal
from urllib.parse import urlencode

import segno
from markupsafe import Markup, escape

Level = Literal["ok", "info", "warn", "bad"]
Tone = Literal["", "ok", "info", "warn", "bad"]


@dataclass(frozen=True)
class NavItem:
    """An entry of the side bar or the tab bar, already filtered for the reader. `badge` counts what waits."""

    label: str
    href: str
    icon: str
    group: str = ""
    badge: int = 0
    current: bool = False


@dataclass(frozen=True)
class Flash:
    """A message shown once after a redirect: ok and info fade, warn and bad stay until the page is left."""

    text: str
    level: Level = "ok"


@dataclass(frozen=True)
class Shell:
    """What the frame of a page shows round it. `links` are the entries of the user menu: (label, href, icon)."""

    org: str = ""
    place: str = ""
    user: str = ""
    role: str = ""
    home: str = "/"
    inbox: str = ""
    unread: int = 0
    search: str = ""
    sign_out: str = ""
    links: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class Panel:
    """A piece of a page that a plugin brings: a template of its own and that template's data."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pager:
    """Which part of a list is shown. `query` holds the other filters of the address; pages count from 1."""

    total: int
    page: int = 1
    size: int = 20
    query: Mapping[str, Any] = field(default_factory=dict)
    param: str = "page"

    @property
    def pages(self) -> int:
        return max(1, ceil(self.total / self.size))

    @property
    def first(self) -> int:
        """The number of the first row shown, 0 for an empty list."""
        return min(self.total, (self.page - 1) * self.size + 1)

    @property
    def last(self) -> int:
        return min(self.total, self.page * self.size)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size

    def href(self, page: int) -> str:
        """The address of another page, with the filters kept."""
        return query_string({**self.query, self.param: page if page > 1 else None})

    def window(self) -> list[int | None]:
        """The numbers to offer: ends, neighbours, and None for a gap."""
        near = {1, self.pages, *range(self.page - 1, self.page + 2)}
        numbers = sorted(number for number in near if 1 <= number <= self.pages)
        shown: list[int | None] = []
        for number in numbers:
            before = shown[-1] if shown else None
            if isinstance(before, int) and number - before > 1:
                shown.append(before + 1 if number - before == 2 else None)
            shown.append(number)
        return shown


@dataclass(frozen=True)
class Step:
    """A station of a tracker. `note` says when or by whom; `tone` bad marks a refusal."""

    label: str
    state: Literal["done", "now", "todo"] = "todo"
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class CourseCard:
    """An offering as a family sees it in the menu. `price` in fen, `per` what it buys (``/ 16 次``); a price of None is
    not the school's: `per` says whom the family pays.

    `kind` is one of KINDS; `cover` the address of a 4:3 picture and `cover_alt` what it shows, or blank for a drawn
    tile with `icon`. `left` is the number of free places, None where there is no limit; `state` is the child's own;
    ``waiting`` is anything not settled yet (on a list, not submitted).
    `action` is the main button as (label, href), None where nothing can be done.
    """

    id: str
    name: str
    href: str
    when: str
    kind: str = "craft"
    icon: str = "books"
    cover: str = ""
    room: str = ""
    teacher: str = ""
    price: int | None = 0
    per: str = ""
    left: int | None = None
    capacity: int = 0
    waiting: int = 0
    tag: str = ""
    clash: str = ""
    state: Literal["", "mine", "waiting", "closed"] = ""
    state_text: str = ""
    action: tuple[str, str] | None = None
    cover_alt: str = ""

    @property
    def few(self) -> bool:
        """So few places that it should be said: at most five, or a tenth."""
        return self.left is not None and 0 < self.left <= max(5, self.capacity // 10)


def query_string(values: Mapping[str, Any]) -> str:
    """``?a=1&b=2`` of what is not blank; a lone ``?`` clears the query."""
    pairs = [(name, value) for name, value in values.items() if value not in (None, "", [], ())]
    return "?" + urlencode(pairs, doseq=True)


def qr_svg(text: str, *, scale: int = 4, border: int = 2) -> str:
    """A QR code as SVG without an XML declaration, black on nothing, error correction M."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", scale=scale, border=border, xmldecl=False, svgns=True, omitsize=False, nl=False
    )
    return out.getvalue().decode()


def qr(text: str, label: str, scale: int = 4) -> Markup:
    """A QR code for a page, named by `label` for those who cannot see it."""
    body = qr_svg(text, scale=scale).replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)
    return Markup(f'<span class="qr">{body}</span>')  # noqa: S704 - segno's own drawing, the label escaped


def label_cells(html: Markup, labels: Sequence[str], classes: Sequence[str] = ()) -> Markup:
    """Write each column's heading and class into its cells, so that a row can become a card on a phone.

    `html` is a run of plain ``<tr>`` with ``<td>`` or ``<th scope=row>``; a cell's own class stays in place of the
    column's. Nested tables are not for this.
    """
    column = -1

    def mark(match: re.Match[str]) -> str:
        nonlocal column
        if match[1] == "tr":
            column = -1
            return match[0]
        column += 1
        extra = f' data-label="{escape(labels[column])}"' if column < len(labels) and labels[column] else ""
        if column < len(classes) and classes[column] and "class=" not in match[2]:
            extra += f' class="{escape(classes[column])}"'
        return f"<{match[1]}{match[2]}{extra}>"

    marked = re.sub(r"<(tr|td|th)\b([^>]*)>", mark, str(html))
    return Markup(marked)  # noqa: S704 - came escaped, gains escaped labels


def initial(name: str) -> str:
    """The sign in a round face: a Chinese name's last character, another's first letter."""
    name = name.strip().removesuffix("老师").removesuffix("校长")
    if not name:
        return "·"
    return name[-1] if "\u4e00" <= name[-1] <= "\u9fff" else name[0].upper()


KINDS = ("sport", "art", "tech", "study", "craft")
"""The kinds of course that have a colour and a cover of their own; others take the last."""
