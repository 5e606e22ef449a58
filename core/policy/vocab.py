"""The words of rules, first half: time, content, plan, providers. The rest is in :mod:`vocab_people`."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.policy.words import Vocab

STAGES = Vocab("stages", {"primary": _l("小学"), "junior": _l("初中")})
OWNERSHIP = Vocab("ownership", {"public": _l("公办"), "private": _l("民办")})
SCHOOL_KINDS = Vocab(
    "school kinds",
    {
        "primary": _l("小学"),
        "junior": _l("初中"),
        "nine_year": _l("九年一贯制学校"),
        "complete_secondary": _l("完全中学"),
        "twelve_year": _l("十二年一贯制学校"),
        "other": _l("实施义务教育的其他学校"),
    },
)
SEASONS = Vocab("seasons", {"summer": _l("夏令时"), "winter": _l("冬令时")})
GRADES = Vocab(
    "grades",
    {
        1: _l("一年级"),
        2: _l("二年级"),
        3: _l("三年级"),
        4: _l("四年级"),
        5: _l("五年级"),
        6: _l("六年级"),
        7: _l("七年级"),
        8: _l("八年级"),
        9: _l("九年级"),
    },
)
WEEKDAYS = Vocab(
    "weekdays",
    {
        1: _l("周一"),
        2: _l("周二"),
        3: _l("周三"),
        4: _l("周四"),
        5: _l("周五"),
        6: _l("周六"),
        7: _l("周日"),
    },
)
WINDOWS = Vocab(
    "windows",
    {
        "morning": _l("早晨到校时段"),
        "morning_end": _l("上午放学后"),
        "noon": _l("午餐午休时段"),
        "afternoon": _l("下午放学后"),
        "extended": _l("延时托管"),
        "evening": _l("晚自习"),
        "weekend": _l("周末"),
        "holiday": _l("寒暑假"),
    },
)
OPTIONS = Vocab(
    "options",
    {
        "evening_study": _l("开设晚自习"),
        "different_lengths": _l("提供不同时长"),
        "extra_care": _l("延时托管"),
        "off_campus": _l("校外实践活动"),
        "cross_class": _l("跨班组织"),
        "cross_grade": _l("跨年级组织"),
        "moving_class": _l("走班"),
        "large_class": _l("大班"),
        "merged_class": _l("拼班"),
        "host_other_campus": _l("接收其他校区学生"),
        "own_projects": _l("自设特色项目"),
        "care_agreement_in_letter": _l("在《一封信》中签订托管协议"),
        "flexible_hours": _l("教师弹性上下班"),
        "own_content": _l("由各地各校确定具体内容"),
        "send_teachers": _l("选派教师支援薄弱学校"),
        "joint_public_bodies": _l("与少年宫等机构联合提供服务"),
        "public_benefit_items": _l("有关部门、群团组织和社区开展公益服务"),
        "raise_pay_total": _l("增加绩效工资总量"),
        "seasonal_times": _l("按季节确定时间"),
        "flexible_leaving": _l("弹性离校"),
        "individual_tutoring": _l("个别辅导答疑"),
        "own_times": _l("由学校确定具体服务时间"),
        "cross_subject": _l("跨学科指导学生"),
        "encouraged": _l("受鼓励参与课后服务"),
        "buy_services": _l("适当购买社会服务"),
        "older_pupils": _l("由学长协助"),
    },
)
KINDS = Vocab(
    "kinds of content",
    {
        "homework": _l("完成作业"),
        "tutoring": _l("个别辅导答疑"),
        "extension": _l("培优拓展"),
        "reading": _l("阅读"),
        "sport": _l("体育"),
        "arts": _l("艺术"),
        "science": _l("科普"),
        "labour": _l("劳动实践"),
        "games": _l("娱乐游戏"),
        "outdoor": _l("拓展训练"),
        "club": _l("社团及兴趣小组"),
        "film": _l("观看影片"),
        "project": _l("特色项目"),
        "calligraphy": _l("书法练字"),
        "classics": _l("经典诵读"),
        "mind_map": _l("思维导图"),
        "lecture": _l("名师课堂与讲座"),
        "preview_review": _l("预习与复习"),
        "online": _l("线上学习"),
        "study_tour": _l("研学旅行"),
        "team": _l("团队活动"),
        "meal_care": _l("午餐托管"),
        "evening_study": _l("晚自习"),
        "practice": _l("综合实践"),
        "technology": _l("科技创新"),
        "writing": _l("写作"),
        "oral_practice": _l("口语练习"),
        "self_study": _l("自习"),
        "collective_teaching": _l("集体教学"),
        "subject_teaching": _l("学科教学"),
        "new_lessons": _l("上新课"),
        "make_up_lessons": _l("集体补课"),
        "exam_drill": _l("考试训练"),
        "contest_training": _l("竞赛培训"),
        "commercial": _l("商业推广活动"),
        "high_risk": _l("危险性较高的活动"),
        "harmful": _l("影响身心健康的活动"),
    },
)
SECTIONS = Vocab(
    "sections of a plan",
    {
        "windows": _l("服务时段"),
        "times": _l("服务时间"),
        "items": _l("服务项目"),
        "contents": _l("服务内容"),
        "mode": _l("服务方式"),
        "organisation": _l("服务组织"),
        "duties": _l("责任分工"),
        "requirements": _l("工作要求"),
        "safeguards": _l("保障措施"),
        "incentives": _l("教职工激励办法"),
        "staffing": _l("人员调配"),
        "funds": _l("经费保障"),
        "safety": _l("安全措施"),
        "workflow": _l("服务流程"),
        "attendance_rules": _l("考勤制度"),
        "supervision_rules": _l("监管制度"),
        "handover_rules": _l("交接班制度"),
        "fees": _l("收费事项"),
        "timetable": _l("课程安排"),
        "family_school_duties": _l("家校责任"),
        "spending": _l("费用开支"),
        "places": _l("服务场地"),
        "teachers": _l("师资"),
    },
)
SUBJECTS = Vocab("subjects", {"chinese": _l("语文"), "maths": _l("数学"), "english": _l("英语")})
PLAN_UNITS = Vocab("units of planning", {"term": _l("学期"), "stage": _l("学段")})
FILING = Vocab(
    "filing", {"none": _l("不要求备案"), "file": _l("备案"), "review": _l("审核"), "review_and_file": _l("审核备案")}
)
PROVIDERS = Vocab(
    "providers",
    {
        "own_staff": _l("本校教师"),
        "other_school_staff": _l("外校教师"),
        "parent": _l("家长"),
        "volunteer": _l("志愿者"),
        "enthusiast": _l("社会热心人士"),
        "retired_teacher": _l("退休教师"),
        "sports_coach": _l("体育教练"),
        "folk_artist": _l("民间艺人"),
        "craftsperson": _l("能工巧匠"),
        "heritage_bearer": _l("非遗传承人"),
        "university_student": _l("高校优秀学生"),
        "professional": _l("社会专业人员"),
        "hired_outsider": _l("外聘人员"),
        "public_body": _l("少年宫等公共机构"),
        "public_benefit": _l("公益组织"),
        "training_agency": _l("校外培训机构"),
        "caterer": _l("餐饮公司"),
    },
)
FORMALITIES = Vocab(
    "formalities",
    {
        "qualification": _l("资质证明"),
        "vetted": _l("按程序审核"),
        "publicity": _l("聘任公示"),
        "filing": _l("报备"),
        "contract": _l("劳动合同或服务协议"),
        "character": _l("品德审查"),
        "health": _l("健康检查"),
        "open_tender": _l("公开招投标"),
        "safety_agreement": _l("安全责任协议书"),
    },
)
METHODS = Vocab(
    "ways of procurement",
    {"government_purchase": _l("政府购买服务"), "tender": _l("招标"), "agreement": _l("双方协议")},
)
GATES = Vocab("gates", {"entry": _l("入口关"), "supervision": _l("监管关"), "assessment": _l("考核关")})
BODIES = Vocab(
    "bodies",
    {
        "county_bureau": _l("县级教育部门"),
        "district_bureau": _l("区教育局等部门"),
        "school": _l("学校"),
        "parents_committee": _l("家委会"),
        "same_level_government": _l("同级政府"),
        "price_authority": _l("价格主管部门"),
        "departments": _l("相关部门"),
        "care_teacher": _l("管理教师"),
        "principal": _l("校长"),
        "education_department": _l("教育部门"),
        "class_teacher": _l("班主任"),
        "subject_teachers": _l("任课教师"),
        "supervision_department": _l("政府教育督导部门"),
        "market_regulator": _l("市场监管部门"),
        "escort_teachers": _l("护导教师"),
        "guards": _l("保安"),
        "duty_manager": _l("当天管理人员"),
        "principals_meeting": _l("校长办公会"),
    },
)
EXIT_GROUNDS = Vocab(
    "grounds of exit",
    {
        "poor_service": _l("服务水平低下"),
        "recruiting": _l("恶意在校招揽生源"),
        "not_as_agreed": _l("不按规定提供服务"),
        "disturbing_order": _l("扰乱教育教学和招生秩序"),
    },
)
SANCTIONS = Vocab(
    "sanctions",
    {
        "cancel_training_qualification": _l("取消培训资质"),
        "interview": _l("约谈"),
        "circulated_criticism": _l("通报批评"),
        "accountability": _l("追究相关人员责任"),
        "cancel_award_eligibility": _l("取消年度评优资格"),
        "investigated": _l("严肃查处"),
        "leaders_accountable": _l("追究学校领导责任"),
    },
)
