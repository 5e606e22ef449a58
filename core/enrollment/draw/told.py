"""Why a child got what it got: one result for each slot in which it asked for something. Messages hold the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.base import clock
from core.enrollment.draw.classes import has_first
from core.enrollment.draw.models import DrawRound, DrawWish


@dataclass(frozen=True, slots=True)
class Result:
    """`kind` is a message's (core.notices.words), `facts` fill it. `course` is what it got, "" for nothing."""

    slot: str
    kind: str
    facts: Mapping[str, Any]
    course: str = ""

    @property
    def good(self) -> bool:
        return self.kind.startswith("draw.given")


def results(row: DrawRound, wish: DrawWish) -> list[Result]:
    """The results of one child by slot; none before the draw, or where its wishes were not drawn (it had left)."""
    outcome = row.record.get("outcome")
    if outcome is None or wish.receipt not in outcome["numbers"]:
        return []
    slot_of = {course["id"]: course["slot"] for course in row.record["courses"]}
    ranked = wish.line["ranked"]
    by_slot: dict[str, list[int]] = {}
    for at, (course, _cls) in enumerate(ranked):
        by_slot.setdefault(slot_of[course], []).append(at)
    return [_result(row, wish, slot, places) for slot, places in by_slot.items()]


def _result(row: DrawRound, wish: DrawWish, slot: str, asked: Sequence[int]) -> Result:
    """`asked` are the positions of this slot's courses in the child's list, best first."""
    outcome, ranked = row.record["outcome"], wish.line["ranked"]
    titles = {course["id"]: course["title"] for course in row.record["courses"]}
    got = next((at for at in asked if ranked[at][0] in outcome["given"][wish.receipt]), None)
    best = asked[0]
    facts: dict[str, Any] = {
        "mine": outcome["numbers"][wish.receipt],
        "other": titles[ranked[best][0]],
        "other_place": best + 1,
        "limit": row.per_child,
        "to": clock.school_time(row.keep_until).date().isoformat() if row.keep_until else "",
    }
    if got is None:
        why, last = _why_not(row, wish, best)
        return Result(slot, f"draw.missed.{why}", {**facts, "last": last})
    course = ranked[got][0]
    facts |= {"course": titles[course], "place": got + 1}
    if wish.placed.get(course, "claimed") != "claimed":
        return Result(slot, "draw.lost", facts)
    if got == best:
        return Result(slot, "draw.given.first", facts, course)
    why, last = _why_not(row, wish, best)
    return Result(slot, f"draw.given.{why}", {**facts, "last": last}, course)


def _why_not(row: DrawRound, wish: DrawWish, at: int) -> tuple[str, int]:
    """Why the wish at this position was not met, and the last number in: limit, together (somebody of its party did not
    get it), none (no places), class, luck (the class of the unlucky) or number."""
    outcome = row.record["outcome"]
    course, cls = wish.line["ranked"][at]
    better = [c for c, _cls in wish.line["ranked"][:at] if c in outcome["given"][wish.receipt]]
    if len(better) >= row.per_child:
        return "limit", 0
    if [wish.line.get("together"), course] in outcome["struck"]:
        return "together", 0
    last = outcome["last"][course]
    if last is None:
        return "none", 0
    if last[0] == cls:
        return "number", last[1]
    return ("class" if last[0] == 0 and has_first(row) else "luck"), last[1]
