"""Forms of the need survey."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator, model_validator

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.enrollment.schemas import content_options
from core.policy.vocab_people import MEANS
from core.web.fields import Option, SchoolMoment, Ui, Weekdays

ASKED_MEANS = ("letter", "chat_group", "questionnaire", "parents_meeting", "home_school_platform", "forum")


def means_options() -> list[Option]:
    return [(key, str(MEANS.label(key))) for key in ASKED_MEANS]


def wants_options() -> list[Option]:
    return [("yes", _("希望参加")), ("no", _("不参加"))]


def source_options() -> list[Option]:
    return [("paper", _("纸质回执")), ("phone", _("电话"))]


class SurveyForm(BaseModel):
    """What the school asks, of whom it is the same: every family of the term."""

    title: Annotated[str, Field(min_length=1, max_length=60), Ui(_l("名称"))]
    words: Annotated[
        str,
        Field(max_length=600),
        Ui(_l("写给家长的话"), kind="textarea", help=_l("为什么调查、打算怎样开展；参加完全自愿")),
    ] = ""
    closes_at: Annotated[SchoolMoment, Ui(_l("截止时间"))]
    kinds: Annotated[
        list[str], Field(max_length=20), Ui(_l("询问的服务内容"), kind="checks", options=content_options)
    ] = Field(default_factory=list)
    segments: Annotated[
        str,
        Field(max_length=300),
        Ui(_l("可选的时长（每行一个）"), kind="textarea", help=_l("例如：到 17:30；到 18:00。留空则不问")),
    ] = ""
    means: Annotated[
        list[str],
        Field(max_length=10),
        Ui(_l("联系家长的方式"), kind="checks", options=means_options, help=_l("系统消息之外还用了哪些方式，如实勾选")),
    ] = Field(default_factory=list)

    @field_validator("kinds", "means")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        known = {key for key, _label in (*content_options(), *means_options())}
        if not set(value) <= known:
            raise ValueError(_("请从列出的选项中选择"))
        return list(dict.fromkeys(value))

    def segment_list(self) -> list[str]:
        """The lengths, one a line, without blanks and repetitions."""
        return list(dict.fromkeys(line.strip()[:40] for line in self.segments.splitlines() if line.strip()))[:8]


class AnswerForm(BaseModel):
    """One child's answer. Who does not take part has nothing else to say; days are asked of the others."""

    child: Annotated[UUID, Ui(kind="hidden")]
    wants: Annotated[Literal["yes", "no"], Ui(_l("本学期是否希望参加课后服务"), kind="radio", options=wants_options)]
    weekdays: Annotated[Weekdays, Ui(_l("希望参加的日子"))] = Field(default_factory=list)
    segment: Annotated[str, Field(max_length=40), Ui(_l("希望的时长"), kind="radio")] = ""
    kinds: Annotated[list[str], Field(max_length=20), Ui(_l("希望的服务内容（可多选）"), kind="checks")] = Field(
        default_factory=list
    )
    extra_care: Annotated[bool, Ui(_l("服务结束后仍接不走，需要延时看护"))] = False
    priority: Annotated[bool, Ui(_l("属于优先保障的家庭"))] = False
    words: Annotated[str, Field(max_length=300), Ui(_l("还想对学校说的（选填）"), kind="textarea")] = ""

    @model_validator(mode="after")
    def _days_if_wanted(self) -> AnswerForm:
        if self.wants == "yes" and not self.weekdays:
            raise ValueError(_("请选择希望参加的日子"))
        return self


class KeyedForm(AnswerForm):
    """The same, told on paper or by telephone and keyed in by the class teacher (R-086)."""

    source: Annotated[Literal["paper", "phone"], Ui(_l("家长怎样答复"), kind="radio", options=source_options)]
