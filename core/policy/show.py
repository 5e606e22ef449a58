"""Values for people's eyes: amounts, clock times and lists, translated only when shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal

from core.base.text import LazyText, get_locale
from core.base.text import lazy_gettext as _l

Unit = Literal[
    "minutes", "fen", "percent", "people", "days", "weeks", "week", "times", "periods", "points", "pieces", "metres"
]  # fmt: skip

_FORMS: Final = {
    "minutes": _l("%(n)s 分钟"),
    "people": _l("%(n)s 人"),
    "days": _l("%(n)s 天"),
    "weeks": _l("%(n)s 周"),
    "week": _l("第 %(n)s 周"),
    "times": _l("%(n)s 次"),
    "periods": _l("%(n)s 课时"),
    "points": _l("%(n)s 分"),
    "pieces": _l("%(n)s 份"),
    "metres": _l("%(n)s 米"),
}


def yuan(fen: int) -> str:
    """`¥480` or `¥480.50`, for an amount in whole fen."""
    sign = "-" if fen < 0 else ""
    whole, rest = divmod(abs(fen), 100)
    return f"{sign}¥{whole:,}" + (f".{rest:02d}" if rest else "")


def quantity(n: int, unit: Unit) -> str:
    """A number with its unit: `120 分钟`, `¥480`, `80%`."""
    if unit == "fen":
        return yuan(n)
    if unit == "percent":
        return f"{n}%"
    return _FORMS[unit] % {"n": n}


def clock(minutes: int) -> str:
    """`18:00` for 1080 minutes after midnight."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


class Joined(LazyText):
    """Several labels as one text, each translated when shown: `甲、乙` in Chinese, `a, b` in English."""

    parts: tuple[Any, ...]
    between: tuple[str, str]

    def __str__(self) -> str:
        return self.between[get_locale() == "en"].join(str(p) for p in self.parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return (joined, (self.parts, self.between))


def joined(parts: Iterable[Any], between: tuple[str, str] = ("、", ", ")) -> Joined:
    """A lazy list of labels or plain texts."""
    parts = tuple(parts)
    text = Joined(between[0].join(str.__str__(p) if isinstance(p, str) else str(p) for p in parts))
    text.parts = parts
    text.between = between
    return text
