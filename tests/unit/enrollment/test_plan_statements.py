"""What a plan states, key by key: each pack that has the rule objects where the plan breaks it, and only there."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.enrollment import set_rules
from core.enrollment.plan_check import School, findings
from core.enrollment.plan_schemas import read_content
from core.policy.library import PackLibrary
from core.policy.load import load_packs
from tests.support.plans import good_plan

AUTUMN = School(("primary",), date(2026, 9, 1), date(2027, 1, 22))
SPRING = School(("primary",), date(2026, 2, 23), date(2026, 7, 3))


@pytest.fixture(scope="module")
def library() -> PackLibrary:
    return load_packs(Path(__file__).parents[3] / "tenants" / "packs")


def told(
    library: PackLibrary, pack: str, section: str, said: dict[str, Any], school: School = AUTUMN
) -> dict[str, tuple[str, str, str]]:
    """rule → (section, force, clause) for the good plan with some fields of one section replaced."""
    content = good_plan()
    content[section].update(said)
    found = findings(library.effective(pack, school.term_starts), read_content(content), school)
    return {f.objection.rule: (f.section, f.objection.force, f.objection.clause) for f in found}


CASES: list[Any] = [
    ("hebi", "basis", "survey_to_all", False, True, "plan.survey_all", "R-084"),
    ("jincun-primary", "basis", "decided_by", ["school"], ["school", "parents_committee"], "plan.items_decided_by", ""),
    ("hebi", "contents", "items", [], [{"title": "阅读", "kind": "reading"}], "plan.catalogue", "R-089"),
    ("city-free-1000", "contents", "ideology_checked", False, True, "content.ideology", "R-096"),
    (
        "city-free-1000",
        "contents",
        "reviewed_by",
        ["school"],
        ["school", "district_bureau"],
        "content.reviewed_by",
        "R-096",
    ),
    ("jinan-yanshan", "staffing", "enough_on_duty", False, True, "staffing.enough_on_duty", "R-178"),
    ("jincun-primary", "staffing", "ab_alternate", False, True, "staffing.ab_alternate", "R-175"),
    ("jincun-primary", "staffing", "b_in_room", False, True, "staffing.b_in_room", "R-175"),
    ("jincun-primary", "staffing", "parent_leaders", 2, 3, "staffing.parent_group_leaders", "R-066"),
    ("second-experimental-primary", "staffing", "voluntary", False, True, "staff.voluntary", "R-076"),
    ("jincun-primary", "staffing", "all_serve", False, True, "staff.all_serve", "R-076"),
    ("jincun-primary", "staffing", "exemption_decided", False, True, "staff.exemption_decided", "R-077"),
    ("second-experimental-primary", "staffing", "safety_signed", False, True, "agreement.teacher_safety", "R-161"),
    ("hebi", "safety", "shared_liability", False, True, "insurance.shared_liability", "R-407"),
    ("anhui-ten-bans", "joining", "not_forced", False, True, "application.forced", "R-450"),
    ("city-free-1000", "joining", "not_forced_out", False, True, "application.forced_out", "R-133"),
    (
        "hebi",
        "joining",
        "guided_by",
        ["class_teacher"],
        ["class_teacher", "subject_teachers"],
        "application.guided_by",
        "R-049",
    ),
    (
        "changzhi-521",
        "joining",
        "priority",
        ["disabled"],
        ["disabled", "left_behind", "migrant", "hardship", "primary"],
        "application.priority_groups",
        "R-145",
    ),
    ("county-plan", "joining", "period", ["month"], ["term"], "enrolment.period", "R-148"),
    ("changzhi-521", "joining", "midterm", False, True, "enrolment.midterm", "R-149"),
    ("changzhi-521", "joining", "menu_choice", False, True, "enrolment.menu_choice", "R-047"),
    ("second-experimental-primary", "joining", "others_leave", False, True, "enrolment.others_leave", "R-155"),
    ("jinan-yanshan", "times", "afternoon_period", 2, 3, "time.afternoon_period", "R-197"),
    ("jincun-primary", "times", "in_holiday", True, False, "time.school_days", ""),
]


@pytest.mark.parametrize(
    ("pack", "section", "field", "bad", "good", "rule"),
    [pytest.param(*case[:6], marks=pytest.mark.req(*filter(None, [case[6]]))) for case in CASES],
)
def test_a_statement_is_held_against_the_pack_that_rules_it(
    library: PackLibrary, pack: str, section: str, field: str, bad: Any, good: Any, rule: str
) -> None:
    broken = told(library, pack, section, {field: bad})
    assert rule in broken, sorted(broken)
    at, _force, clause = broken[rule]
    assert at == section and clause
    assert rule not in told(library, pack, section, {field: good})


def _window(**more: Any) -> dict[str, Any]:
    return {
        "window": "afternoon",
        "weekdays": [1, 2, 3, 4, 5],
        "dismissal": "15:10",
        "starts_at": "16:10",
        "ends_at": "17:00",
        **more,
    }


@pytest.mark.req("R-195")
def test_thursday_afternoon_is_off_but_thursday_noon_is_not(library: PackLibrary) -> None:
    """school-free-care 001: the teachers study on Thursday afternoons."""
    rule = "time.weekdays_off"
    assert told(library, "school-free-care", "times", {"windows": [_window()]})[rule][1] == "block"
    free = _window(weekdays=[1, 2, 3, 5])
    noon = {**_window(window="noon", weekdays=[4]), "dismissal": "11:30", "starts_at": "11:40", "ends_at": "13:00"}
    assert rule not in told(library, "school-free-care", "times", {"windows": [free, noon]})


@pytest.mark.req("R-202")
def test_each_grade_keeps_to_its_own_sessions(library: PackLibrary) -> None:
    """jincun 004#1: grades 1 and 2 15:20–17:10, 3 and 4 16:10–17:20, 5 and 6 16:10–17:30."""
    rows = [
        _window(grades=[1, 2], starts_at="15:20", ends_at="17:10"),
        _window(grades=[3, 4], ends_at="17:20"),
        _window(grades=[5, 6], ends_at="17:30"),
    ]
    assert "time.sessions" not in told(library, "jincun-primary", "times", {"windows": rows})
    rows[1]["ends_at"] = "17:30"
    assert told(library, "jincun-primary", "times", {"windows": rows})["time.sessions"][:2] == ("times", "block")
    everybody = [_window(ends_at="17:10")]
    assert "time.sessions" not in told(library, "jincun-primary", "times", {"windows": everybody})
    assert "time.sessions" in told(library, "jincun-primary", "times", {"windows": [_window(ends_at="17:20")]})


