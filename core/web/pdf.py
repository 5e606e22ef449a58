"""PDFs by typst: a template, data as JSON, and a font that surely has every character.

typst leaves out a character that its fonts lack without a word, so the data is checked against the font's own table
before anything is drawn, and any warning of the compiler is an error. Papers are Chinese: they are evidence.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import typst
from fontTools.ttLib import TTCollection, TTFont  # type: ignore[import-untyped]

from core.base.clock import at_school, now
from core.base.text import in_locale
from core.web.i18n import fdate, money_cn, money_exact
from core.web.markup import qr_svg

_HERE: Final = Path(__file__).parent / "typst"
_PACKAGES: Final = _HERE / "packages"
DOCUMENT: Final = _HERE / "document.typ"
RECEIPT: Final = _HERE / "receipt.typ"


class PaperError(RuntimeError):
    """A paper could not be made faithfully: the compiler warned, or no font has a character of the data."""


class _Press:
    """One template's compiler. typst's object is not for two threads at once, so each has its lock."""

    def __init__(self, template: Path, fonts: typst.Fonts) -> None:
        self._compiler = typst.Compiler(
            template, root=template.parent, font_paths=fonts, ignore_system_fonts=True, package_path=_PACKAGES
        )
        self._lock = threading.Lock()

    def run(self, inputs: dict[str, str], pdf_a: bool, at: datetime) -> bytes:
        with self._lock:
            made, warnings = self._compiler.compile_with_warnings(
                format="pdf",
                sys_inputs=inputs,
                pdf_standards=["a-2b"] if pdf_a else [],
                timestamp=int(at.timestamp()),
            )
        if warnings:
            raise PaperError("; ".join(warning.message for warning in warnings))
        if not isinstance(made, bytes):
            raise PaperError("typst gave no single file")
        return made


@cache
def _bundled() -> Path | None:
    """The folder of the font that is installed with us, if it is."""
    spec = importlib.util.find_spec("justmytype_intl_cjk")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "fonts" / "ofl" / "notosanssc"
    return folder if folder.is_dir() else None


@cache
def _fonts(system: bool) -> tuple[typst.Fonts, str]:
    """The fonts and the family to write in: our own, and the machine's too where `system`."""
    folder = _bundled()
    if folder is not None:
        fonts = typst.Fonts(include_system_fonts=system, include_embedded_fonts=False, font_paths=[str(folder)])
        return fonts, "Noto Sans SC"
    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=False)
    for family in ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC"):
        if family in fonts.families():
            return fonts, family
    raise PaperError("no Chinese font: install the package justmytype-intl-cjk or Debian's fonts-noto-cjk")


@cache
def _covered(system: bool) -> frozenset[int]:
    """Every character that some font of the set can draw."""
    fonts, family = _fonts(system)
    found: set[int] = set()
    seen: set[tuple[str, int]] = set()
    for info in fonts.fonts():
        where = (info.path or "", info.index)
        if not info.path or where in seen or (not system and info.family != family):
            continue
        seen.add(where)
        font = (
            TTCollection(info.path, lazy=True).fonts[info.index]
            if info.path.lower().endswith((".ttc", ".otc"))
            else TTFont(info.path, lazy=True)
        )
        found.update(font.getBestCmap() or ())
    return frozenset(found)


@lru_cache(maxsize=64)
def _press(template: Path, system: bool) -> _Press:
    return _Press(template, _fonts(system)[0])


def _characters(value: Any) -> set[str]:
    if isinstance(value, str):
        return {character for character in value if character >= " "}
    if isinstance(value, Mapping):
        return {c for key, item in value.items() if key != "qr" for c in _characters(item)}
    if isinstance(value, Iterable):
        return {c for item in value for c in _characters(item)}
    return set()


def _lacking(characters: set[str], system: bool) -> list[str]:
    covered = _covered(system)
    return sorted(character for character in characters if ord(character) not in covered)


def render(template: Path, data: Mapping[str, Any], *, pdf_a: bool = True, at: datetime | None = None) -> bytes:
    """The paper `template` with `data`, as PDF/A-2b unless told otherwise; `at` is the time written into the file.

    The template reads its data with ``#import "@kehou/paper:1.0.0": data``. The same arguments give the same bytes.
    Raises PaperError when a character has no glyph or the compiler warns, typst.TypstError when the template fails.
    A compile takes about 10 ms of processor: from a handler call :func:`render_async`.
    """
    plain = json.loads(json.dumps(data, ensure_ascii=False, default=str))
    wanted = _characters(plain)
    system = bool(_lacking(wanted, False))
    if system:
        # A rare character of a name: the machine's own fonts may have it.
        lacking = _lacking(wanted, True)
        if lacking:
            raise PaperError(
                "no font has " + ", ".join(f"{character} (U+{ord(character):04X})" for character in lacking)
            )
    inputs = {"data": json.dumps(plain, ensure_ascii=False), "font": _fonts(system)[1]}
    return _press(template.resolve(), system).run(inputs, pdf_a, at or now())


