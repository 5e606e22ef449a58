"""Step 5 of the story: families choose, read the notice, apply; review, agreement, places, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.walkthrough.browser import Browser, Failed, HtmlForm, Page
from deploy.walkthrough.play import Play, Step, page_until
from deploy.walkthrough.steps_vendor import COURSE

Choices = Mapping[str, Sequence[int]]
"""Titles of offerings, each with the weekdays wanted (none: as it is offered)."""


def wishes(play: Play) -> Choices:
    """What the first guardian wants: the club on its days, care on the others, lunch, insurance."""
    days = play["club_days"]
    return {
        "少儿书法社": (),
        "基础托管": [day for day in (1, 2, 3, 4, 5) if day not in days],
        "营养午餐": [day for day in (1, 2, 3, 4, 5) if day not in days][:2],
        "学生意外伤害险": (),
    }


def choose(play: Play, role: str, wanted: Choices) -> Browser:
    """Put offerings into the basket, as on a phone."""
    guardian = play.as_(role)
    for title, days in wanted.items():
        page = guardian.get(f"{play['home']}/menu/{play[f'offering:{title}']}")
        page.see(title)
        guardian.send(page, page.form("/home/basket", has="offering"), {"weekdays": list(days)} if days else {})
    return guardian


def submit(play: Play, role: str, need: str = "") -> Page:
    """Read the notice, then send the application; returns its page."""
    guardian = play.as_(role)
    page = guardian.get(f"{play['home']}/notice")
    page.see("完全自愿")
    guardian.send(page, page.form("/home/notice"))
    page = guardian.get(f"{play['home']}/apply")
    return guardian.send(page, page.form("/home/apply", has="sha256"), {"need": need})


def apply(play: Play) -> str:
    """Any weekdays she likes, a club, lunch, insurance: not before the notice has been read."""
    guardian = choose(play, "guardian", wishes(play))
    page = guardian.get(f"{play['home']}/apply")
    page.see(*wishes(play))
    form = page.form("/home/apply", has="sha256")
    page = guardian.send(page, form, status=None)
    if page.status < 400 and "/applications/" in page.path:
        raise Failed("an application was taken although the notice had not been read")
    page = submit(play, "guardian", "双职工家庭，按时接孩子有困难")
    page.see("申请已提交", "少儿书法社")
    play["application"] = page.path.rsplit("/", 1)[-1]
    return "refused before the notice was read, taken after"


def review(play: Play) -> str:
    """The class teacher passes it, the school approves it, the family has an agreement to sign."""
    child = play["child"]
    _reviewed(play, child.name)
    _settled(play, child.name)
    page_until(play.as_("guardian"), play["home"], 20, "签订课后服务协议")
    return f"{child.name}: class teacher, school, agreement on the guardian's phone"


def _reviewed(play: Play, name: str) -> None:
    teacher = play.as_("class_teacher")
    page = teacher.get(f"{play['teach']}/review")
    page.see(name)
    link = next(href for href, words in page.links if "/teach/review/" in href and name in words)
    page = teacher.get(link)
    teacher.send(page, page.form("/pass")).see("审核通过")


def _opened(play: Play, name: str) -> Page:
    office = play.as_("office")
    page = office.get(f"{play['desk']}/applications")
    link = next((href for href, words in page.links if "/desk/applications/" in href and name in words), None)
    if link is None:
        raise Failed(f"the office does not find the application of {name}")
    return office.get(link)


def _settled(play: Play, name: str) -> None:
    page = _opened(play, name)
    play.as_("office").send(page, page.form("/approve")).see("已核准")


def sign(play: Play) -> str:
    """She signs with a code; both sides are bound, and the paper can be checked by anyone."""
    guardian = play.as_("guardian")
    _, paper = _signed(play, "guardian")
    guardian.get(play["home"]).see("已参加", *wishes(play))
    return f"signed, {len(paper) // 1024} kB of PDF, enrolled in {len(wishes(play))}"


def _signed(play: Play, role: str) -> tuple[Page, bytes]:
    guardian = play.as_(role)
    page = page_until(guardian, play["home"], 20, "签订课后服务协议")
    page = guardian.get(page.link("/home/agreements/"))
    page = guardian.send(page, page.form("/code"))
    form: HtmlForm = page.form("/sign", has="code")
    page = guardian.send(page, form, {"code": play.code(play[f"phone:{role}"])})
    page = page_until(guardian, page.path, 20, "协议已签订")
    paper = guardian.raw(page.link("/pdf")).content
    if not paper.startswith(b"%PDF"):
        raise Failed("the agreement is no PDF")
    return page, paper


def last_place(play: Play) -> str:
    """The club has two places: the second family gets the last one, the third is told so and loses nothing else."""
    choose(play, "second_guardian", {"少儿书法社": ()})
    submit(play, "second_guardian")
    guardian = play.as_("third_guardian")
    menu = guardian.get(f"{play['home']}/menu")
    page = guardian.get(f"{play['home']}/menu/{play['offering:少儿书法社']}")
    full = "已满" in page.text or "满" in menu.text
    forms = [form for form in page.forms if "/home/basket" in form.action]
    if forms and not full:
        raise Failed(f"a third family was offered a place that is not there: {page.text[:300]}")
    return "two places, two families; the third sees that it is full"


def vendor_place(play: Play) -> str:
    """A fourth family takes the vendor's course, all the way to the signed agreement."""
    name = play["fourth_child"].name
    choose(play, "fourth_guardian", {COURSE: ()})
    submit(play, "fourth_guardian")
    _reviewed(play, name)
    _settled(play, name)
    _signed(play, "fourth_guardian")
    return f"{name} is in {COURSE}"


def refusal(play: Play) -> str:
    """Turning a family down takes a reason and something else instead; they read both."""
    choose(play, "third_guardian", {"基础托管": [1, 2]})
    name = play["third_child"].name
    submit(play, "third_guardian")
    _reviewed(play, name)
    office = play.as_("office")
    page = _opened(play, name)
    form = page.form("/refuse")
    office.send(page, form, {"reason": ""}, status=422)
    other = next((value for value, _ in form.choices["other"] if value), None)
    if other is None:
        raise Failed(f"there is nothing to offer instead: {form.choices}")
    item = next(value for value, label in form.choices["item"] if value)
    reason = "托管教室当天检修"
    office.send(page, form, {"reason": reason, "other": other, "item": item})
    guardian = play.as_("third_guardian")
    page = page_until(guardian, play["home"], 20, "申请进度")
    guardian.get(page.link("/home/applications/")).see(reason)
    return "refused without a reason; with one, the family reads it"


STEPS: list[Step] = [
    ("5.1 guardian chooses and applies", apply),
    ("5.2 class teacher and school decide", review),
    ("5.3 agreement signed by code", sign),
    ("5.4 a place is never given twice", last_place),
    ("5.5 a family takes the vendor's course", vendor_place),
    ("5.6 a refusal has a reason and another offer", refusal),
]
