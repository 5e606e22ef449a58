"""Steps 1 and 2 of the story: an organisation each for bureau, school and vendor; the roster."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

from core.base import clock
from deploy.demo.county import TermPlan, term_of
from deploy.demo.people import Child, School, make_school
from deploy.demo.roster_file import roster_csv, roster_workbook
from deploy.walkthrough.browser import Browser, Failed, Page
from deploy.walkthrough.operator import PACKS, Made, provision
from deploy.walkthrough.play import Play, Step, page_until

PUPILS = 1200


def provisioned(play: Play) -> str:
    """The operator sets up a bureau with its packs, and a vendor."""
    from deploy.app import build_house

    number = int(play.tag, 16) % 10_000_000
    roles = ("bureau_officer", "bureau_head", "vendor_manager", "coach", "principal", "office")
    phones = {role: f"198{(number * 10 + place) % 100_000_000:08}" for place, role in enumerate(roles)}

    async def work() -> Made:
        house = build_house(play.settings)
        try:
            return await provision(house, play.tag, phones)
        finally:
            await house.db.close()

    made = asyncio.run(work())
    if made.packs != PACKS:
        raise Failed(f"the packs {PACKS} should be there, but these are: {made.packs}")
    play.known.update({f"phone:{role}": phone for role, phone in phones.items()})
    play["made"] = made
    play["desk"], play["home"] = f"/t/{made.school}/desk", f"/t/{made.school}/home"
    play["teach"], play["vendor"] = f"/t/{made.school}/teach", f"/t/{made.vendor}/vendor"
    play["bureau"] = f"/t/{made.bureau}/bureau"
    return f"{made.bureau} with {', '.join(made.packs)}; {made.vendor}"


def school_set_up(play: Play) -> str:
    """The bureau sets up a school of its own, under its pack, with every plugin on."""
    made: Made = play["made"]
    officer = play.as_("bureau_officer")
    page = officer.get(f"{play['bureau']}/schools/new")
    form = page.form("/bureau/schools", has=("slug", "pack", "plugins"))
    offered = [value for value, _ in form.choices["pack"]]
    if missing := [key for key in PACKS if key not in offered]:
        raise Failed(f"the bureau is not offered the packs {missing}: {offered}")
    values = {
        "name": f"演练小学 {play.tag}",
        "slug": made.school,
        "level": "primary",
        "pack": PACKS[0],
        "plugins": [value for value, _ in form.choices["plugins"]],
        "principal_name": "高校长",
        "principal_phone": play["phone:principal"],
        "office_name": "安主任",
        "office_phone": play["phone:office"],
    }
    page = officer.send(page, form, values)
    page.see(f"演练小学 {play.tag}", "已建立")
    play["plugins"] = values["plugins"]
    return f"{made.school} under {PACKS[0]} with {', '.join(values['plugins'])}"


def signed_in(play: Play) -> str:
    """Bureau, school and vendor each sign in with a code and see their own place, and nobody else's."""
    made: Made = play["made"]
    for role, path, name in (
        ("bureau_officer", play["bureau"], f"演练县教育局 {play.tag}"),
        ("office", play["desk"], f"演练小学 {play.tag}"),
        ("vendor_manager", play["vendor"], f"演练艺体中心 {play.tag}"),
    ):
        browser = play.as_(role)
        browser.get("/me").see(name)
        browser.get(path)
    play.as_("office").get(f"/t/{made.bureau}", 404)
    play.as_("bureau_officer").get(f"/t/{made.school}", 404)
    stranger = Browser(play.url, "nobody")
    page = stranger.get(f"/t/{made.school}")
    if "/sign-in" not in page.path:
        raise Failed(f"a stranger was let in to {page.path}")
    stranger.close()
    return "each sees their own place; a foreign one looks like none"


def term_opened(play: Play) -> str:
    """The office enters the term and its days off."""
    plan = _term()
    first, _, number = plan.code.rpartition("-")
    office = play.as_("office")
    page = office.get(f"{play['desk']}/terms")
    form = page.form("/desk/terms", has=("number", "starts_on", "ends_on"))
    values = {"year": first[:4], "number": number, "starts_on": plan.starts_on, "ends_on": plan.ends_on}
    page = office.send(page, form, values)
    play["term"] = plan
    if not re.search(r"/desk/terms/[0-9a-f-]{36}$", page.path):
        raise Failed(f"the term was not opened: {page.path}: {page.text[:300]}")
    play["runs"] = _teach_today(play, page)
    return f"{plan.code}: {plan.starts_on} – {plan.ends_on}; today runs as weekday {play['runs']}"


def _term() -> TermPlan:
    """The term of today; in the holidays one of our own around today, for the story needs a day of a term."""
    today = clock.today()
    plan = term_of(today)
    if plan.starts_on <= today <= plan.ends_on:
        return plan
    return replace(
        plan, starts_on=today - timedelta(days=60), ends_on=today + timedelta(days=60), holidays=(), make_up=()
    )


