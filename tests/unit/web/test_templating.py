"""The Jinja environment: owners' folders, macros without imports, panels that may fail, addresses with a hash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

from core.base.text import in_locale, use_locale
from core.base.text import lazy_gettext as _l
from core.web.assets import Assets
from core.web.icons import UnknownIcon, icon
from core.web.markup import Pager, Panel, initial, label_cells, qr, query_string
from core.web.templating import build_environment
from tests.unit.web.sink import pages

PAGES = dict(pages())


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    with in_locale("zh_CN"):
        yield


@pytest.fixture
def owner(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text(
        '{% extends "_doc.html" %}{% block main %}{{ panels("x.side") }}|{% endblock %}'
    )
    (tmp_path / "panel.html").write_text("<b>{{ words }}</b>")
    (tmp_path / "broken.html").write_text("{{ nothing.here }}")
    (tmp_path / "x.css").write_text("a{}")
    return tmp_path


def test_a_feature_has_its_own_folder(owner: Path) -> None:
    environment = build_environment({"clubs": owner})
    assert "|" in environment.get_template("clubs/page.html").render()
    with pytest.raises(TemplateNotFound):
        environment.get_template("page.html")


def test_panels_are_shown_and_a_broken_one_is_left_out(owner: Path, caplog: pytest.LogCaptureFixture) -> None:
    environment = build_environment({"clubs": owner})
    offered = {"x.side": [Panel("clubs/broken.html"), Panel("clubs/panel.html", {"words": "<社团>"})]}
    html = environment.get_template("clubs/page.html").render(panels_by_slot=offered)
    assert "<b>&lt;社团&gt;</b>|" in html
    assert "clubs/broken.html" in caplog.text


def test_a_slip_in_a_template_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        build_environment().from_string("{{ nothing }}").render()
    with pytest.raises(UndefinedError):
        build_environment().from_string("{{ ui.no_such_macro() }}").render()
    with pytest.raises(UnknownIcon):
        icon("no-such-icon")


def test_texts_and_lazy_texts_follow_the_reader() -> None:
    template = build_environment().from_string(
        "{{ _('保存') }}|{{ label }}|{{ ui.pill(label) }}|{{ [label]|tojson }}|{{ icon('x', label=label) }}"
    )
    assert template.render(label=_l("取消")).count("取消") == 4
    use_locale("en")
    shown = template.render(label=_l("取消"))
    assert shown.startswith("Save|Cancel|")
    assert shown.count("Cancel") == 4


def test_what_people_type_is_escaped() -> None:
    bad = "<script>alert(1)</script>"
    template = build_environment().from_string(
        "{{ ui.empty(x, x) }}{{ ui.kpi(x, x) }}{{ ui.facts([(x, x)]) }}{{ {'a': x}|tojson }}{{ qr(x, x) }}"
        "{% call ui.table([x, (x, 'r')], x) %}<tr><td>{{ x }}</td><td>1</td></tr>{% endcall %}"
    )
    html = template.render(x=bad)
    assert "<script>" not in html


@pytest.mark.parametrize(("name", "html"), list(PAGES.items()), ids=list(PAGES))
def test_every_page_of_the_sink(name: str, html: str) -> None:
    assert html.startswith("<!doctype html>")
    assert len(re.findall(r"<h1\b", html)) == 1, "one h1 a page"
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)), "ids are unique"
    assert not re.search(r"<style|\son[a-z]+=|<script(?![^>]*(?:src=|application/json))", html), "the policy forbids it"
    assert 'value="None"' not in html


def test_forms_carry_an_idempotency_key() -> None:
    html = PAGES["form"]
    assert len(re.findall(r'name="_key" value="[0-9a-f-]{36}"', html)) == 1
    assert 'enctype="multipart/form-data"' in html


class TestAssets:
    def test_the_address_changes_with_the_content(self, owner: Path) -> None:
        before = Assets({"clubs": owner}).url("clubs/x.css")
        assert re.fullmatch(r"/static/clubs/x\.css\?v=[0-9a-f]{10}", before)
        (owner / "x.css").write_text("b{}")
        assert Assets({"clubs": owner}).url("clubs/x.css") != before

    def test_of_the_core(self) -> None:
        assert Assets().url("app.css").startswith("/static/app.css?v=")

    @pytest.mark.parametrize("name", ["gone.css", "clubs/../../secret", "../app.py"])
    def test_a_missing_file_is_an_error(self, owner: Path, name: str) -> None:
        with pytest.raises(FileNotFoundError):
            Assets({"clubs": owner}).url(name)


class TestPager:
    def test_says_where_one_is(self) -> None:
        pager = Pager(total=45, page=2, size=20, query={"q": "林", "grade": None})
        assert (pager.pages, pager.first, pager.last, pager.offset) == (3, 21, 40, 20)
        assert pager.href(3) == "?q=%E6%9E%97&page=3"
        assert pager.href(1) == "?q=%E6%9E%97"

    @pytest.mark.parametrize(
        ("page", "pages", "shown"),
        [(1, 1, [1]), (1, 3, [1, 2, 3]), (5, 9, [1, None, 4, 5, 6, None, 9]), (3, 9, [1, 2, 3, 4, None, 9])],
    )
    def test_offers_neighbours_and_ends(self, page: int, pages: int, shown: list[int | None]) -> None:
        assert Pager(total=pages * 10, page=page, size=10).window() == shown

    def test_an_empty_list_has_one_page(self) -> None:
        assert (Pager(0).pages, Pager(0).first, Pager(0).last) == (1, 0, 0)


def test_cells_learn_their_heading() -> None:
    row = Markup('<tr class="x"><th scope="row">甲</th><td>1</td><td class="z">2</td></tr>')
    assert label_cells(row, ["名", "数", ""], ["", "r", "r"]) == (
        '<tr class="x"><th scope="row" data-label="名">甲</th>'
        '<td data-label="数" class="r">1</td><td class="z">2</td></tr>'
    )


def test_small_helpers() -> None:
    assert [initial(name) for name in ("林小满", "王老师", "Anna", " ")] == ["满", "王", "A", "·"]
    assert query_string({"a": 1, "b": "", "c": ["x", "y"]}) == "?a=1&c=x&c=y"
    assert 'aria-label="查验码"' in qr("https://example.com", "查验码")
