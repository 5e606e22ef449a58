"""Asking a pack: `pack.ask(rule key, facts) -> Verdict`. Pure and quick: some microseconds, no I/O.

The rules of asking:

- every entry of the key whose scope fits the facts is checked; all their objections come back;
- a scope that the facts leave open counts as fitting (strict), a need that is missing is a programming error;
- where no entry fits, the pack is silent: the platform's default answers, and its objections say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from core.base.text import lazy_gettext as _l
from core.policy.catalogue import Catalogue, RuleDef
from core.policy.errors import FactsWrong
from core.policy.types import (
    CONSENT,
    EVERYWHERE,
    PLATFORM,
    SCOPE_FACTS,
    Entry,
    Objection,
    Pack,
    Setting,
    Verdict,
)

PLATFORM_TITLE: Final = _l("平台默认")


class _Bound:
    """One key, ready to be asked: its entries with their scopes unpacked, and the default behind them."""

    __slots__ = ("allowed", "default", "entries", "fills", "needs", "rule")

    def __init__(self, rule: RuleDef, entries: tuple[Entry, ...]) -> None:
        self.rule = rule
        self.needs = rule.kind.needs
        self.allowed = frozenset(self.needs) | SCOPE_FACTS
        self.fills = rule.fills
        self.entries = tuple((e.when.dimensions(), e) for e in entries)
        self.default = default_entry(rule)


def default_entry(rule: RuleDef) -> Entry | None:
    """The platform's own entry for a key, or None where silence stays silence."""
    if rule.default is None:
        return None
    return Entry(
        key=rule.key,
        value=rule.kind.parse(rule.default),
        force=rule.default_force,
        clause="",
        quote="",
        when=EVERYWHERE,
        pack_key=PLATFORM,
        pack_title=PLATFORM_TITLE,
        level=None,
        provisional=rule.default_provisional,
    )


def _fits(dimensions: tuple[tuple[str, frozenset[Any]], ...], facts: Mapping[str, Any], strict: bool) -> bool:
    """Whether a scope fits; a dimension that the facts leave open fits only when `strict`."""
    for name, values in dimensions:
        given = facts.get(name)
        if given is None:
            if not strict:
                return False
        elif isinstance(given, (str, int)):
            if given not in values:
                return False
        elif values.isdisjoint(given):
            return False
    return True


class EffectivePack:
    """What holds for one pack on its days: its own rules and its upper levels', frozen and shared."""

    def __init__(
        self,
        chain: tuple[Pack, ...],
        entries: tuple[Entry, ...],
        overrode: Mapping[int, tuple[Entry, ...]],
        catalogue: Catalogue,
    ) -> None:
        self.chain = chain
        self.pack = chain[-1]
        self.entries = entries
        self.catalogue = catalogue
        self._overrode = overrode
        self._sources = {p.key: p.sources for p in chain}
        self._bound: dict[str, _Bound] = {}

    @property
    def key(self) -> str:
        return self.pack.key

    @property
    def revision(self) -> str:
        """Names these rules as they were: store it with the decisions that they served."""
        return "+".join(p.revision[:16] for p in self.chain)

    def overrode(self, entry: Entry) -> tuple[Entry, ...]:
        """The upper levels' entries whose place an entry has taken."""
        return self._overrode.get(id(entry), ())

    def applies_to(self, stage: str, ownership: str = "public") -> bool:
        """Whether the document covers such a school at all."""
        return all(stage in p.stages and ownership in p.ownership for p in self.chain)

    def source_of(self, entry: Entry) -> str:
        """The name of the document that an entry's clause stands in; empty for a default."""
        sources = self._sources.get(entry.pack_key, ())
        for source in sources:
            if entry.clause.startswith(source.ref):
                return source.document
        return sources[0].document if sources else ""

    def ask(self, rule: str, /, **facts: Any) -> Verdict:
        """Hold facts against one rule key.

        Raises UnknownRule for a key that the catalogue lacks, FactsWrong for missing or unknown facts.
        Amounts are fen, lengths minutes, clock times "HH:MM" (or minutes after midnight), Asia/Shanghai.
        """
        bound = self._bound.get(rule) or self._bind(rule)
        missing = [n for n in bound.needs if n not in facts]
        if missing:
            for name in missing:
                if name not in bound.fills:
                    raise FactsWrong(rule, missing=[m for m in missing if m not in bound.fills])
                facts[name] = self.get(bound.fills[name], **_scope_of(facts)).value
        if not bound.allowed.issuperset(facts):
            raise FactsWrong(rule, unknown=sorted(facts.keys() - bound.allowed))
        silent = True
        objections: tuple[Objection, ...] = ()
        for dimensions, entry in bound.entries:
            if not dimensions or _fits(dimensions, facts, strict=True):
                silent = False
                objections += self._check(bound.rule, entry, facts)
        if silent and bound.default is not None:
            objections = self._check(bound.rule, bound.default, facts)
        return Verdict(objections) if objections else CONSENT

    def ask_all(self, questions: Iterable[tuple[str, Mapping[str, Any]]]) -> Verdict:
        """Several questions, their objections in one verdict, in order."""
        objections: tuple[Objection, ...] = ()
        for rule, facts in questions:
            objections += self.ask(rule, **facts).objections
        return Verdict(objections) if objections else CONSENT

    def get(self, rule: str, /, **scope: Any) -> Setting:
        """A parameter: the most particular entry that fits, of the lowest level; else the default; else None.

        `scope` names whom it is for (stage, grades, season, window, provider, instrument); a scoped entry is
        only given to those who name its scope.
        """
        bound = self._bound.get(rule) or self._bind(rule)
        if not SCOPE_FACTS.issuperset(scope):
            raise FactsWrong(rule, unknown=sorted(scope.keys() - SCOPE_FACTS))
        best: Entry | None = None
        width = -1
        for dimensions, entry in bound.entries:
            if len(dimensions) >= width and _fits(dimensions, scope, strict=False):
                best, width = entry, len(dimensions)
        best = best or bound.default
        if best is None:
            return Setting(rule, None, is_default=True)
        return Setting(
            rule,
            best.value,
            best.is_default,
            best.clause,
            best.quote,
            best.pack_key,
            best.force,
            best.provisional,
        )

    def speaks_of(self, rule: str) -> bool:
        """Whether any document of the chain holds this key (a default is not a document)."""
        return bool((self._bound.get(rule) or self._bind(rule)).entries)

    def season(self, on: date) -> str:
        """ "summer" or "winter" by the pack's or the platform's months, for rules with seasons."""
        summer, winter = self.get("time.summer_from").value, self.get("time.winter_from").value
        return "summer" if summer <= on.month < winter else "winter"

    def _bind(self, rule: str) -> _Bound:
        definition = self.catalogue[rule]
        bound = _Bound(definition, tuple(e for e in self.entries if e.key == rule))
        self._bound[rule] = bound
        return bound

    def _check(self, rule: RuleDef, entry: Entry, facts: Mapping[str, Any]) -> tuple[Objection, ...]:
        params = rule.kind.breach(entry.value, facts)
        if params is None:
            return ()
        return (
            Objection(
                code=rule.code,
                message=rule.sentence % {"title": rule.title, **params},
                force=entry.force,
                clause=entry.clause,
                source=self.source_of(entry) or PLATFORM_TITLE,
                quote=entry.quote,
                pack_key=entry.pack_key,
                rule=rule.key,
                facts=facts,
            ),
        )


def _scope_of(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name in SCOPE_FACTS}
