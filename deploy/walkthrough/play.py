"""Runs the steps one after another and says of each whether it went as it should."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.base.settings import Settings
from deploy.walkthrough.browser import Browser, Failed, Page

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report."""

    step: str
    ok: bool
    detail: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return {"step": self.step, "ok": self.ok, "detail": self.detail}


@dataclass(slots=True)
class Play:
    """The story while it is played: where, by whom, and what the steps so far left for those after them."""

    url: str
    settings: Settings
    tag: str = field(default_factory=lambda: secrets.token_hex(3))
    people: dict[str, Browser] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)

    # -- people ----------------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        """What an earlier step left. Raises Failed when it did not."""
        if key not in self.known:
            raise Failed(f"an earlier step left no {key}")
        return self.known[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.known[key] = value

    def as_(self, role: str) -> Browser:
        """The browser of whoever has this role; signed in by phone and code when first asked for."""
        if role not in self.people:
            self.people[role] = self.sign_in(role, self[f"phone:{role}"])
        return self.people[role]

    def sign_in(self, who: str, phone: str) -> Browser:
        """A new browser that signs in on the two pages that a person would see."""
        browser = Browser(self.url, who)
        page = browser.get("/sign-in")
        page = browser.send(page, page.form("/sign-in", has="phone"), {"phone": phone})
        code = self.code(phone)
        page = browser.send(page, page.form("/sign-in/code", has="code"), {"code": code}, status=None)
        if not any(name == "kehou_session" for name in browser.client.cookies):
            raise Failed(f"{who} ({phone}) is not signed in: {page.text[:200]}")
        return browser

    def code(self, phone: str) -> str:
        """The newest code that was sent to this phone: the operator reads it where the SMS gateway would."""
        from core.identity.gateway import FileGateway

        if self.settings.sms_outbox is None:
            raise Failed("codes go to a real SMS gateway here; the walkthrough needs KEHOU_SMS_OUTBOX")
        gateway = FileGateway(self.settings.sms_outbox)
        return str(until(lambda: gateway.last(phone), 10, f"a code for {phone}"))

    def close(self) -> None:
        for browser in self.people.values():
            browser.close()


def until(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask again until the answer is true; fails when that takes too long. For what workers do in their own time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.15)


def page_until(browser: Browser, path: str, seconds: float, *words: str) -> Page:
    """Open a page again until all `words` can be read on it."""

    def look() -> Page | None:
        page = browser.get(path)
        return page if all(word in page.text for word in words) else None

    try:
        found: Page = until(look, seconds, " and ".join(words))
    except Failed as failed:
        raise Failed(f"{path}: {failed}; it says: {browser.get(path).text[:400]}") from None
    return found


Step = tuple[str, Callable[[Play], str]]
"""A name such as "2.1 roster.dry_run", and what is done; it returns what was seen, in a few words."""


def run(play: Play, steps: list[Step], tell: Callable[[Result], None], *, keep_going: bool = False) -> list[Result]:
    """Play the steps in order, up to and including the first that fails (`keep_going`: all of them)."""
    results: list[Result] = []
    for name, act in steps:
        began = time.monotonic()
        try:
            detail, ok = act(play), True
        except Failed as failed:
            detail, ok = str(failed), False
        except Exception as exc:
            detail, ok = f"{type(exc).__name__}: {exc}", False
        results.append(Result(name, ok, detail, time.monotonic() - began))
        tell(results[-1])
        if not ok and not keep_going:
            break
    return results
