"""The form of a club, and the school's settings for clubs."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.forms import Ui, Weekdays, grade_options

Tone = Literal["sport", "art", "tech", "study", "craft"]
Level = Literal["beginner", "further", "team"]

TONES = {
    "sport": (_l("体育"), "ball-basketball", "sport"),
    "art": (_l("艺术"), "palette", "arts"),
    "tech": (_l("科技"), "robot", "science"),
    "study": (_l("阅读与棋艺"), "chess-knight", ""),
    "craft": (_l("劳动与手工"), "scissors", "labour"),
}
"""Colour family → (name, icon, the packs' word for the content beside "club")."""

LEVELS = {"beginner": _l("入门"), "further": _l("提高"), "team": _l("校队")}
FEES = {"": _l("不另收费"), "club": _l("按社团收费标准，每课次")}


class ClubForm(BaseModel):
    """What the office writes of a club. Times are school time."""

    title: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("名称"), placeholder=_l("例如：少儿篮球"))]
    tone: Annotated[Tone, Ui(_l("类别"), kind="radio", options=[(k, v[0]) for k, v in TONES.items()])] = "sport"
    level: Annotated[Level, Ui(_l("层次"), kind="seg", options=list(LEVELS.items()))] = "beginner"
    summary: Annotated[
        str, Field(min_length=4, max_length=400), Ui(_l("介绍"), kind="textarea", help=_l("家长在菜单里看到这段话"))
    ]
    weekdays: Annotated[Weekdays, Field(min_length=1), Ui(_l("星期"))]
    starts_at: Annotated[time, Ui(_l("开始"))] = time(16, 30)
    ends_at: Annotated[time, Ui(_l("结束"))] = time(17, 30)
    grades: Annotated[
        list[Annotated[int, Field(ge=1, le=9)]],
        Field(min_length=1),
        Ui(_l("面向年级"), kind="checks", options=grade_options),
    ]
    capacity: Annotated[int, Field(ge=1, le=200), Ui(_l("名额"), unit=_l("人"))] = 25
    teacher_id: Annotated[UUID, Ui(_l("负责教师"), kind="select", help=_l("每个社团都有一位负责教师"))]
    room_id: Annotated[UUID | None, Ui(_l("教室"), kind="select")] = None
    service: Annotated[Literal["", "club"], Ui(_l("收费"), kind="select", options=list(FEES.items()))] = ""
    plan: Annotated[
        str,
        Field(max_length=4000),
        Ui(_l("活动计划"), kind="textarea", rows=6, help=_l("一行写一次或一个阶段的活动内容，审核时要看")),
    ] = ""
    materials: Annotated[str, Field(max_length=200), Ui(_l("家长准备"), placeholder=_l("例如：运动鞋、水杯"))] = ""
    reason: Annotated[
        str,
        Field(max_length=400),
        Ui(_l("说明理由"), kind="textarea", help=_l("规定中写着“原则上”的条款，写明理由后可以通过")),
    ] = ""

    @model_validator(mode="after")
    def _in_order(self) -> ClubForm:
        if self.ends_at <= self.starts_at:
            raise ValueError(_("结束时间要晚于开始时间"))
        return self

    @property
    def plan_lines(self) -> list[str]:
        return [line.strip() for line in self.plan.splitlines() if line.strip()]


class ClubsSettings(BaseModel):
    """The school's own rules for clubs."""

    max_per_child: Annotated[int, Field(ge=1, le=10), Ui(_l("每个孩子最多参加几个社团"), unit=_l("个"))] = 2
