"""The kinds of rule there are. A kind knows how to read a value, when a lower level's value is a narrower
one, and what breaks it.

The law that ties these together, proved by property tests for every kind: if `narrows(upper, lower)` and
`lower` is content with some facts, then `upper` is content with them too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l
from core.policy.show import Unit, clock, quantity

Facts = Mapping[str, Any]
Params = dict[str, Any]


def minutes_of(value: Any) -> int:
    """Minutes after midnight of a clock given as "HH:MM", as a time, or already in minutes."""
    if isinstance(value, time):
        return value.hour * 60 + value.minute
    if isinstance(value, int):
        return value
    hours, _, minutes = str(value).partition(":")
    total = int(hours) * 60 + int(minutes)
    if not (0 <= int(minutes) < 60 and 0 <= total <= 24 * 60):
        raise ValueError(f"no such time of day: {value}")
    return total


def members(value: Any) -> Collection[Any]:
    """A fact that may be one thing or several, as several."""
    return (value,) if isinstance(value, (str, int)) else value


class Kind(ABC):
    """Base of all kinds. `needs` are the facts without which a question makes no sense."""

    adapter: TypeAdapter[Any]
    needs: tuple[str, ...] = ()
    asks: ClassVar[bool] = True
    text: ClassVar[LazyText]

    def parse(self, raw: Any) -> Any:
        """The value as the engine holds it. Raises ValueError with a reason fit for the pack's author."""
        try:
            return self.adapter.validate_python(raw)
        except ValidationError as exc:
            first = exc.errors(include_url=False)[0]
            at = ".".join(str(p) for p in first["loc"])
            raise ValueError(f"{at + ': ' if at else ''}{first['msg']}, got {first['input']!r}") from None

    @abstractmethod
    def narrows(self, upper: Any, lower: Any) -> bool:
        """Whether a lower level may say `lower` where an upper one says `upper`; equal always may."""

    @abstractmethod
    def breach(self, value: Any, facts: Facts) -> Params | None:
        """What goes into the sentence of the objection, or None when all is well."""

    @abstractmethod
    def show(self, value: Any) -> str:
        """The value for people, translated when shown."""


_Whole = Annotated[int, Field(strict=True, ge=0)]


@dataclass(frozen=True)
class _Number(Kind):
    fact: str
    unit: Unit

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(_Whole))
        object.__setattr__(self, "needs", (self.fact,))

    def show(self, value: Any) -> str:
        return quantity(value, self.unit)

    def _said(self, value: Any, given: Any) -> Params:
        return {"limit": quantity(value, self.unit), "given": quantity(given, self.unit)}


class AtMost(_Number):
    """An upper limit, in whole units."""

    text = _l("%(title)s不得超过 %(limit)s，现为 %(given)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given = facts[self.fact]
        return self._said(value, given) if given > value else None


class AtLeast(_Number):
    """A lower limit, in whole units."""

    text = _l("%(title)s不得少于 %(limit)s，现为 %(given)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower >= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given = facts[self.fact]
        return self._said(value, given) if given < value else None


class Exactly(_Number):
    """A fixed number: nobody below may change it."""

    text = _l("%(title)s应为 %(limit)s，现为 %(given)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower == upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given = facts[self.fact]
        return self._said(value, given) if given != value else None


@dataclass(frozen=True)
class Latest(Kind):
    """A clock time after which something may not end; the value is minutes after midnight, Asia/Shanghai."""

    fact: str
    text = _l("%(title)s不得晚于 %(limit)s，现为 %(given)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(Annotated[str, AfterValidator(minutes_of)]))
        object.__setattr__(self, "needs", (self.fact,))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given = minutes_of(facts[self.fact])
        return {"limit": clock(value), "given": clock(given)} if given > value else None

    def show(self, value: Any) -> str:
        return clock(value)


@dataclass(frozen=True)
class ClockValue(Kind):
    """A clock time to be read, not asked about, such as the local end of work."""

    asks: ClassVar[bool] = False
    text = _l("%(title)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(Annotated[str, AfterValidator(minutes_of)]))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower == upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        return None

    def show(self, value: Any) -> str:
        return clock(value)


@dataclass(frozen=True)
class EarlierBy(Kind):
    """At least so many minutes before the others (facts: own clock time, the others' clock time)."""

    fact: str
    others: str
    text = _l("%(title)s至少 %(limit)s，现为 %(given)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(_Whole))
        object.__setattr__(self, "needs", (self.fact, self.others))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower >= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        gap = minutes_of(facts[self.others]) - minutes_of(facts[self.fact])
        if gap >= value:
            return None
        return {"limit": quantity(value, "minutes"), "given": quantity(max(gap, 0), "minutes")}

    def show(self, value: Any) -> str:
        return quantity(value, "minutes")


@dataclass(frozen=True)
class PerGroups(Kind):
    """One helper for every `value` groups (facts: groups, helpers); fewer groups than that need none."""

    groups: str
    helpers: str
    text = _l("%(title)s：需要 %(limit)s，现为 %(given)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(Annotated[int, Field(strict=True, ge=1)]))
        object.__setattr__(self, "needs", (self.groups, self.helpers))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        needed, there = facts[self.groups] // value, facts[self.helpers]
        if there >= needed:
            return None
        return {"limit": quantity(needed, "people"), "given": quantity(there, "people")}

    def show(self, value: Any) -> str:
        return _l("每 %(n)s 个班 1 名") % {"n": value}


@dataclass(frozen=True)
class _Flag(Kind):
    fact: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(Annotated[bool, Field(strict=True)]))
        object.__setattr__(self, "needs", (self.fact,))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower or not upper)

    def show(self, value: Any) -> str:
        return _l("是") if value else _l("否")


class Required(_Flag):
    """Something must be so (fact: whether it is)."""

    text = _l("没有做到：%(title)s")

    def breach(self, value: Any, facts: Facts) -> Params | None:
        return {} if value and not facts[self.fact] else None


class Forbidden(_Flag):
    """Something may not be so (fact: whether it is)."""

    text = _l("不允许：%(title)s")

    def breach(self, value: Any, facts: Facts) -> Params | None:
        return {} if value and facts[self.fact] else None


@dataclass(frozen=True)
class NotBefore(Kind):
    """A clock time may not lie before another one (facts: both)."""

    fact: str
    other: str
    text = _l("%(title)s：不得早于 %(limit)s，现为 %(given)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(Annotated[bool, Field(strict=True)]))
        object.__setattr__(self, "needs", (self.fact, self.other))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower or not upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given, bound = minutes_of(facts[self.fact]), minutes_of(facts[self.other])
        return {"limit": clock(bound), "given": clock(given)} if value and given < bound else None

    def show(self, value: Any) -> str:
        return _l("是") if value else _l("否")


@dataclass(frozen=True)
class NotAbove(Kind):
    """An amount in fen may not pass another one (facts: both)."""

    fact: str
    other: str
    text = _l("%(title)s：不得高于 %(limit)s，现为 %(given)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(Annotated[bool, Field(strict=True)]))
        object.__setattr__(self, "needs", (self.fact, self.other))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower or not upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given, bound = facts[self.fact], facts[self.other]
        if not value or given <= bound:
            return None
        return {"limit": quantity(bound, "fen"), "given": quantity(given, "fen")}

    def show(self, value: Any) -> str:
        return _l("是") if value else _l("否")
