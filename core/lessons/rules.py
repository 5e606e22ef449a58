"""What the pack says at the doors of a lesson and of the gate: signing in, calling the roll, ending, handing over.

Each door has one list of questions; the facts are what the system really knows at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, Final

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.policy import service as policy
from core.policy.kinds import minutes_of
from core.policy.service import EffectivePack
from core.policy.types import Explained, Objection

LATE_CARE: Final = ("pickup.late_in_charge", "pickup.late_place", "pickup.exit_window")
"""What is shown to whoever looks after children not yet collected."""


def ask(uow: UnitOfWork, questions: Mapping[str, Mapping[str, Any]]) -> list[Objection]:
    """All objections to some facts: rule key → facts."""
    return list(policy.effective(uow).ask_all(questions.items()).objections)


def blocks(objections: Iterable[Objection]) -> list[Objection]:
    return [o for o in objections if o.blocks]


def late_from(pack: EffectivePack, day: date, ends_at: time, grade: int) -> datetime:
    """The moment from which a child of this grade, whose last lesson ends at `ends_at`, is picked up late (R-247).

    A document says so by minutes after the end, by a clock time, by the grade's own exit window, or by several of
    them; then the latest holds, so that nobody is late before each of them has passed. Where none says anything, it is
    the platform's minutes.
    """
    scope: dict[str, Any] = {
        "season": pack.season(day),
        "stage": "junior" if grade > 6 else "primary",
        "grades": (grade,),
        "window": "afternoon",
    }
    after, at = pack.get("pickup.late_after", **scope), pack.get("pickup.late_from", **scope)
    window = pack.get("pickup.exit_window", **scope)
    end = minutes_of(ends_at)
    moments = [end if after.is_default and at.value is not None else end + int(after.value)]
    if at.value is not None:
        moments.append(int(at.value))
    if window.value is not None:
        moments.append(max(minutes_of(span[-5:]) for span in window.value))
    latest = min(max(moments), 24 * 60 - 1)
    return clock.at_school(day, latest // 60, latest % 60)


def shown(pack: EffectivePack) -> list[Explained]:
    """What documents say of children not collected in time, for the pages where somebody has them."""
    return [line for line in policy.explain(pack, defaults=False) if line.key in LATE_CARE]


def notes_set_homework(uow: UnitOfWork, notes: Mapping[str, int]) -> list[Objection]:
    """R-116: a register may not record homework for the grades that the pack spares. `notes`: text → grade."""
    pack = policy.effective(uow)
    grades = sorted({grade for text, grade in notes.items() if enrollment.sets_homework([text])})
    return [
        objection
        for grade in grades
        for objection in pack.ask(
            "content.written_home_homework", written_home_homework=True, grades=[grade]
        ).objections
    ]
