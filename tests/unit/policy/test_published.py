"""Published versions beside the files: which counts when, and what publishing one would break."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.policy.compare import changes
from core.policy.errors import PackProblem, UnknownPack
from core.policy.library import PackLibrary
from core.policy.published import as_if, canonical, digest, problems_with, read_draft, successive
from core.policy.rules import CATALOGUE
from core.policy.service import load_packs
from core.policy.types import Pack
from tests.unit.policy.test_load import head, rule


@pytest.fixture
def shipped(tmp_path: Path) -> PackLibrary:
    """A city with an open end, a county below it."""
    (tmp_path / "city.toml").write_text(head("city") + rule(), "utf-8")
    county = head("county", "county", 'parent = "city"') + rule(value="110")
    (tmp_path / "county.toml").write_text(county, "utf-8")
    return load_packs(tmp_path)


def version(library: PackLibrary, key: str, starts: str, value: int = 100, **more: Any) -> Pack:
    raw = dict(library.version(key, date(2026, 1, 1)).raw)
    raw |= {"valid_from": starts, "rule": [{**raw["rule"][0], "value": value}], **more}
    found: list[PackProblem] = []
    pack = read_draft(raw, CATALOGUE, found)
    assert pack is not None, found
    return pack


def limit(library: PackLibrary, day: str) -> int:
    return int(library.effective("city", date.fromisoformat(day)).get("time.minutes_max").value)


@pytest.mark.req("C-01")
def test_a_version_ends_the_one_before_it_on_the_day_before(shipped: PackLibrary) -> None:
    first, second = version(shipped, "city", "2027-02-01", 115), version(shipped, "city", "2027-09-01", 112)
    packs = PackLibrary(successive(shipped, [second, first]), CATALOGUE)
    said = [limit(packs, d) for d in ("2027-01-31", "2027-02-01", "2027-08-31", "2027-09-01", "2040-01-01")]
    assert said == [120, 115, 115, 112, 112]
    assert packs.version("city", date(2027, 1, 31)).revision == shipped.version("city", date(2027, 1, 31)).revision


def test_a_version_with_an_end_leaves_nothing_after_it(shipped: PackLibrary) -> None:
    packs = PackLibrary(successive(shipped, [version(shipped, "city", "2027-02-01", valid_to="2027-06-30")]), CATALOGUE)
    with pytest.raises(UnknownPack):
        packs.version("city", date(2027, 7, 1))


@pytest.mark.req("C-01")
def test_what_publishing_would_break_is_told(shipped: PackLibrary) -> None:
    later = version(shipped, "city", "2027-09-01", 118)
    packs = PackLibrary(successive(shipped, [later]), CATALOGUE)
    assert problems_with(shipped, version(shipped, "city", "2027-02-01", 115)) == []
    # The same first day, or reaching into a later one, overlaps.
    for starts, ends in (("2027-09-01", None), ("2027-02-01", "2027-12-31")):
        more = {"valid_to": ends} if ends else {}
        found = problems_with(packs, version(shipped, "city", starts, 115, **more))
        assert ("valid_from", "overlap") in {(p.key, p.code) for p in found}
    # Narrower above than a pack below: it is the lower one that would be wider, and it is named.
    found = problems_with(shipped, version(shipped, "city", "2027-02-01", 100))
    assert [(p.file, p.key, p.code) for p in found] == [("county.toml", "time.minutes_max", "wider")]
    # Wider below than above.
    found = problems_with(shipped, version(shipped, "county", "2027-02-01", 130))
    assert [(p.key, p.code, p.at) for p in found] == [("time.minutes_max", "wider", ("rule", 0, "value"))]


def test_trying_out_holds_on_every_day_and_leaves_the_library_alone(shipped: PackLibrary) -> None:
    other = as_if(shipped, version(shipped, "city", "2027-02-01", 115))
    assert limit(other, "2020-01-01") == 115
    assert limit(shipped, "2020-01-01") == 120


def test_the_revision_does_not_hang_on_the_order_of_fields(shipped: PackLibrary) -> None:
    raw = dict(version(shipped, "city", "2027-02-01").raw)
    turned = dict(reversed(list(raw.items())))
    assert canonical(raw) == canonical(turned) and digest(raw) == digest(turned)
    assert digest(raw) != digest({**raw, "title": "x"})


def test_changes_are_by_rule_and_scope(shipped: PackLibrary) -> None:
    before = shipped.version("city", date(2026, 1, 1))
    raw = dict(before.raw)
    same = {**raw["rule"][0], "quote": "另一句原文"}
    extra = {**raw["rule"][0], "key": "plan.survey", "value": True}
    winter = {**raw["rule"][0], "value": 60, "when": {"seasons": ["winter"]}}
    for rules, told in (
        ([same], []),
        ([{**same, "force": "warn"}], [("changed", "time.minutes_max")]),
        ([same, extra], [("added", "plan.survey")]),
        ([same, winter], [("added", "time.minutes_max")]),
        ([extra], [("added", "plan.survey"), ("removed", "time.minutes_max")]),
    ):
        after = read_draft({**raw, "rule": rules}, CATALOGUE, [])
        assert after is not None
        assert [(c.kind, c.key) for c in changes(before.entries, after.entries, CATALOGUE)] == told
