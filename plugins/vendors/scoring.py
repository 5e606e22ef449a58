"""A vendor's score for a term: whole numbers only, every input and every point kept, so that anybody can recompute it.

The method and worked tables stand in docs/scoring.md; the tests read those tables. All shares are basis points
(1/10000), all points hundredths of a point. Weights come from the pack (`score.weights`), limits are in the snapshot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.api import KehouError, lazy_gettext

_l = lazy_gettext

VERSION = 1
FULL = 10_000
COMPONENTS = ("satisfaction", "lessons_held", "punctuality", "complaints")
LIMITS: Mapping[str, int] = {
    "grace_minutes": 5,
    "prior_stars_milli": 4000,
    "prior_children": 5,
    "min_lessons": 5,
    "complaints_full_per_mille": 10,
}
"""grace_minutes: a sign-in so long after the beginning is on time. prior: the stars, in thousandths, and the weight, in
children, that everybody starts from. min_lessons: fewer due lessons are no evidence. complaints_full_per_mille: so many
upheld complaints in 1,000 child-lessons leave nothing of that part."""

HELD = ("held",)
NOT_DUE = ("cancelled",)
"""A lesson that the school or the calendar cancelled says nothing about the vendor."""
OPEN = ("planned", "roll_called", "disputed")
"""Not decided yet: neither held nor missed."""

TITLES = {
    "satisfaction": _l("满意度"),
    "lessons_held": _l("按约授课"),
    "punctuality": _l("准时"),
    "complaints": _l("投诉"),
}


class Unreplayable(KehouError):
    """A snapshot of an unknown method, or with a part that this method does not know."""

    code = "score_unreplayable"
    status = 422
    text = _l("这份评分快照无法重算：%(why)s")


def compute(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot for `inputs`: the same mapping, completed by components, score and evidence.

    inputs: version, vendor, school, term, pack, weights {component: percent}, limits, min_ratings,
    lessons [{on, state, minutes_late, stand_in, present}], ratings [{child, stars}], complaints [{on, ground}].
    Raises Unreplayable.
    """
    weights: Mapping[str, int] = inputs["weights"]
    if inputs.get("version") != VERSION:
        raise Unreplayable(why=f"version {inputs.get('version')}")
    if unknown := sorted(set(weights) - set(COMPONENTS)):
        raise Unreplayable(why=", ".join(unknown))
    measured = measure(inputs)
    components = [
        {
            "key": key,
            "weight": int(weights.get(key, 0)),
            "share": measured[key],
            "points": int(weights.get(key, 0)) * measured[key] // 100,
        }
        for key in COMPONENTS
    ]
    why = _lacking(inputs, measured)
    return {
        **inputs,
        "measured": measured,
        "components": components,
        "enough": not why,
        "lacking": why,
        "centipoints": None if why else sum(c["points"] for c in components),
    }


def measure(inputs: Mapping[str, Any]) -> dict[str, int]:
    """Counts and, for each component, its share in basis points."""
    limits: Mapping[str, int] = inputs["limits"]
    lessons: Sequence[Mapping[str, Any]] = inputs["lessons"]
    due = [x for x in lessons if x["state"] not in NOT_DUE and x["state"] not in OPEN]
    held = [x for x in due if x["state"] in HELD]
    own = [x for x in held if not x["stand_in"]]
    on_time = [x for x in held if x["minutes_late"] is not None and x["minutes_late"] <= limits["grace_minutes"]]
    child_lessons = sum(int(x["present"]) for x in held)
    ratings: Sequence[Mapping[str, Any]] = inputs["ratings"]
    return {
        "due": len(due),
        "held": len(held),
        "missed": len([x for x in due if x["state"] == "missed"]),
        "stand_in": len(held) - len(own),
        "on_time": len(on_time),
        "child_lessons": child_lessons,
        "raters": len({r["child"] for r in ratings}),
        "ratings": len(ratings),
        "stars_milli": _shrunk(ratings, limits),
        "satisfaction": (_shrunk(ratings, limits) - 1000) * FULL // 4000,
        # A lesson that somebody stood in for counts three quarters: it took place, but not as agreed.
        "lessons_held": (4 * len(held) - (len(held) - len(own))) * FULL // (4 * len(due)) if due else 0,
        "punctuality": len(on_time) * FULL // len(held) if held else 0,
        "complaints": _complaints(len(inputs["complaints"]), child_lessons, limits),
    }


def _shrunk(ratings: Sequence[Mapping[str, Any]], limits: Mapping[str, int]) -> int:
    """Mean stars in thousandths. One child is one voice however often it rated; few voices move the prior little."""
    voices: dict[int, list[int]] = {}
    for rating in ratings:
        voices.setdefault(int(rating["child"]), []).append(int(rating["stars"]))
    total = sum(sum(stars) * 1000 // len(stars) for stars in voices.values())
    prior, weight = limits["prior_stars_milli"], limits["prior_children"]
    return (total + prior * weight) // (len(voices) + weight)


def _complaints(upheld: int, child_lessons: int, limits: Mapping[str, int]) -> int:
    if upheld == 0:
        return FULL
    if child_lessons == 0:
        return 0
    lost = upheld * 1000 * FULL // (child_lessons * limits["complaints_full_per_mille"])
    return max(0, FULL - lost)


def _lacking(inputs: Mapping[str, Any], measured: Mapping[str, int]) -> list[str]:
    """What is missing for a score: "lessons", "ratings"; empty when there is evidence enough."""
    lacking = []
    if measured["due"] < inputs["limits"]["min_lessons"]:
        lacking.append("lessons")
    if measured["raters"] < inputs["min_ratings"]:
        lacking.append("ratings")
    return lacking


def digest(snapshot: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON: names the snapshot wherever it is shown."""
    canonical = json.dumps(snapshot, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


_DERIVED = ("measured", "components", "enough", "lacking", "centipoints")


def replay(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot computed again from its own inputs, on any machine: equal to what was published, or altered."""
    return compute({k: v for k, v in snapshot.items() if k not in _DERIVED})


def verify(snapshot: Mapping[str, Any], sha256: str) -> bool:
    """Whether a snapshot is what its hash says and what its inputs give."""
    return digest(snapshot) == sha256 and replay(snapshot) == dict(snapshot)
