"""Step 4 of the story: prices approved and posted, then the menu: care, club, lunch, insurance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.base import clock
from deploy.walkthrough.browser import Browser, Failed, Page
from deploy.walkthrough.play import Play, Step


@dataclass(frozen=True, slots=True)
class Price:
    """A fee standard as it is put forward; `yuan` for each `unit`."""

    service: str
    title: str
    fund: str
    yuan: str
    unit: str


PRICES = (
    Price("care", "课后看护服务费", "service", "4.00", "lesson"),
    Price("club", "社团活动服务费", "service", "6.00", "lesson"),
    Price("vendor_course", "第三方课程服务费", "service", "20.00", "lesson"),
    Price("lunch", "午餐费", "meals", "12.00", "meal"),
    Price("insurance", "意外伤害险（自愿）", "agency", "30.00", "term"),
)
BASIS = "成本测算书，课后服务成本分担"
PHONE = "0550-1230000"
LEAD_SECONDS = 45
"""How long the steps between choosing the club's hour and publishing the menu may take."""
OUT_OF_HOURS = "演练：按当时的钟点上课"
"""Why an activity runs at an odd hour: the pack warns, and a written reason lets it stand."""


def prices(play: Play) -> str:
    """Each price: proposed by finance, approval and disclosure entered by the principal, posted; then in force."""
    finance, principal = play.as_("finance"), play.as_("principal")
    page = principal.get(f"{play['desk']}/plugins/fees/settings")
    # A posting must stand for days before money may be taken; the story has no days to wait.
    principal.send(page, page.form("/plugins/fees/settings", has="notice_days"), {"notice_days": 0})
    page = finance.get(f"{play['desk']}/fees/new")
    offered = [value for value, _ in page.form("/desk/fees", has="service").choices["service"]]
    play["prices"] = {price.service: price for price in PRICES if price.service in offered}
    board = f"/t/{play['made'].school}/public/fees"
    for price in play["prices"].values():
        path = _propose(play, finance, price)
        today = clock.today()
        _next(principal, path, "/approve", {
            "approver": None, "approval_no": f"演发改价费〔{today.year}〕18 号", "approval_on": today,
            "approval_document": "关于课后服务收费标准的批复",
        })  # fmt: skip
        _next(principal, path, "/disclose", {"disclosed_at": "县政府信息公开网 2026-018"})
        finance.get(board).miss(price.title)  # approved and disclosed is not yet posted
        page = _next(finance, path, "/post", {
            "place": "校门口公示栏", "unit_fen": price.yuan, "unit": price.unit, "basis": BASIS,
            "complaint_phone": PHONE,
        })  # fmt: skip
        page.see("已公示并开始执行")
    anybody = Browser(play.url, "anybody")
    shown = anybody.get(board)
    shown.see(*(price.title for price in play["prices"].values()))
    anybody.close()
    return f"{len(play['prices'])} prices in force and on the public board"


def _propose(play: Play, finance: Browser, price: Price) -> str:
    page = finance.get(f"{play['desk']}/fees/new")
    values = {
        "service": price.service,
        "title": price.title,
        "fund": price.fund,
        "unit_fen": price.yuan,
        "unit": price.unit,
        "basis": BASIS,
        "complaint_phone": PHONE,
        "effective_from": min(play["term"].starts_on, clock.today()),
        "reason": "按上级文件执行",
    }
    page = finance.send(page, page.form("/desk/fees", has="service"), values)
    page.see(price.title)
    return page.path


def _next(browser: Browser, path: str, deed: str, values: Mapping[str, Any]) -> Page:
    """Take one step on a standard's page; a value of None takes the first thing offered."""
    page = browser.get(path)
    form = page.form(deed)
    filled = {}
    for name, value in values.items():
        if value is None:
            value = next(choice for choice, _ in form.choices[name] if choice)
        filled[name] = value
    return browser.send(page, form, filled)


def care(play: Play) -> str:
    """After-school care, any weekdays a family likes."""
    office = play.as_("office")
    page = office.get(f"{play['desk']}/offerings/new")
    values = {
        "title": "基础托管",
        "summary": "完成作业、阅读和体育活动",
        "grades": [1, 2, 3, 4, 5, 6],
        "weekdays": [1, 2, 3, 4, 5],
        "starts_at": "15:45",
        "ends_at": "17:45",
        "time_window": "afternoon",
        "content": ["homework", "reading", "sport"],
        "any_days": "true",
        "service": "care" if "care" in play["prices"] else "",
    }
    page = office.send(page, page.form("/desk/offerings", has="title"), values)
    return _approved(play, office, page, "基础托管")


