"""The forms of insurance and the school's settings for it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.forms import Ui, YuanAsFen, grade_options

Kind = Literal["liability", "accident"]
KINDS = {"liability": _l("校方责任险"), "accident": _l("意外伤害险")}


class PolicyForm(BaseModel):
    """A policy as it stands on its paper."""

    kind: Annotated[Literal["liability", "accident"], Ui(_l("险种"), kind="seg", options=list(KINDS.items()))] = (
        "liability"
    )
    insurer: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("保险公司"))]
    number: Annotated[str, Field(min_length=3, max_length=60), Ui(_l("保单号"))]
    starts_on: Annotated[date, Ui(_l("起保日"))]
    ends_on: Annotated[date, Ui(_l("到期日"))]
    limit_fen: Annotated[YuanAsFen | None, Ui(_l("保险金额"))] = None
    phone: Annotated[str, Field(max_length=30), Ui(_l("报案电话"))] = ""
    bearers: Annotated[
        str,
        Field(max_length=400),
        Ui(_l("损害赔偿由谁承担"), kind="textarea", help=_l("学校、保险公司、机构、家长各承担哪一部分")),
    ] = ""

    @model_validator(mode="after")
    def _in_order(self) -> PolicyForm:
        if self.ends_on < self.starts_on:
            raise ValueError(_("到期日不能早于起保日"))
        return self


class AccidentForm(BaseModel):
    """The voluntary accident insurance of a term, as families read it."""

    title: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("名称"))] = "学生意外伤害险"
    insurer: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("保险公司"))]
    product: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("产品"))]
    cover: Annotated[
        str, Field(min_length=4, max_length=400), Ui(_l("保障内容"), kind="textarea", help=_l("家长在菜单里看到这段话"))
    ]
    grades: Annotated[
        list[Annotated[int, Field(ge=1, le=9)]],
        Field(min_length=1),
        Ui(_l("面向年级"), kind="checks", options=grade_options),
    ]
    policy_id: Annotated[UUID | None, Ui(_l("团体保单"), kind="select")] = None


class ClaimForm(BaseModel):
    """What happened."""

    happened_on: Annotated[date, Ui(_l("发生日期"))]
    policy_id: Annotated[UUID | None, Ui(_l("保单"), kind="select", help=_l("不选时，用当天有效的校方责任险"))] = None
    account: Annotated[
        str, Field(min_length=4, max_length=2000), Ui(_l("经过"), kind="textarea", rows=5, help=_l("加密保存"))
    ]


class InsuranceSettings(BaseModel):
    """How long before its end a policy is announced as expiring."""

    warn_days: Annotated[int, Field(ge=1, le=180), Ui(_l("到期前多少天提醒"), unit=_l("天"))] = 30
