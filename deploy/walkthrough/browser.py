"""A browser without scripts: fetches pages, finds their forms and links, sends the forms as a person filled them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

Values = list[tuple[str, str]]
VOID = {"input", "img", "br", "hr", "meta", "link", "source", "wbr", "use", "path"}


class Failed(Exception):
    """Something is not as it should be; the message says what was seen."""


@dataclass(slots=True)
class HtmlForm:
    """A form as the page offers it: where it goes, what it holds, which buttons it has."""

    action: str
    method: str
    values: Values = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    choices: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Of each select, radio and checkbox: (value, label or '')."""
    files: set[str] = field(default_factory=set)
    buttons: Values = field(default_factory=list)
    text: str = ""

    def first(self, name: str) -> str | None:
        """The value that the page put there."""
        return next((value for key, value in self.values if key == name), None)


class _Reader(HTMLParser):
    """Collects forms, links and the visible text of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[HtmlForm] = []
        self.by_id: dict[str, HtmlForm] = {}
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._form: HtmlForm | None = None
        self._hidden = 0
        self._link: tuple[str, list[str]] | None = None
        self._select: tuple[HtmlForm, str, bool] | None = None
        self._option: tuple[str, bool, list[str]] | None = None
        self._area: tuple[HtmlForm, str, list[str]] | None = None
        self._button: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        has = {name for name, _ in attrs}
        if tag in ("script", "style", "template"):
            self._hidden += 1
        elif tag == "form":
            self._form = HtmlForm(at.get("action", ""), at.get("method", "get").lower())
            self.forms.append(self._form)
            if at.get("id"):
                self.by_id[at["id"]] = self._form
        elif tag == "a" and at.get("href"):
            self._link = (at["href"], [])
        elif tag == "option" and self._select is not None:
            self._end_option()
            self._option = (at.get("value", "\0"), "selected" in has, [])
        else:
            owner = self.by_id.get(at["form"]) if at.get("form") else self._form
            if owner is not None and at.get("name") and "disabled" not in has:
                self._control(owner, tag, at, has)

    def _control(self, form: HtmlForm, tag: str, at: dict[str, str], has: set[str]) -> None:
        name, kind = at["name"], at.get("type", "text").lower()
        form.names.add(name)
        if tag == "select":
            self._select = (form, name, "multiple" in has)
            form.choices.setdefault(name, [])
        elif tag == "textarea":
            self._area = (form, name, [])
        elif tag == "button":
            form.buttons.append((name, at.get("value", "")))
        elif tag == "input" and kind in ("checkbox", "radio"):
            form.choices.setdefault(name, []).append((at.get("value", "on"), ""))
            if "checked" in has:
                form.values.append((name, at.get("value", "on")))
        elif tag == "input" and kind == "file":
            form.files.add(name)
        elif tag == "input" and kind in ("submit", "image"):
            form.buttons.append((name, at.get("value", "")))
        elif tag == "input" and kind not in ("button", "reset"):
            form.values.append((name, at.get("value", "")))

    def _end_option(self) -> None:
        if self._option is None or self._select is None:
            return
        value, selected, words = self._option
        form, name, multiple = self._select
        label = "".join(words).strip()
        value = label if value == "\0" else value
        form.choices[name].append((value, label))
        if selected or (not multiple and len(form.choices[name]) == 1):
            if not multiple:  # the first stands until another says that it is selected
                form.values[:] = [pair for pair in form.values if pair[0] != name]
            form.values.append((name, value))
        self._option = None

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template"):
            self._hidden = max(0, self._hidden - 1)
        elif tag == "form":
            self._form = None
        elif tag == "a" and self._link is not None:
            self.links.append((self._link[0], " ".join("".join(self._link[1]).split())))
            self._link = None
        elif tag == "option":
            self._end_option()
        elif tag == "select":
            self._end_option()
            self._select = None
        elif tag == "textarea" and self._area is not None:
            form, name, words = self._area
            form.values.append((name, "".join(words).removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._option is not None:
            self._option[2].append(data)
            return
        if self._area is not None:
            self._area[2].append(data)
            return
        if self._link is not None:
            self._link[1].append(data)
        if self._form is not None:
            self._form.text += data
        self.words.append(data)


class Page:
    """What a browser shows for one answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        self.url = str(answer.url)
        self.path = urlsplit(self.url).path
        reader = _Reader()
        if "html" in answer.headers.get("content-type", ""):
            reader.feed(answer.text)
            reader.close()
        self.forms, self.links = reader.forms, reader.links
        self.text = " ".join("".join(reader.words).split())

    def form(self, *words: str, has: str | tuple[str, ...] = ()) -> HtmlForm:
        """The first form whose action contains each of `words` and that has the fields `has`. Raises Failed."""
        wanted = {has} if isinstance(has, str) else set(has)
        for form in self.forms:
            if all(word in (form.action or self.path) for word in words) and wanted <= form.names | form.files:
                return form
        seen = ", ".join(f"{f.method} {f.action or self.path}" for f in self.forms)
        raise Failed(f"{self.path} has no form {' '.join(words)} {sorted(wanted) or ''}; it has: {seen or 'none'}")

    def link(self, *words: str) -> str:
        """The first link whose address contains each of `words`. Raises Failed."""
        for href, _ in self.links:
            if all(word in href for word in words):
                return urljoin(self.url, href)
        raise Failed(f"{self.path} has no link with {' '.join(words)}")

    def see(self, *words: str) -> Page:
        """Fails unless each of `words` can be read on the page."""
        for word in words:
            if word not in self.text:
                raise Failed(f"{self.path} ({self.status}) does not say “{word}”: {self.text[:400]}")
        return self

    def miss(self, *words: str) -> Page:
        """Fails if one of `words` can be read on the page."""
        for word in words:
            if word in self.text:
                raise Failed(f"{self.path} says “{word}” although it should not")
        return self


