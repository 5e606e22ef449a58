"""Rule keys about money: fees, reductions, lunch, refunds, subsidies and pay. Amounts are whole fen."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy import vocab_people as p
from core.policy.catalogue import RuleDef as R
from core.policy.kinds import AtMost, Facts, Forbidden, NotAbove, Params, Required
from core.policy.kinds_sets import Grants, Including, Mode, Parameter, Within, Without
from core.policy.show import quantity, yuan


def _payer(mode: str, facts: Facts) -> Params | None:
    amount = facts["amount_fen"]
    return {"given": yuan(amount)} if mode == "free" and amount > 0 else None


def _hardship(mode: str, facts: Facts) -> Params | None:
    """A pupil in hardship pays less than the full amount, or nothing; no amount, no complaint."""
    if not facts["hardship"] or facts["full_fen"] == 0:
        return None
    amount = facts["amount_fen"]
    if (mode == "free" and amount > 0) or (mode == "reduce" and amount >= facts["full_fen"]):
        return {"given": yuan(amount)}
    return None


_ANY_TO_FREE = {payer: frozenset({"free"}) for payer in p.PAYERS.labels if payer != "free"}

FEE: Final = (
    R(
        "fee.payer",
        _l("费用承担"),
        Mode(p.PAYERS, ("amount_fen",), _payer, _ANY_TO_FREE),
        text=_l("本校课后服务%(limit)s，不得收取 %(given)s"),
        refs="R-332 R-333 C-01",
    ),
    R("fee.for_profit", _l("以营利为目的"), Forbidden("for_profit"), refs="R-334"),
    R("fee.passed_on", _l("向学生、家长转嫁费用"), Forbidden("passed_on"), refs="R-333 C-02"),
    R("fee.cost_based", _l("服务成本按成本补偿原则分担"), Required("cost_based"), refs="R-335"),
    R("fee.standard_issued", _l("收费标准出台后才能收费"), Required("standard_issued"), refs="R-336 C-02"),
    R(
        "fee.standard_approved",
        _l("收费项目和标准须按规定权限批准"),
        Required("standard_approved"),
        default=True,
        refs="R-338 C-02",
    ),
    R(
        "fee.standard_disclosed",
        _l("收费项目和标准须列入政府信息公开"),
        Required("standard_disclosed"),
        refs="R-338",
    ),
    R("fee.standard_approver", _l("收费标准的制定部门"), Within(v.BODIES, "approver"), refs="C-03"),
    R("fee.standard_proposer", _l("提出收费标准意见的部门"), Including(v.BODIES, "proposers"), refs="R-337 C-03"),
    R("fee.posted", _l("收费前须公示"), Required("posted"), default=True, refs="R-341 C-02"),
    R(
        "fee.posting_matches",
        _l("公示内容须与规定政策相符"),
        Required("posting_matches"),
        default=True,
        refs="R-341",
    ),
    R(
        "fee.within_standard",
        _l("收费金额"),
        NotAbove("amount_fen", "standard_fen"),
        text=_l("收费不得高于核定标准 %(limit)s，现为 %(given)s"),
        default=True,
        refs="R-453",
    ),
    R("fee.case_by_case", _l("收费须“一事一议”"), Required("decided_case_by_case"), refs="R-339"),
    R("fee.instruments", _l("经费来源"), Within(p.INSTRUMENTS, "instrument"), refs="R-369 C-04"),
    R("fee.period", _l("收费周期"), Within(p.PERIODS, "period"), refs="R-344 C-05"),
    R("fee.across_terms", _l("跨学期预收"), Forbidden("across_terms"), refs="R-344"),
    R(
        "fee.hardship",
        _l("家庭经济困难学生"),
        Mode(
            p.HARDSHIP,
            ("hardship", "amount_fen", "full_fen"),
            _hardship,
            {"reduce": frozenset({"free"})},
        ),
        text=_l("家庭经济困难学生应予%(limit)s，现收 %(given)s"),
        refs="R-345 R-346 C-06",
    ),
    R(
        "fee.hardship_percent",
        _l("困难学生收费比例"),
        AtMost("percent", "percent"),
        refs="R-345",
    ),
    R(
        "fee.reduction_order",
        _l("减免与封顶的先后"),
        Parameter(p.REDUCTION_ORDER.one_type, p.REDUCTION_ORDER.label),
        default="reduce_then_cap",
    ),
    R(
        "fee.free_kinds",
        _l("免费内容"),
        Without(v.KINDS, "charged_kinds"),
        text=_l("以下内容不得收费：%(given)s"),
        refs="R-348 R-349 C-07",
    ),
    R("fee.per_lesson_max", _l("每课次收费"), AtMost("amount_fen", "fen")),
    R("fee.per_month_max", _l("每月收费"), AtMost("amount_fen", "fen")),
    R("fee.per_term_max", _l("每学期收费"), AtMost("amount_fen", "fen")),
    R("fee.vendor_cost_max", _l("引进机构课程的收费"), AtMost("amount_fen", "fen")),
    R("fee.other_use", _l("把课后服务费用于其他支出"), Forbidden("other_use"), refs="R-352 R-356"),
    R("fee.withheld", _l("截留、挪用、挤占课后服务费"), Forbidden("withheld"), refs="R-357"),
    R("fee.management_fee", _l("提取课后服务管理费"), Forbidden("management_fee"), refs="R-357"),
    R("fee.irregular", _l("以课后服务名义乱收费"), Forbidden("irregular"), refs="R-351 R-453"),
    R("fee.forced", _l("强制学生参加并收费"), Forbidden("forced"), refs="R-350"),
    R("fee.voluntary", _l("有偿参加须出于自愿"), Required("consented"), refs="R-375"),
    R("fee.venue_charge", _l("收取场地费"), Forbidden("venue_charge"), refs="R-029"),
    R("fee.account", _l("收费账户"), Within(p.ACCOUNTS, "account"), refs="R-353 C-08"),
    R("fee.spending", _l("经费支出"), Within(p.SPENDING, "spending"), refs="R-354 R-355 C-09"),
    R("fee.actual_cost", _l("按实际支出列支"), Required("by_actual_cost"), refs="R-352 R-363"),
    R("fee.procurement_rules", _l("政府采购项目按规定执行"), Required("by_procurement_rules"), refs="R-339"),
)

LUNCH: Final = (
    R("lunch.payer", _l("午餐费用"), Parameter(p.PAYERS.one_type, p.PAYERS.label), refs="R-371"),
    R("lunch.through_school", _l("午餐费进入学校账目"), Forbidden("through_school"), refs="R-371 R-274"),
    R("lunch.direct", _l("家长直接与餐饮公司结算"), Required("direct_to_caterer"), refs="R-274"),
    R("lunch.actual_use", _l("午餐按实际用餐结算"), Required("by_actual_use"), refs="R-274"),
    R("lunch.settled_every", _l("午餐结算周期"), Within(p.PERIODS, "period"), refs="C-05"),
    R("lunch.standard_set_by", _l("用餐标准的核定部门"), Within(v.BODIES, "approver"), refs="C-03"),
    R("lunch.caterer_formalities", _l("餐饮公司手续"), Including(v.FORMALITIES, "formalities"), refs="C-17"),
    R("lunch.tender_by", _l("组织招投标的部门"), Within(v.BODIES, "selector"), refs="C-17"),
    R("lunch.supervised_by", _l("午餐监督"), Including(v.BODIES, "supervisors"), refs="R-068"),
)

REFUND: Final = (
    R(
        "refund.lessons_not_held",
        _l("未开展的课次按次退费"),
        Required("lessons_not_held_refunded"),
        default=True,
        refs="R-374",
    ),
    R(
        "refund.to_paying_account",
        _l("退费原路返回"),
        Required("to_paying_account"),
        default=True,
        refs="R-374",
    ),
)

_Fen = Annotated[int, Field(strict=True, ge=0)]

SUBSIDY: Final = (
    R("subsidy.per_pupil_year_max", _l("每生每年补贴"), AtMost("amount_fen", "fen"), refs="R-378 C-10"),
    R("subsidy.remote_percent_max", _l("偏远地区补贴上浮"), AtMost("percent", "percent"), refs="R-379 C-10"),
    R("subsidy.actual_pupils", _l("按实际参加人数核算"), Required("by_actual_pupils"), refs="R-363"),
    R("subsidy.paid_to_school", _l("补贴统一发放至学校统筹"), Required("paid_to_school"), refs="R-378 R-382"),
    R("subsidy.may_spend", _l("补贴用途"), Within(p.SPENDING, "spending"), refs="R-385 C-09"),
    R(
        "subsidy.control_per_pupil_year",
        _l("每生每年控制数"),
        Parameter(_Fen, lambda value: quantity(value, "fen"), at_most=True, unit="fen"),
        refs="R-380 C-10",
    ),
    R("subsidy.account_public", _l("公办学校专项经费"), Within(p.ACCOUNTS, "account"), refs="R-364 C-08"),
    R("subsidy.account_private", _l("民办学校专项经费"), Within(p.ACCOUNTS, "account"), refs="R-367 C-08"),
    R("subsidy.project_goals", _l("按项目编报并明确绩效目标"), Required("project_goals"), refs="R-364 R-438"),
    R("subsidy.evaluated_yearly", _l("每年评价经费绩效"), Required("evaluated_yearly"), refs="R-377"),
    R(
        "subsidy.replaces_public_funds",
        _l("用专项经费抵顶公用经费预算"),
        Forbidden("replaces_public_funds"),
        refs="R-362",
    ),
    R("subsidy.surplus", _l("结余资金"), Within(p.SURPLUS, "surplus"), refs="R-361 C-14"),
)

PAY: Final = (
    R("pay.mechanism", _l("教职工补助方式"), Within(p.PAY, "mechanism"), refs="R-383 C-11"),
    R("pay.factors", _l("补助考虑的因素"), Including(p.PAY_FACTORS, "factors"), refs="R-386"),
    R("pay.external", _l("校外人员报酬"), Within(p.PAY, "mechanism"), refs="R-389 C-12"),
    R("pay.external_by_agreement", _l("校外人员报酬由双方协议确定"), Required("by_agreement"), refs="R-389"),
    R("pay.external_grade_by", _l("外聘教师取酬等级的确定方"), Within(v.BODIES, "approver"), refs="R-312 C-12"),
    R("pay.beyond_duties", _l("只补助额外承担的工作"), Required("beyond_duties"), refs="R-387"),
    R("pay.not_harming_duties", _l("不影响本职工作"), Required("duties_done"), refs="R-078"),
    R("pay.irregular", _l("违规乱发津补贴"), Forbidden("irregular"), refs="R-396 R-454"),
    R("pay.zero_on_safety_problem", _l("托管中出现安全等问题的考核为零"), Required("assessed_zero"), refs="R-266 C-11"),
    R(
        "pay.for_lessons_held",
        _l("按实际开展的课次计酬"),
        Required("lesson_held"),
        default=True,
        refs="R-454",
    ),
    R("pay.rate_set_by", _l("课时计算及发放标准的核定部门"), Within(v.BODIES, "approver"), refs="R-388"),
    R(
        "pay.increase_for_participants",
        _l("增核的绩效工资只分配给参与教师"),
        Required("for_participants"),
        refs="R-393",
    ),
    R("pay.may", _l("绩效工资可以"), Grants(v.OPTIONS), refs="C-11"),
    R(
        "pay.total_percent_max",
        _l("绩效工资总量占指导线"),
        AtMost("percent", "percent"),
        refs="R-381 C-11",
    ),
)

MONEY: Final = (*FEE, *LUNCH, *REFUND, *SUBSIDY, *PAY)
