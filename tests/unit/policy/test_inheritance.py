"""City, county, school: a lower level may narrow, never widen; what it leaves alone stays."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.base.text import in_locale
from core.policy.ask import EffectivePack
from core.policy.errors import PacksRefused
from core.policy.explain import explain, silent_keys
from core.policy.service import load_packs
from tests.unit.policy.golden import library
from tests.unit.policy.test_load import head, refused, rule

ON = date(2026, 9, 1)
CITY = head("city") + rule(key="time.latest_end", value='"18:00"', more='when = { windows = ["afternoon"] }')


def chain(folder: Path, city: str, county: str = "", school: str = "") -> EffectivePack:
    """A school under a county under a city; the texts are their rules."""
    (folder / "city.toml").write_text(head("city") + city, "utf-8")
    (folder / "county.toml").write_text(
        head("county", "county", 'parent = "city"') + (county or rule(key="plan.survey", value="true")), "utf-8"
    )
    (folder / "school.toml").write_text(
        head("school", "school", 'parent = "county"') + (school or rule(key="plan.own_plan", value="true")),
        "utf-8",
    )
    return load_packs(folder).effective("school", ON)


WIDENINGS = [
    ("time.minutes_max", "120", "121"),
    ("time.minutes_min", "90", "89"),
    ("time.weekend_days", "1", "2"),
    ("time.latest_end", '"18:00"', '"18:01"'),
    ("time.earlier_exit", "20", "19"),
    ("staffing.classes_per_duty_leader", "4", "5"),
    ("fee.posted", "true", "false"),
    ("fee.across_terms", "true", "false"),
    ("content.kinds", '["sport"]', '["sport", "arts"]'),
    ("content.banned_kinds", '["new_lessons", "exam_drill"]', '["new_lessons"]'),
    ("content.flag_words", '["补课", "新课"]', '["补课"]'),
    ("plan.must_name", '["times", "funds"]', '["times"]'),
    ("publication.channels", '["letter"]', '["letter", "website"]'),
    ("time.may", '["extra_care"]', '["extra_care", "evening_study"]'),
    ("application.chain", '["class_review", "school_approval"]', '["class_review"]'),
    ("application.chain", '["class_review", "school_approval"]', '["school_approval", "class_review"]'),
    ("plan.filing", '"review_and_file"', '"file"'),
    ("fee.payer", '"free"', '"parents"'),
    ("fee.payer", '"government_parents"', '"parents"'),
    ("fee.hardship", '"free"', '"reduce"'),
    ("subsidy.per_pupil_year_max", "50000", "50001"),
    ("subsidy.control_per_pupil_year", "100000", "100001"),
    ("exit.sanctions", '["interview"]', '["accountability"]'),
]


@pytest.mark.req("R-020")
@pytest.mark.parametrize(("key", "upper", "lower"), WIDENINGS)
def test_a_lower_level_that_widens_is_refused(tmp_path: Path, key: str, upper: str, lower: str) -> None:
    problems = refused(
        tmp_path,
        city=head("city") + rule(key=key, value=upper),
        school=head("school", "school", 'parent = "city"') + rule(key=key, value=lower),
    )
    assert [(file, where) for file, where, _ in problems] == [("school.toml", key)]
    assert "is wider than" in problems[0][2]
    assert "of city (一 2)" in problems[0][2]


# Values that are merely different: neither may stand under the other.
DIFFERENT = [
    ("time.weekend_days", "2", "1"),
    ("exit.sanctions", '["accountability"]', '["interview"]'),
    ("fee.payer", '"parents"', '"government_parents"'),
    ("application.chain", '["school_approval", "class_review"]', '["class_review", "school_approval"]'),
]
NARROWINGS = [(key, lower, upper) for key, upper, lower in WIDENINGS if (key, lower, upper) not in DIFFERENT]


@pytest.mark.req("R-020")
@pytest.mark.parametrize(("key", "upper", "lower"), NARROWINGS)
def test_a_lower_level_may_narrow(tmp_path: Path, key: str, upper: str, lower: str) -> None:
    effective = chain(tmp_path, rule(key=key, value=upper), school=rule(key=key, value=lower))
    assert effective.get(key, window="afternoon").pack_key == "school"


@pytest.mark.parametrize(("key", "upper", "lower"), DIFFERENT)
def test_what_merely_differs_is_refused_either_way(tmp_path: Path, key: str, upper: str, lower: str) -> None:
    problems = refused(
        tmp_path,
        city=head("city") + rule(key=key, value=upper),
        school=head("school", "school", 'parent = "city"') + rule(key=key, value=lower),
    )
    assert "is wider than" in problems[0][2]


def test_a_widening_is_found_over_a_level_that_says_nothing(tmp_path: Path) -> None:
    problems = refused(
        tmp_path,
        city=head("city") + rule(),
        county=head("county", "county", 'parent = "city"') + rule(key="plan.survey", value="true"),
        school=head("school", "school", 'parent = "county"') + rule(value="180"),
    )
    assert [(file, key) for file, key, _ in problems] == [("school.toml", "time.minutes_max")]


def test_a_widening_inside_an_overlapping_scope_only(tmp_path: Path) -> None:
    """18:30 for junior schools widens an 18:00 for all, but not an 18:00 for primary schools."""
    junior = rule(key="time.latest_end", value='"18:30"', more='when = { stages = ["junior"] }')
    school = head("school", "school", 'parent = "city"') + junior
    problems = refused(tmp_path, city=CITY, school=school)
    assert problems[0][1] == "time.latest_end"
    primary = rule(key="time.latest_end", value='"18:00"', more='when = { stages = ["primary"] }')
    (tmp_path / "city.toml").write_text(head("city") + primary, "utf-8")
    effective = load_packs(tmp_path).effective("school", ON)
    assert effective.ask("time.latest_end", end="18:30", stage="junior").ok
    assert not effective.ask("time.latest_end", end="18:30", stage="primary").ok


def test_the_lowest_level_answers_and_says_what_it_overrode(tmp_path: Path) -> None:
    effective = chain(tmp_path, rule(value="120"), county=rule(value="100"), school=rule(value="90"))
    verdict = effective.ask("time.minutes_max", minutes=95)
    assert [(o.pack_key, o.force) for o in verdict.objections] == [("school", "block")]
    (line,) = [e for e in explain(effective) if e.key == "time.minutes_max"]
    assert line.value == 90
    assert [(e.pack_key, e.value) for e in line.overrode] == [("county", 100), ("city", 120)]


def test_a_softer_rule_does_not_take_the_place_of_a_hard_one(tmp_path: Path) -> None:
    effective = chain(tmp_path, rule(value="120"), school=rule(value="90", force="warn"))
    assert not effective.ask("time.minutes_max", minutes=100).blocked
    assert effective.ask("time.minutes_max", minutes=130).blocked


def test_a_rule_for_some_leaves_the_upper_rule_for_the_others(tmp_path: Path) -> None:
    effective = chain(tmp_path, rule(value="120"), school=rule(value="90", more="when = { grades = [1, 2] }"))
    assert not effective.ask("time.minutes_max", minutes=100, grades=[1]).ok
    assert effective.ask("time.minutes_max", minutes=100, grades=[3]).ok
    assert not effective.ask("time.minutes_max", minutes=130, grades=[3]).ok


def test_what_a_school_does_not_say_its_city_says(tmp_path: Path) -> None:
    effective = chain(tmp_path, rule(key="fee.payer", value='"free"'))
    objection = effective.ask("fee.payer", amount_fen=100).objections[0]
    assert (objection.pack_key, objection.clause) == ("city", "一 2")
    assert effective.revision.count("+") == 2


def test_effective_packs_are_built_once_for_many_schools_and_days() -> None:
    packs = library()
    first = packs.effective("anhui-ten-bans", date(2026, 9, 1))
    assert packs.effective("anhui-ten-bans", date(2027, 3, 1)) is first


def test_explaining_marks_defaults_and_keeps_silence() -> None:
    effective = library().effective("weihai-free", ON)
    lines = {line.key: line for line in explain(effective)}
    assert lines["fee.payer"].shown == "对家长免费"
    assert lines["fee.payer"].clause == "002#1 3"
    assert not lines["fee.payer"].is_default
    assert lines["time.windows"].when_shown == ""
    assert lines["pickup.late_after"].is_default
    assert lines["pickup.late_after"].clause == ""
    assert "class.size_max" not in lines
    assert "class.size_max" in silent_keys(effective)
    assert {line.key for line in explain(effective, defaults=False)} == {e.key for e in effective.entries}


def test_explaining_says_for_whom_and_when() -> None:
    lines = explain(library().effective("second-experimental-primary", ON))
    shown = [str(line.when_shown) for line in lines if line.key == "time.latest_end"]
    assert shown == ["上午放学后", "夏令时 · 下午放学后", "冬令时 · 下午放学后"]
    with in_locale("en"):
        (early,) = [line for line in lines if line.key == "time.earlier_exit"]
        assert (str(early.when_shown), str(early.shown)) == ("Grade 1, Grade 2 · After afternoon school", "20 min")


@pytest.mark.req("C-01")
def test_a_copy_below_does_not_widen_but_half_a_copy_does(tmp_path: Path) -> None:
    """Saying again what the upper level says is no widening as long as all of it is said."""
    wide = rule(key="time.may", value='["extra_care", "evening_study"]')
    narrow = rule(key="time.may", value='["extra_care"]', more='when = { stages = ["primary"] }')
    (tmp_path / "city.toml").write_text(head() + wide + narrow, "utf-8")
    below = head("some-county", "county", 'parent = "some-city"')
    (tmp_path / "county.toml").write_text(below + wide + narrow, "utf-8")
    assert set(load_packs(tmp_path).keys()) == {"some-city", "some-county"}
    (tmp_path / "county.toml").write_text(below + wide, "utf-8")
    with pytest.raises(PacksRefused, match=r"county.toml: time.may"):
        load_packs(tmp_path)
