"""Rule keys about the service itself: plan, time, content, groups and places."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy import vocab_people as p
from core.policy.catalogue import RuleDef as R
from core.policy.kinds import (
    AtLeast,
    AtMost,
    ClockValue,
    EarlierBy,
    Exactly,
    Facts,
    Forbidden,
    Latest,
    NotBefore,
    Params,
    PerGroups,
    Required,
    minutes_of,
)
from core.policy.kinds_sets import AnyOf, Grants, Including, Mode, Parameter, Within, Without, Words
from core.policy.show import joined

_STEPS_OF_FILING = {"none": (), "file": ("filed",), "review": ("reviewed",), "review_and_file": ("filed", "reviewed")}


def _filing(mode: str, facts: Facts) -> Params | None:
    return None if all(facts[step] for step in _STEPS_OF_FILING[mode]) else {}


_STRICTER_FILING = {
    "none": frozenset({"file", "review", "review_and_file"}),
    "file": frozenset({"review_and_file"}),
    "review": frozenset({"review_and_file"}),
}


def _month_day(value: str) -> int:
    """Month times 100 plus day of "MM-DD"; the documents name days without a year."""
    day = date.fromisoformat(f"2000-{value}")
    return day.month * 100 + day.day


_MonthDay = Annotated[str, Field(pattern=r"^\d\d-\d\d$"), AfterValidator(_month_day)]


def _shown_day(value: int) -> str:
    return _l("%(month)s 月 %(day)s 日") % {"month": value // 100, "day": value % 100}


def _spans(value: list[str]) -> tuple[str, ...]:
    for span in value:
        start, _, end = span.partition("-")
        if minutes_of(start) >= minutes_of(end):
            raise ValueError(f"ends before it starts: {span}")
    return tuple(value)


_Spans = Annotated[
    list[Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")]], Field(min_length=1), AfterValidator(_spans)
]


def shown_spans(value: tuple[str, ...]) -> str:
    """`15:20–16:00、16:10–17:10` for the spans of one day."""
    return joined(span.replace("-", "–") for span in value)


SPANS: Final = Parameter(_Spans, shown_spans)
"""Spans of a day, "HH:MM-HH:MM", to be read; also for the windows in which grades leave (rules_care)."""

PLAN: Final = (
    R(
        "plan.filing",
        _l("方案生效前的备案"),
        Mode(v.FILING, ("filed", "reviewed"), _filing, _STRICTER_FILING),
        text=_l("方案生效前须先完成：%(limit)s"),
        default="none",
        refs="R-036 R-037 C-39",
    ),
    R("plan.own_plan", _l("一校一案"), Required("own_plan"), refs="R-032"),
    R(
        "plan.must_name",
        _l("方案内容"),
        Including(v.SECTIONS, "sections"),
        text=_l("方案还须写明：%(given)s"),
        default=["times", "contents"],
        refs="R-033 R-034",
    ),
    R("plan.survey", _l("制定方案前听取学生和家长意见"), Required("survey"), refs="R-035 R-083"),
    R("plan.survey_means", _l("征求意见的形式"), AnyOf(p.MEANS, "means"), refs="R-085"),
    R(
        "plan.rules",
        _l("配套制度"),
        Including(v.SECTIONS, "sections"),
        text=_l("还须制定：%(given)s"),
        refs="R-042",
    ),
    R("plan.planned_by", _l("编制计划的单位"), Including(v.PLAN_UNITS, "units"), refs="R-040"),
    R("plan.items_decided_by", _l("决定服务项目的一方"), Including(v.BODIES, "decided_by"), refs="C-40"),
    R("plan.start_with_term", _l("开学后立即启动服务"), Required("starts_with_term"), refs="R-041"),
    R("plan.may_adjust", _l("根据需求及时调整计划"), Required("adjustable"), refs="R-045"),
    R("plan.survey_all", _l("意向调查发给全体学生"), Required("to_all"), refs="R-084"),
    R("plan.catalogue", _l("编制服务内容目录"), Required("catalogue"), refs="R-089"),
)


def _month(value: int) -> str:
    return _l("%(n)s 月") % {"n": value}


MONTH: Final = Parameter(Annotated[int, Field(strict=True, ge=1, le=12)], _month)
_Period = Annotated[int, Field(strict=True, ge=1, le=6)]


def _period(value: int) -> str:
    return _l("下午第 %(n)s 节课") % {"n": value}


TIME: Final = (
    R("time.windows", _l("服务时段"), Within(v.WINDOWS, "window"), refs="C-30"),
    R("time.weekdays_must", _l("开展服务的工作日"), Including(v.WEEKDAYS, "weekdays"), refs="C-28"),
    R("time.weekdays_only", _l("服务日"), Within(v.WEEKDAYS, "weekdays"), refs="C-28"),
    R("time.weekdays_off", _l("服务日"), Without(v.WEEKDAYS, "weekdays"), refs="R-195 C-28"),
    R("time.latest_end", _l("结束时间"), Latest("end"), refs="C-23 C-24 C-26 C-31"),
    R(
        "time.not_before_work_end",
        _l("结束时间与当地正常下班时间"),
        NotBefore("end", "local_work_end"),
        text=_l("结束时间不得早于当地正常下班时间 %(limit)s，现为 %(given)s"),
        fills={"local_work_end": "time.local_work_end"},
        refs="C-23",
    ),
    R("time.local_work_end", _l("当地正常下班时间"), ClockValue(), default="17:30", refs="C-23"),
    R(
        "time.earlier_exit",
        _l("错峰提前离校"),
        EarlierBy("end", "others_end"),
        text=_l("应比其他年级至少提前 %(limit)s结束，现提前 %(given)s"),
        refs="C-23",
    ),
    R(
        "time.starts_after_dismissal",
        _l("开始时间"),
        NotBefore("start", "dismissal"),
        text=_l("服务应在放学（%(limit)s）后开始，现为 %(given)s"),
        refs="R-111",
    ),
    R("time.minutes_max", _l("每天服务时长"), AtMost("minutes", "minutes"), refs="C-25 C-26"),
    R("time.minutes_min", _l("每天服务时长"), AtLeast("minutes", "minutes"), refs="C-25"),
    R("time.lesson_periods", _l("延长的课时数"), Exactly("periods", "periods"), refs="C-25"),
    R("time.afternoon_period", _l("服务所在的课节"), Parameter(_Period, _period), refs="R-197 C-25"),
    R("time.lessons_per_day_max", _l("每天课次"), AtMost("lessons", "periods")),
    R("time.weekend_days", _l("双休日中开展服务的天数"), Exactly("weekend_days", "days"), refs="C-29"),
    R("time.winter_open_weeks", _l("寒假开放校园的周数"), Exactly("weeks", "weeks"), refs="C-29"),
    R("time.summer_open_weeks", _l("暑假开放校园的周数"), Exactly("weeks", "weeks"), refs="C-29"),
    R("time.no_holidays", _l("在寒暑假和法定节假日开展"), Forbidden("in_holiday"), refs="C-29"),
    R("time.school_days", _l("服务日为上学日"), Required("on_school_day"), refs="C-28"),
    R("time.start_week", _l("开始服务的教学周"), AtLeast("week", "week"), refs="C-32"),
    R("time.club_start_week", _l("社团活动开始的教学周"), AtLeast("week", "week"), refs="R-201 C-32"),
    R("time.start_date", _l("开始日期"), Parameter(_MonthDay, _shown_day), refs="R-021 C-32"),
    R("time.transition_sign_up_until", _l("过渡期新增报名截止日期"), Parameter(_MonthDay, _shown_day), refs="R-030"),
    R("time.transition_lists_by", _l("过渡期再次明确名单的截止日期"), Parameter(_MonthDay, _shown_day), refs="R-030"),
    R("time.sessions", _l("每天的服务场次"), SPANS, refs="R-202 C-23"),
    R("time.extra_care", _l("为有特殊需要的学生提供延时托管"), Required("extra_care"), refs="R-154 C-27"),
    R("time.may", _l("时间安排可以"), Grants(v.OPTIONS), refs="R-105 R-154 C-26 C-27"),
    R("time.summer_from", _l("夏令时开始的月份"), MONTH, default=5, refs="C-31"),
    R("time.winter_from", _l("冬令时开始的月份"), MONTH, default=10, refs="C-31"),
)

CONTENT: Final = (
    R("content.kinds", _l("服务内容"), Within(v.KINDS, "kinds"), refs="R-129"),
    R("content.banned_kinds", _l("服务内容"), Without(v.KINDS, "kinds"), refs="R-109 R-112 R-125 R-126"),
    R(
        "content.blocked_words",
        _l("文字中"),
        Words("texts"),
        text=_l("名称或说明中写有“%(given)s”，属于禁止开展的内容"),
        refs="R-112 R-451",
    ),
    R(
        "content.flag_words",
        _l("文字中"),
        Words("texts"),
        text=_l("名称或说明中写有“%(given)s”，可能属于学科教学或补课，请说明理由"),
        refs="R-109 R-451",
    ),
    R(
        "content.service_as_lessons",
        _l("把服务时间用作正常教学"),
        Forbidden("as_lessons"),
        refs="R-110 R-111",
    ),
    R("content.adds_load", _l("借服务增加作业量、加重课业负担"), Forbidden("adds_load"), refs="R-114 R-452"),
    R("content.sets_homework", _l("课程布置作业"), Forbidden("sets_homework"), refs="R-113 C-44"),
    R(
        "content.written_home_homework",
        _l("布置书面家庭作业"),
        Forbidden("written_home_homework"),
        refs="R-116 C-45",
    ),
    R("content.homework_first", _l("作业优先"), Required("homework_first"), refs="R-115 C-44"),
    R(
        "content.homework_done",
        _l("在服务时间基本完成书面作业"),
        Required("homework_done"),
        refs="R-117 C-44",
    ),
    R(
        "content.homework_percent_min",
        _l("在服务时间完成书面作业的比例"),
        AtLeast("percent", "percent"),
        refs="R-118 C-44",
    ),
    R("content.learning_periods_max", _l("每天学习性活动"), AtMost("periods", "periods"), refs="R-119 C-46"),
    R("content.evening_subjects", _l("晚自习分配到学科"), Forbidden("assigned_to_subject"), refs="R-124"),
    R("content.suitable_films", _l("影片适宜儿童观看"), Required("suitable"), refs="R-128"),
    R("content.themed_days", _l("开设课程的日子"), Within(v.WEEKDAYS, "weekdays"), refs="C-28"),
    R("content.club_days", _l("社团活动日"), Within(v.WEEKDAYS, "weekdays"), refs="R-197 C-28"),
    R("content.homework_subjects", _l("作业辅导的学科"), Within(v.SUBJECTS, "subjects"), refs="R-122 C-44"),
    R("content.reviewed_by", _l("课程的审核方"), Including(v.BODIES, "reviewed_by"), refs="R-096 R-097 C-39"),
    R("content.ideology", _l("审核课程的意识形态安全"), Required("ideology_checked"), refs="R-096"),
    R("content.may", _l("内容安排可以"), Grants(v.OPTIONS), refs="R-106 R-120 R-129"),
    R("content.may_kinds", _l("可以开展的内容"), Grants(v.KINDS), refs="R-100 R-123"),
)

CLASSES: Final = (
    R("class.size_max", _l("班额"), AtMost("size", "people"), refs="C-42"),
    R("class.units", _l("编班方式"), Within(p.UNITS, "units"), refs="C-41"),
    R("class.may", _l("编班可以"), Grants(v.OPTIONS), refs="C-41"),
    R("class.only_reviewed", _l("只编排审核通过的报名"), Required("reviewed"), default=True, refs="R-166"),
    R("class.plan_and_teacher", _l("每项活动有计划、有教师负责"), Required("planned_and_led"), refs="R-288"),
    R("staffing.enough_on_duty", _l("值班人员数量足够"), Required("enough_on_duty"), refs="R-178 C-43"),
    R("staffing.teachers_per_class", _l("每班教师"), AtLeast("teachers", "people"), refs="C-43"),
    R(
        "staffing.classes_per_duty_leader",
        _l("值班领导"),
        PerGroups("classes", "duty_leaders"),
        refs="C-43",
    ),
    R("staffing.duty_leaders_per_day", _l("每天值班领导"), AtLeast("duty_leaders", "people"), refs="C-43"),
    R("staffing.relay_teachers", _l("接力托管教师"), AtLeast("relay_teachers", "people"), refs="C-43"),
    R("staffing.guard_until_end", _l("保安值守到服务结束"), Required("guard_until_end"), refs="R-062"),
    R("staffing.doctor_on_call", _l("校医在服务时间随时到位"), Required("doctor_on_call"), refs="R-064"),
    R("staffing.fixed_teacher_and_place", _l("每班确定师资与地点"), Required("fixed"), refs="R-180"),
    R("staffing.ab_alternate", _l("A、B 角教师隔一天轮换托管"), Required("alternating"), refs="R-175 C-43"),
    R("staffing.b_in_room", _l("A 角带队离校时 B 角在教室托管"), Required("b_in_room"), refs="R-175"),
    R("staffing.parent_group_leaders", _l("“家长服务组”负责人"), Exactly("leaders", "people"), refs="R-066"),
    R("place.rooms", _l("服务场所"), Within(p.PLACES, "place"), refs="C-47"),
    R("place.may", _l("场所安排可以"), Grants(v.OPTIONS), refs="R-015 R-099"),
)

SERVICE: Final = (*PLAN, *TIME, *CONTENT, *CLASSES)
