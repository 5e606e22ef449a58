"""Forms of class forming."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from core.base.text import lazy_gettext as _l
from core.enrollment.forming.problem import BUCKETS
from core.policy.vocab import WEEKDAYS
from core.policy.vocab_people import UNITS
from core.web.fields import Ui

Weekday = Annotated[int, Field(ge=1, le=7)]


def _days() -> list[tuple[int, str]]:
    return [(day, WEEKDAYS.label(day)) for day in range(1, 6)]


class RunForm(BaseModel):
    """A new forming, as the office makes it."""

    title: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("名称"), placeholder=_l("秋季课后托管"))]
    offerings: Annotated[list[UUID], Field(min_length=1, max_length=50), Ui(_l("编排的项目"), kind="checks")]
    mode: Annotated[str, Ui(_l("编班方式"), kind="select", options=lambda: [(m, UNITS.label(m)) for m in BUCKETS])]
    size: Annotated[int, Field(ge=1, le=200), Ui(_l("每组最多"), unit=_l("人"), help=_l("任何一天到的人数都不超过"))]
    alternate: Annotated[
        bool,
        Ui(_l("A、B 角"), kind="checkbox", help=_l("每组两位老师隔一天轮换，A 角带队离校时 B 角已在教室")),
    ] = False
    starts_on: Annotated[date, Ui(_l("从哪天起执行"))]
    reason: Annotated[
        str, Field(max_length=500), Ui(_l("说明"), kind="textarea", help=_l("规则有提醒时，请写明理由"))
    ] = ""


class MoveForm(BaseModel):
    """Children to another group."""

    students: Annotated[list[UUID], Field(min_length=1, max_length=200), Ui(_l("学生"), kind="checks")]
    group: Annotated[UUID, Ui(_l("移到"))]


class RoomForm(BaseModel):
    group: UUID
    room: Annotated[UUID | None, Ui(_l("教室"))] = None


class TeacherForm(BaseModel):
    """Somebody beside a group; `day` 0: on all days."""

    group: UUID
    staff: Annotated[UUID | None, Ui(_l("教师"))] = None
    line: Annotated[int, Field(ge=0, le=5)] = 0
    day: Annotated[int, Field(ge=0, le=7)] = 0


class DayDutyForm(BaseModel):
    """A duty leader, or relay care, on a weekday."""

    staff: Annotated[UUID, Ui(_l("人员"))]
    role: Annotated[str, Field(pattern="^(duty_leader|relay)$"), Ui(_l("岗位"))]
    day: Annotated[Weekday, Ui(_l("星期"))]


class WishForm(BaseModel):
    """When somebody can serve, in the own words."""

    cannot: Annotated[
        list[Weekday], Field(max_length=7), Ui(_l("不能值班"), kind="checks", options=_days, help=_l("一定不排"))
    ] = Field(default_factory=list)
    rather_not: Annotated[
        list[Weekday],
        Field(max_length=7),
        Ui(_l("最好不排"), kind="checks", options=_days, help=_l("尽量照顾，做不到时会说明原因")),
    ] = Field(default_factory=list)
    most: Annotated[int | None, Field(ge=1, le=7), Ui(_l("每周最多"), unit=_l("天"), help=_l("留空表示不限"))] = None


class PostForm(BaseModel):
    """What the office says of somebody: teaches groups, leads the day."""

    teaches: Annotated[bool, Ui(_l("带班组"), kind="checkbox")] = False
    leads: Annotated[bool, Ui(_l("可任值班领导"), kind="checkbox")] = False
