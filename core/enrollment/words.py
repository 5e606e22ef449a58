"""How offerings are said to people: kinds, hours, grades, units. In the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.enrollment.views import EARLY_GRADES, OfferingView
from core.terms.hours import hours_line
from core.web.i18n import grade_name, joined

KINDS: Final = {
    "care": _l("课后托管"),
    "club": _l("社团"),
    "vendor_course": _l("机构课程"),
    "lunch": _l("午餐"),
    "insurance": _l("保险"),
}
ICONS: Final = {
    "care": ("study", "book"),
    "club": ("sport", "ball-basketball"),
    "vendor_course": ("art", "palette"),
    "lunch": ("craft", "soup"),
    "insurance": ("tech", "shield-check"),
}
"""The colour family and the Tabler icon of each kind's tile; an offering's details may name its own."""

UNITS: Final = {"lesson": _l("课次"), "term": _l("学期"), "month": _l("月"), "meal": _l("餐")}


def kind_title(kind: str) -> str:
    return str(KINDS.get(kind, kind))


def per_unit(unit: str) -> str:
    """课次, 学期 …: what a price buys one of."""
    return str(UNITS.get(unit, unit))


def grades_line(grades: Sequence[int]) -> str:
    """一年级至六年级, or the grades one by one where some are missing."""
    ordered = sorted(grades)
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return _("%(first)s至%(last)s", first=grade_name(ordered[0]), last=grade_name(ordered[-1]))
    return joined([grade_name(grade) for grade in ordered])


def when_line(view: OfferingView, chosen: Sequence[int] = ()) -> str:
    """周二、周四 16:30–17:30; only the chosen days where some are given. Empty where it has no hours at school."""
    return hours_line(
        (p.weekday, p.starts_at, p.ends_at, p.valid_from, p.valid_to)
        for p in view.periods
        if not chosen or p.weekday in chosen
    )


def icon_of(view: OfferingView) -> tuple[str, str]:
    """(colour family, icon) of an offering's tile."""
    tone, icon = ICONS.get(view.kind, ("craft", "puzzle"))
    return str(view.details.get("tone", tone)), str(view.details.get("icon", icon))


SAY: Final[dict[str, Any]] = {
    "when_line": when_line,
    "icon_of": icon_of,
    "grades_line": grades_line,
    "kind_title": kind_title,
    "per_unit": per_unit,
    "early_grades": EARLY_GRADES,
}
"""For templates."""
