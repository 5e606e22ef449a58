"""How things are said: the reader's language, and money, dates, classes and names written for people.

Everything follows the current locale of :mod:`core.base.text`. Moments are shown on the school's wall clock
(Asia/Shanghai). Money comes in whole fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from core.base.clock import school_time
from core.base.text import DEFAULT, SUPPORTED, add_catalogue, get_locale
from core.base.text import gettext as _

COOKIE: Final = "kehou_locale"
"""The cookie in which a reader's choice of language is kept."""

add_catalogue(Path(__file__).parent / "locale")

DateStyle = Literal["iso", "short", "day", "medium", "full", "month"]

_LANGUAGES: Final = {code.split("_")[0]: code for code in SUPPORTED}
_DAYS_ZH: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_DAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DIGITS_ZH: Final = "〇一二三四五六七八九十"


def negotiate(cookie: str | None, accept_language: str | None) -> str:
    """The locale for a request: the reader's own choice, else what the browser asks for, else Chinese."""
    if cookie in SUPPORTED:
        return str(cookie)
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept_language or "").split(",")):
        tag, _sep, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            continue
        language = tag.lower().replace("_", "-").split("-")[0]
        if weight > 0 and language in _LANGUAGES:
            wanted.append((-weight, place, _LANGUAGES[language]))
    return min(wanted)[2] if wanted else DEFAULT


def _chinese() -> bool:
    return get_locale() == DEFAULT


# ---- money -------------------------------------------------------------------------------------------------


def money(fen: int, *, sign: bool = False) -> str:
    """`fen` as ``¥480``, ``¥360.50`` or ``−¥5``; whole yuan carry no decimals. `sign` writes a plus as well."""
    yuan, rest = divmod(abs(fen), 100)
    mark = "−" if fen < 0 else "+" if sign and fen > 0 else ""
    return f"{mark}¥{yuan:,}" + (f".{rest:02d}" if rest else "")


def money_exact(fen: int) -> str:
    """`fen` with two decimals and no sign of currency, for columns that must line up: ``1,042.00``."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}{yuan:,}.{rest:02d}"


_UPPER: Final = "零壹贰叁肆伍陆柒捌玖"


def _upper_group(value: int) -> str:
    """1..9999 in capitals; a zero inside is said once, zeros at the end are not said."""
    text, zero = "", False
    for unit, size in (("仟", 1000), ("佰", 100), ("拾", 10), ("", 1)):
        digit = value // size % 10
        if digit:
            text += ("零" if zero and text else "") + _UPPER[digit] + unit
            zero = False
        else:
            zero = True
    return text


def money_cn(fen: int) -> str:
    """`fen` in the capitals of vouchers (人民币大写), as the payment rules of the People's Bank want it.

    ``整`` closes an amount that ends in yuan or jiao; a zero is said where digits are skipped, and before the jiao when
    the yuan's own place is 0 (of the two ways allowed the one that leaves no gap to write into). Raises ValueError from
    one trillion yuan up: no school bill is that large, so it is an error somewhere else.
    """
    if fen == 0:
        return "零元整"
    yuan, rest = divmod(abs(fen), 100)
    if yuan >= 10**12:
        raise ValueError("amount too large to be written")
    jiao, cents = divmod(rest, 10)
    text, gap = "", False
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        group = yuan // size % 10**4
        if group:
            # A group below 1000 leaves out a digit next to the group before it, and so does an empty group.
            text += ("零" if text and (gap or group < 1000) else "") + _upper_group(group) + unit
            gap = False
        else:
            gap = True
    text += "元" if text else ""
    if jiao:
        text += ("零" if text and yuan % 10 == 0 else "") + _UPPER[jiao] + "角"
    if cents:
        text += ("零" if text and not jiao else "") + _UPPER[cents] + "分"
    return ("负" if fen < 0 else "") + text + ("" if cents else "整")


# ---- days and hours ----------------------------------------------------------------------------------------


def weekday(day: int | date) -> str:
    """``周一`` or ``Mon``; a number is that of ISO, 1 for Monday to 7 for Sunday."""
    number = day if isinstance(day, int) else day.isoweekday()
    return (_DAYS_ZH if _chinese() else _DAYS_EN)[number - 1]


def weekdays(days: Sequence[int]) -> str:
    """Several weekdays: ``周一、周三`` or ``Mon, Wed``."""
    return ("、" if _chinese() else ", ").join(weekday(day) for day in sorted(days))


def fdate(day: date | datetime, style: DateStyle = "medium") -> str:
    """A date for people. Styles: ``short`` 11月20日, ``day`` 11月20日 周五, ``medium`` 2026年11月20日, ``full`` with
    the weekday, ``month`` 2026年11月, ``iso`` 2026-11-20. A moment is first put on the school's clock."""
    if isinstance(day, datetime):
        day = school_time(day).date()
    if style == "iso":
        return day.isoformat()
    if _chinese():
        text = f"{day.month}月{day.day}日" if style != "month" else f"{day.month}月"
        if style in ("medium", "full", "month"):
            text = f"{day.year}年{text}"
        return f"{text} {weekday(day)}" if style in ("day", "full") else text
    text = f"{day.day} {_MONTHS_EN[day.month - 1]}" if style != "month" else _MONTHS_EN[day.month - 1]
    if style in ("medium", "full", "month"):
        text = f"{text} {day.year}"
    return f"{weekday(day)} {text}" if style in ("day", "full") else text


