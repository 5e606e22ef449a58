"""The kinds of rule whose value is a set, a chain, a way or a parameter."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, TypeAdapter

from core.base.text import lazy_gettext as _l
from core.policy.kinds import Facts, Kind, Params, members
from core.policy.show import Unit, joined
from core.policy.words import Vocab


@dataclass(frozen=True)
class _Set(Kind):
    """Base of the kinds whose value is a set of words of one vocabulary."""

    vocab: Vocab
    fact: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(self.vocab.type))
        object.__setattr__(self, "needs", (self.fact,) if self.asks else ())

    def show(self, value: Any) -> str:
        return self.vocab.show(value)


class Within(_Set):
    """Only these (fact: what there is)."""

    text = _l("%(title)s只限：%(limit)s；超出：%(given)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        outside = [m for m in members(facts[self.fact]) if m not in value]
        return {"limit": self.vocab.show(value), "given": self.vocab.show(outside)} if outside else None


class Without(_Set):
    """None of these (fact: what there is)."""

    text = _l("%(title)s不得有：%(given)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower >= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        hit = [m for m in members(facts[self.fact]) if m in value]
        return {"limit": self.vocab.show(value), "given": self.vocab.show(hit)} if hit else None


class Including(_Set):
    """All of these (fact: what there is)."""

    text = _l("%(title)s还缺：%(given)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower >= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        there = members(facts[self.fact])
        missing = [m for m in value if m not in there]
        return {"limit": self.vocab.show(value), "given": self.vocab.show(missing)} if missing else None


class AnyOf(_Set):
    """At least one of these (fact: what there is)."""

    text = _l("%(title)s至少要有一项：%(limit)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        if any(m in value for m in members(facts[self.fact])):
            return None
        return {"limit": self.vocab.show(value)}


class Grants(_Set):
    """What a document expressly permits (可以): to be read and shown; its silence forbids nothing."""

    asks: ClassVar[bool] = False
    text = _l("%(title)s")

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        return None


@dataclass(frozen=True)
class Steps(Kind):
    """A chain of steps, in this order; others may stand between them (fact: the steps done, in order)."""

    vocab: Vocab
    fact: str
    text = _l("%(title)s：应依次经过 %(limit)s，还缺：%(given)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(self.vocab.ordered_type))
        object.__setattr__(self, "needs", (self.fact,))

    @staticmethod
    def _missing(value: Iterable[str], done: Iterable[str]) -> list[str]:
        """The steps of `value` that do not follow one another in `done` (greedy subsequence match)."""
        steps, missing = list(done), []
        for step in value:
            if step in steps:
                del steps[: steps.index(step) + 1]
            else:
                missing.append(step)
        return missing

    def narrows(self, upper: Any, lower: Any) -> bool:
        return not self._missing(upper, lower)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        missing = self._missing(value, facts[self.fact])
        if not missing:
            return None
        return {"limit": self.vocab.chain(value), "given": self.vocab.show(missing)}

    def show(self, value: Any) -> str:
        return self.vocab.chain(value)


def plain(text: str) -> str:
    """Text without the tricks that hide a word from a filter: width, case, spaces and dots in between."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if not c.isspace() and c not in "·.•-_*")


def _folded(words: list[str]) -> frozenset[str]:
    return frozenset(plain(word) for word in words)


@dataclass(frozen=True)
class Words(Kind):
    """Words that may not stand in a text without being looked at (fact: one text or several)."""

    fact: str
    text = _l("%(title)s出现：%(given)s")

    def __post_init__(self) -> None:
        words = Annotated[list[Annotated[str, Field(min_length=2)]], Field(min_length=1), AfterValidator(_folded)]
        object.__setattr__(self, "adapter", TypeAdapter(words))
        object.__setattr__(self, "needs", (self.fact,))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower >= upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        given = facts[self.fact]
        text = plain(given if isinstance(given, str) else "\n".join(given))
        found = sorted(w for w in value if w in text)
        return {"given": joined(found)} if found else None

    def show(self, value: Any) -> str:
        return joined(sorted(value))


@dataclass(frozen=True)
class Mode(Kind):
    """One of several ways. `stricter` says which ways a lower level may put in place of which.

    `test` gets the way and the facts and answers with the sentence's parameters, or None when all is well.
    """

    vocab: Vocab
    facts: tuple[str, ...]
    test: Callable[[str, Facts], Params | None]
    stricter: Mapping[str, frozenset[str]] = field(default_factory=dict)
    text = _l("不符合规定：%(title)s（%(limit)s）")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(self.vocab.one_type))
        object.__setattr__(self, "needs", self.facts)

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower == upper or lower in self.stricter.get(upper, ()))

    def breach(self, value: Any, facts: Facts) -> Params | None:
        found = self.test(value, facts)
        return None if found is None else {"limit": self.vocab.show([value]), **found}

    def show(self, value: Any) -> str:
        return self.vocab.show([value])


@dataclass(frozen=True)
class Parameter(Kind):
    """A value to be read, not asked about: a figure of another rule's sum, a named body, weights.

    `at_most`: a lower level may only lower it; otherwise only the same value is narrow enough. `unit`: of an amount.
    """

    type: Any
    shown: Callable[[Any], str]
    at_most: bool = False
    unit: Unit | None = None
    asks: ClassVar[bool] = False
    text = _l("%(title)s")

    def __post_init__(self) -> None:
        object.__setattr__(self, "adapter", TypeAdapter(self.type))

    def narrows(self, upper: Any, lower: Any) -> bool:
        return bool(lower <= upper) if self.at_most else bool(lower == upper)

    def breach(self, value: Any, facts: Facts) -> Params | None:
        return None

    def show(self, value: Any) -> str:
        return self.shown(value)
