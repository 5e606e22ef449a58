"""The packs answer as their documents do, and no value of theirs can change without a case noticing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from core.policy import kinds_sets
from core.policy.ask import EffectivePack
from core.policy.service import PackLibrary
from core.policy.types import Entry
from tests.unit.policy.golden import Case, library, read_cases

CASES = read_cases()
LIBRARY = library()
ON = date(2026, 9, 1)
# A fee that parents share is lawful whatever its amount: other rules bound it.
NOTHING_TO_OBJECT = {
    ("fee.payer", payer)
    for payer in ("government_school_parents", "government_parents", "paid_with_subsidy", "subsidy_and_parents")
}


@pytest.fixture(scope="module")
def packs() -> PackLibrary:
    return LIBRARY


@pytest.mark.req("R-020", "R-021")
@pytest.mark.parametrize("pack", LIBRARY.keys())
def test_every_golden_case(packs: PackLibrary, pack: str) -> None:
    faults = {
        str(case): found
        for case in CASES
        if case.pack == pack and (found := case.faults(packs.effective(pack, case.on)))
    }
    assert not faults


@pytest.mark.req("R-450", "R-451", "R-452", "R-453", "R-454", "R-455", "R-456", "R-457", "R-458", "R-459")
def test_each_of_the_ten_bans_blocks_something(packs: PackLibrary) -> None:
    numerals = "一二三四五六七八九十"
    blocked = [c.clause for c in CASES if c.pack == "anhui-ten-bans" and c.expect == "blocked" and c.clause]
    missing = [n for n in numerals if not any(f"十严禁之{n}" in clause for clause in blocked)]
    assert not missing


@pytest.mark.parametrize("pack", LIBRARY.keys())
def test_every_group_of_rules_is_seen_allowed_warned_and_blocked(packs: PackLibrary, pack: str) -> None:
    effective = packs.effective(pack, ON)
    wanted: set[tuple[str, str]] = set()
    for entry in effective.entries:
        rule = effective.catalogue[entry.key]
        if not rule.kind.asks or (entry.key, entry.value) in NOTHING_TO_OBJECT:
            continue  # parameters are read, not asked
        wanted |= {(rule.group, "allowed"), (rule.group, {"block": "blocked", "warn": "warned"}[entry.force])}
    seen = {(case.key.partition(".")[0], case.expect) for case in CASES if case.pack == pack and case.ask}
    assert wanted <= seen


@pytest.mark.parametrize("pack", LIBRARY.keys())
def test_every_rule_of_every_pack_has_a_case_with_its_clause(packs: PackLibrary, pack: str) -> None:
    clauses = {(case.key, case.clause) for case in CASES if case.pack == pack}
    bare = [e.key for e in packs.effective(pack, ON).entries if (e.key, e.clause) not in clauses]
    assert not bare


def changed_values(entry: Entry, pack: EffectivePack) -> Iterator[Any]:
    """Every small change of a value: one more, one less, a word gone, a word added, the other way."""
    kind, value = pack.catalogue[entry.key].kind, entry.value
    vocab = getattr(kind, "vocab", None)
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value - 1, value + 1)
    elif isinstance(value, frozenset):
        yield from (value - {word} for word in value if len(value) > 1)
        if not isinstance(kind, kinds_sets.Words):  # no case can know of a word that nobody has thought of
            others = vocab.labels if vocab is not None else ("another",)
            yield from (value | {word} for word in others if word not in value)
    elif isinstance(value, tuple):
        yield (*value, "parents_committee")
        yield value[:-1] or ("principal_decision",)
    else:
        yield from (way for way in (vocab.labels if vocab is not None else ("another",)) if way != value)


def mutants(pack: EffectivePack) -> Iterator[tuple[str, str, EffectivePack]]:
    for index, entry in enumerate(pack.entries):
        changes = [replace(entry, value=value) for value in changed_values(entry, pack)]
        assert changes, f"{entry.key} has a value that this test does not know how to change"
        changes.append(replace(entry, clause="elsewhere"))
        if pack.catalogue[entry.key].kind.asks and (entry.key, entry.value) not in NOTHING_TO_OBJECT:
            changes.append(replace(entry, force="warn" if entry.force == "block" else "block"))
        for change in changes:
            entries = (*pack.entries[:index], change, *pack.entries[index + 1 :])
            what = f"{entry.value!r}/{entry.force} -> {change.value!r}/{change.force}/{change.clause}"
            yield entry.key, what, EffectivePack(pack.chain, entries, {}, pack.catalogue)


@pytest.mark.parametrize("key", LIBRARY.keys())
def test_changing_any_value_of_a_pack_makes_a_case_fail(packs: PackLibrary, key: str) -> None:
    pack = packs.effective(key, ON)
    cases: dict[str, list[Case]] = {}
    for case in CASES:
        if case.pack == key:
            cases.setdefault(case.key, []).append(case)
    survived = [
        f"{rule}: {what}"
        for rule, what, mutant in mutants(pack)
        if not any(case.faults(mutant) for case in cases[rule])
    ]
    assert not survived
