"""Forms of the waiting lists."""

from __future__ import annotations

from datetime import time
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.enrollment.waiting.states import JUMP_REASONS
from core.web.fields import Option, Ui, Weekdays


def reasons() -> list[Option]:
    return list(JUMP_REASONS.items())


class Join(BaseModel):
    """Put a child on a list; `giving_up` are its places that it would rather let go, `together` its brothers and
    sisters on the list with whom it wants a place or none."""

    child: UUID
    offering: UUID
    weekdays: Annotated[Weekdays, Ui(_l("参加的日子"))] = Field(default_factory=list)
    giving_up: Annotated[
        list[UUID],
        Field(max_length=20),
        Ui(
            _l("时间重叠的项目"),
            kind="checks",
            help=_l(
                "勾选表示：宁愿等这个，接受名额时同时退出所选项目（可以按天选的，只退出时间重叠的那天）；轮到之前照常参加"
            ),
        ),
    ] = Field(default_factory=list)

    together: Annotated[
        list[UUID],
        Field(max_length=4),
        Ui(
            _l("和已在候补的孩子一起"),
            kind="checks",
            help=_l("勾选表示：名额够几个孩子一起时才要，接受时一起接受。次序按其中最后一个，名额不够时先给后面的"),
        ),
    ] = Field(default_factory=list)


class Together(BaseModel):
    """Which brother or sister on the same list to wait together with."""

    sibling: UUID


class Jump(BaseModel):
    """Why a child is put ahead of its list."""

    reason: Annotated[str, Ui(_l("理由（按类公开计数）"), kind="select", options=reasons)]
    note: Annotated[
        str,
        Field(min_length=2, max_length=500),
        Ui(_l("情况说明"), kind="textarea", help=_l("只有学校能看到，与你的姓名一起永久保存")),
    ]


class RuleForm(BaseModel):
    """How a term's lists are run."""

    hours: Annotated[
        int, Field(ge=2, le=240), Ui(_l("答复期限"), unit=_l("小时"), help=_l("只计算下面的时段，夜里不算"))
    ]
    wakes_at: Annotated[time, Ui(_l("每天从"))]
    sleeps_at: Annotated[time, Ui(_l("到"))]
    carry: Annotated[bool, Ui(_l("学期结账时还在候补的，转入下学期同名项目，排在前面"))] = False

    @model_validator(mode="after")
    def _in_order(self) -> RuleForm:
        if self.sleeps_at <= self.wakes_at:
            raise ValueError(_("结束时间应晚于开始时间"))
        return self
