"""Forms of lessons, leave, handover and ratings; the JSON API reads the same models."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core.base.text import lazy_gettext as _l
from core.policy.vocab_people import CONTACTS, REPORTED_TO
from core.web.fields import Phone, Ui

TOLD = ("guardian", "class_teacher", "grade_head", "duty_manager")

Reason = Annotated[
    str, Field(min_length=1, max_length=200), Ui(_l("理由"), kind="textarea", help=_l("会留在记录里，相关的人看得到"))
]


class LeaveForm(BaseModel):
    """Leave for a date, from all lessons or from one."""

    student: Annotated[UUID, Ui(_l("孩子"), kind="radio")]
    day: Annotated[date, Ui(_l("哪一天"))]
    offering: Annotated[UUID | None, Ui(_l("哪个项目"), kind="select", placeholder=_l("当天全部课后服务"))] = None
    reason: Annotated[str, Field(min_length=1, max_length=100), Ui(_l("原因"), placeholder=_l("例如：发烧、家中有事"))]


class RatingForm(BaseModel):
    """Stars for a lesson."""

    stars: Annotated[
        int,
        Field(ge=1, le=5),
        Ui(_l("满意吗"), kind="seg", options=[(n, f"{n} ★") for n in range(1, 6)], messages={"missing": _l("请点星")}),
    ]
    words: Annotated[
        str,
        Field(max_length=300),
        Ui(_l("想说的话（可不填）"), kind="textarea", help=_l("老师看到的是文字，看不到名字")),
    ] = ""


class GateForm(BaseModel):
    """Handing a child over. Without a collector the child leaves alone, which most rules refuse."""

    collector: Annotated[str, Field(max_length=80), Ui(_l("谁来接"), kind="radio")]
    code: Annotated[
        str,
        Field(max_length=12),
        Ui(_l("接送码"), inputmode="numeric", autocomplete="off", placeholder=_l("家长手机上的 6 位数字")),
    ] = ""
    signature: Annotated[
        str, Field(max_length=30), Ui(_l("接孩子的人签名"), autocomplete="off", placeholder=_l("请来接的人写下姓名"))
    ] = ""
    reason: Annotated[str, Field(max_length=200), Ui(_l("情况说明"), kind="text")] = ""


class RefusedForm(BaseModel):
    """Somebody who must not be given the child."""

    name: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("姓名"), autocomplete="off")]
    phone: Annotated[Phone | None, Ui(_l("手机号"), autocomplete="off")] = None
    reason: Annotated[str, Field(max_length=200), Ui(_l("原因（可不填）"))] = ""


class ContactForm(BaseModel):
    """A try to reach a family, or the cause of an absence."""

    words: Annotated[
        str,
        Field(min_length=1, max_length=200),
        Ui(_l("情况"), placeholder=_l("例如：电话联系母亲，孩子已被奶奶接走"), kind="text"),
    ]
    outcome: Annotated[
        Literal["contact", "explain", "report"],
        Ui(
            _l("结果"),
            kind="seg",
            options=[("contact", _l("继续联系")), ("explain", _l("已查明")), ("report", _l("发生意外"))],
        ),
    ] = "contact"
    told: Annotated[
        list[Literal["guardian", "class_teacher", "grade_head", "duty_manager"]],
        Ui(
            _l("还告诉了谁"),
            kind="checks",
            options=[(k, (CONTACTS.labels | REPORTED_TO.labels)[k]) for k in TOLD],
            help=_l("系统已通知的不用再选；查明原因或发生意外时填写"),
        ),
    ] = Field(default_factory=list)


class ReasonForm(BaseModel):
    """A decision of the office with its reason."""

    reason: Reason


class StandInForm(BaseModel):
    """Who teaches a lesson in another's place."""

    staff: Annotated[UUID, Ui(_l("代课老师"), kind="select")]


class MarkIn(BaseModel):
    """One child in a register sent as JSON."""

    student_id: UUID
    mark: Literal["present", "leave", "absent"]
    note: Annotated[str, Field(max_length=200)] = ""


class RegisterIn(BaseModel):
    """A register sent as JSON; `reason` is owed for corrections after the lesson."""

    marks: Annotated[list[MarkIn], Field(max_length=500)]
    reason: Annotated[str, Field(max_length=200)] = ""
