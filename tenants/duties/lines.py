"""What a duty asks of people, drawn from the rules in force: pure, no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from core.base.text import LazyText
from core.policy.ask import EffectivePack
from core.policy.catalogue import RuleDef
from core.policy.explain import scope_in_words
from core.policy.kinds import AtLeast, AtMost, Exactly, Forbidden, Required
from core.policy.kinds_sets import AnyOf, Including, Within, Without
from core.policy.types import Entry, Level, Verdict
from tenants.duties.attested import ATTESTED, Attested

Asks = Literal["done", "parts", "number"]
"""How a duty is answered: done or not; which parts are there (or have occurred); a whole number."""

_NUMBERS: Final = (AtMost, AtLeast, Exactly)
_PARTS: Final = (Including, AnyOf, Within, Without)


@dataclass(frozen=True, slots=True)
class Demand:
    """One document's word on it."""

    shown: str
    force: str
    clause: str
    quote: str
    source: str
    when: str


@dataclass(frozen=True, slots=True)
class Line:
    """One duty in words: its rule, who answers, what the documents demand, and how it is answered.

    `choices` are (word, label) of the parts; `banned` is true where a part ticked is one that may not be.
    """

    rule: RuleDef
    attested: Attested
    demands: tuple[Demand, ...]
    asks: Asks
    choices: tuple[tuple[Any, str], ...] = ()
    banned: bool = False

    @property
    def key(self) -> str:
        return self.rule.key

    @property
    def title(self) -> LazyText:
        return self.rule.title

    @property
    def forbids(self) -> bool:
        """Whether the title names a thing that may not happen."""
        return isinstance(self.rule.kind, (Forbidden, Without))

    @property
    def blocks(self) -> bool:
        return any(d.force == "block" for d in self.demands)


def entries_of(pack: EffectivePack, key: str, stages: Sequence[str] | None) -> list[Entry]:
    """What documents say of a key to a school of these stages (None: all), leaving out what they expressly waive."""
    return [
        e
        for e in pack.entries
        if e.key == key
        and e.value is not False
        and (stages is None or e.when.stages is None or e.when.stages & set(stages))
    ]


def line(pack: EffectivePack, key: str, stages: Sequence[str] | None) -> Line | None:
    """The duty of a key, or None where no document in force speaks of it."""
    entries = entries_of(pack, key, stages)
    if not entries:
        return None
    rule = pack.catalogue[key]
    kind = rule.kind
    choices: tuple[tuple[Any, str], ...] = ()
    if isinstance(kind, _PARTS):
        words = kind.vocab.labels if isinstance(kind, Within) else frozenset().union(*(e.value for e in entries))
        choices = tuple((word, str(label)) for word, label in kind.vocab.labels.items() if word in words)
    elif not isinstance(kind, (*_NUMBERS, Required, Forbidden)):
        raise TypeError(f"{key}: a {type(kind).__name__} cannot be attested")
    return Line(
        rule,
        ATTESTED[key],
        tuple(
            Demand(kind.show(e.value), e.force, e.clause, e.quote, pack.source_of(e), scope_in_words(e.when))
            for e in entries
        ),
        "parts" if choices else "number" if isinstance(kind, _NUMBERS) else "done",
        choices,
        isinstance(kind, Without),
    )


def _answers(pack: EffectivePack, key: str, by: str, stages: Sequence[str] | None) -> bool:
    """Whether `by` answers for a key. What a school's own document takes on of a bureau's duties is the school's."""
    if ATTESTED[key].by == "school":
        return by == "school"
    levels = {"school" if e.level is Level.SCHOOL else "bureau" for e in entries_of(pack, key, stages)}
    return by in levels


def lines(pack: EffectivePack, by: str, stages: Sequence[str] | None = None) -> list[Line]:
    """The responsibility list of a school or a bureau under these rules, in the catalogue's order."""
    return [
        found
        for rule in pack.catalogue
        if rule.key in ATTESTED and _answers(pack, rule.key, by, stages)
        if (found := line(pack, rule.key, stages)) is not None
    ]


def ask(pack: EffectivePack, key: str, answer: Mapping[str, Any], stages: Sequence[str] | None = None) -> Verdict:
    """Put a recorded answer to the pack: {"done": bool}, {"parts": [words]} or {"number": int}."""
    rule = pack.catalogue[key]
    (fact,) = rule.kind.needs
    value: Any
    if isinstance(rule.kind, Required):
        value = answer["done"]
    elif isinstance(rule.kind, Forbidden):
        value = not answer["done"]
    else:
        value = answer["parts"] if "parts" in answer else answer["number"]
    where = {} if stages is None else {"stage": tuple(stages)}
    return pack.ask(key, **{fact: value}, **where)
