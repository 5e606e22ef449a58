"""What each pack says to a plan: pure, on the packs as they are shipped."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.base.text import in_locale
from core.enrollment.plan_check import Finding, School, findings, without_reason
from core.enrollment.plan_outline import days_text, outline
from core.enrollment.plan_schemas import PlanContent, read_content
from core.policy.library import PackLibrary
from core.policy.load import load_packs
from tests.support.plans import good_plan

STARTS = date(2026, 9, 1)
PRIMARY = School(("primary",), STARTS)


@pytest.fixture(scope="module")
def library() -> PackLibrary:
    return load_packs(Path(__file__).parents[3] / "tenants" / "packs")


def said(library: PackLibrary, pack: str, content: dict[str, Any], school: School = PRIMARY) -> dict[str, Finding]:
    found = findings(library.effective(pack, STARTS), read_content(content), school)
    return {f.objection.rule: f for f in found}


@pytest.mark.req("R-033", "R-034")
def test_an_empty_plan_is_told_all_that_it_lacks(library: PackLibrary) -> None:
    for pack in sorted({one.key for one in library}):
        found = findings(library.effective(pack, STARTS), PlanContent(), PRIMARY)
        assert len(found) >= 3 and any(f.blocks for f in found), pack
        assert len({f.key for f in found}) == len(found)
        assert all(f.objection.clause or f.objection.is_default for f in found), pack


def test_the_good_plan_obeys_its_pack(library: PackLibrary) -> None:
    assert said(library, "anhui-ten-bans", good_plan()) == {}


@pytest.mark.req("R-109", "R-112", "R-114", "R-116", "R-126", "R-299")
@pytest.mark.parametrize(
    ("pack", "path", "value", "rule", "section"),
    [
        ("anhui-ten-bans", ("times", "windows", 0, "ends_at"), "18:01", "time.latest_end", "times"),
        ("anhui-ten-bans", ("times", "windows", 0, "weekdays"), [1, 2, 3, 4], "time.weekdays_must", "times"),
        ("anhui-ten-bans", ("times", "windows", 0, "weekdays"), [1, 2, 3, 4, 5, 6], "time.weekdays_only", "times"),
        ("anhui-ten-bans", ("times", "windows", 0, "dismissal"), "16:10", "time.starts_after_dismissal", "times"),
        ("anhui-ten-bans", ("contents", "items", 0, "title"), "奥 数 提高班", "content.blocked_words", "contents"),
        ("anhui-ten-bans", ("contents", "items", 0, "kind"), "new_lessons", "content.banned_kinds", "contents"),
        ("anhui-ten-bans", ("contents", "no_load"), False, "content.adds_load", "contents"),
        ("anhui-ten-bans", ("basis", "starts_on"), "2026-09-20", "plan.start_with_term", "basis"),
        ("anhui-ten-bans", ("basis", "survey_done"), False, "plan.survey", "basis"),
        ("anhui-ten-bans", ("funds", "text"), "", "plan.must_name", "whole"),
        ("anhui-ten-bans", ("times", "mode"), "", "publication.items", "whole"),
        ("anhui-ten-bans", ("safety", "voluntary"), False, "insurance.condition", "safety"),
        ("anhui-ten-bans", ("providers", "no_commerce"), False, "provider.commercial_activity", "providers"),
        ("changzhi-521", ("contents", "no_written_lower"), False, "content.written_home_homework", "contents"),
        ("second-experimental-primary", ("staffing", "class_size"), 36, "class.size_max", "staffing"),
        (
            "second-experimental-primary",
            ("staffing", "duty_leaders"),
            5,
            "staffing.classes_per_duty_leader",
            "staffing",
        ),
        ("weihai-free", ("staffing", "guard_until_end"), False, "staffing.guard_until_end", "staffing"),
    ],
)
def test_one_change_is_one_objection_at_its_section(
    library: PackLibrary, pack: str, path: tuple[Any, ...], value: Any, rule: str, section: str
) -> None:
    content = good_plan()
    at: Any = content
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    found = said(library, pack, content)
    assert rule in found and found[rule].section == section


@pytest.mark.req("R-300", "R-307")
def test_an_agency_needs_its_whole_procedure(library: PackLibrary) -> None:
    content = good_plan()
    content["providers"]["partners"] = [{"name": "启明艺体中心", "kind": "training_agency", "need": "本校没有击剑教练"}]
    found = said(library, "anhui-ten-bans", content)
    assert set(found) == {
        "provider.non_subject",
        "provider.on_bureau_list",
        "provider.bad_record",
        "provider.content_reviewed_by",
    }
    content["providers"]["partners"][0].update(
        non_subject=True, on_list=True, clean_record=True, reviewed_by=["school"], method="government_purchase"
    )
    assert said(library, "anhui-ten-bans", content) == {}


def test_winter_and_summer_are_held_against_their_own_times(library: PackLibrary) -> None:
    content = good_plan()
    row = content["times"]["windows"][0]
    content["times"]["windows"] = [
        {**row, "season": "summer", "ends_at": "18:00", "early_ends_at": "17:40"},
        {**row, "season": "winter", "ends_at": "17:40", "early_ends_at": "17:20"},
    ]
    assert "time.latest_end" not in said(library, "second-experimental-primary", content)
    content["times"]["windows"][1]["ends_at"] = "17:50"
    late = said(library, "second-experimental-primary", content)["time.latest_end"]
    assert late.blocks and "17:40" in str(late.objection.message)


def test_a_reason_belongs_to_what_was_objected(library: PackLibrary) -> None:
    content = good_plan()
    content["times"]["windows"][0]["ends_at"] = "18:30"
    one = said(library, "anhui-ten-bans", content)["time.latest_end"]
    with in_locale("en"):
        same = said(library, "anhui-ten-bans", content)["time.latest_end"]
    assert same.key == one.key
    content["times"]["windows"][0]["ends_at"] = "18:40"
    other = said(library, "anhui-ten-bans", content)["time.latest_end"]
    assert other.key != one.key
    assert without_reason([one], {one.key: "家长下班晚"}) == []
    assert without_reason([one, other], {one.key: "家长下班晚"}) == [other]
    assert without_reason([one], {one.key: "  "}) == [one]


def test_the_outline_says_what_the_plan_says_and_nothing_else() -> None:
    content = read_content(good_plan())
    views = {view.key: view for view in outline(content)}
    assert ("每班最多", "35 人") in views["staffing"].facts
    assert views["times"].tables[0].rows[0][:3] == ("下午放学后", "全学期", "周一至周五")
    assert "先完成作业，再开展其他活动" in views["contents"].promises
    assert not any(view.said for view in outline(PlanContent()) if view.key in ("times", "contents", "funds"))
    assert days_text([1, 3]) == "周一、周三"
