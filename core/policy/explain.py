"""Which rules hold, where each comes from and what it took the place of: for pages and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.policy.ask import EffectivePack, default_entry
from core.policy.catalogue import RuleDef
from core.policy.show import joined
from core.policy.types import Entry, Explained, Scope
from core.policy.vocab import GRADES, PROVIDERS, SEASONS, STAGES, WINDOWS
from core.policy.vocab_people import INSTRUMENTS

_WORDS: Final = {
    "stage": STAGES,
    "grades": GRADES,
    "season": SEASONS,
    "window": WINDOWS,
    "provider": PROVIDERS,
    "instrument": INSTRUMENTS,
}


def scope_in_words(scope: Scope) -> str:
    """For whom and when, such as `小学 · 下午放学后`; empty for everybody always. Translated when shown."""
    return joined((_WORDS[fact].show(values) for fact, values in scope.dimensions()), (" · ", " · "))


def explain(pack: EffectivePack, *, defaults: bool = True) -> tuple[Explained, ...]:
    """Every effective rule in the catalogue's order; where documents are silent, the marked defaults"""
    return tuple(line for rule in pack.catalogue for line in _lines(pack, rule, defaults))


def silent_keys(pack: EffectivePack) -> tuple[str, ...]:
    """The keys of which neither a document nor the platform says anything."""
    return tuple(r.key for r in pack.catalogue if r.default is None and not pack.speaks_of(r.key))


def _lines(pack: EffectivePack, rule: RuleDef, defaults: bool) -> Iterator[Explained]:
    entries = [e for e in pack.entries if e.key == rule.key]
    for entry in entries:
        yield _explained(pack, rule, entry)
    # A default still answers outside the scopes of the entries, unless one of them speaks of everything.
    if defaults and not any(not e.when.dimensions() for e in entries):
        default = default_entry(rule)
        if default is not None:
            yield _explained(pack, rule, default)


def _explained(pack: EffectivePack, rule: RuleDef, entry: Entry) -> Explained:
    return Explained(
        key=rule.key,
        group=rule.group,
        title=rule.title,
        value=entry.value,
        shown=rule.kind.show(entry.value),
        force=entry.force,
        when=entry.when,
        when_shown=scope_in_words(entry.when),
        clause=entry.clause,
        quote=entry.quote,
        source=pack.source_of(entry),
        pack_key=entry.pack_key,
        pack_title=entry.pack_title,
        level=entry.level,
        is_default=entry.is_default,
        provisional=entry.provisional,
        note=entry.note,
        overrode=pack.overrode(entry),
    )
