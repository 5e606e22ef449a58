"""For every key of the catalogue: narrowing is an order, and whoever obeys the narrower rule obeys the wider one."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.policy import kinds, kinds_sets
from core.policy.catalogue import RuleDef
from core.policy.service import CATALOGUE

FEN = st.integers(0, 60_000)
FACTS: dict[str, st.SearchStrategy[Any]] = {
    "amount_fen": FEN,
    "full_fen": FEN,
    "hardship": st.booleans(),
    "filed": st.booleans(),
    "reviewed": st.booleans(),
}


def values(rule: RuleDef) -> st.SearchStrategy[Any]:
    """Raw values as a pack file would hold them."""
    kind = rule.kind
    if isinstance(kind, kinds_sets.Steps):
        return st.lists(st.sampled_from(list(kind.vocab.labels)), min_size=1, max_size=4, unique=True)
    if isinstance(kind, kinds_sets.Mode):
        return st.sampled_from(list(kind.vocab.labels))
    if isinstance(kind, kinds_sets.Words):
        return st.lists(st.sampled_from(["补课", "新课", "奥数", "竞赛"]), min_size=1, unique=True)
    if hasattr(kind, "vocab"):
        return st.lists(st.sampled_from(list(kind.vocab.labels)), min_size=1, max_size=6, unique=True)
    if isinstance(kind, kinds.Latest):
        return st.integers(0, 1439).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
    if isinstance(kind, kinds._Flag | kinds.NotBefore | kinds.NotAbove):
        return st.booleans()
    return st.integers(1, 40)


def facts(rule: RuleDef) -> st.SearchStrategy[dict[str, Any]]:
    kind = rule.kind
    if isinstance(kind, kinds_sets.Mode):
        return st.fixed_dictionaries({name: FACTS[name] for name in kind.needs})
    if isinstance(kind, kinds_sets.Words):
        return st.fixed_dictionaries({name: st.text("补课新奥数竞赛 班", max_size=12) for name in kind.needs})
    if hasattr(kind, "vocab"):
        some = st.lists(st.sampled_from(list(kind.vocab.labels)), max_size=6, unique=True)
        return st.fixed_dictionaries(dict.fromkeys(kind.needs, some))
    if isinstance(kind, kinds._Flag):
        return st.fixed_dictionaries({name: st.booleans() for name in kind.needs})
    if isinstance(kind, kinds.Latest):
        return st.fixed_dictionaries({name: st.integers(0, 1439) for name in kind.needs})
    return st.fixed_dictionaries({name: st.integers(0, 45) for name in kind.needs})


ASKED = [rule for rule in CATALOGUE if rule.kind.asks]
# One rule of each kind is enough, and every rule with several ways: the law belongs to the kind.
SHAPES = {(type(r.kind), r.key if isinstance(r.kind, kinds_sets.Mode) else ""): r for r in ASKED}


@pytest.mark.req("R-020")
@pytest.mark.parametrize("rule", SHAPES.values(), ids=lambda r: r.key)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whoever_obeys_the_narrower_rule_obeys_the_wider_one(rule: RuleDef, data: st.DataObject) -> None:
    kind = rule.kind
    upper, lower, third = (kind.parse(data.draw(values(rule))) for _ in range(3))
    question = data.draw(facts(rule))
    assert kind.narrows(upper, upper)
    if kind.narrows(upper, lower) and kind.breach(lower, question) is None:
        assert kind.breach(upper, question) is None
    if kind.narrows(upper, lower) and kind.narrows(lower, third):
        assert kind.narrows(upper, third)
    if kind.narrows(upper, lower) and kind.narrows(lower, upper):
        assert upper == lower


def test_every_rule_can_be_asked_and_shown_in_whole_sentences() -> None:
    broken = [f"{rule.key}: {s}" for rule in ASKED for s in sentences(rule) if "%(" in s]
    assert not broken


def sentences(rule: RuleDef) -> list[str]:
    """Values and objections of a rule in words, for many values and answers."""
    kind = rule.kind
    vocab = getattr(kind, "vocab", None)
    words = list(vocab.labels) if vocab is not None else ["补课", "新课"]
    parsed = []
    for raw in ("00:00", 1, True, words, *words):
        with contextlib.suppress(ValueError):
            parsed.append(kind.parse(raw))
    assert parsed, rule.key
    found = [str(kind.show(value)) for value in parsed]
    assert all(found), rule.key
    for value in parsed:
        for answer in (0, 1, 99, 60_000, "补课", words, []):
            with contextlib.suppress(TypeError, ValueError):  # not every answer fits every kind
                params = kind.breach(value, dict.fromkeys(kind.needs, answer))
                if params is not None:
                    found.append(str(rule.sentence % {"title": rule.title, **params}))
    return found
