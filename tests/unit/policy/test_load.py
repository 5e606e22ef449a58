"""Bad packs are refused with file, key and reason, all faults at once."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from core.policy.errors import PacksRefused, UnknownPack
from core.policy.service import json_schema, load_packs

HEAD = """
key = "{key}"
title = "某市课后服务"
issuer = "某市"
level = "{level}"
territory = "某市"
stages = ["primary", "junior"]
ownership = ["public"]
{more}

[[source]]
ref = "一"
document = "某市课后服务意见"
file = "somewhere.txt"
sha256 = "{digest}"
"""
RULE = """
[[rule]]
key = "{key}"
value = {value}
force = "{force}"
clause = "{clause}"
quote = "{quote}"
{more}
"""


def head(key: str = "some-city", level: str = "city", more: str = "") -> str:
    return HEAD.format(key=key, level=level, more=more, digest="0" * 64)


def rule(
    key: str = "time.minutes_max",
    value: str = "120",
    force: str = "block",
    clause: str = "一 2",
    quote: str = "不超过2小时",
    more: str = "",
) -> str:
    return RULE.format(key=key, value=value, force=force, clause=clause, quote=quote, more=more)


def refused(folder: Path, **files: str) -> list[tuple[str, str, str]]:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    with pytest.raises(PacksRefused) as caught:
        load_packs(folder)
    return [(p.file, p.key, p.reason) for p in caught.value.problems]


def test_a_good_pack_loads(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(head() + rule(), "utf-8")
    library = load_packs(tmp_path)
    assert library.keys() == ("some-city",)
    assert library.effective("some-city", date(2026, 9, 1)).get("time.minutes_max").value == 120


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (head() + rule(key="time.minute_max"), "time.minute_max", "unknown rule key"),
        (head() + rule(value='"two hours"'), "time.minutes_max", "valid integer"),
        (head() + rule(value="true"), "time.minutes_max", "valid integer"),
        (head() + rule(value="-1"), "time.minutes_max", "greater than or equal to 0"),
        (head() + rule(key="time.latest_end", value='"25:00"'), "time.latest_end", "no such time"),
        (head() + rule(key="content.kinds", value='["magic"]'), "content.kinds", "'magic' is not one of"),
        (head() + rule(key="content.kinds", value='["sport", "sport"]'), "content.kinds", "stands twice"),
        (head() + rule(key="content.kinds", value="[]"), "content.kinds", "at least 1"),
        (head() + rule(key="plan.filing", value='"tell"'), "plan.filing", "'tell' is not one of"),
        (head() + rule(key="score.weights", value="{ satisfaction = 90 }"), "score.weights", "add up to 100"),
        (head() + rule(force="hint"), "time.minutes_max.force", "'block' or 'warn'"),
        (head() + rule(clause=""), "time.minutes_max.clause", "at least 1 character"),
        (head() + rule(clause="  "), "time.minutes_max.clause", "at least 1 character"),
        (head() + rule(quote="长" * 30), "time.minutes_max.quote", "at most 29"),
        (head() + rule().replace("clause", "# clause"), "time.minutes_max.clause", "Field required"),
        (head() + rule(more="fine = 3"), "time.minutes_max.fine", "Extra inputs"),
        (head() + rule(more="when = { moons = [1] }"), "time.minutes_max.when.moons", "Extra inputs"),
        (head() + rule(more="when = { grades = [12] }"), "time.minutes_max.when.grades.0", "12 is not one of"),
        (head() + rule() + rule(value="90"), "time.minutes_max", "stands twice for the same scope"),
        (head().partition("[[source]]")[0] + rule(), "source", "Field required"),
        (head().replace("0" * 64, "abc") + rule(), "source.0.sha256", "match pattern"),
        (head().replace('issuer = "某市"', "") + rule(), "issuer", "Field required"),
        (head(level="village") + rule(), "level", "'city', 'county' or 'school'"),
        (head(more="valid_from = 2026-09-01\nvalid_to = 2026-01-01") + rule(), "valid_to", "before valid_from"),
        (head(more='parent = "nobody"') + rule(), "parent", "there is no pack 'nobody'"),
        (head(), "rule", "Field required"),
        ("key = ", "-", "not a TOML file"),
    ],
)
@pytest.mark.req("R-020", "R-021")
def test_a_bad_pack_is_refused_with_file_key_and_reason(tmp_path: Path, text: str, key: str, reason: str) -> None:
    problems = refused(tmp_path, bad=text)
    assert [(file, where) for file, where, _ in problems] == [("bad.toml", key)]
    assert reason in problems[0][2]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes("key = '课后'".encode("gb18030"))
    with pytest.raises(PacksRefused, match="not a TOML file in UTF-8"):
        load_packs(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path)[0][2].startswith("no pack file")


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    problems = refused(
        tmp_path, a=head() + rule(key="no.such") + rule(value="-1"), b=head("other") + rule(force="hint")
    )
    assert [(file, key) for file, key, _ in problems] == [
        ("a.toml", "no.such"),
        ("a.toml", "time.minutes_max"),
        ("b.toml", "time.minutes_max.force"),
    ]


def test_versions_of_a_pack_may_follow_one_another_but_not_overlap(tmp_path: Path) -> None:
    old = head(more="valid_to = 2026-08-31") + rule()
    new = head(more="valid_from = 2026-09-01") + rule(value="90")
    (tmp_path / "a.toml").write_text(old, "utf-8")
    (tmp_path / "b.toml").write_text(new, "utf-8")
    library = load_packs(tmp_path)
    assert library.effective("some-city", date(2026, 8, 31)).get("time.minutes_max").value == 120
    assert library.effective("some-city", date(2026, 9, 1)).get("time.minutes_max").value == 90

    problems = refused(tmp_path, b=head(more="valid_from = 2026-08-31") + rule())
    assert problems == [("b.toml", "valid_from", "holds on days on which a.toml holds too")]


def test_a_lapsed_pack_answers_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(head(more="valid_to = 2024-08-31") + rule(), "utf-8")
    library = load_packs(tmp_path)
    with pytest.raises(UnknownPack):
        library.effective("some-city", date(2026, 9, 1))
    with pytest.raises(UnknownPack):
        library.effective("no-such", date(2026, 9, 1))


@pytest.mark.parametrize("level", ["city", "county"])
def test_a_parent_must_stand_above(tmp_path: Path, level: str) -> None:
    upper = head("upper", "county") + rule()
    problems = refused(tmp_path, upper=upper, lower=head("lower", level, 'parent = "upper"') + rule())
    assert [(file, key) for file, key, _ in problems] == [("lower.toml", "parent")]
    assert "is not above" in problems[0][2]


def test_the_json_schema_knows_every_key_and_value() -> None:
    schema = json_schema()
    text = json.dumps(schema, ensure_ascii=False)
    assert "subsidy.per_pupil_year_max" in text
    assert "review_and_file" in text
    assert schema["additionalProperties"] is False