async def render_async(
    template: Path, data: Mapping[str, Any], *, pdf_a: bool = True, at: datetime | None = None
) -> bytes:
    """:func:`render` in a thread."""
    return await asyncio.to_thread(render, template, data, pdf_a=pdf_a, at=at)


# ---- the two papers that everyone needs --------------------------------------------------------------------

_VERIFY: Final = "扫码查验"


@dataclass(frozen=True)
class ReceiptLine:
    """One item: what, how much of it in words (``16 次``), and its amount in fen."""

    name: str
    quantity: str
    amount: int


@dataclass(frozen=True)
class Receipt:
    """A receipt for money taken, in fen. `facts` are shown beside the payer: (label, value)."""

    number: str
    day: date
    org: str
    payer: str
    lines: Sequence[ReceiptLine]
    facts: Sequence[tuple[str, str]] = ()
    title: str = "收款收据"
    verify_url: str = ""
    cashier: str = ""
    note: str = ""
    void: str = ""

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    def data(self) -> dict[str, Any]:
        """What ``receipt.typ`` reads."""
        with in_locale("zh_CN"):
            return {
                "title": self.title,
                "number": self.number,
                "date": fdate(self.day),
                "org": self.org,
                "payer": self.payer,
                "facts": [list(fact) for fact in self.facts],
                "columns": [
                    {"title": "项目"},
                    {"title": "数量", "width": "auto", "align": "right"},
                    {"title": "金额（元）", "width": "auto", "align": "right"},
                ],
                "rows": [[line.name, line.quantity, money_exact(line.amount)] for line in self.lines],
                "total": f"¥{money_exact(self.total)}",
                "total_cn": money_cn(self.total),
                "note": self.note,
                "cashier": self.cashier,
                "void": self.void,
                "qr": qr_svg(self.verify_url, border=0) if self.verify_url else "",
                "qr_words": _VERIFY,
            }

    def pdf(self) -> bytes:
        """The receipt as PDF/A; equal receipts give equal bytes."""
        return render(RECEIPT, self.data(), at=at_school(self.day))


@dataclass(frozen=True)
class Document:
    """An A4 paper. `parts` are mappings with a ``kind``: text, heading, clauses, list, facts or table.

    ``{"kind": "text", "text": …}``, ``{"kind": "heading", "text": …}``, ``{"kind": "clauses", "items": [text or
    {"title", "items"}]}``, ``{"kind": "list", "items": [text]}``, ``{"kind": "facts", "items": [[label, value]]}``,
    ``{"kind": "table", "columns": [{"title", "align", "width"}], "rows": [[text]], "total": [text]}``.
    """

    title: str
    parts: Sequence[Mapping[str, Any]]
    number: str = ""
    to: str = ""
    org: str = ""
    day: date | None = None
    signatures: Sequence[tuple[str, str]] = ()
    verify_url: str = ""

    def data(self) -> dict[str, Any]:
        """What ``document.typ`` reads."""
        with in_locale("zh_CN"):
            return {
                "title": self.title,
                "number": self.number,
                "to": self.to,
                "org": self.org,
                "date": fdate(self.day) if self.day else "",
                "parts": [dict(part) for part in self.parts],
                "signatures": [{"role": role, "name": name} for role, name in self.signatures],
                "qr": qr_svg(self.verify_url, border=0) if self.verify_url else "",
                "qr_words": _VERIFY,
            }

    def pdf(self) -> bytes:
        """The document as PDF/A; with a day, equal documents give equal bytes."""
        at = at_school(self.day) if self.day else None
        return render(DOCUMENT, self.data(), at=at)


Align = Literal["left", "right"]


def column(title: str, *, align: Align = "left", narrow: bool = False) -> dict[str, str]:
    """A column of a table part; a narrow one is as wide as its text."""
    return {"title": title, "align": align, "width": "auto" if narrow else "1fr"}


__all__ = [
    "DOCUMENT",
    "RECEIPT",
    "Document",
    "PaperError",
    "Receipt",
    "ReceiptLine",
    "column",
    "render",
    "render_async",
]
