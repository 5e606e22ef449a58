"""Browser tests run against the product as `make demo` starts it: real processes, seeded county, real pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize

from tests.support.demo import Demo, demonstration

PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1440, "height": 900}

BROWSERS = ("chromium", "chromium-headless-shell", "google-chrome", "chrome")


def browser_path() -> str | None:
    return os.environ.get("KEHOU_TEST_BROWSER") or next((p for b in BROWSERS if (p := shutil.which(b))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these are left out, but never in CI. Those who write the same rows go to one process."""
    missing = browser_path() is None and not os.environ.get("CI")
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if "test_story" in str(item.path):
                item.add_marker(pytest.mark.xdist_group("story"))
            if missing:
                item.add_marker(pytest.mark.skip(reason="no browser on this machine"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {
        "executable_path": browser_path(),
        "args": [
            "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--font-render-hinting=none",
        ],
    }  # fmt: skip


@pytest.fixture(scope="session")
def running() -> Iterator[Demo]:
    """A demonstration; KEHOU_TEST_DEMO names one that runs already, as its address and its folder with a blank
    between them."""
    if given := os.environ.get("KEHOU_TEST_DEMO"):
        url, _, where = given.partition(" ")
        yield Demo(url, Path(where))
        return
    with demonstration() as started:
        yield started


@pytest.fixture(scope="session")
def demo(running: Demo) -> str:
    """The demonstration's address."""
    return running.url


def follow(target: Locator) -> None:
    """Click, and return when the page that follows is there: until then the old one would answer for it."""
    with target.page.expect_navigation():
        target.click()


class Visitor:
    """A person at the product: enters as a persona, goes to pages, and complains of what is wrong on them."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.complaints: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("response", self._response)

    def _console(self, message: Any) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _response(self, response: Any) -> None:
        if response.status >= 500:
            self.complaints.append(f"{response.url}: {response.status}")

    def enter(self, title: str, place: str = "") -> Visitor:
        """Enter as the first persona with this title (and place)."""
        self.page.goto(self.address + "/")
        card = self.page.locator("form[action*='/demo/enter'] button", has_text=title)
        if place:
            card = card.filter(has_text=place)
        follow(card.first)
        assert "/demo" not in self.page.url
        return self

    def go(self, path: str) -> Visitor:
        self.page.goto(self.address + path)
        return self


@pytest.fixture
def visitor(browser: Browser, demo: str, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor at the size that the test asks for by `@pytest.mark.parametrize("size", …)`, the phone's otherwise."""
    size = getattr(request, "param", PHONE)
    context: BrowserContext = browser.new_context(
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport=size,
        is_mobile=size is PHONE,
        has_touch=size is PHONE,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield Visitor(page, demo)
    context.close()
