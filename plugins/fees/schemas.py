"""Forms of fee standards and of relief, and the school's settings."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core.api import lazy_gettext as _l
from core.api.forms import Ui, YuanAsFen, grade_options
from core.api.policy import ACCOUNTS, BODIES

SERVICES = {
    "care": _l("课后看护"),
    "club": _l("社团"),
    "vendor_course": _l("第三方课程"),
    "lunch": _l("午餐"),
    "insurance": _l("保险"),
}
"""What offerings are priced under; an item of another name may be written too."""
UNITS = {"lesson": _l("课次"), "term": _l("学期"), "month": _l("月"), "meal": _l("餐")}
FUNDS = {"service": _l("服务性收费"), "agency": _l("代收费"), "meals": _l("餐费")}
APPROVERS = {
    "district_bureau": _l("区教育局等部门"),
    "county_bureau": _l("县级教育部门"),
    "price_authority": _l("价格主管部门"),
    "same_level_government": _l("同级政府"),
    "departments": _l("相关部门"),
    "parents_committee": _l("家委会"),
    "school": _l("学校"),
}
PROPOSERS = {
    key: BODIES.labels[key]
    for key in ("price_authority", "education_department", "district_bureau", "county_bureau", "departments", "school")
}
COLLECTING = {key: ACCOUNTS.labels[key] for key in ("school_finance", "special_account", "three_party")}
"""Accounts that a family's money may go into; the others of the packs' list take public money or the caterer's."""
GROUNDS = {
    "low_income": _l("最低生活保障家庭"),
    "poverty": _l("脱贫或监测户"),
    "orphan": _l("孤儿或事实无人抚养"),
    "disability": _l("残疾学生或残疾人子女"),
    "illness": _l("重大疾病或变故"),
    "other": _l("其他困难情况"),
}

Unit = Literal["lesson", "term", "month", "meal"]
Grade = Annotated[int, Field(ge=1, le=9)]
FundOf = Literal["service", "agency", "meals"]


class FeesSettings(BaseModel):
    """How long a posting must stand before money may be taken, and what stands on it."""

    notice_days: Annotated[int, Field(ge=0, le=60), Ui(_l("公示满多少天才能收费"), unit=_l("天"))] = 7
    complaint_phone: Annotated[str, Field(max_length=40), Ui(_l("投诉电话"))] = ""
    relief_percent: Annotated[int, Field(ge=1, le=100), Ui(_l("困难减免的一般比例"), unit="%")] = 50


class StandardForm(BaseModel):
    """A price as it is put forward."""

    service: Annotated[
        str,
        Field(min_length=2, max_length=40, pattern=r"^[a-z][a-z_]*$"),
        Ui(_l("收费项目"), kind="select", options=list(SERVICES.items())),
    ]
    title: Annotated[
        str, Field(min_length=2, max_length=40), Ui(_l("公示名称"), placeholder=_l("例如：课后看护服务费"))
    ]
    fund: Annotated[FundOf, Ui(_l("收费性质"), kind="seg", options=list(FUNDS.items()))] = "service"
    unit_fen: Annotated[YuanAsFen, Field(gt=0, le=1_000_000), Ui(_l("标准"))]
    unit: Annotated[Unit, Ui(_l("计费单位"), kind="seg", options=list(UNITS.items()))] = "lesson"
    grades: Annotated[
        list[Grade],
        Field(max_length=9),
        Ui(
            _l("适用年级"),
            kind="checks",
            options=grade_options,
            help=_l("不选是所有年级；没选到的年级不收"),
        ),
    ] = []
    cost_fen: Annotated[
        YuanAsFen | None, Field(ge=0, le=1_000_000), Ui(_l("测算的单位成本"), help=_l("收费不得高于成本"))
    ] = None
    account: Annotated[
        Literal["", "school_finance", "special_account", "three_party"],
        Ui(_l("收费进入的账户"), kind="select", options=[("", _l("未说明")), *COLLECTING.items()]),
    ] = ""
    basis: Annotated[
        str,
        Field(min_length=4, max_length=300),
        Ui(_l("收费依据"), kind="textarea", help=_l("成本测算和文件依据，会写在公示牌上")),
    ]
    complaint_phone: Annotated[str, Field(min_length=5, max_length=40), Ui(_l("投诉电话"), kind="tel")]
    effective_from: Annotated[date, Ui(_l("执行日期"))]
    case_by_case: Annotated[bool, Ui(_l("已按“一事一议”办理"), kind="checkbox")] = False
    reason: Annotated[
        str, Field(max_length=300), Ui(_l("说明"), kind="textarea", help=_l("规则给出提醒时，请写明理由"))
    ] = ""