def ftime(at: time | datetime | int) -> str:
    """``16:30``; a number is minutes since midnight, a moment is put on the school's clock."""
    if isinstance(at, datetime):
        at = school_time(at).time()
    if isinstance(at, int):
        return f"{at // 60:02d}:{at % 60:02d}"
    return f"{at.hour:02d}:{at.minute:02d}"


def fdatetime(moment: datetime, style: DateStyle = "short") -> str:
    """Date (in the style of :func:`fdate`) and time of an aware moment, on the school's clock."""
    return f"{fdate(moment, style)} {ftime(moment)}"


def time_range(start: time | datetime | int, end: time | datetime | int) -> str:
    """``16:30–17:45``, with an en dash and no spaces."""
    return f"{ftime(start)}–{ftime(end)}"


def date_range(start: date, end: date) -> str:
    """``2026年9月1日至2027年1月15日``; the year is said twice only where it changes."""
    if start == end:
        return fdate(start)
    if _chinese():
        return f"{fdate(start)}至{fdate(end, 'short' if start.year == end.year else 'medium')}"
    return f"{fdate(start, 'short' if start.year == end.year else 'medium')} – {fdate(end)}"


# ---- people ------------------------------------------------------------------------------------------------


def grade_name(grade: int) -> str:
    """``三年级`` or ``Grade 3``; the ten grades from 1 that numerals name."""
    if not _chinese():
        return f"Grade {grade}"
    return f"{_DIGITS_ZH[grade]}年级" if 1 <= grade <= 10 else f"{grade}年级"


def class_name(grade: int, number: int | str) -> str:
    """``三年级2班`` or ``Grade 3 Class 2``; a class with a name of its own keeps it."""
    if isinstance(number, str) and not number.isdigit():
        return f"{grade_name(grade)}{number}" if _chinese() else f"{grade_name(grade)} {number}"
    return f"{grade_name(grade)}{number}班" if _chinese() else f"{grade_name(grade)} Class {number}"


def mask_name(name: str) -> str:
    """A name on a public list: 张三 → 张*, 张小三 → 张*三, longer names keep first and last; blank stays blank."""
    name = name.strip()
    if len(name) < 2:
        return "*" if name else ""
    if len(name) == 2:
        return f"{name[0]}*"
    return f"{name[0]}{'*' * (len(name) - 2)}{name[-1]}"


def mask_phone(phone: str) -> str:
    """``138****5678``: enough to recognise one's own number by."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "*" * len(phone)


@lru_cache(maxsize=20_000)
def pinyin_key(name: str) -> str:
    """Sort key of a Chinese name: its syllables with tones, so that a list reads as in a Chinese register."""
    # Its dictionary costs a third of a second and 55 MB: only who sorts names pays for it.
    from pypinyin import Style, lazy_pinyin

    return " ".join(lazy_pinyin(name.strip(), style=Style.TONE3, neutral_tone_with_five=True)).lower()


def count_bytes(size: int) -> str:
    """A file's size: ``820 KB``, ``3.4 MB``."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    tenths = round(size * 10 / (1024 * 1024))
    return f"{tenths // 10}.{tenths % 10} MB"


def joined(items: Sequence[str]) -> str:
    """Items of a list in a sentence: ``甲、乙、丙`` or ``A, B, C``."""
    return ("、" if _chinese() else ", ").join(str(item) for item in items)


def ago(moment: datetime, now: datetime) -> str:
    """How long since: ``刚刚``, ``5 分钟前``, ``3 小时前``, then the date."""
    minutes = int((now - moment).total_seconds() // 60)
    if minutes < 1:
        return _("刚刚")
    if minutes < 60:
        return _("%(n)s 分钟前", n=minutes)
    if minutes < 24 * 60:
        return _("%(n)s 小时前", n=minutes // 60)
    return fdate(moment, "short")
