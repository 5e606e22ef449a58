"""Each persona's every page, at the size it is made for and at the other: drawn, accessible, nothing cut off."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ViewportSize

from tests.browser.conftest import DESK, PHONE, Visitor

PERSONAS = {
    "guardian": "家长",
    "class_teacher": "班主任",
    "teacher": "任课教师",
    "office": "课后服务办公室",
    "finance": "财务",
    "principal": "校长",
    "vendor": "机构负责人",
    "coach": "机构教师",
    "officer": "教育局经办人",
    "head": "教育局负责人",
}
MOST_PAGES = int(os.environ.get("KEHOU_TEST_PAGES", "15"))
"""Pages of one persona: as many as keep the suite within its minutes; set it higher to see all."""


def picture(name: str) -> Path | None:
    """Where a picture is kept, when KEHOU_TEST_SHOTS names a folder."""
    folder = os.environ.get("KEHOU_TEST_SHOTS")
    if not folder:
        return None
    path = Path(folder) / f"{re.sub(r'[^0-9A-Za-z一-鿿]+', '-', name).strip('-')}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("persona", PERSONAS.values(), ids=PERSONAS)
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_every_page_of_a_persona(browser: Browser, demo: str, persona: str, size: ViewportSize) -> None:
    """Follow the links from the persona's home, two steps far, and look at each page."""
    context = browser.new_context(
        locale="zh-CN", timezone_id="Asia/Shanghai", viewport=size, is_mobile=size is PHONE, has_touch=size is PHONE,
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(15_000)
    visitor = Visitor(page, demo).enter(persona)
    home = page.url.removeprefix(demo)
    wrong: list[str] = []
    waiting, seen = [home], set[str]()
    shapes: dict[str, int] = {}
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        answer = page.goto(demo + path)
        page.wait_for_load_state()
        if answer is None or answer.status >= 400:
            wrong.append(f"{path}: {answer.status if answer else 'no answer'}")
            continue
        wrong += _look(page, path)
        if file := picture(f"{persona}-{size['width']}-{path}"):
            page.screenshot(path=file, full_page=True)
        for link in _links(page, demo):
            shape = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d", "*", link.partition("?")[0])
            if link not in seen and shapes.get(shape, 0) < 2:
                shapes[shape] = shapes.get(shape, 0) + 1
                waiting.append(link)
    context.close()
    assert wrong == []
    assert visitor.complaints == []
    assert len(seen) >= 2


def _look(page: Any, path: str) -> list[str]:
    found = []
    results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "best-practice"]})
    for violation in results.response["violations"]:
        nodes = "; ".join(node["html"][:120] for node in violation["nodes"][:2])
        found.append(f"{path}: axe {violation['id']}: {nodes}")
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if over > 1:
        found.append(f"{path}: {over} px too wide")
    if page.locator("h1").count() != 1:
        found.append(f"{path}: {page.locator('h1').count()} headings of the first level")
    return found


def _links(page: Any, demo: str) -> list[str]:
    hrefs = page.eval_on_selector_all("a[href]:not([download])", "links => links.map(a => a.href)")
    paths = [h.removeprefix(demo).partition("#")[0] for h in hrefs if h.startswith(demo + "/t/")]
    skipped = (
        "/export",
        "/sheet",
        "/pdf",
        ".pdf",
        ".xlsx",
        ".csv",
        "/download",
        "/template",
        "/workbook",
        "/paper",
        "/books",
        "/errors",
    )
    return [p for p in dict.fromkeys(paths) if not any(s in p for s in skipped)]
