"""What a service plan says, as data: nine sections, each a form of its own. The JSON API takes them all at once.

Everything may be left open in a draft; what a scheme asks for is the rules' business (core.enrollment.plan_check).
Clock times are on the school's clock, percentages and numbers of people whole.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from core.base.errors import FieldError, Invalid
from core.base.text import LazyText
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy import vocab_people as p
from core.policy.words import Vocab
from core.web.fields import Option, Ui
from core.web.messages import sentences

Text = Annotated[str, Field(max_length=4000)]
Line = Annotated[str, Field(max_length=120)]
People = Annotated[int, Field(ge=0, le=10_000)]


def _known(vocab: Vocab) -> AfterValidator:
    def check(words: Any) -> Any:
        for word in words if isinstance(words, list) else [words]:
            if word not in vocab.labels:
                raise ValueError(_("请从列出的选项中选择"))
        return list(dict.fromkeys(words)) if isinstance(words, list) else words

    return AfterValidator(check)


def _choices(vocab: Vocab) -> Callable[[], list[Option]]:
    return lambda: list(vocab.labels.items())


def _long(label: LazyText, rows: int = 4, help: LazyText | None = None) -> Ui:
    return Ui(label, kind="textarea", rows=rows, help=help)


def _tick(label: LazyText, help: LazyText | None = None) -> Ui:
    return Ui(label, kind="checkbox", help=help)


SEASON_OPTIONS: Final = (("all", _l("全学期")), ("summer", _l("夏令时")), ("winter", _l("冬令时")))


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Window(Part):
    """One time of service on some weekdays of a season."""

    window: Annotated[str, _known(v.WINDOWS), Ui(_l("时段"), options=_choices(v.WINDOWS))]
    season: Annotated[Literal["all", "summer", "winter"], Ui(_l("季节"), options=SEASON_OPTIONS)] = "all"
    weekdays: Annotated[
        list[int], Field(min_length=1), _known(v.WEEKDAYS), Ui(_l("星期"), kind="seg", options=_choices(v.WEEKDAYS))
    ]
    dismissal: Annotated[time, Ui(_l("放学时间"))]
    starts_at: Annotated[time, Ui(_l("开始"))]
    ends_at: Annotated[time, Ui(_l("结束"))]
    early_ends_at: Annotated[time | None, Ui(_l("一、二年级离校"), help=_l("比其他年级早离校时填写"))] = None
    grades: Annotated[
        list[int],
        _known(v.GRADES),
        Ui(
            _l("年级"),
            kind="checks",
            options=_choices(v.GRADES),
            help=_l("各年级时间不同的分行填写，不选是全部年级"),
        ),
    ] = Field(default_factory=list)

    @field_validator("ends_at")
    @classmethod
    def _after_start(cls, value: time, info: ValidationInfo) -> time:
        start = info.data.get("starts_at")
        if start is not None and start >= value:
            raise ValueError(_("结束时间要晚于开始时间"))
        return value

    @field_validator("early_ends_at")
    @classmethod
    def _between(cls, value: time | None, info: ValidationInfo) -> time | None:
        start, end = info.data.get("starts_at"), info.data.get("ends_at")
        if value is not None and start is not None and end is not None and not start < value <= end:
            raise ValueError(_("请填写在开始和结束之间的时间"))
        return value

    @property
    def minutes(self) -> int:
        return (self.ends_at.hour - self.starts_at.hour) * 60 + self.ends_at.minute - self.starts_at.minute


class Item(Part):
    """One kind of activity that the service offers."""

    title: Annotated[Line, Ui(_l("名称"), placeholder=_l("例如：作业自习与答疑"))]
    kind: Annotated[str, _known(v.KINDS), Ui(_l("内容类别"), options=_choices(v.KINDS))]
    window: Annotated[str, _known(v.WINDOWS), Ui(_l("时段"), options=_choices(v.WINDOWS))] = "afternoon"
    weekdays: Annotated[list[int], _known(v.WEEKDAYS), Ui(_l("星期"), kind="seg", options=_choices(v.WEEKDAYS))] = (
        Field(default_factory=list)
    )
    provider: Annotated[str, _known(v.PROVIDERS), Ui(_l("由谁承担"), options=_choices(v.PROVIDERS))] = "own_staff"
    grades: Annotated[list[int], _known(v.GRADES), Ui(_l("年级"), kind="checks", options=_choices(v.GRADES))] = Field(
        default_factory=list
    )
    subjects: Annotated[
        list[str], _known(v.SUBJECTS), Ui(_l("辅导学科"), options=_choices(v.SUBJECTS), help=_l("作业辅导涉及的学科"))
    ] = Field(default_factory=list)
    about: Annotated[str, Field(max_length=500), Ui(_l("说明"), kind="text")] = ""


class Partner(Part):
    """Somebody from outside who takes part, and what was done before they may."""

    name: Annotated[Line, Ui(_l("名称"))]
    kind: Annotated[str, _known(v.PROVIDERS), Ui(_l("类别"), options=_choices(v.PROVIDERS))]
    need: Annotated[str, Field(max_length=300), Ui(_l("引进理由"), help=_l("本校师资不能满足的需要"), kind="text")] = ""
    on_list: Annotated[bool, _tick(_l("在教育部门遴选名单内"))] = False
    non_subject: Annotated[bool, _tick(_l("非学科类"))] = False
    method: Annotated[str | None, Ui(_l("引进方式"), options=_choices(v.METHODS))] = None
    selector: Annotated[str | None, Ui(_l("由谁遴选"), options=_choices(v.BODIES))] = None
    formalities: Annotated[list[str], _known(v.FORMALITIES), Ui(_l("已办手续"), options=_choices(v.FORMALITIES))] = (
        Field(default_factory=list)
    )
    reviewed_by: Annotated[list[str], _known(v.BODIES), Ui(_l("内容审核方"), options=_choices(v.BODIES))] = Field(
        default_factory=list
    )
    clean_record: Annotated[bool, _tick(_l("已核查，没有不良记录"))] = False


class Basis(Part):
    """What the plan rests on: who was asked, and when the service starts."""

    survey_id: Annotated[UUID | None, Ui(_l("意向调查"), kind="hidden")] = None
    """The survey in this system that the plan rests on (R-035); the figures below were taken from it."""
    survey_ref: Annotated[
        Line, Ui(_l("依据的意向调查"), help=_l("在「意向调查」的结果页写入，或写明纸质调查的名称"))
    ] = ""
    survey_done: Annotated[bool, _tick(_l("制定方案前已听取学生和家长意见"))] = False
    survey_means: Annotated[list[str], _known(p.MEANS), Ui(_l("征求意见的形式"), options=_choices(p.MEANS))] = Field(
        default_factory=list
    )
    survey_to_all: Annotated[bool, _tick(_l("意向调查发给了全体学生"))] = False
    survey_on: Annotated[date | None, Ui(_l("调查日期"))] = None
    survey_asked: Annotated[People | None, Ui(_l("征求意见的家庭"), unit=_l("户"))] = None
    survey_wanting: Annotated[People | None, Ui(_l("其中希望参加"), unit=_l("户"))] = None
    survey_note: Annotated[Text, _long(_l("主要意见"), 3)] = ""
    planned_by: Annotated[list[str], _known(v.PLAN_UNITS), Ui(_l("编制单位"), options=_choices(v.PLAN_UNITS))] = Field(
        default_factory=lambda: ["term", "stage"]
    )
    decided_by: Annotated[list[str], _known(v.BODIES), Ui(_l("服务项目由谁决定"), options=_choices(v.BODIES))] = Field(
        default_factory=lambda: ["school"]
    )
    starts_on: Annotated[date | None, Ui(_l("服务开始日期"), help=_l("应在开学后立即启动"))] = None
    adjustable: Annotated[bool, _tick(_l("学期中根据需求及时调整计划"))] = True
    phone: Annotated[Line, Ui(_l("咨询、投诉电话"), kind="tel")] = ""


class Times(Part):
    """When there is service."""

    windows: Annotated[list[Window], Field(max_length=20), Ui(_l("服务时段"))] = Field(default_factory=list)
    mode: Annotated[Text, _long(_l("服务方式"), 3, _l("例如：基础托管加兴趣社团，自愿选择天数"))] = ""
    periods: Annotated[int | None, Field(ge=0, le=6), Ui(_l("每天延长"), unit=_l("课时"))] = None
    afternoon_period: Annotated[
        int | None, Field(ge=1, le=6), Ui(_l("服务所在的课节"), help=_l("下午第几节课开始"), unit=_l("节"))
    ] = None
    work_end: Annotated[time | None, Ui(_l("当地正常下班时间"), help=_l("规定没有写明时，按这里填的时间核对"))] = None
    in_holiday: Annotated[bool, _tick(_l("法定节假日也开展"))] = False
    winter_weeks: Annotated[int | None, Field(ge=0, le=8), Ui(_l("寒假开放校园"), unit=_l("周"))] = None
    summer_weeks: Annotated[int | None, Field(ge=0, le=10), Ui(_l("暑假开放校园"), unit=_l("周"))] = None


class Contents(Part):
    """What takes place, and what never does."""

    items: Annotated[list[Item], Field(max_length=60), Ui(_l("服务项目"))] = Field(default_factory=list)
    timetable: Annotated[Text, _long(_l("课程安排"), 3)] = ""
    homework_first: Annotated[bool, _tick(_l("先完成作业，再开展其他活动"))] = False
    homework_done: Annotated[bool, _tick(_l("引导学生在服务时间基本完成书面作业"))] = False
    homework_percent: Annotated[int | None, Field(ge=0, le=100), Ui(_l("在服务时间完成书面作业的比例"), unit="%")] = (
        None
    )
    learning_periods: Annotated[int | None, Field(ge=0, le=4), Ui(_l("每天学习性活动"), unit=_l("课时"))] = None
    clubs_start_week: Annotated[int | None, Field(ge=1, le=30), Ui(_l("社团从第几教学周开始"), unit=_l("周"))] = None
    reviewed_by: Annotated[list[str], _known(v.BODIES), Ui(_l("课程由谁审核"), options=_choices(v.BODIES))] = Field(
        default_factory=list
    )
    ideology_checked: Annotated[bool, _tick(_l("已审核课程的意识形态安全"))] = False
    no_lessons: Annotated[bool, _tick(_l("不上新课、不集体补课，不把服务时间用作正常教学"))] = False
    no_load: Annotated[bool, _tick(_l("不增加作业量，不加重课业负担"))] = False
    no_homework: Annotated[bool, _tick(_l("课程不布置作业"))] = False
    no_written_lower: Annotated[bool, _tick(_l("不给一、二年级布置书面家庭作业"))] = False
    suitable_films: Annotated[bool, _tick(_l("观看的影片适宜儿童"))] = False
    no_evening_subjects: Annotated[bool, _tick(_l("晚自习不分配到学科"))] = False


class Staffing(Part):
    """Who serves, in what groups, where."""

    text: Annotated[Text, _long(_l("人员调配"))] = ""
    units: Annotated[list[str], _known(p.UNITS), Ui(_l("编班方式"), options=_choices(p.UNITS))] = Field(
        default_factory=list
    )
    class_size: Annotated[int | None, Field(ge=1, le=200), Ui(_l("每班最多"), unit=_l("人"))] = None
    classes: Annotated[int | None, Field(ge=0, le=300), Ui(_l("服务班级"), unit=_l("个"))] = None
    teachers: Annotated[int | None, Field(ge=0, le=10), Ui(_l("每班教师"), unit=_l("人"))] = None
    duty_leaders: Annotated[int | None, Field(ge=0, le=60), Ui(_l("每天值班领导"), unit=_l("人"))] = None
    relay_teachers: Annotated[int | None, Field(ge=0, le=60), Ui(_l("接力托管教师"), unit=_l("人"))] = None
    rooms: Annotated[list[str], _known(p.PLACES), Ui(_l("服务场所"), options=_choices(p.PLACES))] = Field(
        default_factory=list
    )
    mainly_own_staff: Annotated[bool, _tick(_l("以本校教师为主"))] = False
    only_reviewed: Annotated[bool, _tick(_l("只编排审核通过的报名"))] = True
    guard_until_end: Annotated[bool, _tick(_l("保安值守到服务结束"))] = False
    doctor_on_call: Annotated[bool, _tick(_l("校医在服务时间随时到位"))] = False
    parent_leaders: Annotated[int | None, Field(ge=0, le=60), Ui(_l("“家长服务组”负责人"), unit=_l("人"))] = None
    enough_on_duty: Annotated[bool, _tick(_l("值班人员数量足够"))] = False
    voluntary: Annotated[bool, _tick(_l("教师自愿参加"))] = False
    all_serve: Annotated[bool, _tick(_l("全体教职工参加（学校同意不参加的除外）"))] = False
    exemption_decided: Annotated[bool, _tick(_l("不能参加的教师书面申请，由学校研究决定"))] = False
    safety_signed: Annotated[bool, _tick(_l("与各项目教师签订安全责任协议书"))] = False
    ab_alternate: Annotated[bool, _tick(_l("A、B 角教师隔一天轮换托管"))] = False
    b_in_room: Annotated[bool, _tick(_l("A 角带队离校时 B 角在教室托管"))] = False


class Providers(Part):
    """Who comes from outside, and on what terms."""

    partners: Annotated[list[Partner], Field(max_length=40), Ui(_l("校外力量"))] = Field(default_factory=list)
    vetted: Annotated[bool, _tick(_l("入校服务的机构和个人都按程序审核"))] = True
    no_subjects: Annotated[bool, _tick(_l("第三方不开展学科教学"))] = False
    no_commerce: Annotated[bool, _tick(_l("不在服务时段“搭车”开展商业活动"))] = False
    no_premises: Annotated[bool, _tick(_l("不把学校资源提供给机构作为经营场所"))] = False
    cost_percent: Annotated[int | None, Field(ge=0, le=100), Ui(_l("机构课程费用占总量"), unit="%")] = None


class Funds(Part):
    """Where the money comes from and where it goes."""

    instruments: Annotated[list[str], _known(p.INSTRUMENTS), Ui(_l("经费来源"), options=_choices(p.INSTRUMENTS))] = (
        Field(default_factory=list)
    )
    text: Annotated[Text, _long(_l("经费保障"))] = ""
    fees: Annotated[Text, _long(_l("收费事项"), 3, _l("项目、标准、依据、减免办法；不收费请写“不收费”"))] = ""
    incentives: Annotated[Text, _long(_l("教职工激励办法"), 3)] = ""


class Safety(Part):
    """How children are kept safe, and insured."""

    text: Annotated[Text, _long(_l("安全措施"))] = ""
    protection: Annotated[list[str], _known(p.PROTECTION), Ui(_l("安全防护"), options=_choices(p.PROTECTION))] = Field(
        default_factory=list
    )
    emergency: Annotated[Text, _long(_l("应急预案"), 3)] = ""
    supervised: Annotated[bool, _tick(_l("集中有人监管，活动有安全措施，进出有统一组织"))] = False
    checked: Annotated[bool, _tick(_l("定期开展安全排查"))] = False
    liability: Annotated[bool, _tick(_l("已投保校方责任险"))] = False
    offered: Annotated[bool, _tick(_l("引导家长自愿投保意外伤害险"))] = False
    voluntary: Annotated[bool, _tick(_l("投保自愿，不作为参加服务的条件"))] = True
    shared_liability: Annotated[bool, _tick(_l("建立损害赔偿的多方承担机制"))] = False


class Joining(Part):
    """How families come to take part. What this system itself sees to (nobody but a guardian applies, and from a menu)
    is ticked beforehand."""

    guided_by: Annotated[list[str], _known(v.BODIES), Ui(_l("由谁指导选择项目"), options=_choices(v.BODIES))] = Field(
        default_factory=list
    )
    priority: Annotated[
        list[str],
        _known(p.GROUPS),
        Ui(_l("名额不足时优先保障"), options=_choices(p.GROUPS)),
    ] = Field(default_factory=list)
    period: Annotated[list[str], _known(p.PERIODS), Ui(_l("参加周期"), options=_choices(p.PERIODS))] = Field(
        default_factory=lambda: ["term"]
    )
    not_forced: Annotated[bool, _tick(_l("由家长自愿选择，不强制参加"))] = True
    not_forced_out: Annotated[bool, _tick(_l("不强制不参加，承认家长的真实需求"))] = True
    menu_choice: Annotated[bool, _tick(_l("学生及家长从“菜单”自主选教师、选内容"))] = True
    midterm: Annotated[bool, _tick(_l("允许学生中途参与或退出"))] = False
    others_leave: Annotated[bool, _tick(_l("未参加的学生按原放学时间放学"))] = False


class Rules(Part):
    """Who does what, and by which rules."""

    organisation: Annotated[Text, _long(_l("服务组织"), 3)] = ""
    duties: Annotated[Text, _long(_l("责任分工"), 3)] = ""
    requirements: Annotated[Text, _long(_l("工作要求"), 3)] = ""
    safeguards: Annotated[Text, _long(_l("保障措施"), 3)] = ""
    workflow: Annotated[Text, _long(_l("服务流程"), 3)] = ""
    attendance_rules: Annotated[Text, _long(_l("考勤制度"), 3)] = ""
    supervision_rules: Annotated[Text, _long(_l("监管制度"), 3)] = ""
    handover_rules: Annotated[Text, _long(_l("交接班制度"), 3)] = ""
    family_school: Annotated[Text, _long(_l("家校责任"), 3)] = ""
    school_rules: Annotated[Text, _long(_l("本校其他制度"), 3, _l("例如：保安人员须知、带班领导职责"))] = ""


class PlanContent(Part):
    """A whole plan. `schema` names this shape, so that kept versions can be read when it changes."""

    form: Literal[1] = 1
    basis: Basis = Field(default_factory=Basis)
    times: Times = Field(default_factory=Times)
    contents: Contents = Field(default_factory=Contents)
    staffing: Staffing = Field(default_factory=Staffing)
    providers: Providers = Field(default_factory=Providers)
    funds: Funds = Field(default_factory=Funds)
    safety: Safety = Field(default_factory=Safety)
    joining: Joining = Field(default_factory=Joining)
    rules: Rules = Field(default_factory=Rules)

    def data(self) -> dict[str, Any]:
        """As it is kept: plain JSON."""
        return self.model_dump(mode="json")


SECTIONS: Final[dict[str, tuple[LazyText, type[Part], str]]] = {
    "basis": (_l("编制依据"), Basis, "clipboard-list"),
    "times": (_l("服务时间"), Times, "clock"),
    "contents": (_l("服务内容"), Contents, "books"),
    "staffing": (_l("人员与编班"), Staffing, "users"),
    "providers": (_l("校外力量"), Providers, "building-store"),
    "funds": (_l("经费与收费"), Funds, "coin"),
    "safety": (_l("安全与保险"), Safety, "shield-check"),
    "joining": (_l("报名与参加"), Joining, "pencil"),
    "rules": (_l("组织与制度"), Rules, "file-text"),
}
"""The sections in order: title, model, icon."""

WHOLE: Final = "whole"
"""Where objections stand that belong to no section."""


def read_section(section: str, data: Any) -> Part:
    """One section from JSON. Raises Invalid with dotted names ("times.windows.0.ends_at")."""
    model = SECTIONS[section][1]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        found = sentences(model, error)
        raise Invalid(
            fields=[FieldError(f"{section}.{name}".rstrip("."), t) for name, texts in found.items() for t in texts]
        ) from error


def read_content(data: Any) -> PlanContent:
    """A whole plan from JSON, all errors at once. Raises Invalid, naming each wrong field."""
    if not isinstance(data, dict):
        raise Invalid(fields=[FieldError("content", _("请按说明填写此项"))])
    wrong: list[FieldError] = [
        FieldError(str(name), _("没有这一项，请去掉")) for name in data if name not in SECTIONS and name != "form"
    ]
    parts: dict[str, Any] = {}
    for section in SECTIONS:
        try:
            parts[section] = read_section(section, data.get(section) or {})
        except Invalid as refused:
            wrong += refused.fields
    if data.get("form", 1) != 1:
        wrong.append(FieldError("form", _("请按说明填写此项")))
    if wrong:
        raise Invalid(fields=wrong)
    return PlanContent(**parts)
