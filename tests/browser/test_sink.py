"""The kitchen sink in a real browser: accessible, within the policy, usable without JavaScript and at 320 px."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.sink_pages import HOST, opened
from tests.unit.web.sink import PARTS, pages

HTML = dict(pages())


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_axe_finds_nothing(browser: Browser, size: str) -> None:
    axe = Axe()
    found: list[str] = []
    with opened(browser, size, HTML) as page:
        for name in HTML:
            if size == "desk" and PARTS[name.split("-")[0]][0] == "_phone.html":
                continue
            page.goto(f"{HOST}/{name}.html")
            for violation in axe.run(page).response["violations"]:
                nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:3])
                found.append(f"{name}: {violation['id']}: {nodes}")
    assert not found, "\n".join(found)


def test_nothing_breaks_the_content_policy(browser: Browser) -> None:
    problems: list[str] = []
    with opened(browser, "desk", HTML) as page:
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        for name in HTML:
            page.goto(f"{HOST}/{name}.html")
        page.goto(f"{HOST}/desk.html")
        expect(page.locator("[data-chart] svg")).to_be_visible()
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("size", ["tiny", "phone"])
def test_no_page_scrolls_sideways(browser: Browser, size: str) -> None:
    wide = []
    with opened(browser, size, HTML) as page:
        for name in HTML:
            page.goto(f"{HOST}/{name}.html")
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if over > 0:
                wide.append(f"{name}: {over} px too wide")
    assert not wide, "\n".join(wide)


def test_targets_on_a_phone_are_large_enough(browser: Browser) -> None:
    """44 px, counting the invisible rim that round buttons and chips carry; links in running text are exempt."""
    script = """() => [...document.querySelectorAll(
        "button, .btn, nav a, .round, summary, input:not([type=hidden]), select")]
      .filter(e => e.offsetParent && !e.closest(".visually-hidden, .skip, .crumbs, .seg, .language, p"))
      .map(e => { const target = e.closest("label") ?? e, box = target.getBoundingClientRect(),
        rim = parseFloat(getComputedStyle(target, "::after").insetBlockStart) || 0;
        return [box.height - 2 * Math.min(rim, 0), target.outerHTML.slice(0, 90)] })
      .filter(([height]) => height < 40)"""
    small = []
    with opened(browser, "phone", HTML) as page:
        for name in HTML:
            page.goto(f"{HOST}/{name}.html")
            small += [f"{name}: {height:.0f} px: {html}" for height, html in page.evaluate(script)]
    assert not small, "\n".join(small)


def test_the_menu_opens_without_javascript(browser: Browser) -> None:
    with opened(browser, "phone", HTML, script=False) as page:
        page.goto(f"{HOST}/desk.html")
        entry = page.get_by_role("link", name="选课管理")
        expect(entry).to_be_hidden()
        page.get_by_role("link", name="打开菜单").click()
        expect(entry).to_be_visible()
        page.get_by_role("link", name="关闭菜单").click()
        expect(entry).to_be_hidden()


def test_errors_take_the_focus_and_lead_to_their_field(browser: Browser) -> None:
    with opened(browser, "phone", HTML) as page:
        page.goto(f"{HOST}/task-errors.html")
        expect(page.get_by_role("alert")).to_be_focused()
        page.get_by_role("alert").get_by_role("link", name="手机号").click()
        expect(page.get_by_label("手机号")).to_be_focused()
        expect(page.get_by_label("手机号")).to_have_accessible_description("请填写 11 位手机号")


def test_a_table_becomes_cards_on_a_phone(browser: Browser) -> None:
    with opened(browser, "phone", HTML) as page:
        page.goto(f"{HOST}/desk.html")
        cell = page.locator("td[data-label=任课]").first
        assert page.evaluate("e => getComputedStyle(e, '::before').content", cell.element_handle()) == '"任课"'
        box = cell.bounding_box()
        assert box is not None
        assert box["width"] > 250


def test_one_press_is_one_deed(browser: Browser) -> None:
    sent: list[str] = []
    with opened(browser, "desk", HTML) as page:
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        page.goto(f"{HOST}/form.html")
        # The answer never comes: a second press while waiting must not send again.
        page.evaluate(
            """() => { const form = document.getElementById("enrol"); form.action = "/slow"; form.target = "gone";
              const frame = document.createElement("iframe"); frame.name = "gone"; document.body.append(frame); }"""
        )
        button = page.get_by_role("button", name="提交选课")
        button.click()
        expect(button).to_have_attribute("aria-disabled", "true")
        page.evaluate("document.getElementById('enrol').requestSubmit()")
        expect(button).to_have_attribute("aria-disabled", "true")
    assert len(sent) == 1
