"""A service plan that obeys anhui-ten-bans, for tests to take and break."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

_GOOD: dict[str, Any] = {
    "basis": {
        "survey_done": True,
        "survey_means": ["questionnaire", "parents_meeting"],
        "survey_to_all": True,
        "survey_on": "2026-08-20",
        "survey_asked": 1180,
        "survey_wanting": 1042,
        "starts_on": "2026-09-01",
        "phone": "0555-1234567",
    },
    "times": {
        "windows": [
            {
                "window": "afternoon",
                "weekdays": [1, 2, 3, 4, 5],
                "dismissal": "15:50",
                "starts_at": "16:00",
                "ends_at": "17:45",
                "early_ends_at": "17:25",
            }
        ],
        "mode": "基础托管与兴趣社团相结合，家长自愿选择天数。",
    },
    "contents": {
        "items": [
            {"title": "作业自习与答疑", "kind": "homework", "weekdays": [1, 2, 3, 4, 5]},
            {"title": "自主阅读", "kind": "reading", "weekdays": [1, 3]},
            {"title": "足球社团", "kind": "sport", "weekdays": [2, 4], "about": "校队教师带队"},
        ],
        "no_lessons": True,
        "no_load": True,
        "no_homework": True,
        "no_written_lower": True,
        "homework_first": True,
        "reviewed_by": ["school", "district_bureau"],
        "ideology_checked": True,
    },
    "staffing": {
        "text": "每班一名托管教师，年级组长机动。",
        "units": ["own_class"],
        "class_size": 35,
        "classes": 24,
        "teachers": 1,
        "duty_leaders": 6,
        "mainly_own_staff": True,
        "enough_on_duty": True,
        "voluntary": True,
        "safety_signed": True,
        "exemption_decided": True,
        "all_serve": True,
    },
    "providers": {"no_subjects": True, "no_commerce": True, "no_premises": True},
    "funds": {
        "instruments": ["fiscal_subsidy", "service_charge"],
        "text": "财政补贴与服务性收费，专款专用。",
        "fees": "每学期 480 元，困难学生减免。",
    },
    "safety": {
        "text": "门卫值守，出入登记，楼道值班。",
        "supervised": True,
        "checked": True,
        "liability": True,
        "offered": True,
        "voluntary": True,
        "shared_liability": True,
    },
    "joining": {
        "guided_by": ["class_teacher", "subject_teachers"],
        "priority": ["disabled", "left_behind", "migrant", "hardship", "working_couple", "primary"],
        "midterm": True,
        "others_leave": True,
    },
    "rules": {"organisation": "校长任组长，分管副校长负责日常管理。"},
}


def good_plan() -> dict[str, Any]:
    """A fresh copy."""
    return deepcopy(_GOOD)
