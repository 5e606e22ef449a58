"""Step 4, the vendor's part: onto the bureau's list by due process, a course offered, its content reviewed."""

from __future__ import annotations

from datetime import timedelta

from core.base import clock
from deploy.walkthrough.browser import Failed, Page
from deploy.walkthrough.play import Play, Step, page_until, until
from deploy.walkthrough.steps_menu import OUT_OF_HOURS, club

COURSE = "少儿篮球"


def listed(play: Play) -> str:
    """The vendor applies with its papers; the bureau vets it, has posted it, and its head puts it on the list."""
    vendor, officer, head = (play.as_(role) for role in ("vendor_manager", "bureau_officer", "bureau_head"))
    name, later = f"演练艺体中心 {play.tag}", clock.today() + timedelta(days=700)
    page = vendor.get(f"{play['vendor']}/profile")
    page = vendor.send(page, page.form("/vendor/profile", has="legal_name"), {
        "legal_name": name, "agency_kind": "non_subject", "credit_code": f"9134{int(play.tag, 16):012d}X9",
        "subjects": "体育、艺术", "licence_no": "教民 134112270000001 号", "licence_until": later,
        "contact_name": "沈经理", "contact_phone": play["phone:vendor_manager"], "intro": "篮球、足球",
    })  # fmt: skip
    page = vendor.send(page, page.form("/vendor/certificates", has="title"), {
        "title": "办学许可证", "number": "134112270000001", "holder": name, "valid_until": later,
    })  # fmt: skip
    page = vendor.send(page, page.form("/vendor/coaches", has="phone"), {
        "name": "何教练", "phone": play["phone:coach"], "speciality": "篮球", "certificate_no": "TY-2026-01",
        "certificate_until": later,
    })  # fmt: skip
    bureau = f"演练县教育局 {play.tag}"
    form = next((f for f in page.forms if "/vendor/apply/" in f.action and bureau in f.text), None)
    if form is None:
        raise Failed(f"the vendor is not offered to apply to {bureau}")
    vendor.send(page, form).see("申请已送到")

    page = page_until(officer, f"{play['bureau']}/vendors", 30, name)
    page = officer.get(page.link("/bureau/vendors/"))
    page = officer.send(page, page.form("/bureau/vendors/"), button="vet")
    posted = {"publicity_until": clock.today() - timedelta(days=1)}  # posted on the bureau's own site until yesterday
    page = officer.send(page, page.form("/bureau/vendors/"), posted, button="publicize")
    if any(button == ("event", "list") for form in page.forms for button in form.buttons):
        raise Failed("who vetted a vendor may list it, too")
    page = head.get(page.path)
    head.send(page, page.form("/bureau/vendors/"), button="list").see("在名单内")
    page_until(play.as_("office"), f"{play['desk']}/vendors", 30, name, "在名单内")
    return "vetted by one, listed by another, known to the school"


def course(play: Play) -> str:
    """The vendor offers a course to the school, which reviews its content, teacher and time."""
    vendor, office = play.as_("vendor_manager"), play.as_("office")

    def offered() -> Page | None:
        page = vendor.get(f"{play['vendor']}/courses/new")
        schools = [label for _, label in page.form("/courses/new", has="coach").choices["school"]]
        return page if f"演练小学 {play.tag}" in schools else None

    page = until(offered, 30, "the school among those that the vendor may offer to")
    form = page.form("/courses/new", has="coach")
    school = next(value for value, label in form.choices["school"] if label == f"演练小学 {play.tag}")
    coach = next(value for value, label in form.choices["coach"] if label == "何教练")
    values = {
        "school": school,
        "coach": coach,
        "title": COURSE,
        "capacity": 20,
        "weekdays": play["club_days"],
        "starts_at": play["slot"][0],
        "ends_at": play["slot"][1],
        "grades": [3, 4],
        "content": "sport",
        "summary": "基本功与小比赛",
        "outline": "球性\n运球\n传接球\n投篮",
        "price_fen": "20.00",
    }
    page = vendor.send(page, form, values)
    vendor.send(page, page.form("/submit")).see("已提交")

    page = page_until(office, f"{play['desk']}/vendors", 30, COURSE)
    page = office.get(page.link("/vendors/courses/"))
    form = page.form("/approve", has="room")
    values = {
        "room": next(value for value, label in form.choices["room"] if label == "教学楼 102"),
        "method": "government_purchase",
        "special_need": "true",
        "publicized_on": clock.today() - timedelta(days=8),
        "filed_on": clock.today() - timedelta(days=1),
        "cost_fen": "800.00",
        "reason": f"本校没有篮球专业教师；{OUT_OF_HOURS}",
    }
    if "vendor_course" in play["prices"]:
        values["paid"] = "true"
    office.send(page, form, values)
    page = office.get(f"{play['desk']}/menu")
    page.see(COURSE)
    link = next(href for href, words in page.links if "/desk/offerings/" in href and COURSE in words)
    play[f"offering:{COURSE}"] = link.rsplit("/", 1)[-1]
    page_until(vendor, play["vendor"], 30, COURSE, "已通过")
    return "offered by the vendor, its content reviewed by the school"


STEPS: list[Step] = [
    ("4.5 vendor listed by the bureau", listed),
    ("4.6 club offered", club),
    ("4.7 vendor course reviewed", course),
]