def _teach_today(play: Play, page: Page) -> int:
    """Which weekday's timetable runs today; on a day off, today is entered as a make-up day (调休) of Monday."""
    office, plan, today = play.as_("office"), play["term"], clock.today()
    if today.isoweekday() < 6 and today not in {day for day, _ in plan.holidays}:
        return today.isoweekday()
    form = page.form("/days", has="runs_weekday")
    values = {"kind": "make_up", "first": today, "runs_weekday": 1, "name": "调休"}
    office.send(page, form, values)
    return 1


def wrong_roster(play: Play) -> str:
    """A file with damage: errors by row, a workbook to correct, and nothing saved."""
    office = play.as_("office")
    rows = ["全国学籍号,姓名,性别,年级,班级,监护人1姓名,监护人1手机,监护人1关系"]
    rows += ["1.2E+18,张三三,男,三年级,2,张大,19900000001,父亲", "G99,李四四,男,三年级,2,李大,12345,父亲"]
    page = upload(play, "坏.csv", "\r\n".join(rows).encode("gb18030"))
    page = checked(office, page)
    page.see("错")
    book = office.raw(page.link("/errors"))
    if not book.content.startswith(b"PK"):
        raise Failed("the workbook to correct is no workbook")
    if any("/import" in form.action for form in page.forms):
        raise Failed("a file with errors may be imported")
    office.get(f"{play['desk']}/students").miss("李四四")
    office.send(page, page.form("/drop"))
    return f"errors by row, {len(book.content)} bytes of workbook, nothing saved"


def roster(play: Play) -> str:
    """The whole school as an .xlsx: dry run, then imported by a worker with progress."""
    school = make_school(PUPILS, 200 + int(play.tag, 16) % 800, school_year=int(play["term"].code[:4]))
    office = play.as_("office")
    page = checked(office, upload(play, "花名册.xlsx", roster_workbook(school)))
    page = office.send(page, page.form("/import"))
    page = page_until(office, page.path, 90, "已导入")
    page.see(f"{PUPILS}")
    office.get(f"{play['desk']}/students").see(str(PUPILS))
    cast(play, school)
    return f"{PUPILS} pupils, {len(school.teachers)} staff, {len(school.classes)} classes"


def roster_again(play: Play) -> str:
    """The same pupils as the GB18030 .csv that Chinese Excel saves: read right, and nothing new in it."""
    office = play.as_("office")
    page = checked(office, upload(play, "花名册.csv", roster_csv(play["roster"])))
    child: Child = play["child"]
    page.miss("�")
    office.send(page, page.form("/drop"))
    office.get(f"{play['desk']}/students?q={child.name}").see(child.name)
    return "GB18030 understood; dropped again"


def families(play: Play) -> str:
    """The class teacher and a guardian sign in with the phones that the roster named, and see their own."""
    child: Child = play["child"]
    play.as_("class_teacher").get("/me").see(f"演练小学 {play.tag}")
    guardian = play.as_("guardian")
    guardian.get("/me").see(f"演练小学 {play.tag}")
    guardian.get(f"{play['home']}/me").see(child.name)
    guardian.get(f"{play['desk']}/students", 403)
    play.as_("finance").get("/me").see(f"演练小学 {play.tag}")
    return f"{child.class_name} {child.name}"


def cast(play: Play, school: School) -> None:
    """Choose who plays: a class of grade 3, its teacher, a child of it with a guardian of its own."""
    teacher = next(t for t in school.teachers if t.homeroom and t.homeroom[0] == 3)
    assert teacher.homeroom is not None
    mine = [c for c in school.children if (c.grade, c.class_number) == teacher.homeroom and "·" not in c.name]
    phones = [g.phone for c in school.children for g in c.guardians]
    alone = [c for c in mine if phones.count(c.guardians[0].phone) == 1]
    child = alone[0]
    finance = next(t for t in school.teachers if "财务" in t.posts)
    other = next(t for t in school.teachers if t.posts == ("任课教师",))
    play["roster"], play["child"], play["class_teacher"] = school, child, teacher
    for role, one in zip(("second", "third", "fourth"), alone[1:], strict=False):
        play[f"{role}_child"], play[f"phone:{role}_guardian"] = one, one.guardians[0].phone
    play["phone:class_teacher"], play["phone:finance"] = teacher.phone, finance.phone
    play["phone:teacher"], play["teacher"] = other.phone, other
    play["phone:guardian"] = child.guardians[0].phone


def upload(play: Play, name: str, body: bytes) -> Page:
    """Send a roster from the upload page."""
    office = play.as_("office")
    page = office.get(f"{play['desk']}/roster")
    return office.send(page, page.form("/desk/roster", has="file"), files={"file": (name, body)})


def checked(office: Browser, page: Page) -> Page:
    """Wait until a worker has checked an upload."""
    return page_until(office, page.path, 90, "已检查")


STEPS: list[Step] = [
    ("1.1 bureau and vendor set up, packs loaded", provisioned),
    ("1.2 school set up by its bureau", school_set_up),
    ("1.3 everybody signs in by code", signed_in),
    ("2.1 term opened", term_opened),
    ("2.2 damaged roster refused", wrong_roster),
    ("2.3 roster imported", roster),
    ("2.4 roster as GB18030 csv", roster_again),
    ("2.5 class teacher and guardian sign in", families),
]
