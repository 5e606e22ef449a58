"""Step 8 of the story: a lesson held, a child handed to a named person, what families and the vendor see of it."""

from __future__ import annotations

import time

from core.base import clock
from deploy.walkthrough.browser import Browser, Failed, Page
from deploy.walkthrough.play import Play, Step, page_until, until
from deploy.walkthrough.steps_vendor import COURSE

CLUB = "少儿书法社"


def held(play: Play) -> str:
    """The teacher signs in, calls the roll with a thumb, ends the lesson; the guardian follows it on her phone."""
    teacher, guardian = play.as_("teacher"), play.as_("guardian")
    name = play["child"].name
    page = _register(play, teacher, CLUB)
    play["lesson"] = page.path
    _teach(play, teacher, page, name)
    guardian.get(f"{play['home']}/today").see(name, CLUB)
    return f"{CLUB}: signed in, roll called, ended; seen by the guardian"


def _register(play: Play, teacher: Browser, title: str) -> Page:
    """Open today's register of a lesson."""
    page = page_until(teacher, play["teach"], 20, title)
    today = next((h for h, words in page.links if h.endswith("/register") and title in words), None)
    return teacher.get(today or page.link("/lessons/", "/register"))


def _teach(play: Play, teacher: Browser, page: Page, name: str) -> None:
    """Sign in, mark everybody present, and end the lesson once it has begun."""
    page = teacher.send(page, page.form("/sign-in"))
    form = page.form("/register")
    marks = {field: "present" for field in form.names if field.startswith("s.")}
    page.see(name)
    page = teacher.send(page, form, marks)
    page.see("考勤已提交")
    _wait_for_begin(play)
    page = teacher.get(page.path)
    teacher.send(page, page.form("/end")).see("已下课")


def _wait_for_begin(play: Play) -> None:
    """Nobody can end a lesson before it has begun."""
    hour, minute = map(int, play["slot"][0].split(":"))
    now = clock.school_time(clock.now())
    begins = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    left = (begins - now).total_seconds()
    if left > 0:
        time.sleep(left + 1)


def handed_over(play: Play) -> str:
    """The child goes home with somebody on its list, who signs; with nobody else."""
    teacher, guardian = play.as_("teacher"), play.as_("guardian")
    child = play["child"]
    page = _gate(play, teacher, child.name)
    form = page.form("/teach/pickup/", has="collector")
    stranger = {"collector": "collector:00000000-0000-7000-8000-000000000000", "signature": "路人"}
    refused = teacher.send(page, form, stranger, status=None)
    if refused.status < 400:
        raise Failed(f"the child was given to somebody who is not on its list: {refused.text[:200]}")
    page = _gate(play, teacher, child.name)
    form = page.form("/teach/pickup/", has="collector")
    named = child.guardians[0].name
    collector = form.choices["collector"][0][0]
    page.see(named)
    teacher.send(page, form, {"collector": collector, "signature": named})
    guardian.get(f"{play['home']}/today").see(child.name, "接")
    return f"given to {named}, who signed; a stranger was refused"


def _gate(play: Play, teacher: Browser, name: str) -> Page:
    page = teacher.get(f"{play['teach']}/pickup")
    if any("/lead-out" in form.action for form in page.forms):
        page = teacher.send(page, page.form("/lead-out"))
        page = teacher.get(f"{play['teach']}/pickup")
    link = next((h for h, words in page.links if "/teach/pickup/" in h and name in words), None)
    return teacher.get(link or page.link("/teach/pickup/"))


def rated(play: Play) -> str:
    """The guardian rates the lesson; the teacher's side shows words, never names."""
    guardian = play.as_("guardian")
    _rate(guardian, play, 5, "孩子很喜欢")
    return "five stars"


def _rate(guardian: Browser, play: Play, stars: int, words: str) -> None:
    page = guardian.get(f"{play['home']}/today")
    page = guardian.get(page.link("/rate"))
    guardian.send(page, page.form("/rate", has="stars"), {"stars": stars, "words": words}).see("已记下")


