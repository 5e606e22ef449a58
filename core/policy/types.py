"""What the policy engine speaks in: objections, verdicts, packs and rules. All frozen, all without I/O.

`Objection` is the one type in which anybody says no to something: the engine when a pack's rule is broken,
and a plugin in a decide hook. A list of them is an answer; an empty list is consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l

Force = Literal["block", "warn"]
"""`block` refuses; `warn` lets pass when a person writes down why (the documents' 原则上 and 一般)."""


class Level(StrEnum):
    """Whose document a pack is. A lower level may only narrow what an upper one says."""

    CITY = "city"
    COUNTY = "county"
    SCHOOL = "school"

    @property
    def rank(self) -> int:
        return ("city", "county", "school").index(self.value)

    @property
    def label(self) -> LazyText:
        return LEVEL_LABELS[self.value]


LEVEL_LABELS: Final[Mapping[str, LazyText]] = {
    "city": _l("市级"),
    "county": _l("县（市、区）级"),
    "school": _l("校级"),
}
PLATFORM: Final = "platform"
"""Stands where a pack's key would stand when the platform's own default answers for a silent pack."""


@dataclass(frozen=True, slots=True)
class Objection:
    """One reason against something.

    code     stable, dotted: "policy.time.latest_end", "meals.no_caterer"
    message  a sentence for people; a lazy text is translated when shown
    force    "block" or "warn" (a warning passes when a written reason goes with it)
    clause   where it is written, such as "001#2 三（一）"; empty when no document says it
    source   name of the document (or of the plugin) that the clause stands in
    quote    a few words of the document in its own language
    pack_key, rule   the pack and the rule key when a pack objects; pack_key "platform" marks a default
    subject_id   the one row that it is about, where a check looks at many (a child of a billing chunk)
    facts    what the rule was asked about, as given; kept with a stored verdict
    """

    code: str
    message: str
    force: Force = "block"
    clause: str = ""
    source: str = ""
    quote: str = ""
    pack_key: str = ""
    rule: str = ""
    subject_id: UUID | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def blocks(self) -> bool:
        return self.force == "block"

    @property
    def is_default(self) -> bool:
        """Whether it rests on the platform's default because no document says anything."""
        return self.pack_key == PLATFORM

    def record(self) -> dict[str, str]:
        """Plain data, in the current language, to be stored with the decision that it served."""
        return {
            "code": self.code,
            "message": str(self.message),
            "force": self.force,
            "clause": self.clause,
            "source": str(self.source),
            "quote": self.quote,
            "pack_key": self.pack_key,
            "rule": self.rule,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Something that exists under the rules, and what the rules of the moment object to in it.

    kind      what it is, such as "fee_standard"
    id        stays the same however often it is asked about
    title     its name for people; never a child's or a family's
    """

    kind: str
    id: UUID
    title: str
    objections: tuple[Objection, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one question (or to several, added up with `+`)."""

    objections: tuple[Objection, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing was objected at all."""
        return not self.objections

    @property
    def blocked(self) -> bool:
        """At least one objection that no written reason can lift."""
        return any(o.blocks for o in self.objections)

    @property
    def blocks(self) -> tuple[Objection, ...]:
        return tuple(o for o in self.objections if o.blocks)

    @property
    def warnings(self) -> tuple[Objection, ...]:
        return tuple(o for o in self.objections if not o.blocks)

    def passes(self, reason: str = "") -> bool:
        """Whether the thing may go on, given the reason that a person wrote for the warnings."""
        return self.ok or (not self.blocked and bool(reason.strip()))

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.objections + other.objections) if other.objections else self


CONSENT: Final = Verdict()


@dataclass(frozen=True, slots=True)
class Scope:
    """For whom and when one rule entry speaks; None means any.

    The facts `stage`, `grades`, `season`, `window`, `provider`, `instrument` of a question are held against
    it. A question that leaves a dimension open is answered strictly: the entry applies.
    """

    stages: frozenset[str] | None = None
    grades: frozenset[int] | None = None
    seasons: frozenset[str] | None = None
    windows: frozenset[str] | None = None
    providers: frozenset[str] | None = None
    instruments: frozenset[str] | None = None

    def dimensions(self) -> tuple[tuple[str, frozenset[Any]], ...]:
        """The named dimensions, as (name of the fact, allowed values)."""
        return tuple(
            (fact, values)
            for fact, values in (
                ("stage", self.stages),
                ("grades", self.grades),
                ("season", self.seasons),
                ("window", self.windows),
                ("provider", self.providers),
                ("instrument", self.instruments),
            )
            if values is not None
        )

    def covers(self, other: Scope) -> bool:
        """Whether everything that `other` speaks of, this speaks of too."""
        theirs = dict(other.dimensions())
        return all(fact in theirs and theirs[fact] <= values for fact, values in self.dimensions())

    def overlaps(self, other: Scope) -> bool:
        theirs = dict(other.dimensions())
        return all(theirs.get(fact, values) & values for fact, values in self.dimensions())


EVERYWHERE: Final = Scope()
SCOPE_FACTS: Final = frozenset({"stage", "grades", "season", "window", "provider", "instrument"})


@dataclass(frozen=True, slots=True)
class Source:
    """One document that a pack rests on. `sha256` is of that part's lines as handed over (UTF-8)."""

    ref: str
    document: str
    file: str
    lines: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule of a pack, in force: `value` is already parsed by the kind of its key."""

    key: str
    value: Any
    force: Force
    clause: str
    quote: str
    when: Scope
    pack_key: str
    pack_title: str
    level: Level | None
    note: str = ""
    provisional: bool = False
    """A reading or a figure of ours where the document leaves a hole (requirements, section 6)."""

    @property
    def is_default(self) -> bool:
        return self.pack_key == PLATFORM


@dataclass(frozen=True, slots=True)
class Pack:
    """One version of one document, as its file says it, before inheritance."""

    key: str
    title: str
    issuer: str
    level: Level
    territory: str
    parent: str | None
    stages: frozenset[str]
    ownership: frozenset[str]
    school_kinds: frozenset[str]
    valid_from: date | None
    valid_to: date | None
    provisional: bool
    sources: tuple[Source, ...]
    entries: tuple[Entry, ...]
    file: str
    revision: str
    """SHA-256 of the file: names the pack *as it was* in a stored verdict."""
    summary: str = ""
    unruled: tuple[str, ...] = ()
    """What the document says that no rule of the catalogue holds; shown to people as theirs to watch."""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The fields of the file as they were written: what an editor copies."""
    number: int = 0
    """Of a version that a bureau has published here; 0: it came with the product."""
    organisation_id: UUID | None = None
    """The bureau that published it."""

    def valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter and where it comes from. `value` is None when neither pack nor platform says anything."""

    key: str
    value: Any
    is_default: bool
    clause: str = ""
    quote: str = ""
    pack_key: str = ""
    force: Force = "block"
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Explained:
    """One line of "which rules hold here, and why": the entry, in words, with what it replaced."""

    key: str
    group: str
    title: LazyText
    value: Any
    shown: str
    force: Force
    when: Scope
    when_shown: str
    clause: str
    quote: str
    source: str
    pack_key: str
    pack_title: str
    level: Level | None
    is_default: bool
    provisional: bool
    note: str
    overrode: tuple[Entry, ...] = field(default=())