@pytest.mark.req("R-021")
def test_a_scheme_with_a_first_day_is_not_begun_before_it(library: PackLibrary) -> None:
    early = told(library, "shanghai-kuaile30", "basis", {"starts_on": "2026-03-16"}, SPRING)
    assert early["time.start_date"][0] == "basis"
    on_time = told(library, "shanghai-kuaile30", "basis", {"starts_on": "2026-03-20"}, SPRING)
    assert "time.start_date" not in on_time and "time.start_week" not in on_time
    # In the autumn term the day does not occur, and nothing is asked.
    assert "time.start_date" not in told(library, "shanghai-kuaile30", "basis", {"starts_on": "2026-09-08"})


@pytest.mark.req("R-201")
def test_clubs_start_in_the_week_that_the_scheme_names(library: PackLibrary) -> None:
    items = [{"title": "合唱社团", "kind": "club", "weekdays": [2]}]
    rule = "time.club_start_week"
    assert told(library, "shanghai-kuaile30", "contents", {"items": items})[rule][1] == "warn"
    later = {"items": items, "clubs_start_week": 3}
    assert rule not in told(library, "shanghai-kuaile30", "contents", later)
    assert rule not in told(library, "shanghai-kuaile30", "contents", {"items": []})


@pytest.mark.req("R-197")
def test_clubs_keep_to_the_club_days(library: PackLibrary) -> None:
    def club(days: list[int]) -> dict[str, Any]:
        return {"items": [{"title": "面塑社团", "kind": "club", "weekdays": days}]}

    assert "content.club_days" in told(library, "jinan-yanshan", "contents", club([3]))
    assert "content.club_days" not in told(library, "jinan-yanshan", "contents", club([2, 4]))


@pytest.mark.req("R-122")
def test_homework_is_helped_with_in_the_subjects_of_each_grade(library: PackLibrary) -> None:
    def care(grades: list[int]) -> dict[str, Any]:
        item = {"title": "作业辅导", "kind": "homework", "subjects": ["chinese", "maths", "english"], "grades": grades}
        return {"items": [item]}

    assert "content.homework_subjects" in told(library, "jinan-yanshan", "contents", care([1, 2, 3]))
    assert "content.homework_subjects" not in told(library, "jinan-yanshan", "contents", care([3, 4, 5, 6]))


@pytest.mark.req("R-047", "R-151")
def test_the_forms_that_families_choose_between_are_all_offered(library: PackLibrary) -> None:
    homework = {"title": "普通托管", "kind": "homework"}
    assert "enrolment.choice_of" in told(library, "weihai-free", "contents", {"items": [homework]})
    both = [homework, {"title": "足球", "kind": "sport"}]
    assert "enrolment.choice_of" not in told(library, "weihai-free", "contents", {"items": both})


def test_the_schools_word_on_the_end_of_work_stands_before_the_platforms_guess(library: PackLibrary) -> None:
    pack = next(p.key for p in library if any(e.key == "time.not_before_work_end" for e in p.entries))
    rule, row = "time.not_before_work_end", _window(ends_at="17:15")
    assert rule in told(library, pack, "times", {"windows": [row]})
    assert rule not in told(library, pack, "times", {"windows": [row], "work_end": "17:00"})


@pytest.mark.req("R-116")
@pytest.mark.parametrize(
    ("words", "sets"),
    [
        ("每周布置一次书面作业", True),
        ("留作业由家长签字", True),
        ("不布置任何形式的作业", False),
        ("不给一、二年级布置书面家庭作业", False),
        ("留出时间完成作业，老师答疑", False),
        ("完成书面作业", False),
    ],
)
def test_words_that_set_homework_are_told_from_words_that_do_not(words: str, sets: bool) -> None:
    assert set_rules.sets_homework([words]) is sets