def club(play: Play) -> str:
    """A club with a teacher, a room and few places."""
    office = play.as_("office")
    page = office.get(f"{play['desk']}/clubs/new")
    form = page.form("/desk/clubs", has="teacher_id")
    teacher = next(value for value, label in form.choices["teacher_id"] if label == play["teacher"].name)
    today = play["runs"]
    play["club_days"] = sorted({today, today % 5 + 1})
    play["slot"] = _now_slot()
    room = next(value for value, label in form.choices["room_id"] if value)
    values = {
        "title": "少儿书法社",
        "summary": "从握笔到临帖，每周两次",
        "tone": "art",
        "level": "beginner",
        "weekdays": play["club_days"],
        "starts_at": play["slot"][0],
        "ends_at": play["slot"][1],
        "reason": OUT_OF_HOURS,
        "grades": [3, 4],
        "capacity": 2,
        "teacher_id": teacher,
        "room_id": room,
        "plan": "握笔与坐姿\n基本笔画\n偏旁部首\n临帖",
        "materials": "毛笔、练习纸",
    }
    if "club" in play["prices"]:
        values["service"] = "club"
    page = office.send(page, form, values)
    return _approved(play, office, page, "少儿书法社")


def _now_slot() -> tuple[str, str]:
    """A time that begins as soon as the menu is out, for lessons of this story are held while it is played.

    Lessons that have begun are not put into the timetable any more, and none can be ended before it began.
    """
    soon = clock.school_time(clock.now()) + timedelta(seconds=LEAD_SECONDS + 59)
    start = soon.replace(second=0, microsecond=0)
    end = min(start + timedelta(minutes=60), start.replace(hour=23, minute=59))
    if end <= start:
        raise Failed("too close to midnight for a lesson of today: play it again in a few minutes")
    return f"{start:%H:%M}", f"{end:%H:%M}"


def lunch(play: Play) -> str:
    """Lunch by a caterer with all its papers."""
    office = play.as_("office")
    page = office.get(f"{play['desk']}/meals/set-up")
    form = page.form("/meals/set-up", has="caterer")
    values = {
        "title": "营养午餐",
        "summary": "两荤两素一汤",
        "weekdays": [1, 2, 3, 4, 5],
        "starts_at": "11:50",
        "ends_at": "13:30",
        "grades": [1, 2, 3, 4, 5, 6],
        "caterer": "演练餐饮有限公司",
        "contact": "齐师傅",
        "phone": "19900000088",
        "formalities": [value for value, _ in form.choices["formalities"]],
        "tender_by": "county_bureau",
        "tender_reference": "演采〔2026〕7 号",
        "standard_by": "price_authority",
        "settlement": "school",
        "supervisors": ["parents_committee", "school"],
        "reason": "按县里统一安排",
    }
    page = office.send(page, form, values)
    return _approved(play, office, page, "营养午餐")


def insurance(play: Play) -> str:
    """The school's liability insurance, and accident insurance that nobody must take."""
    office = play.as_("office")
    term = play["term"]
    for kind, number in (("liability", "XF-2026-01"), ("accident", "YW-2026-02")):
        page = office.get(f"{play['desk']}/insurance/policies/new")
        values = {
            "kind": kind,
            "insurer": "演练财产保险公司",
            "number": number,
            "starts_on": term.starts_on,
            "ends_on": term.ends_on,
            "limit_fen": "200000",
            "phone": "95500",
            "bearers": "依照保险合同和法律规定承担",
        }
        page = office.send(page, page.form("/insurance/policies", has="insurer"), values)
        page.see(number)
    page = office.get(f"{play['desk']}/insurance/accident")
    form = page.form("/insurance/accident", has="product")
    values = {
        "title": "学生意外伤害险",
        "insurer": "演练财产保险公司",
        "product": "少儿平安",
        "cover": "意外伤害 10 万元，意外医疗 1 万元",
        "grades": [1, 2, 3, 4, 5, 6],
    }
    page = office.send(page, form, values)
    return _approved(play, office, page, "学生意外伤害险")


def _approved(play: Play, office: Browser, page: Page, title: str) -> str:
    """Pass the content review of a new item, wherever its own page led to."""
    page = office.get(f"{play['desk']}/menu")
    page.see(title)
    link = next((href for href, words in page.links if "/desk/offerings/" in href and title in words), None)
    if link is None:
        raise Failed(f"the menu has no link to {title}: {[(h, w) for h, w in page.links if '/offerings/' in h]}")
    page = office.get(link)
    if any("/approve" in form.action for form in page.forms):
        page = office.send(page, page.form("/approve"))
    play[f"offering:{title}"] = page.path.rsplit("/", 1)[-1]
    return f"{title}: reviewed"


def published(play: Play) -> str:
    """The window is set, the menu published, and the guardian sees it on her phone."""
    office = play.as_("office")
    page = office.get(f"{play['desk']}/menu/window")
    form = page.form("/menu/window", has=("opens_at", "closes_at"))
    today = clock.today()
    values = {"opens_at": f"{today}T00:00", "closes_at": f"{today.replace(day=28)}T23:00"}
    page = office.send(page, form, values)
    page = office.get(f"{play['desk']}/menu")
    office.send(page, page.form("/menu/publish"))
    menu = play.as_("guardian").get(f"{play['home']}/menu")
    titles = [key.removeprefix("offering:") for key in play.known if key.startswith("offering:")]
    menu.see(*titles)
    return f"the guardian sees {'、'.join(titles)}"


BEFORE: list[Step] = [
    ("4.1 prices approved, disclosed, posted", prices),
    ("4.2 after-school care offered", care),
    ("4.3 lunch offered", lunch),
    ("4.4 insurance offered", insurance),
]
AFTER: list[Step] = [
    ("4.8 menu published and seen", published),
]
