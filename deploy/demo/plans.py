"""The county's service plans: what each school writes, and how far its filing has come."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from uuid import UUID

from core.enrollment import plan_filing, plan_service
from core.enrollment.plan_schemas import PlanContent
from core.enrollment.survey import plan_link
from core.enrollment.survey import service as surveys
from core.terms.models import Term
from deploy.demo.stage import Org, Stage
from tenants.oversight import service as oversight

WEEK = [1, 2, 3, 4, 5]
WHY = "家长需求调查中多数家庭提出，经家委会讨论同意，人员、场地和值班已落实。"
RETURNED = (
    "“接力托管”只写了教师人数，没有写几点以后由谁照看、怎样与家长交接；应急预案请补充恶劣天气推迟离校的做法。"
    "补充后请重新报送。"
)
MORE = "17:40 后由接力托管教师照看，家长到校当面签字；暴雨、雷电时推迟离校，先通知家长再分批放行。"

RULES = {
    "organisation": "校长负总责，课后服务办公室统筹，年级组长负责本年级编班与值班，家委会参与监督。",
    "duties": "班主任清点本班参加的学生并交给任课教师；任课教师点名、组织活动、送到校门交接；值班领导全程巡查。",
    "requirements": "先完成作业，再开展活动；教师提前 5 分钟到位，不拖堂，不提前离岗。",
    "safeguards": "服务时间保安值守、校医到位，教室和通道照明完好，恶劣天气推迟离校。",
    "workflow": "学校发布菜单，家长自愿选择，班主任审核，学校核准，签订协议，编班上课，到点交接。",
    "attendance_rules": "每课必点名。应到未到的，任课教师立即告知班主任，班主任联系家长，查明去向并记录。",
    "supervision_rules": "值班领导每天巡查并留有记录，家委会每月随机到校一次，意见在一周内答复。",
    "handover_rules": "班主任、任课教师、家长逐一交接；接送人须事先登记，本人到场并签字或出示接送码。",
    "family_school": "家长按时接送，接送人有变及时告知；学生临时不参加须请假。",
}


def content_of(phone: str) -> dict[str, Any]:
    """A whole plan as the office of this school would write it; what its scheme asks for differently is below."""
    return {
        "basis": {
            "survey_done": True,
            "survey_means": ["letter", "questionnaire", "parents_meeting"],
            "survey_asked": 1186,
            "survey_wanting": 972,
            "survey_note": "八成以上家庭希望参加，最看重安全、完成作业和体育活动；三成家庭希望有科创课程。",
            "planned_by": ["term", "stage"],
            "phone": phone,
        },
        "times": {
            "windows": [
                {
                    "window": "afternoon",
                    "weekdays": WEEK,
                    "dismissal": "16:20",
                    "starts_at": "16:30",
                    "ends_at": "17:40",
                    "early_ends_at": "17:10",
                },
                {"window": "noon", "weekdays": WEEK, "dismissal": "11:50", "starts_at": "11:55", "ends_at": "13:50"},
            ],
            "mode": "“基础托管加社团”：周一至周五都有托管，家长可以只选几天；社团和课程按固定日子开设，随时可以退出。",
            "periods": 2,
        },
        "contents": {
            "items": [
                {"title": "作业自习与答疑", "kind": "homework", "weekdays": WEEK, "about": "教师在场，及时答疑"},
                {"title": "自主阅读", "kind": "reading", "weekdays": WEEK, "about": "班级图书角和图书馆"},
                {"title": "午间看护", "kind": "meal_care", "window": "noon", "weekdays": WEEK},
                {"title": "少儿篮球、花样跳绳", "kind": "sport", "weekdays": [1, 2, 4, 5]},
                {"title": "水彩与国画、童声合唱、中国舞", "kind": "arts", "weekdays": [1, 3, 4]},
                {"title": "科学小实验、创意编程", "kind": "science", "weekdays": [2, 3]},
                {"title": "小小木工", "kind": "labour", "weekdays": [5]},
            ],
            "timetable": "第一课时完成作业与阅读，第二课时开展社团活动；一、二年级以游戏和阅读为主。",
            "homework_first": True,
            "homework_done": True,
            "homework_percent": 90,
            "learning_periods": 1,
            "no_lessons": True,
            "no_load": True,
            "no_homework": True,
            "no_written_lower": True,
            "suitable_films": True,
            "no_evening_subjects": True,
        },
        "staffing": {
            "text": "以本校教师为主，自愿报名、学校统筹；每班两名教师，值班领导每天七名，每层一名。",
            "units": ["own_class"],
            "class_size": 35,
            "classes": 30,
            "teachers": 2,
            "duty_leaders": 7,
            "relay_teachers": 4,
            "mainly_own_staff": True,
            "guard_until_end": True,
            "doctor_on_call": True,
            "voluntary": True,
            "safety_signed": True,
        },
        "providers": {"no_subjects": True, "no_commerce": True, "no_premises": True, "cost_percent": 15},
        "funds": {
            "instruments": ["fiscal_subsidy", "service_charge"],
            "text": "财政补贴与服务性收费，专款专用，学期末公布收支。",
            "fees": "课后看护每课次 5 元，社团每课次 10 元；困难家庭减半或免收；没有上的课不收费。",
            "incentives": "按实际课时补助，纳入绩效工资总量，与评优挂钩。",
        },
        "safety": {
            "text": "分年级错时离校，校门设等候区；保安与值班领导同时在岗，监控全覆盖。",
            "protection": [],
            "emergency": "学生受伤先救治，同时通知家长和校长；到点无人接的，由值班领导照看并联系家长。",
            "supervised": True,
            "checked": True,
            "liability": True,
            "offered": True,
        },
        "joining": {"guided_by": ["class_teacher", "subject_teachers"], "midterm": True, "others_leave": True},
        "rules": RULES,
    }


def of_free_service(content: dict[str, Any]) -> dict[str, Any]:
    """The third school serves free of charge, in the afternoon alone."""
    plan = deepcopy(content)
    plan["times"]["windows"] = plan["times"]["windows"][:1]
    plan["contents"]["items"] = [i for i in plan["contents"]["items"] if i["kind"] != "meal_care"]
    plan["funds"]["instruments"] = ["fiscal_subsidy"]
    plan["funds"]["fees"] = "不收费"
    plan["providers"]["cost_percent"] = 0
    return plan


async def file_plans(stage: Stage) -> None:
    """Each school writes, adopts and sends its plan. The bureau passes the first; returns the second, which is sent
    again and waits to be read; the third's scheme asks for filing alone."""
    for school in stage.schools:
        await _write_and_send(stage, school)
    await stage.drain(*stage.schools, name=plan_filing.FILING)
    passed, returned, _filed = stage.schools
    officer = await stage.as_(stage.bureau, "bureau_officer")
    async with stage.house.unit(officer) as uow:
        _total, rows = await oversight.listed(uow)
        received = {row.school_name: row.id for row in rows}
        await oversight.pass_plan(uow, received[passed.ctx.name])
        await oversight.return_plan(uow, received[returned.ctx.name], RETURNED)
    await stage.drain(stage.bureau, name=plan_filing.DECISION)
    await _publish(stage, passed)
    await _send_again(stage, returned)


