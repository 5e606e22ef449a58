"""The text encoding of a CSV file: BOM → UTF-8 → UTF-16 by its zero bytes → GB18030; people may choose another."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final

from tenants.roster.sandbox import ReadError

ENCODINGS: Final[tuple[str, ...]] = ("utf-8", "gb18030", "utf-16", "utf-16-le", "utf-16-be")
"""What may be chosen by hand; also what is ever reported as detected."""

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_IN_TEXTS: Final = "\t\n\v\f\r\x1a\x1b"
"""Control signs that old programs leave in texts."""


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        return None


def _zero_bytes(data: bytes) -> str | None:
    """UTF-16 without a BOM: digits, commas and line ends leave zeros on one side of each pair only."""
    head = data[: 1 << 16]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 20 < len(head) // 2:
        return None
    return "utf-16-le" if odd > even * 4 else "utf-16-be" if even > odd * 4 else None


def is_binary(data: bytes) -> bool:
    """Whether this is no text in any encoding: more than every fiftieth sign is one that no text has."""
    head = data[:4096]
    wide = next((encoding for bom, encoding in _BOMS[1:] if head.startswith(bom)), None) or _zero_bytes(head)
    text = head.decode(wide or "latin-1", "replace")
    return sum(sign < " " and sign not in _IN_TEXTS for sign in text) * 50 > len(text)


def decode(data: bytes, chosen: str | None, looks_right: Callable[[str], bool]) -> tuple[str, str]:
    """(text, encoding). `chosen` overrides detection. `looks_right` tells whether a decoded text has our headers.

    Raises :class:`ReadError`: ``encoding_not_known``, ``encoding_mismatch``, ``encoding_damaged`` (UTF-8 with a bad
    place) or ``unknown_encoding``.
    """
    if chosen is not None:
        if chosen not in ENCODINGS:
            raise ReadError("encoding_not_known", encoding=chosen[:20], known="、".join(ENCODINGS))
        text = _strict(data, chosen)
        if text is None:
            raise ReadError("encoding_mismatch", encoding=chosen)
        return text, chosen
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            text = _strict(data, encoding)
            if text is None:
                raise _damaged(data, encoding)
            return text, encoding
    if b"\0" not in data and (text := _strict(data, "utf-8")) is not None:
        return text, "utf-8"
    wide = _zero_bytes(data)
    if wide is not None and (text := _strict(data, wide)) is not None:
        return text, wide
    if b"\0" in data:
        raise ReadError("unknown_encoding")
    text = _strict(data, "gb18030")
    if text is not None and looks_right(text):
        return text, "gb18030"
    # GB18030 takes nearly any bytes: a UTF-8 file with one bad byte would be read as garbage. The headers tell.
    if looks_right(data.decode("utf-8", "replace")):
        raise _damaged(data, "utf-8")
    if text is None:
        raise ReadError("unknown_encoding")
    return text, "gb18030"


def _damaged(data: bytes, encoding: str) -> ReadError:
    if encoding != "utf-8":
        return ReadError("encoding_mismatch", encoding=encoding)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return ReadError("encoding_damaged", row=data[: error.start].count(b"\n") + 1)
    return ReadError("unknown_encoding")
