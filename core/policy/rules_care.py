"""Rule keys about the day itself and what stands around it: register, pickup, publication, oversight."""

from __future__ import annotations

from typing import Final

from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy import vocab_people as p
from core.policy.catalogue import RuleDef as R
from core.policy.kinds import AtLeast, AtMost, ClockValue, Forbidden, Required
from core.policy.kinds_sets import AnyOf, Grants, Including, Parameter, Within
from core.policy.rules_service import MONTH, SPANS

PUBLICATION: Final = (
    R("publication.items", _l("向家长公开的内容"), Including(v.SECTIONS, "shown"), refs="R-460 R-343"),
    R("publication.channels", _l("公开渠道"), AnyOf(p.MEANS, "channels"), refs="R-461"),
    R("publication.plan", _l("向家长公示审核通过的方案"), Required("plan_shown"), refs="R-038"),
    R("publication.fee_board", _l("收费公示栏内容"), Including(p.BOARD, "board"), refs="R-340 R-466"),
    R(
        "publication.fixed_board",
        _l("在醒目位置设立固定公示牌、公示栏"),
        Required("fixed_board"),
        refs="R-340",
    ),
    R(
        "publication.menu_before_term",
        _l("每学期开学前公布服务“菜单”"),
        Required("before_term"),
        refs="R-465",
    ),
    R("publication.timetable_first", _l("课表提前公示"), Required("timetable_shown"), refs="R-465"),
    R(
        "publication.accounts_each_term",
        _l("每学期末向家长公示收支情况"),
        Required("accounts_shown"),
        refs="R-358 C-13",
    ),
    R(
        "publication.spending_regularly",
        _l("定期公开公示支出情况"),
        Required("spending_shown"),
        refs="R-359 C-13",
    ),
    R("publication.accounts_yearly", _l("公示上年度支出情况"), Required("accounts_shown"), refs="R-360 C-13"),
    R(
        "publication.accounts_before_month",
        _l("上年度支出情况须在下一年的这个月之前公示"),
        MONTH,
        refs="R-360 C-13",
    ),
    R(
        "publication.family_duties",
        _l("提前告知课程安排及家校责任"),
        Including(v.SECTIONS, "told"),
        refs="R-164",
    ),
    R("publication.right_to_know", _l("保障各方知情权"), Required("informed"), refs="R-472"),
    R("publication.catalogue", _l("随内容目录告知家长的内容"), Including(v.SECTIONS, "told"), refs="R-090 C-13"),
    R("publication.before_choice", _l("家长选择前告知的内容"), Including(v.SECTIONS, "told"), refs="R-091"),
    R("publication.changes_told", _l("时间变动另行通知家长"), Required("changes_told"), refs="R-196 R-471"),
)

INSURANCE: Final = (
    R("insurance.liability", _l("落实校方责任保险"), Required("liability_in_force"), refs="R-403 C-51"),
    R("insurance.encourage", _l("引导家长自愿投保意外伤害险"), Required("offered"), refs="R-404 C-51"),
    R("insurance.shared_liability", _l("建立损害赔偿的多方承担机制"), Required("shared_liability"), refs="R-407 C-51"),
    R(
        "insurance.condition",
        _l("把投保作为参加服务的条件或捆绑收费"),
        Forbidden("is_condition"),
        default=True,
        refs="R-406",
    ),
)

ATTENDANCE: Final = (
    R("attendance.count_first", _l("由值班领导清点人数后带队进托管室"), Required("counted"), refs="R-218"),
    R("attendance.roll_call", _l("认真清点人数、严格考勤"), Required("roll_called"), refs="R-221"),
    R(
        "attendance.absence_contacts",
        _l("学生缺勤时须联系"),
        Including(p.CONTACTS, "contacted"),
        refs="R-222",
    ),
    R("attendance.unexplained_followed", _l("无故脱管须报告及跟踪"), Required("followed_up"), refs="R-224"),
    R("attendance.concerns", _l("看护期间须关注"), Including(p.CONCERNS, "watched"), refs="R-260 R-226"),
    R("attendance.patrolled", _l("管理人员在看护期间巡视"), Required("patrolled"), refs="R-060"),
    R("attendance.leave_procedure", _l("有事须履行请假手续"), Required("leave_recorded"), refs="R-233"),
    R("attendance.class_handover", _l("班主任与托管教师交接"), Required("handed_over"), refs="R-220"),
    R("attendance.leaves_room", _l("学生无故离开教室"), Forbidden("left_room"), refs="R-235"),
    R("attendance.emergency_tells", _l("紧急情况须通知"), Including(p.CONTACTS, "contacted"), refs="R-225"),
    R(
        "attendance.emergency_reported_to",
        _l("紧急情况须上报"),
        Including(p.REPORTED_TO, "reported_to"),
        refs="R-225",
    ),
)

