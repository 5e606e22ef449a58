"""The main story in the browser, each in their own window: guardian and teacher on the phone, school at a desk."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import DESK, PHONE, Visitor, follow
from tests.support.demo import Demo

SCHOOL = "青禾县实验小学"
WAITING = "家长（待报名）"

Open = Callable[..., Visitor]


@pytest.fixture
def people(browser: Browser, demo: str) -> Iterator[Open]:
    """Open a window at a size, with or without JavaScript; what goes wrong in any of them fails the test."""
    opened: list[Visitor] = []

    def window(size: ViewportSize = PHONE, *, scripts: bool = True) -> Visitor:
        context = browser.new_context(
            locale="zh-CN", timezone_id="Asia/Shanghai", viewport=size, is_mobile=size is PHONE,
            has_touch=size is PHONE, reduced_motion="reduce", java_script_enabled=scripts,
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(20_000)
        opened.append(Visitor(page, demo))
        return opened[-1]

    yield window
    complaints = [said for visitor in opened for said in visitor.complaints]
    for visitor in opened:
        visitor.page.context.close()
    assert complaints == []


def press(page: Page, name: str) -> None:
    """Press the button or link of this name and wait for the page that follows."""
    wanted = re.compile(name)
    follow(page.get_by_role("button", name=wanted).or_(page.get_by_role("link", name=wanted)).first)


def until(visitor: Visitor, path: str, text: str, seconds: float = 60) -> Page:
    """Come back to a page until it says something: what a worker does takes a moment."""
    deadline = time.monotonic() + seconds
    while True:
        visitor.go(path)
        if text in visitor.page.locator("main").inner_text():
            return visitor.page
        assert time.monotonic() < deadline, f"{path} never said {text}: {visitor.page.locator('main').inner_text()}"
        visitor.page.wait_for_timeout(500)


def runs_today() -> int:
    """The weekday whose timetable the demonstration runs today; weekend days are taught as Thursdays."""
    day = datetime.now(ZoneInfo("Asia/Shanghai")).isoweekday()
    return day if day < 6 else 4


def choose(visitor: Visitor, home: str, title: str, days: list[int] | None = None) -> None:
    """Open an item of the menu by its title and put it into the basket, with these weekdays if it asks for any."""
    visitor.go(f"{home}/menu")
    page = visitor.page
    follow(page.locator("li.course", has=page.get_by_role("heading", name=title)).get_by_role("link", name="选择"))
    boxes = page.locator("input[name=weekdays]")
    for place in range(boxes.count()):
        box = boxes.nth(place)
        wanted = days is None or int(box.get_attribute("value") or 0) in days
        if box.is_checked() != wanted:
            page.locator(f"label[for='{box.get_attribute('id')}']").click()
    press(page, "加入选择")


def titles(visitor: Visitor, home: str, kind: str) -> list[tuple[str, str]]:
    """(title, times) of what the menu offers of a kind and the child may still choose."""
    visitor.go(f"{home}/menu")
    follow(visitor.page.get_by_role("link", name=kind, exact=True).first)
    cards = visitor.page.locator("li.course", has=visitor.page.get_by_role("link", name=re.compile("^选择")))
    return [(card.locator("h2 a").inner_text(), card.locator(".meta").first.inner_text()) for card in cards.all()]


def apply(visitor: Visitor, home: str) -> list[str]:
    """Choose weekdays of care, a club, a vendor's course, lunch and insurance as far as offered; read; submit."""
    names = "零一二三四五"
    today = runs_today()
    chosen: list[str] = []
    busy: set[int] = set()
    for kind in ("社团", "机构课程"):
        for title, when in titles(visitor, home, kind) if _has(visitor, home, kind) else []:
            days = {day for day in range(1, 6) if f"周{names[day]}" in when}
            if today not in days and not days & busy:
                choose(visitor, home, title)
                chosen.append(title)
                busy |= days
                break
    care = titles(visitor, home, "课后托管")[0][0]
    choose(visitor, home, care, [day for day in range(1, 6) if day not in busy])
    chosen.append(care)
    for kind in ("午餐", "保险"):
        for title, _when in titles(visitor, home, kind) if _has(visitor, home, kind) else []:
            choose(visitor, home, title)
            chosen.append(title)
    page = visitor.go(f"{home}/apply").page
    for title in chosen:
        expect(page.locator("main")).to_contain_text(title)
    press(page, "先阅读告家长书")
    press(page, "我已阅读")
    visitor.go(f"{home}/apply")
    page.locator("textarea[name=need]").fill("双职工，请多照看。")
    press(page, "提交申请")
    expect(page.locator("main")).to_contain_text("申请进度")
    return chosen


