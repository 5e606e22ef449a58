"""Forms of rates, lists and subsidies, and the school's settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from core.api import lazy_gettext as _l
from core.api import lazy_pgettext
from core.api.forms import Option, Ui, YuanAsFen
from core.api.policy import words

PAYEE = {"own": _l("本校教职工"), "external": _l("校外人员")}
KINDS = {"care": _l("课后看护"), "club": _l("社团"), "lunch": _l("午餐看护"), "vendor_course": _l("引进课程")}
"""Kinds of offerings with lessons; a plugin's own kind is shown by its key."""
UNITS = {"lesson": lazy_pgettext("pay unit", "课次"), "hour": lazy_pgettext("pay unit", "小时")}
FUNDS = {"subsidy": _l("财政补助资金"), "service": _l("课后服务费"), "school": _l("绩效工资经费")}
LEVELS = {
    "central": _l("中央"),
    "province": _l("省级"),
    "city": _l("市级"),
    "county": _l("县（市、区）级"),
    "township": _l("乡镇"),
}
COVERS = {"term": _l("本学期"), "year": _l("本学年")}
PAID_TO = {"school": _l("学校统一账户"), "other": _l("其他收款方")}
ATTESTED = {
    "beyond_duties": _l("所列课次都在规定的教学和管理任务之外"),
    "duties_done": _l("所列人员按质按量完成了本职工作"),
}

Reason = Annotated[str, Field(max_length=300), Ui(_l("说明"), kind="textarea", help=_l("规则给出提醒时，请写明理由"))]


def _of(rule: str) -> Callable[[], list[Option]]:
    """The words that a rule knows, as choices."""
    return lambda: list(words(rule).items())


class PaySettings(BaseModel):
    """What only the school knows; limits come from the policy pack."""

    private: Annotated[bool, Ui(_l("民办学校"), kind="checkbox")] = False
    guideline_fen: Annotated[
        YuanAsFen,
        Field(ge=0),
        Ui(_l("全年绩效工资指导线（全校合计）"), help=_l("政策按指导线限制总量时才需要；0 表示没有填写")),
    ] = 0
    base_fen: Annotated[YuanAsFen, Field(ge=0), Ui(_l("全年已核定绩效工资总量（不含课后服务）"))] = 0
    person_month_fen: Annotated[
        YuanAsFen, Field(ge=0), Ui(_l("每人每月提醒线"), help=_l("超过时要写明理由；0 表示不设"))
    ] = 0


class RateForm(BaseModel):
    """What is proposed to be paid for one lesson or hour."""

    payee: Annotated[Literal["own", "external"], Ui(_l("对象"), kind="seg", options=list(PAYEE.items()))] = "own"
    kind: Annotated[
        str,
        Field(min_length=2, max_length=40, pattern=r"^[a-z][a-z_]*$"),
        Ui(_l("课次种类"), kind="select", options=list(KINDS.items())),
    ]
    unit: Annotated[Literal["lesson", "hour"], Ui(_l("计酬单位"), kind="seg", options=list(UNITS.items()))] = "lesson"
    unit_fen: Annotated[YuanAsFen, Field(gt=0, le=10_000_000), Ui(_l("标准"))]
    fund: Annotated[
        Literal["subsidy", "service", "school"], Ui(_l("经费来源"), kind="seg", options=list(FUNDS.items()))
    ] = "subsidy"
    mechanism: Annotated[
        str, Field(min_length=2, max_length=40), Ui(_l("发放方式"), kind="select", options=_of("pay.mechanism"))
    ]
    factors: Annotated[list[str], Ui(_l("标准考虑了"), kind="checks", options=_of("pay.factors"))] = []
    set_by: Annotated[
        str, Field(min_length=2, max_length=40), Ui(_l("标准由谁核定"), kind="select", options=_of("pay.rate_set_by"))
    ]
    document: Annotated[
        str, Field(min_length=2, max_length=120), Ui(_l("依据"), placeholder=_l("文件名称和文号，或会议纪要编号"))
    ]
    agreement: Annotated[str, Field(max_length=60), Ui(_l("协议编号"), help=_l("校外人员按双方协议付酬时填写"))] = ""
    effective_from: Annotated[date, Ui(_l("执行日期"))]
    reason: Reason = ""


class SubmitForm(BaseModel):
    """What the submitter of a list vouches for."""

    attested: Annotated[
        list[Literal["beyond_duties", "duties_done"]],
        Ui(_l("提交人确认"), kind="checks", options=list(ATTESTED.items())),
    ] = []
    reason: Reason = ""


class PaidForm(BaseModel):
    """The finance office paid outside of this system."""

    paid_on: Annotated[date, Ui(_l("发放日期"))]
    reference: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("凭证号"), help=_l("工资表或银行批次的编号"))]


class SubsidyForm(BaseModel):
    """A subsidy as its document grants it."""

    title: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("名称"), placeholder=_l("例如：课后服务财政补贴"))]
    level: Annotated[
        Literal["central", "province", "city", "county", "township"],
        Ui(_l("来源"), kind="select", options=list(LEVELS.items())),
    ] = "county"
    covers: Annotated[Literal["term", "year"], Ui(_l("补贴期间"), kind="seg", options=list(COVERS.items()))] = "term"
    document_no: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("文号"), placeholder="青财教〔2026〕31 号")]
    document_on: Annotated[date, Ui(_l("文件日期"))]
    rate_fen: Annotated[
        YuanAsFen, Field(gt=0, le=10_000_000), Ui(_l("每生标准"), help=_l("补贴期间内每生多少元，不含偏远地区上浮"))
    ]
    remote_percent: Annotated[int, Field(ge=0, le=100), Ui(_l("偏远地区上浮"), unit="%")] = 0
    amount_fen: Annotated[YuanAsFen, Field(gt=0), Ui(_l("批准金额"))]
    payee: Annotated[Literal["school", "other"], Ui(_l("收款方"), kind="seg", options=list(PAID_TO.items()))] = "school"
    account: Annotated[
        str,
        Field(min_length=2, max_length=40),
        Ui(_l("资金账户"), kind="select", options=_of("subsidy.account_public")),
    ]
    goals: Annotated[str, Field(max_length=300), Ui(_l("项目绩效目标"), kind="textarea")] = ""
    reason: Reason = ""


class ReceiptForm(BaseModel):
    """Money that reached the bank."""

    amount_fen: Annotated[YuanAsFen, Field(gt=0), Ui(_l("到账金额"))]
    received_on: Annotated[date, Ui(_l("到账日期"))]
    bank_reference: Annotated[
        str, Field(min_length=2, max_length=60), Ui(_l("银行流水号"), help=_l("同一流水号只记一次"))
    ]


class SettleForm(BaseModel):
    """The end of a subsidy: what is left, and what becomes of it."""

    surplus: Annotated[str, Field(max_length=40), Ui(_l("结余资金"), kind="select", options=_of("subsidy.surplus"))] = (
        ""
    )
    returned_fen: Annotated[YuanAsFen, Field(ge=0), Ui(_l("退回财政"))] = 0
    reason: Reason = ""


def label(table: dict[str, Any], key: str) -> str:
    """The word for a key, the key itself where there is none."""
    return str(table.get(key, key))
