"""Forms of vendors, bureaus and schools."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core.api import lazy_gettext
from core.api.forms import Phone, Ui, Weekdays, YuanAsFen
from core.api.policy import BODIES, METHODS
from plugins.vendors.states import AGENCY_KINDS, GROUNDS, OUTCOMES

_l = lazy_gettext
Reason = Annotated[str, Field(min_length=1, max_length=1000), Ui(_l("理由"), kind="textarea")]

CONTENT = [
    ("sport", _l("体育")),
    ("arts", _l("艺术")),
    ("science", _l("科普")),
    ("labour", _l("劳动实践")),
    ("calligraphy", _l("书法练字")),
    ("club", _l("社团及兴趣小组")),
    ("project", _l("特色项目")),
]


class ProfileForm(BaseModel):
    """What a vendor says of itself."""

    legal_name: Annotated[str, Field(min_length=2, max_length=100), Ui(_l("机构全称"))]
    credit_code: Annotated[
        str, Field(pattern=r"^([0-9A-Z]{18})?$"), Ui(_l("统一社会信用代码"), help=_l("18 位数字和大写字母"))
    ] = ""
    agency_kind: Annotated[
        Literal["non_subject", "subject", "public_body", "public_benefit"],
        Ui(_l("机构类别"), kind="select", options=list(AGENCY_KINDS.items())),
    ]
    licence_no: Annotated[str, Field(max_length=60), Ui(_l("办学许可证号"))] = ""
    licence_until: Annotated[date | None, Ui(_l("许可证有效期至"))] = None
    subjects: Annotated[str, Field(max_length=120), Ui(_l("课程门类"), placeholder=_l("例如：篮球、机器人、书法"))] = ""
    contact_name: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("联系人"))]
    contact_phone: Annotated[Phone, Ui(_l("联系电话"))]
    intro: Annotated[str, Field(max_length=1000), Ui(_l("简介"), kind="textarea", rows=4)] = ""


class CertificateForm(BaseModel):
    """One certificate."""

    title: Annotated[
        str, Field(min_length=2, max_length=80), Ui(_l("证照名称"), placeholder=_l("例如：民办学校办学许可证"))
    ]
    number: Annotated[str, Field(max_length=60), Ui(_l("编号"))] = ""
    holder: Annotated[str, Field(max_length=60), Ui(_l("持有人"))] = ""
    valid_until: Annotated[date | None, Ui(_l("有效期至"))] = None


class CoachForm(BaseModel):
    """A person who teaches."""

    name: Annotated[str, Field(min_length=2, max_length=30), Ui(_l("姓名"))]
    phone: Annotated[Phone, Ui(_l("手机号"), help=_l("学校通过后，用这个号码登录学校端点名"))]
    speciality: Annotated[str, Field(max_length=60), Ui(_l("专长"))] = ""
    certificate_no: Annotated[str, Field(max_length=60), Ui(_l("资质证明编号"))] = ""
    certificate_until: Annotated[date | None, Ui(_l("资质有效期至"))] = None


class CourseForm(BaseModel):
    """A course offered to a school."""

    school: Annotated[UUID, Ui(_l("学校"), kind="select")]
    coach: Annotated[UUID, Ui(_l("任课教师"), kind="select")]
    title: Annotated[str, Field(min_length=2, max_length=60), Ui(_l("课程名称"))]
    summary: Annotated[str, Field(max_length=500), Ui(_l("课程介绍"), kind="textarea")] = ""
    outline: Annotated[
        str, Field(min_length=2, max_length=4000), Ui(_l("课程大纲"), kind="textarea", rows=6, help=_l("一行一课"))
    ]
    content: Annotated[list[str], Ui(_l("内容类别"), kind="checks", options=CONTENT)] = Field(default=[])
    weekdays: Annotated[Weekdays, Field(min_length=1), Ui(_l("上课日"))]
    starts_at: Annotated[time, Ui(_l("开始"))]
    ends_at: Annotated[time, Ui(_l("结束"))]
    grades: Annotated[
        list[Annotated[int, Field(ge=1, le=9)]],
        Field(min_length=1),
        Ui(_l("面向年级"), kind="seg", options=[(n, str(n)) for n in range(1, 7)]),
    ]
    capacity: Annotated[int, Field(ge=1, le=500), Ui(_l("名额"), unit=_l("人"))]
    price_fen: Annotated[
        YuanAsFen,
        Field(ge=0),
        Ui(_l("建议价（每课时）"), help=_l("家长付多少，以学校公示的标准为准；费用由学校统一收取")),
    ] = 0


class ApproveForm(BaseModel):
    """What the school adds when it accepts a course."""

    room: Annotated[UUID, Ui(_l("教室"), kind="select")]
    special_need: Annotated[
        bool,
        Ui(_l("本校师资不能满足这项特殊需要"), kind="checkbox"),
    ] = False
    method: Annotated[
        Literal["government_purchase", "tender", "agreement"],
        Ui(
            _l("引进方式"),
            kind="select",
            options=list(METHODS.labels.items()),
        ),
    ] = "government_purchase"
    selected_by: Annotated[
        Literal["bureau", "school"],
        Ui(_l("由谁遴选"), kind="seg", options=[("bureau", _l("从教育局名单选用")), ("school", _l("学校自行遴选"))]),
    ] = "bureau"
    selection_on: Annotated[date | None, Ui(_l("学校遴选日期"))] = None
    selection_number: Annotated[
        str, Field(max_length=80), Ui(_l("遴选文件编号"), help=_l("会议纪要、中标通知书或合同的编号"))
    ] = ""
    selection_posted_on: Annotated[date | None, Ui(_l("遴选结果公示日期"))] = None
    reviewed_by: Annotated[
        list[Literal["district_bureau", "county_bureau"]],
        Field(max_length=2),
        Ui(
            _l("课程还经过谁审核"),
            kind="checks",
            options=[(key, BODIES.labels[key]) for key in ("district_bureau", "county_bureau")],
            help=_l("学校通过即为学校审核"),
        ),
    ] = []
    review_number: Annotated[str, Field(max_length=80), Ui(_l("教育部门审核文号"))] = ""
    publicized_on: Annotated[date | None, Ui(_l("外聘教师公示日期"))] = None
    filed_on: Annotated[date | None, Ui(_l("外聘教师报备日期"))] = None
    cost_fen: Annotated[YuanAsFen, Field(ge=0), Ui(_l("本学期付给机构的费用"))] = 0
    paid: Annotated[bool, Ui(_l("向家长收费（按已公示的机构课程标准）"), kind="checkbox")] = True
    reason: Annotated[str, Field(max_length=500), Ui(_l("说明（有提醒时必填）"), kind="textarea")] = ""


class RejectForm(BaseModel):
    reason: Annotated[Reason, Ui(_l("不通过的理由"), help=_l("机构会看到，修改后可以再提交"))]


class BudgetForm(BaseModel):
    """The whole cost of the service: the basis of the cap on agencies."""

    total_cost_fen: Annotated[YuanAsFen, Field(ge=0), Ui(_l("本学期课后服务费用总量"))]


class FindingForm(BaseModel):
    """Something established about a vendor."""

    ground: Annotated[
        Literal["complaint", "poor_service", "recruiting", "not_as_agreed", "disturbing_order"],
        Ui(_l("情形"), kind="select", options=list(GROUNDS.items())),
    ]
    found_on: Annotated[date, Ui(_l("日期"))]
    words: Annotated[
        str,
        Field(min_length=4, max_length=500),
        Ui(_l("经过"), kind="textarea", help=_l("机构会看到，不要写学生姓名")),
    ]


class AgencyForm(BaseModel):
    """A bureau's decision about a vendor."""

    event: Literal["vet", "reject", "publicize", "list", "suspend", "restore", "bar"]
    reason: Annotated[str, Field(max_length=500), Ui(_l("理由"), kind="textarea")] = ""
    publicity_until: Annotated[date | None, Ui(_l("公示到"))] = None


class NoticeForm(BaseModel):
    """The notice that a vendor gets."""

    words: Annotated[
        str,
        Field(min_length=10, max_length=2000),
        Ui(_l("通知内容"), kind="textarea", rows=5, help=_l("写清事实和依据；全部证据会一并发给机构")),
    ]
    answer_until: Annotated[date, Ui(_l("答复期限"))]


class AnswerForm(BaseModel):
    """What the vendor says."""

    answer: Annotated[str, Field(min_length=4, max_length=2000), Ui(_l("我们的说明"), kind="textarea", rows=6)]


class DecideForm(BaseModel):
    """The decision."""

    outcome: Annotated[
        Literal["kept", "warned", "exited", "dismissed"],
        Ui(_l("决定"), kind="radio", options=list(OUTCOMES.items())),
    ]
    words: Annotated[str, Field(min_length=4, max_length=2000), Ui(_l("决定内容和依据"), kind="textarea", rows=4)]
