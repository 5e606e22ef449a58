"""The lives of a lesson and of an unexplained absence, and the moves of a child from hand to hand (5.5, 5.6)."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.base.text import lazy_pgettext as _pl
from core.db.states import Machine, Move

LESSON = Machine(
    "lesson",
    {
        "planned": _pl("lesson", "待上课"),
        "roll_called": _l("已点名"),
        "held": _l("已上课"),
        "cancelled": _l("已取消"),
        "disputed": _l("待核实"),
        "missed": _l("未开课"),
    },
    [
        Move("roll_call", ("planned",), "roll_called", _l("点名")),
        Move("hold", ("roll_called",), "held", _l("上完课"), emits="lesson.held"),
        # Idea 9: signals that contradict one another open a review and block payment.
        Move("dispute", ("planned", "roll_called"), "disputed", _l("列入核实"), emits="lesson.disputed"),
        Move("miss", ("planned",), "missed", _l("记为未开课"), emits="lesson.missed"),
        Move(
            "confirm",
            ("disputed", "missed"),
            "held",
            _l("核实为已上课"),
            "lesson.settle",
            reason=True,
            emits="lesson.held",
        ),
        Move(
            "reject", ("disputed",), "missed", _l("核实为未开课"), "lesson.settle", reason=True, emits="lesson.missed"
        ),
        Move(
            "cancel",
            ("planned", "roll_called", "disputed", "missed"),
            "cancelled",
            _l("取消这节课"),
            "lesson.manage",
            reason=True,
            emits="lesson.cancelled",
        ),
        Move("restore", ("cancelled",), "planned", _l("恢复"), "lesson.manage", emits="lesson.restored"),
    ],
)

ABSENCE = Machine(
    "absence",
    {
        "open": _l("未联系"),
        "contacting": _l("联系中"),
        "explained": _l("已查明"),
        "incident": _l("已上报"),
    },
    [
        Move("contact", ("open", "contacting"), "contacting", _l("记录联系"), reason=True),
        Move("explain", ("open", "contacting"), "explained", _l("查明原因"), reason=True, emits="absence.explained"),
        Move("report", ("open", "contacting"), "incident", _l("上报意外"), reason=True, emits="absence.incident"),
    ],
)

STAGES = {
    "class_handed": _l("班主任清点"),
    "in_care": _l("课后服务中"),
    "led_out": _l("放学等候"),
    "late": _l("晚接"),
    "with_duty_manager": _l("值班领导照看"),
    "collected": _l("已接走"),
    "released_alone": _l("自行离校"),
}
"""Where a child is, in words."""

WITH_SCHOOL = ("class_handed", "in_care", "led_out", "late", "with_duty_manager")
"""Stages in which somebody of the school has the child."""

HANDOVERS: dict[str, tuple[tuple[str | None, ...], str]] = {
    "hand_class": ((None,), "class_handed"),
    "take_in": ((None, "class_handed", "in_care", "led_out", "late"), "in_care"),
    "lead_out": (("in_care",), "led_out"),
    "late": (("in_care", "led_out"), "late"),
    "to_manager": (("in_care", "led_out", "late"), "with_duty_manager"),
    "collect": (("class_handed", "in_care", "led_out", "late", "with_duty_manager"), "collected"),
    "leave_alone": (("in_care", "led_out", "late", "with_duty_manager"), "released_alone"),
}
"""Event → (stages it may start from, stage it leads to); None: the child is with nobody of the school."""

EVENT_TITLES = {
    "hand_class": _l("交给课后服务"),
    "take_in": _l("接入课堂"),
    "lead_out": _l("带队放学"),
    "late": _l("记为晚接"),
    "to_manager": _l("交给值班领导"),
    "collect": _l("交给家长"),
    "leave_alone": _l("自行离校"),
}
