"""The list made again from its log alone: who stands where, and whether anybody was passed over without a jump."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from core.enrollment.waiting.states import LIVE, WAITING


class Line(Protocol):
    """What replay reads of an event (core.enrollment.waiting.models.WaitingEvent)."""

    entry_id: Any
    kind: Any
    at: Any
    facts: Any


@dataclass(frozen=True, slots=True)
class Place:
    """One entry as the log says it stands."""

    entry_id: UUID
    state: str
    cls: int
    tier: int
    number: int
    jumped_at: datetime | None = None
    unit: str | None = None

    @property
    def party(self) -> UUID | str:
        """Whom it waits together with: the unit, or itself."""
        return self.unit or self.entry_id

    @property
    def key(self) -> tuple[Any, ...]:
        """The order of single children; the same as core.enrollment.waiting.units.ORDER in SQL."""
        ahead = (0, self.jumped_at) if self.jumped_at else (1,)
        return (*ahead, self.cls, self.tier, self.number, self.entry_id.bytes)


@dataclass(frozen=True, slots=True)
class Replayed:
    """`places`: the live entries in the list's order. `passed_over`: (offered, waiting) for each offer that left out
    somebody ahead who could have had the place; always empty, for a jump puts an entry ahead before it is offered."""

    places: tuple[Place, ...]
    passed_over: tuple[tuple[UUID, UUID], ...]


def replay(lines: Iterable[Line]) -> Replayed:
    """One list's events in order of (at, id) → the list. Raises KeyError for a log in which something is missing.

    A unit is passed by rightly where the log says, for the round of the offer, that fewer places were free than the
    children that it has in the log.
    """
    places: dict[UUID, Place] = {}
    passed_over: list[tuple[UUID, UUID]] = []
    too_large: dict[UUID | str, str] = {}
    for line in lines:
        facts: Mapping[str, Any] = line.facts
        if line.kind == "join":
            places[line.entry_id] = Place(
                line.entry_id, "waiting", facts["cls"], facts["tier"], facts["number"], unit=facts.get("unit")
            )
            continue
        place = places[line.entry_id]
        if line.kind == "pass":
            if facts["free"] < sum(p.party == place.party and p.state in LIVE for p in places.values()):
                too_large[place.party] = facts["round"]
        elif line.kind == "offer":
            keys = _keys(places)
            passed_over += [
                (place.entry_id, other.entry_id)
                for other in places.values()
                if other.state == "waiting"
                and other.party != place.party
                and keys[other.party] < keys[place.party]
                and too_large.get(other.party, "") != facts.get("round")
            ]
        places[line.entry_id] = _after(place, line.kind, facts)
    keys = _keys(places)
    live = sorted((p for p in places.values() if p.state in LIVE), key=lambda p: (keys[p.party], p.key))
    return Replayed(tuple(live), tuple(passed_over))


def _keys(places: Mapping[UUID, Place]) -> dict[UUID | str, tuple[Any, ...]]:
    """Where each unit and each single child stands: a unit with its last child."""
    keys: dict[UUID | str, tuple[Any, ...]] = {}
    for place in places.values():
        if place.state in LIVE:
            keys[place.party] = max(keys.get(place.party, place.key), place.key)
    return keys


def _after(place: Place, kind: str, facts: Mapping[str, Any]) -> Place:
    match kind:
        case "jump":
            return replace(place, jumped_at=datetime.fromisoformat(facts["jumped_at"]))
        case "priority":
            return replace(place, cls=facts["cls"])
        case "bind":
            return replace(place, unit=facts["unit"])
        case "unbind":
            return replace(place, unit=None)
        case "change" | "pass":
            return place
        case _:
            return replace(place, state=WAITING.moves[place.state, kind].target)
