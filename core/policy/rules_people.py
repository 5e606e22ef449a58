"""Rule keys about people: providers, exit and scores, staff, application and agreement."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy import vocab_people as p
from core.policy.catalogue import RuleDef as R
from core.policy.kinds import AtLeast, AtMost, Forbidden, Required
from core.policy.kinds_sets import AnyOf, Grants, Including, Parameter, Steps, Within, Without
from core.policy.show import joined

PROVIDERS: Final = (
    R("provider.kinds", _l("服务提供方"), Within(v.PROVIDERS, "provider"), refs="R-296 C-15 C-18"),
    R("provider.banned_kinds", _l("服务提供方"), Without(v.PROVIDERS, "provider"), refs="R-296 C-15 C-18"),
    R("provider.mainly_own_staff", _l("以本校教师为主"), Required("mainly_own_staff"), refs="R-298"),
    R("provider.staff_short", _l("师资确实不足才聘请校外人员"), Required("staff_short"), refs="R-298 C-18"),
    R("provider.non_subject", _l("校外培训机构须为非学科类"), Required("non_subject"), refs="R-299"),
    R("provider.on_bureau_list", _l("机构须在教育部门遴选名单内"), Required("on_list"), refs="R-300"),
    R(
        "provider.special_need",
        _l("引进机构须为满足本校服务不能满足的特殊需要"),
        Required("special_need"),
        refs="R-297",
    ),
    R("provider.procurement", _l("引进方式"), Within(v.METHODS, "method"), refs="R-301 R-302"),
    R(
        "provider.selector",
        _l("组织遴选的部门"),
        Within(v.BODIES, "selector"),
        refs="C-17",
    ),
    R("provider.formalities", _l("服务人员手续"), Including(v.FORMALITIES, "formalities"), refs="R-309 C-19"),
    R("provider.vetted", _l("入校服务须按程序审核"), Required("vetted"), default=True, refs="R-307 R-457"),
    R(
        "provider.bad_record",
        _l("有不良记录的机构和人员参与"),
        Forbidden("bad_record"),
        refs="R-308 R-456",
    ),
    R(
        "provider.subject_teaching",
        _l("第三方开展学科教学"),
        Forbidden("subject_teaching"),
        refs="R-127 R-314",
    ),
    R(
        "provider.content_reviewed_by",
        _l("第三方内容的审核方"),
        Including(v.BODIES, "reviewed_by"),
        refs="R-313 R-330",
    ),
    R(
        "provider.commercial_activity",
        _l("在服务时段“搭车”开展商业活动"),
        Forbidden("commercial"),
        refs="R-322",
    ),
    R(
        "provider.business_premises",
        _l("把学校资源提供给机构作为经营场所"),
        Forbidden("as_premises"),
        refs="R-321",
    ),
    R("provider.gates", _l("须把好的关口"), Including(v.GATES, "gates"), refs="R-304 C-22"),
    R("provider.school_arranges", _l("具体活动由学校安排"), Required("school_arranges"), refs="R-327"),
    R(
        "provider.agency_cost_percent_max",
        _l("机构课程费用占总量"),
        AtMost("percent", "percent"),
        refs="R-305 C-16",
    ),
    R("provider.rated_by", _l("聘用人员满意度测评方"), Including(v.BODIES, "rated_by"), refs="R-323 R-419 C-17"),
    R("provider.may", _l("服务队伍可以"), Grants(v.OPTIONS), refs="R-025 R-108 R-310"),
)


def _weights(value: dict[str, int]) -> dict[str, int]:
    if sum(value.values()) != 100:
        raise ValueError("the weights must add up to 100")
    return value


SCORE_COMPONENTS: Final = {
    "satisfaction": _l("满意度"),
    "lessons_held": _l("按约授课"),
    "punctuality": _l("准时"),
    "complaints": _l("投诉"),
}


def _shown_weights(value: Any) -> str:
    return joined(
        LazyText("%(name)s %(n)s%%", None, {"name": SCORE_COMPONENTS.get(k, k), "n": n}) for k, n in value.items()
    )


_Weights = Annotated[dict[str, Annotated[int, Field(strict=True, ge=0)]], AfterValidator(_weights)]

EXIT: Final = (
    R(
        "exit.grounds",
        _l("退出情形"),
        Without(v.EXIT_GROUNDS, "findings"),
        text=_l("出现应退出的情形：%(given)s"),
        refs="R-316 R-317 R-318 R-319 C-22",
    ),
    R("exit.mechanism", _l("建立评估退出机制"), Required("mechanism"), refs="R-315"),
    R(
        "exit.sanctions",
        _l("退出后的处理"),
        Parameter(v.SANCTIONS.type, v.SANCTIONS.show),
        refs="R-320 C-22",
    ),
    R(
        "exit.score_floor",
        _l("服务评分"),
        AtLeast("score", "points"),
        text=_l("服务评分低于 %(limit)s（现为 %(given)s），应启动退出评估"),
        default=60,
        refs="R-316",
    ),
    R(
        "exit.missed_lessons_max",
        _l("一学期未按约开课"),
        AtMost("missed", "times"),
        text=_l("未按约开课 %(given)s，超过 %(limit)s，应启动退出评估"),
        default=3,
        refs="R-318",
    ),
    R(
        "score.min_ratings",
        _l("评价份数"),
        AtLeast("ratings", "pieces"),
        text=_l("评价只有 %(given)s，不足 %(limit)s，暂不评分"),
        default=5,
        default_force="warn",
    ),
    R(
        "score.weights",
        _l("评分权重"),
        Parameter(_Weights, _shown_weights),
        default={"satisfaction": 40, "lessons_held": 40, "punctuality": 10, "complaints": 10},
    ),
)

STAFF: Final = (
    R("staff.voluntary", _l("教师自愿参加"), Required("consent"), refs="R-076 C-20"),
    R("staff.all_serve", _l("全体教职工参加（学校同意不参加的除外）"), Required("serves_or_exempt"), refs="R-076 C-20"),
    R(
        "staff.exemption_decided",
        _l("不能参加的教师书面申请并经学校研究决定"),
        Required("applied_and_decided"),
        refs="R-077 C-20",
    ),
    R(
        "staff.ethics_problem",
        _l("有师德师风问题的教职工参与"),
        Forbidden("ethics_problem"),
        refs="R-074 R-455",
        private="staff.ethics",
    ),
    R("staff.affiliated", _l("教职工挂靠社会机构"), Forbidden("affiliated"), refs="R-075 R-328"),
    R("staff.may", _l("教师可以"), Grants(v.OPTIONS), refs="R-082 C-21"),
    R("staff.counts_for", _l("教师参加服务的表现，计入的方面"), Including(p.MERITS, "counted_in"), refs="R-392 R-400"),
    R("staff.late_or_early", _l("管理教师迟到、早退"), Forbidden("late_or_early"), refs="R-182"),
    R("staff.swap_approved", _l("调换班次须报备并经同意"), Required("approved"), refs="R-181"),
    R("staff.leaves_post", _l("值班教师擅自离岗"), Forbidden("left_post"), refs="R-236"),
    R("staff.conduct", _l("教师言行"), Without(p.CONDUCT, "conduct"), refs="R-130"),
    R(
        "staff.first_responsible",
        _l("学生活动的第一责任人"),
        Parameter(v.BODIES.one_type, v.BODIES.label),
        refs="C-50",
    ),
)

APPLICATION: Final = (
    R(
        "application.guardian_confirms",
        _l("报名由家长自愿确认"),
        Required("guardian_confirmed"),
        default=True,
        refs="R-132 R-450",
    ),
    R("application.forced", _l("强制或变相强制参加"), Forbidden("forced"), refs="R-132 R-350"),
    R(
        "application.forced_out",
        _l("强制或变相强制不参加，或不承认家长的真实需求"),
        Forbidden("forced_out"),
        refs="R-133",
    ),
    R(
        "application.refuses_need",
        _l("拒绝有需求的学生参加"),
        Forbidden("left_without_service"),
        refs="R-134",
    ),
    R(
        "application.refusal_needs",
        _l("不予通过时须附"),
        Including(p.REFUSAL, "given"),
        text=_l("不予通过时还须写明：%(given)s"),
        default=["reason", "other_offer"],
        refs="R-134",
    ),
    R("application.grades", _l("服务对象"), Within(v.GRADES, "grades"), refs="R-144 C-33"),
    R("application.own_pupils", _l("服务对象为本校在读学生"), Required("own_pupil"), refs="R-144 C-33"),
    R("application.aimed_at", _l("重点服务对象"), Grants(p.GROUPS), refs="C-33 C-34"),
    R("application.need_confirmed", _l("审核确认有服务需求"), Required("need_confirmed"), refs="R-143 C-33"),
    R(
        "application.priority_groups",
        _l("优先保障群体"),
        Including(p.GROUPS, "groups"),
        text=_l("名额不足时还须优先保障：%(given)s"),
        refs="R-145 C-34",
    ),
    R("application.forms", _l("报名材料"), Including(p.FORMS, "forms"), refs="R-137 R-138 C-35"),
    R(
        "application.chain",
        _l("审核程序"),
        Steps(p.STEPS, "steps"),
        default=["class_review", "school_approval"],
        refs="R-142 C-36",
    ),
    R("application.told_first", _l("报名前告知家长的内容"), Including(v.SECTIONS, "told"), refs="R-136"),
    R("application.guided_by", _l("指导选择项目的人"), Including(v.BODIES, "guided_by"), refs="R-049 R-147"),
    R("enrolment.period", _l("参加周期"), Within(p.PERIODS, "period"), default=["term"], refs="R-148 C-38"),
    R("enrolment.midterm", _l("允许学生中途参与或退出"), Required("midterm_allowed"), refs="R-149 C-38"),
    R("enrolment.any_days", _l("家长自由选择任意一天、多天或全周"), Required("any_days"), refs="R-150 C-38"),
    R("enrolment.segment_told", _l("明确并告知学生的看护时段"), Required("segment_told"), refs="R-152 R-464"),
    R(
        "enrolment.one_off_in_charge",
        _l("负责临时看护的人"),
        Parameter(v.BODIES.one_type, v.BODIES.label),
        refs="R-153 C-38",
    ),
    R("enrolment.others_leave", _l("未参加的学生按原放学时间放学"), Required("others_leave"), refs="R-155"),
    R(
        "enrolment.choice_of",
        _l("家长可选择的内容"),
        Including(v.KINDS, "kinds"),
        refs="R-047 R-151",
    ),
    R(
        "enrolment.menu_choice",
        _l("学生及家长从“菜单”自主选教师、选内容"),
        Required("menu_choice"),
        refs="R-047",
    ),
)

AGREEMENT: Final = (
    R(
        "agreement.kinds",
        _l("须签订的协议"),
        Including(p.AGREEMENTS, "signed"),
        text=_l("还没有签订：%(given)s"),
        default=["service"],
        refs="R-156 R-160 C-37",
    ),
    R("agreement.states", _l("协议内容"), Including(p.TERMS_OF_AGREEMENT, "states"), refs="R-157"),
    R("agreement.parties", _l("明确权利义务的各方"), Including(p.PARTIES, "parties"), refs="R-158"),
    R("agreement.means", _l("明确权利义务的形式"), AnyOf(p.MEANS, "means"), refs="R-158"),
    R(
        "agreement.teacher_safety",
        _l("与各项目教师签订安全责任协议书"),
        Required("teacher_signed"),
        refs="R-161",
    ),
    R("agreement.may", _l("协议可以"), Grants(v.OPTIONS), refs="R-162"),
)

PEOPLE: Final = (*PROVIDERS, *EXIT, *STAFF, *APPLICATION, *AGREEMENT)