def _has(visitor: Visitor, home: str, kind: str) -> bool:
    visitor.go(f"{home}/menu")
    return visitor.page.get_by_role("link", name=kind, exact=True).count() > 0


def child_name(visitor: Visitor, home: str) -> str:
    return visitor.go(home).page.locator(".who b").inner_text().strip()


@pytest.mark.req("R-132", "R-136", "R-142", "R-156", "R-220", "R-242")
def test_from_the_menu_to_the_school_gate(people: Open, running: Demo) -> None:
    guardian = people().enter(WAITING, SCHOOL)
    home = guardian.page.url.removeprefix(running.url).partition("?")[0]
    name = child_name(guardian, home)
    chosen = apply(guardian, home)
    assert len(chosen) >= 4

    teacher = people().enter("班主任", SCHOOL)
    teach = teacher.page.url.removeprefix(running.url)
    teacher.go(f"{teach}/review")
    follow(teacher.page.get_by_role("link", name=re.compile(name)).first)
    expect(teacher.page.locator("main")).to_contain_text("双职工，请多照看。")
    if (need := teacher.page.locator("#need-ok")).count():
        need.check()
    press(teacher.page, "审核通过")

    office = people(DESK).enter("课后服务办公室", SCHOOL)
    desk = office.page.url.removeprefix(running.url)
    office.go(f"{desk}/applications")
    follow(office.page.get_by_role("link", name=name).first)
    if (why := office.page.locator("form[action$='/approve'] textarea")).count():
        why.fill("符合本校方案")
    press(office.page, "核准并发出协议")

    sign(guardian, running, home)
    expect(guardian.go(home).page.locator("main")).to_contain_text(chosen[0])

    pay(guardian, people, running, home, name)
    hand_over(teacher, teach, name)
    expect(until(guardian, f"{home}/today", "接走了").locator("main")).to_contain_text("签名")


def sign(guardian: Visitor, running: Demo, home: str) -> None:
    """Open the agreement that waits, ask for the code, and sign with the newest one that was sent."""
    page = until(guardian, home, "签订课后服务协议")
    press(page, "签订课后服务协议")
    press(page, "同意，获取验证码")
    page.locator("input[name=code]").fill(running.newest_code())
    press(page, "签署协议")
    expect(page.locator("main")).to_contain_text("协议已签订")


def pay(guardian: Visitor, people: Open, running: Demo, home: str, name: str) -> None:
    """Finance makes the bills; the guardian pays at the stand-in's page and finds a receipt."""
    finance = people(DESK).enter("财务", SCHOOL)
    desk = finance.page.url.removeprefix(running.url)
    finance.go(f"{desk}/billing")
    press(finance.page, "^先试算")
    press(finance.page, "^生成账单")
    page = until(guardian, f"{home}/bills", name)
    follow(page.get_by_role("link", name=re.compile(name)).first)
    press(page, "去缴费")
    page.get_by_role("button", name="支付成功").click()
    page.wait_for_url(re.compile("/home/bills/"))
    until(guardian, f"{home}/receipts", "¥")


def hand_over(teacher: Visitor, teach: str, name: str) -> None:
    """Sign in, call the roll with one tap, end the lesson, and give the child to a named person."""
    page = teacher.go(teach).page
    follow(page.locator("ol.times a").first)
    press(page, "签到上课")
    page.get_by_role("button", name="其余全到").click()
    press(page, "提交考勤")
    press(page, "下课")
    teacher.go(f"{teach}/pickup")
    follow(page.get_by_role("link", name=re.compile(name)).first)
    page.locator("label:has(input[name=collector])").first.click()
    page.locator("input[name=signature]").fill("到校签字")
    press(page, "核对无误，交接")
    expect(page.locator("main")).not_to_contain_text(name)