PICKUP: Final = (
    R("pickup.signature", _l("家长每天签字方可接走孩子"), Required("signed"), refs="R-239 C-48"),
    R("pickup.in_person", _l("亲手交接到家长手中"), Required("handed_in_person"), refs="R-238 C-48"),
    R("pickup.alone", _l("学生独自离校"), Forbidden("alone"), default=True, refs="R-248"),
    R("pickup.greeted", _l("家长与老师打招呼后接走孩子"), Required("greeted"), refs="R-240 C-48"),
    R("pickup.other_told", _l("他人来接须家长提前电话通知"), Required("told_beforehand"), refs="R-241 C-48"),
    R("pickup.led_out", _l("清点人数后按规定路线带队离校"), Required("led_out"), refs="R-250 C-48"),
    R("pickup.led_by", _l("放学时负责安全的人"), Including(v.BODIES, "led_by"), refs="R-063"),
    R("pickup.outsiders_enter", _l("校外人员进校接送学生"), Forbidden("outsider_enters"), refs="R-251 C-49"),
    R("pickup.exit_window", _l("错峰放学时间"), SPANS, refs="R-188 C-23"),
    R(
        "pickup.late_after",
        _l("接孩子超过结束时间"),
        AtMost("minutes_late", "minutes"),
        text=_l("已超过结束时间 %(given)s（界限 %(limit)s），按晚接处理"),
        default=15,
        default_force="warn",
        refs="R-247",
    ),
    R("pickup.late_place", _l("晚接学生的等候地点"), Within(p.PLACES, "place"), refs="C-49"),
    R("pickup.late_from", _l("晚接的起算时间"), ClockValue(), refs="R-247"),
    R("pickup.parents_walk_in", _l("家长在看护期间随便进校"), Forbidden("walked_in"), refs="R-251"),
    R("pickup.stranded_checked", _l("结束后检查有无滞留学生"), Required("stranded_checked"), refs="R-253"),
    R(
        "pickup.late_in_charge",
        _l("负责联系晚接家长的人"),
        Parameter(v.BODIES.one_type, v.BODIES.label),
        refs="R-244",
    ),
)

RECORDS: Final = (
    R("records.daily", _l("每日记录"), Including(p.RECORDS, "kept"), refs="R-227"),
    R("records.care", _l("托管管理记录"), Including(p.RECORDS, "kept"), refs="R-229 R-232 R-257 R-259"),
    R("records.archive", _l("托管服务档案"), Including(p.ARCHIVE, "kept"), refs="R-440 R-441 R-447"),
    R("records.pupil_file", _l("学生档案"), Including(p.RECORDS, "kept"), refs="R-442"),
    R("records.weekly", _l("班主任每周填写活动记录"), Required("weekly_kept"), refs="R-231"),
    R("records.archived", _l("活动记录期末上交存档"), Required("archived"), refs="R-231 R-444"),
    R("records.club_files", _l("社团和兴趣小组有记录和档案"), Required("club_files"), refs="R-228 R-287 R-445"),
)

