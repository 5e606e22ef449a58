"""What a claim was answered with, as an error that a family reads."""

from __future__ import annotations

from core.base.text import gettext as _
from core.enrollment.claims import Decision
from core.enrollment.errors import (
    Full,
    FullUntil,
    InLine,
    NotForGrade,
    NotOnMenu,
    Overlap,
    PlaceLost,
    WindowShut,
    WrongDays,
)
from core.enrollment.waiting.errors import ForTheList
from core.web.i18n import fdatetime


def refusal_of(decision: Decision, title: str) -> Exception:
    """A claim's refusal as an error with its sentence."""
    match decision.outcome:
        case "full" if decision.again is not None:
            return FullUntil(title=title, when=fdatetime(decision.again, "medium"))
        case "full":
            return Full(title=title)
        case "queued":
            return InLine(position=decision.position)
        case "waiting":
            return ForTheList(title=title)
        case "clash":
            return Overlap(title=title, other=_("另一项已保留的选择"))
        case "not_for_grade":
            return NotForGrade(title=title)
        case "wrong_days":
            return WrongDays(title=title)
        case "released":
            return PlaceLost()
        case "not_open" | "closed":
            return WindowShut()
        case _:
            return NotOnMenu(title=title)