def test_the_guardian_applies_without_javascript(people: Open, running: Demo) -> None:
    guardian = people(scripts=False).enter(WAITING, "青禾县第二实验小学")
    home = guardian.page.url.removeprefix(running.url).partition("?")[0]
    assert apply(guardian, home)


def test_sign_in_by_keyboard_alone(people: Open, running: Demo) -> None:
    """Tab, type, Enter: no mouse, and the focus is always to be seen."""
    visitor = people(DESK).go("/")
    card = visitor.page.locator("form[action*='/demo/enter']", has_text="课后服务办公室").first
    phone = card.locator("input[name=phone]").get_attribute("value") or ""
    keys = visitor.go("/sign-in").page.keyboard
    _tab_to(visitor.page, "phone")
    keys.type(phone)
    keys.press("Enter")
    visitor.page.wait_for_url(re.compile("/sign-in/code"))
    _tab_to(visitor.page, "code")
    keys.type(running.code(phone))
    keys.press("Enter")
    visitor.page.wait_for_url(re.compile("/desk|/me"))


def _tab_to(page: Page, name: str) -> None:
    for _ in range(15):
        focused = page.evaluate("document.activeElement.getAttribute('name')")
        if focused == name:
            return
        page.keyboard.press("Tab")
        seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none' || "
                             "getComputedStyle(document.activeElement).boxShadow !== 'none'")  # fmt: skip
        assert seen, page.evaluate("document.activeElement.outerHTML")
    raise AssertionError(f"no field {name} was reached")


CHROME = "nav, header, button, label, legend, th, h1, h2, .tabbar, .pill, .btn"
CHINESE = re.compile(r"[一-鿿]+")


@pytest.mark.parametrize(
    ("persona", "pages"),
    [
        ("家长", ["", "/menu", "/bills", "/today", "/messages", "/me", "/insurance", "/meals"]),
        ("班主任", ["", "/review", "/pickup", "/messages"]),
        ("课后服务办公室", ["", "/plan", "/menu", "/applications", "/lessons", "/students", "/fees", "/roster"]),
        ("教育局经办人", ["", "/plans", "/vendors"]),
    ],
    ids=["guardian", "class_teacher", "office", "officer"],
)
def test_in_english_the_frame_is_english(people: Open, demo: str, persona: str, pages: list[str]) -> None:
    """Names, titles and papers are the school's own and stay Chinese; what the product says does not."""
    visitor = people(DESK).enter(persona)
    page = visitor.page
    home = page.url.removeprefix(demo).partition("?")[0]
    page.request.post(f"{demo}/locale", form={"locale": "en"}, headers={"origin": demo})
    left: list[str] = []
    for path in pages:
        visitor.go(home + path)
        assert page.locator("html").get_attribute("lang") == "en"
        texts = page.eval_on_selector_all(
            "nav a span, nav h2, button, .btn, .tabbar span, th, label, legend",
            # What only screen readers hear of a button says whom or what it is for: names.
            """all => all.filter(e => !e.closest('[lang=zh-CN]')).map(e => {
                const shown = e.cloneNode(true);
                shown.querySelectorAll('.visually-hidden').forEach(hidden => hidden.remove());
                return shown.innerText.trim();
            })""",
        )
        data = _data(page)
        left += [f"{home}{path}: {text}" for text in texts if CHINESE.search(text) and not _of_data(text, data)]
    page.request.post(f"{demo}/locale", form={"locale": "zh_CN"}, headers={"origin": demo})
    assert sorted(set(left)) == []


def _data(page: Page) -> str:
    """The texts of a page that are people's own: table cells, titles of things, names."""
    found = page.eval_on_selector_all(
        "td, .tx, .who, .head-org, .menu-who, .course h2, .row-x, dd, .person, summary .face, .nm, .menu-name",
        "all => all.map(e => e.innerText)",
    )
    return "\n".join(found)


def _of_data(text: str, data: str) -> bool:
    return all(part in data for part in CHINESE.findall(text))