class Browser:
    """One person's browser: keeps cookies, follows redirects, sends the headers that browsers send."""

    def __init__(self, base: str, who: str) -> None:
        self.who = who
        self.base = base.rstrip("/")
        self.client = httpx.Client(
            base_url=self.base,
            follow_redirects=True,
            timeout=60,
            headers={"accept": "text/html", "accept-language": "zh-CN", "user-agent": f"kehou-walkthrough ({who})"},
        )

    def close(self) -> None:
        self.client.close()

    def get(self, path: str, status: int = 200) -> Page:
        """Open a page. Fails unless the answer has this status."""
        return self._checked(self.client.get(path), status)

    def raw(self, path: str, **more: Any) -> httpx.Response:
        """An answer that is no page, such as a PDF; fails unless it is 200."""
        answer = self.client.get(path, **more)
        if answer.status_code != 200:
            raise Failed(f"{path}: {answer.status_code} {answer.text[:200]}")
        return answer

    def send(
        self,
        page: Page,
        form: HtmlForm,
        values: dict[str, Any] | None = None,
        *,
        files: dict[str, tuple[str, bytes]] | None = None,
        button: str | None = None,
        status: int | None = 200,
    ) -> Page:
        """Fill and send a form: `values` replace what the page put there; None leaves a field out, a list sends many.

        Fails when a field is not in the form (a person could not fill it), or the answer has another status
        (None: whatever it is).
        """
        filled = self._filled(page, form, values or {}, button)
        address = urljoin(page.url, form.action or page.url)
        if form.method == "get":
            return self._checked(self.client.get(address, params=httpx.QueryParams(urlencode(filled))), status)
        parts = urlsplit(page.url)  # the payment provider's page is another site
        origin = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin", "referer": page.url}
        data: dict[str, Any] = {}
        for name, value in filled:
            data.setdefault(name, []).append(value)
        return self._checked(self.client.post(address, data=data, files=files, headers=origin), status)

    def api(self, method: str, path: str, body: Any = None, *, status: int = 200, key: str | None = None) -> Any:
        """Ask the JSON API; returns what it answers. Fails unless the answer has this status."""
        headers = {"accept": "application/json", "origin": self.base, "sec-fetch-site": "same-origin"}
        if key is not None:
            headers["idempotency-key"] = key
        answer = self.client.request(method, path, json=body, headers=headers)
        if answer.status_code != status:
            raise Failed(
                f"{self.who}: {method} {path} answered {answer.status_code}, not {status}: {answer.text[:500]}"
            )
        return answer.json() if answer.content else None

    def _filled(self, page: Page, form: HtmlForm, values: dict[str, Any], button: str | None) -> Values:
        unknown = [name for name in values if name not in form.names]
        if unknown:
            raise Failed(f"{page.path}: the form {form.action} has no {unknown}; it has {sorted(form.names)}")
        filled = [(name, value) for name, value in form.values if name not in values]
        for name, value in values.items():
            many = value if isinstance(value, (list, tuple)) else [] if value is None else [value]
            filled += [(name, str(one)) for one in many]
        if button is not None:
            pressed = [pair for pair in form.buttons if button in pair]
            if not pressed:
                raise Failed(f"{page.path}: the form {form.action} has no button {button}; it has {form.buttons}")
            filled.append(pressed[0])
        return filled

    def _checked(self, answer: httpx.Response, status: int | None) -> Page:
        page = Page(answer)
        if status is not None and page.status != status:
            said = page.text or answer.text
            raise Failed(
                f"{self.who}: {answer.request.method} {page.path} answered {page.status}, not {status}: {said[:500]}"
            )
        return page
