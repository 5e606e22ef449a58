"""The data of the kitchen sink, and its pages as HTML: one place that shows every macro."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader
from pydantic import BaseModel, Field

from core.web.fields import Agreed, Phone, SchoolMoment, Ui, Weekdays, YuanAsFen
from core.web.forms import Form
from core.web.markup import CourseCard, Flash, NavItem, Pager, Shell, Step
from core.web.templating import build_environment

DAY = date(2026, 11, 20)


class Enrol(BaseModel):
    contact: Annotated[str, Field(min_length=2, max_length=20), Ui("紧急联系人", autocomplete="name")]
    phone: Annotated[Phone, Ui("手机号", help="上课当天有变动时，我们会发短信到这个号码")]
    days: Annotated[Weekdays, Field(min_length=1), Ui("每周哪几天")]
    pickup: Annotated[
        Literal["mother", "father", "grand", "self"],
        Ui(
            "放学由谁接",
            kind="radio",
            options=[("mother", "妈妈"), ("father", "爸爸"), ("grand", "祖辈"), ("self", "自行回家")],
        ),
    ]
    relief: Annotated[list[Literal["a", "b"]], Ui("减免情形", options=[("a", "低保家庭"), ("b", "特困供养")])] = []
    grade: Annotated[int, Field(ge=1, le=9), Ui("年级", options=[(n, f"{n} 年级") for n in range(1, 7)])]
    fee: Annotated[YuanAsFen, Ui("每次收费")] = 1500
    starts: Annotated[date | None, Ui("开始日期")] = None
    opens: Annotated[SchoolMoment | None, Ui("开放时间")] = None
    health: Annotated[str | None, Field(max_length=200), Ui("过敏或健康提示", placeholder="例如：花生过敏")] = None
    proof: Annotated[Any, Ui("证明材料", kind="file", accept=".jpg,.png,.pdf", help="照片或 PDF，不超过 5 MB")] = None
    agree: Annotated[Agreed, Ui("我已阅读并同意《课后服务协议》")]


COURSES = [
    CourseCard("1", "创意编程与机器人", "#", "周二 16:30–17:45", "tech", "robot", "", "科技楼 203", "陈思远", 48000,
               "/ 16 次", 4, 24, tag="校外机构", action=("选课", "#")),
    CourseCard("2", "围棋启蒙", "#", "周四 16:30–17:30", "study", "chess-knight", "", "博雅楼 105", "周文", 32000,
               "/ 16 次", 7, 20, state="mine", state_text="已选", action=("退选", "#")),
    CourseCard("3", "少儿篮球", "#", "周四 16:30–18:00", "sport", "ball-basketball", "", "体育馆", "李强", 36050,
               "/ 16 次", 12, 30, clash="围棋启蒙", action=("选课", "#")),
    CourseCard("4", "水彩与国画", "#", "周三 16:30–17:45", "art", "palette", "", "艺术楼 301", "沈清", 40000,
               "/ 16 次", 0, 18, waiting=3, action=("候补", "#")),
    CourseCard("5", "作业辅导与自主阅读", "#", "周一至周五 16:20–17:40", "craft", "book-2", "", "三2班教室", "王丽", 0,
               left=None, action=("选课", "#")),
]  # fmt: skip

NAV = [
    NavItem("概览", "#", "layout-dashboard", current=True),
    NavItem("选课管理", "#", "books"),
    NavItem("考勤", "#", "clipboard-check", badge=3),
    NavItem("学生与班级", "#", "users"),
    NavItem("收费与退费", "#", "receipt-yuan", "经营"),
    NavItem("校外机构", "#", "building-store", "经营"),
    NavItem("设置", "#", "settings", "经营"),
    NavItem("食堂订餐", "#", "soup", "扩展"),
]
TABS = [
    NavItem("选课", "#", "layout-grid", current=True),
    NavItem("课表", "#", "calendar-week"),
    NavItem("账单", "#", "receipt", badge=1),
    NavItem("我的", "#", "user-circle"),
]
CHART = {
    "grid": {"left": 44, "right": 64, "top": 16, "bottom": 28},
    "tooltip": {"trigger": "axis", "valueFormatter": "@percent"},
    "xAxis": {"type": "category", "data": ["11/16", "11/17", "11/18", "11/19", "11/20"]},
    "yAxis": {"type": "value", "min": 94, "max": 100, "axisLabel": {"formatter": "{value}%"}},
    "series": [{"type": "line", "name": "到课率", "data": [97.4, 98.0, 94.6, 98.5, 97.0], "symbolSize": 7,
                "itemStyle": {"color": "var(--c-brand)"}, "areaStyle": {"opacity": 0.08},
                "markLine": {"symbol": "none", "silent": True, "label": {"formatter": "目标 97%"},
                             "lineStyle": {"color": "var(--c-fill)"}, "data": [{"yAxis": 97}]}}],
}  # fmt: skip
CHILDREN = [
    ("王子涵", "here", ""),
    ("李沐宸", "here", ""),
    ("林小满", "here", ""),
    ("张雨桐", "leave", "家长 14:20 请假：发烧"),
    ("赵一诺", "here", ""),
    ("周文博", "absent", ""),
    ("沈清和", "", ""),
    ("欧阳知遥", "here", "花生过敏"),
    ("孙嘉树", "", ""),
]
STEPS = [
    Step("家长提交申请", "done", "9月1日 18:03"),
    Step("班主任审核", "done", "9月2日 09:10，王老师"),
    Step("学校核准", "now", "预计 9 月 5 日前完成"),
    Step("签订协议"),
]

PARTS = {
    "desk": ("_desk.html", "上午好，王老师"),
    "lists": ("_desk.html", "选课申请"),
    "form": ("_desk.html", "新建选课"),
    "menu": ("_phone.html", "选课"),
    "roll": ("_phone.html", "创意编程与机器人"),
    "task": ("_phone.html", "选课确认"),
    "home": ("_phone.html", "林小满的一天"),
    "notice": ("_doc.html", "收费公示"),
    "sign": ("_doc.html", "登录"),
}


FLASHES = {"menu": [Flash("选课成功，已加入课表")], "lists": [Flash("有 2 条没有保存", "bad")]}
SHELL = Shell("实验小学", "2026 秋季学期", "王老师", "教务", "#", "#", 2, "#", "#", [("我的账号", "#", "user")])


def pages() -> Iterator[tuple[str, str]]:
    """(name, HTML) of each page of the sink; the forms are shown with all their errors as well."""
    environment = build_environment(static_dirs={})
    environment.loader = ChoiceLoader([FileSystemLoader(Path(__file__).parent), environment.loader or DictLoader({})])
    template = environment.get_template("sink.html")
    wrong = Form.read(Enrol, {"phone": "123", "contact": "李", "grade": "7a", "fee": "十元", "health": "花生过敏"})
    shown = {
        "day": DAY,
        "courses": COURSES,
        "nav": NAV,
        "tabs": TABS,
        "chart": CHART,
        "chart_rows": [("11/16", "97.4%"), ("11/17", "98.0%")],
        "steps": STEPS,
        "children": CHILDREN,
        "moment": datetime(2026, 11, 20, 8, 30, tzinfo=UTC),
        "pager": Pager(412, 3, 20, {"q": "林"}),
        "shell": SHELL,
    }
    for part, (layout, title) in PARTS.items():
        own: dict[str, Any] = {"layout": layout, "part": part, "title": title, "flashes": FLASHES.get(part, [])}
        if part in ("roll", "task"):
            own["back"] = "#"
        if part == "sign":
            own["narrow"] = True
        yield part, template.render(shown, form=Form.blank(Enrol), **own)
        if part in ("form", "task"):
            yield f"{part}-errors", template.render(shown, form=wrong, **own)
