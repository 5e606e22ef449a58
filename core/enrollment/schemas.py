"""Forms and bodies of enrollment; pages and the JSON API read the same ones."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, field_validator, model_validator

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.enrollment.offerings_service import Season, seasonal
from core.enrollment.views import OfferingDraft
from core.policy.vocab import KINDS as CONTENT_KINDS
from core.policy.vocab import WINDOWS
from core.web.fields import Option, SchoolMoment, Ui, Weekdays, half_width
from core.web.i18n import grade_name

MOST_RETURNS = 6
"""Times a day at which places may return: more would be no appointment that families can keep."""

CARE_CONTENT = (
    "homework",
    "tutoring",
    "reading",
    "sport",
    "arts",
    "science",
    "labour",
    "games",
    "outdoor",
    "film",
    "calligraphy",
    "classics",
    "project",
    "meal_care",
)


def grade_options() -> list[Option]:
    return [(grade, grade_name(grade)) for grade in range(1, 10)]


def content_options() -> list[Option]:
    return [(kind, str(CONTENT_KINDS.label(kind))) for kind in CARE_CONTENT]


def window_options() -> list[Option]:
    return [(key, str(WINDOWS.label(key))) for key in ("morning", "noon", "afternoon", "extended")]


class Choose(BaseModel):
    """A family puts an offering in the basket of a child."""

    child: UUID
    offering: UUID
    weekdays: Annotated[Weekdays, Ui(_l("参加的日子"))] = Field(default_factory=list)


class OneOffering(BaseModel):
    child: UUID
    offering: UUID


class ReadNotice(BaseModel):
    """The guardian has read the letter in this wording."""

    child: UUID
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Apply(BaseModel):
    """Submit what is in the basket."""

    child: UUID
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    shown: Annotated[str, Field(max_length=64)] = ""
    """The digest of the choice that the page showed (Home.digest): nothing else is submitted."""
    need: Annotated[
        str,
        Field(max_length=300),
        Ui(_l("接送困难或其他需要（选填）"), kind="textarea", help=_l("写给班主任，例如双职工家庭无法按时接孩子")),
    ] = ""


class ChosenItem(BaseModel):
    offering_id: UUID
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = Field(default_factory=list, max_length=7)


class Application(BaseModel):
    """The JSON way to submit: the whole choice at once."""

    student_id: UUID
    items: Annotated[list[ChosenItem], Field(max_length=20)]
    notice_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    need: Annotated[str, Field(max_length=300)] = ""


class ClaimBody(BaseModel):
    """Claim a place in a rush; an application must follow before it lapses."""

    student_id: UUID
    offering_id: UUID
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = Field(default_factory=list, max_length=7)


class SignBody(BaseModel):
    """The code from the phone, and which text it signs."""

    code: Annotated[
        str,
        Field(pattern=r"^\s*\d{6}\s*$"),
        Ui(
            _l("短信验证码"),
            inputmode="numeric",
            autocomplete="one-time-code",
            placeholder="000000",
            messages={"string_pattern_mismatch": _l("请填写 6 位验证码")},
        ),
    ]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Reason(BaseModel):
    reason: Annotated[str, Field(max_length=300), Ui(_l("理由"), kind="textarea")] = ""


class Review(Reason):
    """A decision on an item; `authority` where the rules want the authority's review too (R-096)."""

    authority: Annotated[
        str, Field(max_length=80), Ui(_l("主管部门审核意见文号"), help=_l("主管部门审核通过后填写，和审核结论一起留存"))
    ] = ""


class SteerForm(BaseModel):
    """Another suitable item in place of the chosen one."""

    item: Annotated[UUID, Ui(_l("无法安排的项目"))]
    other: Annotated[UUID, Ui(_l("建议改为"))]
    reason: Annotated[str, Field(min_length=1, max_length=300), Ui(_l("理由（家长会看到）"), kind="textarea")]


class RefuseForm(BaseModel):
    """A refusal with what it owes (R-134)."""

    item: Annotated[UUID | None, Ui(_l("不予通过的项目"), placeholder=_l("全部未生效的项目"))] = None
    reason: Annotated[str, Field(min_length=1, max_length=300), Ui(_l("理由（家长会看到）"), kind="textarea")]
    other: Annotated[UUID | None, Ui(_l("另一个可选安排"))] = None


def _hours(written: str) -> tuple[time, ...]:
    """Times of day as a clerk writes them: 「12:00、18:30」. Raises ValueError with a sentence."""
    parts = [part for part in re.split(r"[\s,，、;；]+", half_width(written)) if part]
    try:
        times = {time.fromisoformat(part.zfill(5)) for part in parts}
    except ValueError:
        raise ValueError(_("请写成 12:00、18:00 这样的时间")) from None
    if len(times) > MOST_RETURNS:
        raise ValueError(_("每天最多 %(n)s 个时间", n=MOST_RETURNS))
    return tuple(sorted(times))


