"""What one version of a pack says otherwise than the one before it, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from core.base.text import LazyText
from core.policy.catalogue import Catalogue
from core.policy.explain import scope_in_words
from core.policy.types import Entry, Scope


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that is new, gone, or says something else; texts are translated when shown."""

    kind: Literal["added", "removed", "changed"]
    key: str
    title: LazyText
    when: str
    before: str
    after: str
    force_before: str
    force_after: str
    clause: str
    quote: str


def changes(before: Iterable[Entry], after: Iterable[Entry], catalogue: Catalogue) -> list[Change]:
    """What `after` changes in `before`, in the catalogue's order. A rule is the same when key and scope are; its value
    and force are compared, and where only clause or quotation differ nothing is said."""
    old = {(e.key, e.when): e for e in before}
    new = {(e.key, e.when): e for e in after}
    found: list[Change] = []
    for rule in catalogue:
        slots = dict.fromkeys(s for s in (*old, *new) if s[0] == rule.key)
        for slot in slots:
            one, other = old.get(slot), new.get(slot)
            if one is not None and other is not None and (one.value, one.force) == (other.value, other.force):
                continue
            found.append(_change(slot, one, other, catalogue))
    return found


def _change(slot: tuple[str, Scope], one: Entry | None, other: Entry | None, catalogue: Catalogue) -> Change:
    rule = catalogue[slot[0]]
    source = other or one
    assert source is not None
    return Change(
        kind="added" if one is None else "removed" if other is None else "changed",
        key=rule.key,
        title=rule.title,
        when=scope_in_words(slot[1]),
        before=rule.kind.show(one.value) if one else "",
        after=rule.kind.show(other.value) if other else "",
        force_before=one.force if one else "",
        force_after=other.force if other else "",
        clause=source.clause,
        quote=source.quote,
    )
