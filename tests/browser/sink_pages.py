"""Opens the kitchen sink in the machine's own browser, with no server and no network behind it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, Route, sync_playwright

from core.web.assets import CORE_STATIC

ARGUMENTS: Final = [
    "--no-sandbox",
    "--lang=zh-CN",
    "--disable-gpu",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES: Final = {"phone": (390, 844), "desk": (1440, 900), "tiny": (320, 640)}
HOST: Final = "http://sink.test"
POLICY: Final = "default-src 'self'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'"


def browser_path() -> str:
    """The browser installed on this machine; playwright never downloads one for us."""
    for name in ("chromium-headless-shell", "chromium", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise RuntimeError("no browser: apt-get install --no-install-recommends chromium fonts-noto-cjk")


@contextmanager
def launched() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, size: str, html: Mapping[str, str], *, script: bool = True) -> Iterator[Page]:
    """A page of the given size for which ``http://sink.test/<name>.html`` is ``html[name]``, under our policy."""
    width, height = SIZES[size]
    phone = size != "desk"
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        device_scale_factor=2 if phone else 1,
        reduced_motion="reduce",
        is_mobile=phone,
        has_touch=phone,
        java_script_enabled=script,
    )

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(HOST).partition("?")[0]
        if path.startswith("/static/"):
            route.fulfill(path=CORE_STATIC / path.removeprefix("/static/"))
        elif (name := Path(path).stem) in html:
            headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": POLICY}
            route.fulfill(body=html[name], headers=headers)
        else:
            route.fulfill(status=404, body="")

    context.route("**/*", answer)
    try:
        yield context.new_page()
    finally:
        context.close()
