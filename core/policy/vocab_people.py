"""The words of rules, second half: application, money, care and oversight."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.policy.words import Vocab

FORMS = Vocab(
    "forms of application",
    {
        "written_entrustment": _l("书面委托申请"),
        "application_form": _l("申请表"),
        "oral_request": _l("口头申请"),
        "employer_stamp": _l("单位证明章"),
        "parent_signature": _l("家长签字"),
        "class_application": _l("向班级提出申请"),
        "registration": _l("报名登记"),
    },
)
STEPS = Vocab(
    "steps of approval",
    {
        "apply": _l("家长申请"),
        "class_review": _l("班主任审核"),
        "school_approval": _l("学校核准"),
        "principal_decision": _l("校长审定"),
        "parents_committee": _l("家委会受理"),
        "agreement": _l("签订协议"),
        "class_forming": _l("编班"),
        "form": _l("填写申请表"),
    },
)
GROUPS = Vocab(
    "groups of pupils",
    {
        "disabled": _l("残疾儿童"),
        "left_behind": _l("留守儿童"),
        "migrant": _l("进城务工人员随迁子女"),
        "migrant_living_far": _l("居住地较远的随迁子女"),
        "hardship": _l("家庭经济困难儿童"),
        "working_couple": _l("双职工家庭子女"),
        "single_parent": _l("单亲家庭子女"),
        "primary": _l("小学生"),
        "younger_primary": _l("低龄小学生"),
        "nobody_at_home": _l("放学后无人看管"),
        "real_difficulty": _l("确有困难的家庭"),
        "collection_difficulty": _l("家长接送困难"),
        "firm_need": _l("有刚性需求的学生"),
        "all_enrolled": _l("所有在籍学生"),
    },
)
REFUSAL = Vocab("what goes with a refusal", {"reason": _l("理由"), "other_offer": _l("其他可选安排")})
AGREEMENTS = Vocab("agreements", {"service": _l("服务协议"), "safety": _l("安全协议")})
MEANS = Vocab(
    "means of telling",
    {
        "letter": _l("家长告知书"),
        "notice_board": _l("公告公示栏"),
        "website": _l("校园网"),
        "home_school_platform": _l("家校联系平台"),
        "chat_group": _l("家长群"),
        "questionnaire": _l("问卷调查"),
        "parents_meeting": _l("家长会"),
        "posting": _l("信息公示"),
        "agreement": _l("服务协议"),
        "forum": _l("座谈会"),
    },
)
PARTIES = Vocab(
    "parties",
    {"school": _l("学校"), "parents": _l("家长"), "instructors": _l("指导人员"), "pupils": _l("学生")},
)
TERMS_OF_AGREEMENT = Vocab(
    "contents of an agreement",
    {
        "times": _l("服务时间"),
        "form": _l("服务形式"),
        "management": _l("管理要求"),
        "safety_duty": _l("安全责任"),
        "rights_and_duties": _l("双方权利和义务"),
    },
)
UNITS = Vocab(
    "units of grouping",
    {
        "own_class": _l("本班"),
        "merged": _l("拼班"),
        "same_grade": _l("同年级"),
        "same_band": _l("同学年段"),
        "mixed_age": _l("混龄"),
        "by_level": _l("分层"),
        "moving": _l("走班"),
        "large": _l("大班"),
        "cross_class": _l("跨班"),
        "by_subject": _l("分科目"),
        "by_stage_and_age": _l("按学段和年龄结构"),
        "cross_grade": _l("跨年级"),
        "school_club": _l("学校社团"),
    },
)
PAYERS = Vocab(
    "payers",
    {
        "free": _l("对家长免费"),
        "government_school_parents": _l("政府、学校、家长分担"),
        "government_parents": _l("政府、家长分担"),
        "subsidy_and_parents": _l("财政补贴、家长合理分担"),
        "paid_with_subsidy": _l("有偿自愿并有经费补助"),
        "parents": _l("家长自费"),
    },
)
INSTRUMENTS = Vocab(
    "instruments",
    {
        "fiscal_subsidy": _l("财政补贴"),
        "service_charge": _l("服务性收费"),
        "collect_on_behalf": _l("代收费"),
        "lunch": _l("餐费"),
        "school_funds": _l("学校经费"),
        "special_fund": _l("专项经费"),
    },
)
PERIODS = Vocab("periods", {"term": _l("学期"), "month": _l("月"), "year": _l("学年"), "once": _l("一次性")})
HARDSHIP = Vocab("hardship", {"reduce": _l("减免"), "free": _l("免费")})
ACCOUNTS = Vocab(
    "accounts",
    {
        "school_finance": _l("学校财务统一管理"),
        "special_account": _l("学校财务专户"),
        "three_party": _l("三方共管账户"),
        "caterer": _l("餐饮公司"),
        "departmental_budget": _l("部门预算"),
    },
)
SPENDING = Vocab(
    "spending",
    {
        "staff_pay": _l("参与教师补助"),
        "related_staff_pay": _l("相关人员补助"),
        "external_labour": _l("外聘人员劳务费"),
        "utilities": _l("水电费"),
        "consumables": _l("消耗品"),
        "upkeep": _l("场地器材维护"),
        "courses": _l("活动课程"),
        "transport": _l("交通与防护"),
        "equipment": _l("设备"),
        "repair": _l("维修"),
        "service_costs": _l("服务费用"),
    },
)
SURPLUS = Vocab(
    "use of a surplus",
    {"taken_back": _l("财政部门收回"), "carried_over": _l("转作下一年度使用"), "kept": _l("学校留用")},
)
BOARD = Vocab(
    "fee board",
    {"standard": _l("收费标准"), "basis": _l("收费依据"), "complaint_phone": _l("投诉举报电话")},
)
REDUCTION_ORDER = Vocab(
    "order of reduction and cap",
    {"cap_then_reduce": _l("先封顶再减免"), "reduce_then_cap": _l("先减免再封顶")},
)
PAY = Vocab(
    "pay mechanisms",
    {
        "outside_performance_pay": _l("绩效工资以外的补贴"),
        "inside_performance_pay": _l("绩效工资总量内倾斜"),
        "extra_work_only": _l("仅补助额外承担的工作"),
        "corresponding_subsidy": _l("按规定给予相应补助"),
        "assessed_performance_pay": _l("按考核结果发放绩效"),
        "labour_fee": _l("劳务费"),
        "performance_pay": _l("绩效工资分配"),
        "volunteer": _l("志愿服务"),
    },
)
PAY_FACTORS = Vocab(
    "factors of pay",
    {
        "nature": _l("服务性质"),
        "content": _l("服务内容"),
        "time": _l("服务时间"),
        "attitude": _l("服务态度"),
        "workload": _l("工作量"),
    },
)
MERITS = Vocab(
    "merits",
    {
        "titles": _l("职称评聘"),
        "awards": _l("表彰奖励"),
        "performance_pay": _l("绩效工资分配"),
        "workload": _l("工作量计算"),
        "assessment": _l("教师考核"),
    },
)
PLACES = Vocab(
    "places",
    {
        "classroom": _l("教室"),
        "function_room": _l("功能室"),
        "library": _l("图书馆"),
        "playground": _l("操场"),
        "off_campus": _l("校外"),
        "guard_room": _l("保安室"),
        "care_room": _l("托管室"),
        "relay_care": _l("接力托管"),
    },
)
CONTACTS = Vocab("contacts", {"class_teacher": _l("班主任"), "guardian": _l("监护人")})
REPORTED_TO = Vocab(
    "reported to",
    {"grade_head": _l("年段长"), "duty_manager": _l("当天管理人员"), "school_leaders": _l("学校领导")},
)
CONCERNS = Vocab(
    "what to watch in care",
    {"absence": _l("有无无故缺席"), "unwell": _l("有无身体不适"), "collected": _l("家长有没有准时接走学生")},
)
CONDUCT = Vocab(
    "conduct",
    {
        "physical_punishment": _l("体罚"),
        "disguised_punishment": _l("变相体罚"),
        "sarcasm": _l("讽刺挖苦学生"),
        "ridiculing_parents": _l("讽刺、挖苦、训斥家长"),
    },
)
RECORDS = Vocab(
    "records",
    {
        "attendance": _l("每天出勤情况"),
        "activities": _l("服务活动记录"),
        "home_address": _l("学生住址"),
        "parent_contacts": _l("家长联系方式"),
        "leave": _l("请假手续"),
        "care_numbers": _l("托管学生数"),
        "leave_numbers": _l("请假学生数"),
        "leave_reasons": _l("请假原因"),
        "duty_signature": _l("带班领导签字"),
        "care_file": _l("托管学生档案"),
        "child_notes": _l("学生情况详细记录"),
        "name_list": _l("学生名单"),
        "class_register": _l("编班名册"),
        "patrol": _l("巡查记录"),
    },
)
PROTECTION = Vocab("protection", {"human": _l("人防"), "technical": _l("技防"), "physical": _l("物防")})
SAFETY_RULES = Vocab(
    "safety rules",
    {
        "system": _l("安全管理制度"),
        "emergency_plan": _l("应急预案"),
        "place_checks": _l("活动场所安全检查"),
        "gate_register": _l("门卫登记"),
        "collection": _l("接领交接制度"),
        "staff_notices": _l("值班人员须知"),
    },
)
HAZARDS = Vocab(
    "hazards",
    {
        "site": _l("场地"),
        "equipment": _l("设施设备"),
        "fire": _l("消防"),
        "water": _l("饮水卫生"),
        "disease": _l("传染病疫情"),
        "security": _l("安全保卫"),
    },
)
PHASES = Vocab(
    "phases of oversight",
    {
        "early_planning": _l("前期规划"),
        "midterm_check": _l("中期检查"),
        "annual_assessment": _l("年度考核"),
        "monthly_meeting": _l("每月总结会"),
        "term_assessment": _l("学期考核"),
    },
)
INSPECTIONS = Vocab(
    "inspections",
    {
        "special": _l("专项督查"),
        "group": _l("集体视导"),
        "routine": _l("常规检查"),
        "regular": _l("定期监督检查"),
        "full_check": _l("定期普查"),
        "spot_check": _l("不定时抽查"),
    },
)
RATED = Vocab(
    "what is rated",
    {
        "coverage": _l("覆盖保障"),
        "quality": _l("质量内容"),
        "satisfaction": _l("学生及家长满意度"),
        "times": _l("服务时间"),
        "mode": _l("服务方式"),
        "contents": _l("服务内容"),
        "safety": _l("安全措施"),
    },
)
ARCHIVE = Vocab(
    "archive",
    {
        "bodies": _l("组织机构建立"),
        "opinions": _l("意见征求"),
        "application_forms": _l("申请表册"),
        "minutes": _l("会议记录"),
        "activities": _l("活动记载"),
        "funds": _l("资金管理"),
        "signatures": _l("签字确认"),
        "duty_performance": _l("履职尽责"),
    },
)
MEDICINE = Vocab(
    "instructions for medicine",
    {"time": _l("服用时间"), "dose": _l("药量"), "method": _l("服用方法")},
)