SAFETY: Final = (
    R("safety.protection", _l("安全防护措施"), Including(p.PROTECTION, "measures"), refs="R-479"),
    R("safety.equipped", _l("配齐设备与教师"), Required("equipped"), refs="R-490"),
    R("safety.trained", _l("安全教育和培训的对象"), Including(p.PARTIES, "trained"), refs="R-480 R-492"),
    R("safety.spaced", _l("托管时间隔一定距离"), Required("spaced"), refs="R-171 C-54"),
    R("safety.queue_metres_min", _l("站队的间隔"), AtLeast("metres", "metres"), refs="R-203 C-54"),
    R("safety.disinfected_early", _l("学生未全部离校时消毒"), Forbidden("disinfected_early"), refs="R-254 C-54"),
    R("safety.fever_by_plan", _l("体温异常按应急预案处理"), Required("by_plan"), refs="R-263 C-54"),
    R("safety.medicine", _l("家长交药时的说明"), Including(p.MEDICINE, "instructions"), refs="R-277 R-278"),
    R("safety.diet_told", _l("饮食禁忌告知老师"), Required("diet_told"), refs="R-276"),
    R("safety.regular_checks", _l("定期开展安全排查"), Required("checked"), refs="R-435"),
    R(
        "safety.supervised",
        _l("集中有人监管，活动有安全措施，进出有统一组织"),
        Required("supervised"),
        refs="R-483",
    ),
    R("safety.rules", _l("安全制度"), Including(p.SAFETY_RULES, "rules"), refs="R-474 R-475 R-476 R-477"),
    R("safety.hazards", _l("须消除隐患的方面"), Including(p.HAZARDS, "checked"), refs="R-478 R-279"),
    R(
        "safety.adjusts_and_tells",
        _l("传染病高峰期、空气污染、突发事件时调整安排并告知家长"),
        Required("adjusted_and_told"),
        refs="R-204 R-471 C-54",
    ),
    R("safety.early_and_late", _l("对早到校和晚离校的学生负安全管理责任"), Required("cared_for"), refs="R-198"),
)

OVERSIGHT: Final = (
    R("oversight.phases", _l("监管环节"), Including(p.PHASES, "phases"), refs="R-422 C-52"),
    R("oversight.inspections", _l("检查方式"), Including(p.INSPECTIONS, "inspections"), refs="R-424 C-52"),
    R("oversight.rated", _l("评价内容"), Including(p.RATED, "rated"), refs="R-425 R-426"),
    R(
        "oversight.refusing_costs",
        _l("无正当理由拒不提供服务"),
        Parameter(v.SANCTIONS.type, v.SANCTIONS.show),
        refs="R-135 R-429",
    ),
    R(
        "oversight.breach_measures",
        _l("违反规定的处理"),
        Parameter(v.SANCTIONS.type, v.SANCTIONS.show),
        refs="R-430",
    ),
    R("oversight.supervised_by", _l("监督检查的部门"), Including(v.BODIES, "supervised_by"), refs="R-373 R-437"),
    R("oversight.coverage", _l("有需求的学生愿留尽留"), Required("everyone_served"), refs="R-023"),
    R("oversight.in_school_evaluation", _l("纳入学校考评体系"), Required("evaluated"), refs="R-428"),
    R("oversight.daily_check", _l("每天查看每组活动"), Required("checked_daily"), refs="R-256"),
    R("oversight.meetings", _l("定期召开会议交流总结"), Required("meets_regularly"), refs="R-433"),
)

COMPLAINT: Final = (
    R("complaint.phone", _l("公布投诉举报电话"), Required("phone_shown"), refs="R-410 C-53"),
    R("complaint.taken_by", _l("受理咨询与投诉的各方"), Including(v.BODIES, "taken_by"), refs="R-411 C-53"),
    R("complaint.named_person", _l("专人负责接受咨询与投诉"), Required("named_person"), refs="R-081 R-413"),
    R("complaint.feedback", _l("建立意见征集反馈机制"), Required("feedback"), refs="R-416 C-53"),
    R("complaint.collected", _l("定期收集学生、家长的意见建议"), Required("collected"), refs="R-415"),
    R("complaint.answered", _l("及时解释和处理误解和矛盾"), Required("answered"), refs="R-412"),
    R("complaint.may", _l("听取意见的方式"), Grants(p.MEANS), refs="R-085"),
)

CARE: Final = (*PUBLICATION, *INSURANCE, *ATTENDANCE, *PICKUP, *RECORDS, *SAFETY, *OVERSIGHT, *COMPLAINT)