async def _publish(stage: Stage, school: Org) -> None:
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        assert school.term_id is not None
        plan = await plan_service.plan_of(uow, school.term_id)
        assert plan is not None
        await plan_filing.publish(uow, plan.id)


async def _send_again(stage: Stage, school: Org) -> None:
    """What the bureau missed is written, adopted and sent."""
    assert school.term_id is not None
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        plan = await plan_service.plan_of(uow, school.term_id)
        assert plan is not None
        content = (await plan_service.version_of(uow, plan)).content
        safety = {**content["safety"], "emergency": content["safety"]["emergency"] + MORE}
        await plan_service.save(uow, plan.id, PlanContent.model_validate({**content, "safety": safety}))
    await _adopt_and_send(stage, school, plan.id)


async def _write_and_send(stage: Stage, school: Org) -> None:
    assert school.term_id is not None
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        plan = await plan_service.begin(uow, school.term_id)
        term = await uow.get(Term, school.term_id)
        content = content_of(f"0550-12301{stage.schools.index(school) + 1:02}")
        content["basis"]["survey_on"] = content["basis"]["starts_on"] = term.starts_on.isoformat()
        if stage.schools.index(school) == 2:
            content = of_free_service(content)
        await plan_service.save(uow, plan.id, PlanContent.model_validate(content))
        survey = await surveys.survey_of(uow, school.term_id)
        if survey is not None:
            await plan_link.into_plan(uow, survey.id)
        checked = await plan_service.check(uow, plan)
        await plan_service.give_reasons(uow, plan.id, {finding.key: WHY for finding in checked.warnings})
    await _adopt_and_send(stage, school, plan.id)


async def _adopt_and_send(stage: Stage, school: Org, plan_id: UUID) -> None:
    async with stage.house.unit(await stage.as_(school, "principal")) as uow:
        await plan_service.adopt(uow, plan_id)
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        await plan_filing.submit(uow, plan_id)