class MenuWindow(BaseModel):
    """When families choose, and the school's own words in the letter to parents."""

    opens_at: Annotated[SchoolMoment, Ui(_l("开始选择"))]
    closes_at: Annotated[SchoolMoment, Ui(_l("截止时间"))]
    returns: Annotated[
        str,
        Field(max_length=100),
        Ui(
            _l("退回名额的放出时间"),
            placeholder=_l("如 12:00、18:00"),
            help=_l(
                "先到先得的项目：退回的名额到这些时间才一起放出，并提前告诉家长，不必整天刷新。留空：退回后立即可选"
            ),
        ),
    ] = ""
    mode: Annotated[str, Field(max_length=600), Ui(_l("服务方式（留空用通用文字）"), kind="textarea")] = ""
    safety: Annotated[str, Field(max_length=600), Ui(_l("安全措施（留空用通用文字）"), kind="textarea")] = ""

    @field_validator("returns")
    @classmethod
    def _readable(cls, value: str) -> str:
        return "、".join(f"{hour:%H:%M}" for hour in _hours(value))

    @model_validator(mode="after")
    def _in_order(self) -> MenuWindow:
        if self.closes_at <= self.opens_at:
            raise ValueError(_("截止时间应晚于开始时间"))
        return self

    def moments(self) -> tuple[datetime, datetime]:
        return self.opens_at, self.closes_at

    def return_times(self) -> tuple[time, ...]:
        """The announced times, in order."""
        return _hours(self.returns)


class CareForm(BaseModel):
    """The school's own care: what the core itself puts on the menu."""

    title: Annotated[str, Field(min_length=1, max_length=60), Ui(_l("名称"), placeholder=_l("课后托管"))]
    summary: Annotated[
        str, Field(max_length=300), Ui(_l("服务内容说明"), kind="textarea", help=_l("家长在菜单和告家长书里会看到"))
    ] = ""
    grades: Annotated[list[int], Field(min_length=1), Ui(_l("面向年级"), kind="checks", options=grade_options)]
    weekdays: Annotated[Weekdays, Field(min_length=1), Ui(_l("开设的日子"))]
    starts_at: Annotated[time, Ui(_l("开始时间"))]
    ends_at: Annotated[time, Ui(_l("结束时间"))]
    season_from: Annotated[date | None, Ui(_l("冬季（另一季）时间从"), help=_l("时间随季节变化时填写；不变就留空"))] = (
        None
    )
    season_to: Annotated[date | None, Ui(_l("到（留空为学期末）"))] = None
    season_starts_at: Annotated[time | None, Ui(_l("这一季的开始时间"))] = None
    season_ends_at: Annotated[time | None, Ui(_l("这一季的结束时间"))] = None
    early_ends_at: Annotated[time | None, Ui(_l("一、二年级结束时间"), help=_l("当地要求错峰提前离校时填写"))] = None
    time_window: Annotated[str, Ui(_l("服务时段"), kind="select", options=window_options)] = "afternoon"
    content: Annotated[list[str], Ui(_l("内容类别"), kind="checks", options=content_options)] = Field(
        default_factory=list
    )
    any_days: Annotated[bool, Ui(_l("家长可以只选其中几天"))] = False
    capacity: Annotated[int | None, Field(ge=1, le=10_000), Ui(_l("名额（留空为不限）"), unit=_l("人"))] = None
    room_id: Annotated[UUID | None, Ui(_l("场地"))] = None
    teacher_id: Annotated[UUID | None, Ui(_l("负责教师"))] = None
    service: Annotated[
        str | None,
        Field(max_length=40, pattern=r"^[a-z][a-z0-9_.-]*$"),
        Ui(
            _l("收费项目"),
            placeholder=_l("免费"),
            help=_l("不填为免费。可以先填，收费标准审批并公示以后才能发布"),
            messages={"string_pattern_mismatch": _l("请用小写字母开头的代码，例如 care")},
        ),
    ] = None
    reason: Annotated[str, Field(max_length=300), Ui(_l("说明理由（有提醒事项时填写）"), kind="textarea")] = ""

    @model_validator(mode="after")
    def _times(self) -> CareForm:
        if self.ends_at <= self.starts_at:
            raise ValueError(_("结束时间应晚于开始时间"))
        given = (self.season_from, self.season_starts_at, self.season_ends_at)
        if any(given) and not all(given):
            raise ValueError(_("另一季的时间要填全：从哪天起、开始和结束时间"))
        if self.season_starts_at and self.season_ends_at and self.season_ends_at <= self.season_starts_at:
            raise ValueError(_("结束时间应晚于开始时间"))
        if self.season_from and self.season_to and self.season_to < self.season_from:
            raise ValueError(_("结束日期要在开始日期之后"))
        return self

    def _season(self) -> Season | None:
        if not (self.season_from and self.season_starts_at and self.season_ends_at):
            return None
        return Season(self.season_from, self.season_to, self.season_starts_at, self.season_ends_at)

    def draft(self) -> OfferingDraft:
        return OfferingDraft(
            kind="care",
            title=self.title,
            summary=self.summary,
            grades=tuple(sorted(set(self.grades))),
            periods=seasonal(self.weekdays, self.starts_at, self.ends_at, self._season()),
            early_ends_at=self.early_ends_at,
            time_window=self.time_window,
            content=tuple(self.content),
            any_days=self.any_days,
            capacity=self.capacity,
            room_id=self.room_id,
            teacher_id=self.teacher_id,
            service=self.service,
            reason=self.reason,
        )
