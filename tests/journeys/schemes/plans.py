"""A plan that says all that any of the schemes asks for; a scheme's own figures are laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from core.policy.vocab_people import GROUPS

WORKDAYS = [1, 2, 3, 4, 5]

_RICH: dict[str, Any] = {
    "basis": {
        "survey_done": True,
        "survey_to_all": True,
        "survey_means": ["letter", "questionnaire", "parents_meeting"],
        "survey_on": "2026-08-20",
        "survey_asked": 400,
        "survey_wanting": 300,
        "starts_on": "2026-09-01",
        "phone": "0555-1234567",
    },
    "times": {
        "windows": [
            {
                "window": "afternoon",
                "weekdays": WORKDAYS,
                "dismissal": "15:50",
                "starts_at": "16:00",
                "ends_at": "17:30",
                "early_ends_at": "17:10",
            }
        ],
        "mode": "家长自愿选择天数。",
    },
    "contents": {
        "items": [
            {"title": "完成作业与答疑", "kind": "homework", "weekdays": WORKDAYS},
            {"title": "合唱社团", "kind": "club", "weekdays": [2, 4]},
        ],
        "timetable": "每天先完成作业，再参加社团。",
        "reviewed_by": ["district_bureau", "school"],
        "ideology_checked": True,
        "homework_first": True,
        "homework_done": True,
        "no_lessons": True,
        "no_load": True,
        "no_homework": True,
        "no_written_lower": True,
    },
    "staffing": {
        "text": "每班一名教师，值班领导巡查。",
        "units": ["own_class"],
        "class_size": 35,
        "classes": 8,
        "teachers": 1,
        "duty_leaders": 8,
        "relay_teachers": 2,
        "mainly_own_staff": True,
        "guard_until_end": True,
        "doctor_on_call": True,
        "enough_on_duty": True,
        "safety_signed": True,
    },
    "providers": {"no_subjects": True, "no_commerce": True, "no_premises": True},
    "funds": {"text": "专款专用。", "fees": "按文件执行。", "incentives": "按工作量考核发放。"},
    "safety": {
        "text": "门卫值守，出入登记。",
        "protection": ["human", "technical", "physical"],
        "emergency": "突发事件先救人再报告。",
        "supervised": True,
        "checked": True,
        "liability": True,
        "offered": True,
        "shared_liability": True,
    },
    "rules": {
        "organisation": "校长任组长。",
        "duties": "分工到人。",
        "requirements": "按时到岗。",
        "safeguards": "经费和场地到位。",
        "workflow": "申请、审核、编班、上课、离校。",
        "attendance_rules": "每天点名，缺席必问。",
        "supervision_rules": "每天巡查。",
        "handover_rules": "当面交接，写明去向。",
        "family_school": "家长按时接，学校看护到交接为止。",
    },
    "joining": {
        "guided_by": ["class_teacher", "subject_teachers"],
        "priority": sorted(GROUPS.labels),
        "midterm": True,
        "others_leave": True,
    },
}


def rich_plan(changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A fresh copy; `changes` maps dotted places ("times.windows") to what stands there instead."""
    plan = deepcopy(_RICH)
    for place, value in (changes or {}).items():
        section, _, name = place.partition(".")
        plan[section][name] = value
    return plan


def window(start: str, end: str, **more: Any) -> dict[str, Any]:
    """One time of service in the afternoon, every workday unless said otherwise."""
    values = {"window": "afternoon", "weekdays": WORKDAYS, "dismissal": start, "starts_at": start, "ends_at": end}
    return values | more
