"""Step 3 of the story: the service plan, objections with clauses, corrected, filed, passed, shown to families."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from deploy.walkthrough.browser import Failed
from deploy.walkthrough.play import Play, Step, page_until

Content = dict[str, Any]
WEEK = [1, 2, 3, 4, 5]
RULES = (
    "organisation",
    "duties",
    "requirements",
    "safeguards",
    "workflow",
    "attendance_rules",
    "supervision_rules",
    "handover_rules",
    "family_school",
)


def good_plan(play: Play) -> Content:
    """What the ten bans let stand."""
    partner = {
        "name": f"演练艺体中心 {play.tag}",
        "kind": "training_agency",
        "need": "本校没有篮球专业教师，开设篮球课程需要引进",
        "on_list": True,
        "non_subject": True,
        "method": "government_purchase",
        "selector": "county_bureau",
        "formalities": ["qualification", "vetted", "contract", "character"],
        "reviewed_by": ["school"],
        "clean_record": True,
    }
    return {
        "basis": {
            "survey_done": True,
            "survey_means": ["questionnaire"],
            "survey_on": str(play["term"].starts_on),
            "survey_asked": 1200,
            "survey_wanting": 960,
            "planned_by": ["term", "stage"],
            "starts_on": str(play["term"].starts_on),
            "phone": "0550-1230000",
        },
        "times": {
            "windows": [
                {
                    "window": "afternoon",
                    "weekdays": WEEK,
                    "dismissal": "15:40",
                    "starts_at": "15:45",
                    "ends_at": "18:15",  # later than the pack would like: allowed with a reason
                }
            ],
            "mode": "基础托管加兴趣社团，家长自愿选择天数",
            "periods": 2,
        },
        "contents": {
            "items": [
                {"title": "作业自习与答疑", "kind": "homework", "weekdays": WEEK},
                {"title": "篮球", "kind": "sport", "weekdays": [2, 4], "provider": "training_agency"},
            ],
            "timetable": "先作业，后活动",
            "homework_first": True,
            "homework_done": True,
            "no_lessons": True,
            "no_load": True,
            "no_homework": True,
            "suitable_films": True,
        },
        "staffing": {
            "text": "以本校教师为主，自愿报名，每班两名教师",
            "units": ["own_class"],
            "class_size": 40,
            "classes": 30,
            "teachers": 2,
            "duty_leaders": 2,
            "mainly_own_staff": True,
        },
        "providers": {
            "partners": [partner],
            "no_subjects": True,
            "no_commerce": True,
            "no_premises": True,
            "cost_percent": 10,
        },
        "funds": {
            "instruments": ["fiscal_subsidy", "service_charge"],
            "text": "财政补贴与服务性收费，专款专用，按学期公布收支",
            "fees": "服务性收费按批准的标准，困难家庭减免",
            "incentives": "按课时补助",
        },
        "safety": {
            "text": "专人值守，集中活动有安全措施",
            "emergency": "突发情况先救治，同时通知家长和校长",
            "supervised": True,
            "checked": True,
            "liability": True,
            "offered": True,
        },
        "rules": dict.fromkeys(RULES, "见学校课后服务管理办法"),
    }


def flawed_plan(play: Play) -> Content:
    """The same with three things that the ten bans forbid: too late, an olympiad class, and no survey."""
    content = deepcopy(good_plan(play))
    content["basis"]["survey_done"] = False
    content["times"]["windows"][0]["ends_at"] = "20:30"
    content["contents"]["items"].append({"title": "奥数提高班", "kind": "contest_training", "weekdays": [3]})
    return content


def objections(play: Play) -> str:
    """The office writes a plan; the pack objects with clauses, and the plan can neither be adopted nor sent."""
    office = play.as_("office")
    api = f"/api{play['desk']}/plan"
    answer = office.api("PUT", api, {"content": flawed_plan(play)})
    if answer["blocks"] < 2 or not all(found["clause"] for found in answer["objections"]):
        raise Failed(f"objections with clauses were expected: {answer['objections']}")
    page = office.get(f"{play['desk']}/plan")
    page.see("奥数", "001#2", "必须改正")
    principal = play.as_("principal")
    refused = principal.api("POST", f"{api}/{answer['id']}/adopt", status=422)
    play["plan"] = answer["id"]
    return f"{answer['blocks']} blocks, {len(answer['reasons_owed'])} reasons owed; adopting: {refused.get('code')}"


def corrected(play: Play) -> str:
    """Corrected; the one warning that is left stands with a written reason; the principal adopts."""
    office = play.as_("office")
    answer = office.api("PUT", f"/api{play['desk']}/plan", {"content": good_plan(play)})
    if answer["blocks"] or len(answer["reasons_owed"]) != 1:
        raise Failed(f"one warning was expected: {answer['objections']}")
    page = office.get(f"{play['desk']}/plan")
    form = page.form("/reasons")
    why = next(name for name in form.names if name.startswith("why."))
    office.send(page, form, {why: "多数家长 18:15 下班，经家委会同意"}).see("理由已保存")
    principal = play.as_("principal")
    page = principal.get(f"{play['desk']}/plan")
    principal.send(page, page.form("/adopt")).see("方案已审定")
    return "one warning with its reason, adopted by the principal"


def filed(play: Play) -> str:
    """Sent; it arrives in the bureau's own tenant with its paper and reason, and is passed."""
    office, officer = play.as_("office"), play.as_("bureau_officer")
    page = office.get(f"{play['desk']}/plan")
    office.send(page, page.form("/submit")).see("方案已报送")
    school = f"演练小学 {play.tag}"
    page = page_until(officer, f"{play['bureau']}/plans", 30, school)
    page = officer.get(page.link("/bureau/plans/"))
    page.see("多数家长 18:15 下班", "演练艺体中心")
    paper = officer.raw(page.link("/paper"))
    if not paper.content.startswith(b"%PDF"):
        raise Failed("the plan's paper is no PDF")
    officer.send(page, page.form("/pass")).see("已通过")
    page = page_until(office, f"{play['desk']}/plan", 30, "备案号")
    return f"passed; the paper has {len(paper.content) // 1024} kB"


def published(play: Play) -> str:
    """Shown to families, with nobody's signing in needed for the board."""
    office = play.as_("office")
    page = office.get(f"{play['desk']}/plan")
    office.send(page, page.form("/publish")).see("公示")
    play.as_("guardian").get(f"{play['home']}/plan").see("作业自习与答疑", "18:15")
    return "the guardian reads it"


STEPS: list[Step] = [
    ("3.1 plan meets objections with clauses", objections),
    ("3.2 plan corrected, reasoned, adopted", corrected),
    ("3.3 plan filed and passed by the bureau", filed),
    ("3.4 plan shown to families", published),
]