class ApprovalForm(BaseModel):
    """The approval behind a price, copied from the document."""

    approver: Annotated[str, Ui(_l("批准部门"), kind="select", options=list(APPROVERS.items()))]
    approval_no: Annotated[
        str, Field(min_length=2, max_length=60), Ui(_l("批准文号"), placeholder="青发改价费〔2026〕18 号")
    ]
    approval_on: Annotated[date, Ui(_l("批准日期"))]
    approval_document: Annotated[str, Field(min_length=2, max_length=120), Ui(_l("文件名称"))]
    approved_fen: Annotated[
        YuanAsFen | None, Field(ge=0, le=1_000_000), Ui(_l("文件核定的标准"), help=_l("照文件填写，收费不得高于它"))
    ] = None
    proposers: Annotated[
        list[Annotated[str, Field(max_length=40)]],
        Field(max_length=6),
        Ui(_l("提出标准意见的部门"), kind="checks", options=list(PROPOSERS.items())),
    ] = []


class DisclosureForm(BaseModel):
    """Where the price stands in government information disclosure."""

    disclosed_at: Annotated[
        str, Field(min_length=4, max_length=200), Ui(_l("公开位置"), help=_l("政府信息公开网址或索引号"))
    ]


class PostingForm(BaseModel):
    """What the board says, copied from the board and not from the file."""

    place: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("公示位置"), placeholder=_l("例如：校门口公示栏"))]
    unit_fen: Annotated[YuanAsFen, Field(gt=0), Ui(_l("牌上写的标准"))]
    unit: Annotated[Unit, Ui(_l("牌上写的计费单位"), kind="seg", options=list(UNITS.items()))]
    grades: Annotated[
        list[Grade],
        Field(max_length=9),
        Ui(_l("牌上写的适用年级"), kind="checks", options=grade_options, help=_l("牌上没有写年级就不选")),
    ] = []
    basis: Annotated[str, Field(min_length=2, max_length=300), Ui(_l("牌上写的收费依据"), kind="textarea")]
    complaint_phone: Annotated[str, Field(min_length=5, max_length=40), Ui(_l("牌上写的投诉电话"), kind="tel")]


class ReliefAsk(BaseModel):
    """A family asks for relief."""

    student_id: Annotated[UUID, Ui(_l("孩子"), kind="select")]
    ground: Annotated[
        Literal["low_income", "poverty", "orphan", "disability", "illness", "other"],
        Ui(_l("情况"), kind="select", options=list(GROUNDS.items())),
    ]
    words: Annotated[str, Field(max_length=500), Ui(_l("补充说明"), kind="textarea")] = ""
    evidence: Annotated[
        str, Field(max_length=200), Ui(_l("证明材料"), help=_l("证件名称和编号，原件由学校资助老师当面查看"))
    ] = ""


class ReliefEntry(ReliefAsk):
    """A finance role enters it for a family."""

    percent: Annotated[int, Field(ge=1, le=100), Ui(_l("减免比例"), unit="%")] = 50
    until_on: Annotated[date, Ui(_l("有效期至"))]


class ReliefDecision(BaseModel):
    """How a request was decided."""

    verdict: Annotated[
        Literal["grant", "decline"],
        Ui(_l("决定"), kind="seg", options=[("grant", _l("同意")), ("decline", _l("不同意"))]),
    ]
    percent: Annotated[int | None, Field(ge=1, le=100), Ui(_l("减免比例"), unit="%")] = None
    answer: Annotated[
        str,
        Field(max_length=500),
        Ui(_l("给家长的答复"), kind="textarea", help=_l("不同意时必须写明理由和依据，家长会看到")),
    ] = ""