def vendor_lesson(play: Play) -> str:
    """The coach sees that one course and nothing else of the school; held, and rated by the family."""
    coach, guardian = play.as_("coach"), play.as_("fourth_guardian")
    child = play["fourth_child"]
    coach.get(f"{play['desk']}/students", 403)
    _teach(play, coach, _register(play, coach, COURSE), child.name)
    page = _gate(play, coach, child.name)
    form = page.form("/teach/pickup/", has="collector")
    signed = {"collector": form.choices["collector"][0][0], "signature": child.guardians[0].name}
    coach.send(page, form, signed).see("已交接")
    _rate(guardian, play, 1, "教练一直在看手机")
    return f"{COURSE} held by the vendor's coach, rated with one star"


def scored(play: Play) -> str:
    """A worker derives the vendor's first score from held lessons and ratings; the vendor gets it with all evidence."""
    office, vendor = play.as_("office"), play.as_("vendor_manager")
    page = office.get(f"{play['desk']}/vendors")
    office.send(page, page.form("/vendors/score"))
    path = next(
        href
        for href, words in office.get(f"{play['desk']}/vendors").links
        if "/desk/vendors/" in href and "/courses/" not in href and f"演练艺体中心 {play.tag}" in words
    )
    page = page_until(office, path, 40, "重新计算，结果一致", "教练一直在看手机")
    page.see("应上 1 节，上了 1 节")
    play["vendor_page"] = path
    seen = until(lambda: _with_link(vendor, play["vendor"], "/vendor/scores/"), 40, "the score at the vendor")
    vendor.get(seen.link("/vendor/scores/")).see("应上 1 节，上了 1 节").miss(play["fourth_child"].name)
    return "from one held lesson and one rating, recomputed alike; the evidence names no child"


def _with_link(browser: Browser, path: str, part: str) -> Page | None:
    """The page, once it links to an address with `part` in it."""
    page = browser.get(path)
    return page if any(part in href for href, _ in page.links) else None


def exit_review(play: Play) -> str:
    """The pack's trigger is met: a review is opened at the bureau. It is for people to decide, never for the system."""
    office, officer = play.as_("office"), play.as_("bureau_officer")
    page = office.get(play["vendor_page"])
    finding = {"ground": "recruiting", "found_on": clock.today(), "words": "放学时在教室散发招生传单，已制止"}
    office.send(page, page.form("/findings", has="ground"), finding)
    page = office.get(f"{play['desk']}/vendors")
    office.send(page, page.form("/vendors/score"))
    name = f"演练艺体中心 {play.tag}"
    page = page_until(officer, f"{play['bureau']}/exit-reviews", 40, name)
    page = officer.get(page.link("/bureau/exit-reviews/"))
    page.see("已发起", "001#2", "恶意在校招揽生源")
    play.as_("vendor_manager").get(play["vendor"])
    officer.get(f"{play['bureau']}/vendors").see("在名单内")
    return "opened with its clause; the vendor is still on the list"


def statement(play: Play) -> str:
    """The term's income and expenditure from the same ledger: the lesson held has become income; published for all."""
    finance = play.as_("finance")
    earned = sum(float(play["prices"][service].yuan) for service in ("club", "vendor_course"))
    page = page_until(finance, f"{play['desk']}/statement", 40, f"服务收入{earned:.2f}")
    finance.send(page, page.form("/statement/publish"), status=None)
    anybody = Browser(play.url, "anybody")
    public = page_until(anybody, f"/t/{play['made'].school}/public/statements", 30, "2")
    anybody.get(public.link("/public/statements/")).see("收入", "支出")
    anybody.close()
    return f"¥{earned:g} earned by the two lessons held; published"


STEPS: list[Step] = [
    ("8.1 lesson held", held),
    ("8.2 child handed to a named person", handed_over),
    ("8.3 lesson rated", rated),
    ("8.4 vendor's lesson held", vendor_lesson),
    ("8.5 vendor scored by a worker", scored),
    ("8.6 exit review opened, not closed", exit_review),
    ("8.7 income and expenditure published", statement),
]
