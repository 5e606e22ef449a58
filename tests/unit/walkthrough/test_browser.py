"""The walkthrough's browser reads forms as a browser does, and refuses what a person could not do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from deploy.walkthrough.browser import Browser, Failed, Page
from deploy.walkthrough.play import Play, Result, run

HTML = """
<html><head><title>t</title><style>.x{}</style></head><body>
<form id="reasons" method="post" action="/reasons"></form>
<form method="post" action="/save">
 <input type="hidden" name="_key" value="k1"><input name="name" value="old">
 <input type="checkbox" name="day" value="1" checked><input type="checkbox" name="day" value="2">
 <input type="radio" name="kind" value="a"><input type="radio" name="kind" value="b" checked>
 <select name="pick"><option value="">请选择</option><option value="x" selected>X</option></select>
 <select name="many" multiple><option value="1" selected>1</option><option value="2" selected>2</option></select>
 <textarea name="words">
line</textarea><input name="off" value="no" disabled><input type="file" name="upload">
 <button name="event" value="vet">审核</button><button>保存</button>
</form>
<textarea name="why" form="reasons">because</textarea>
<p>看 <a href="/next?x=1">下一页</a></p><script>var hidden = "不可见";</script>
</body></html>"""


def browser(handler: Callable[[httpx.Request], httpx.Response]) -> Browser:
    made = Browser("http://kehou.test", "somebody")
    made.client = httpx.Client(transport=httpx.MockTransport(handler), base_url=made.base, follow_redirects=True)
    return made


def page(html: str = HTML) -> Page:
    request = httpx.Request("GET", "http://kehou.test/form")
    return Page(httpx.Response(200, html=html, request=request))


def test_forms_hold_what_a_browser_would_send() -> None:
    form = page().form("/save")
    assert form.values == [
        ("_key", "k1"), ("name", "old"), ("day", "1"), ("kind", "b"), ("pick", "x"), ("many", "1"), ("many", "2"),
        ("words", "line"),
    ]  # fmt: skip
    assert form.choices["pick"] == [("", "请选择"), ("x", "X")]
    assert form.files == {"upload"}
    assert form.buttons == [("event", "vet")]
    assert "off" not in form.names
    assert page().form("/reasons").values == [("why", "because")]


def test_text_is_what_can_be_read() -> None:
    shown = page()
    shown.see("下一页").miss("不可见")
    with pytest.raises(Failed):
        shown.see("不可见")
    assert shown.link("/next") == "http://kehou.test/next?x=1"
    with pytest.raises(Failed):
        shown.link("/elsewhere")


def test_a_filled_form_is_sent_with_the_headers_of_its_site() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, html="<p>ok</p>", request=request)

    visitor = browser(answer)
    shown = page()
    visitor.send(shown, shown.form("/save"), {"name": "新", "day": [1, 2], "many": None}, button="vet")
    (request,) = seen
    sent = parse_qs(request.content.decode())
    assert sent["name"] == ["新"] and sent["day"] == ["1", "2"] and sent["event"] == ["vet"]
    assert "many" not in sent
    assert request.headers["origin"] == "http://kehou.test"


def test_fields_and_buttons_that_are_not_there_cannot_be_used() -> None:
    visitor = browser(lambda request: httpx.Response(200, request=request))
    shown = page()
    with pytest.raises(Failed, match="has no"):
        visitor.send(shown, shown.form("/save"), {"colour": "red"})
    with pytest.raises(Failed, match="no button"):
        visitor.send(shown, shown.form("/save"), button="delete")


def test_another_status_than_expected_is_a_failure() -> None:
    visitor = browser(lambda request: httpx.Response(500, html="<p>oh</p>", request=request))
    with pytest.raises(Failed, match="500"):
        visitor.get("/x")
    assert visitor.get("/x", 500).text == "oh"


def test_the_play_stops_at_the_first_failure() -> None:
    def good(play: Play) -> str:
        play["left"] = 1
        return "fine"

    def bad(play: Play) -> str:
        raise Failed("not so")

    def odd(play: Play) -> str:
        return str(play["missing"])

    told: list[Result] = []
    play = Play("http://kehou.test", None)  # type: ignore[arg-type]
    results = run(play, [("1", good), ("2", bad), ("3", odd)], told.append)
    assert [(r.step, r.ok) for r in results] == [("1", True), ("2", False)]
    assert results == told
    everything = run(play, [("1", good), ("2", bad), ("3", odd)], told.append, keep_going=True)
    assert [r.ok for r in everything] == [True, False, False]
    assert "no missing" in everything[2].detail
