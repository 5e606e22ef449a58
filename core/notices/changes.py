"""What changed in an offering, kept as data and said in the reader's language: [[aspect, old, new], …].

Aspects: name, room, teacher (texts, "" for none), time ([[weekday, "16:30", "17:30", first day, last day], …]),
grades ([1, 2, …]), early (when grades 1 and 2 leave, "" for none), price ([fen, unit] or None for free).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Final

from core.base.text import LazyText
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.terms.hours import hours_line
from core.web.i18n import grade_name, money

ASPECTS: Final[Mapping[str, LazyText]] = {
    "name": _l("名称"),
    "time": _l("时间"),
    "grades": _l("面向年级"),
    "early": _l("一、二年级结束时间"),
    "room": _l("地点"),
    "teacher": _l("教师"),
    "price": _l("费用"),
}
UNITS: Final[Mapping[str, LazyText]] = {"lesson": _l("课次"), "term": _l("学期"), "month": _l("月"), "meal": _l("餐")}


def change_lines(what: Sequence[Sequence[Any]]) -> list[tuple[str, str, str]]:
    """(aspect, old, new) in words."""
    return [(str(ASPECTS.get(aspect, aspect)), _value(aspect, old), _value(aspect, new)) for aspect, old, new in what]


def changes_text(what: Sequence[Sequence[Any]]) -> str:
    """All of it in one sentence, for a message."""
    said = [
        _("%(aspect)s由“%(old)s”改为“%(new)s”", aspect=aspect, old=old, new=new)
        for aspect, old, new in change_lines(what)
    ]
    return _("；").join(said)


def _value(aspect: str, value: Any) -> str:
    if aspect == "time":
        return hours_line([_hours(item) for item in value]) or _("不占用在校时间")
    if aspect == "grades":
        return _("、").join(grade_name(int(grade)) for grade in value)
    if aspect == "price":
        return f"{money(value[0])} / {UNITS.get(value[1], value[1])}" if value else _("免费")
    return str(value) if value else _("未定")


def _hours(item: Sequence[Any]) -> tuple[int, time, time, date | None, date | None]:
    day, start, end, first, last = item
    return (
        int(day),
        time.fromisoformat(start),
        time.fromisoformat(end),
        date.fromisoformat(first) if first else None,
        date.fromisoformat(last) if last else None,
    )
