"""Texts: Chinese in the code, English beside it, and labels that are made once but shown in many languages."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.base import text
from core.base.text import (
    LazyText,
    add_catalogue,
    get_locale,
    gettext,
    in_locale,
    lazy_gettext,
    ngettext,
    pgettext,
    use_locale,
)

PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "验证用词"
msgstr "a word to test"

#, fuzzy
msgid "没有把握"
msgstr "a guess"

msgid "空着"
msgstr ""

msgctxt "动词"
msgid "验证用词"
msgstr "to test"

msgid "%(num)s 只猫"
msgid_plural "%(num)s 只猫"
msgstr[0] "%(num)s cat"
msgstr[1] "%(num)s cats"

msgid "你好，%(name)s"
msgstr "Hello %(name)s"
"""


@pytest.fixture(autouse=True)
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(text, "_folders", list(text._folders))
    (tmp_path / "en.po").write_text(PO, encoding="utf-8")
    add_catalogue(tmp_path)
    with in_locale("zh_CN"):
        yield
    text._merged.cache_clear()


def test_chinese_needs_no_catalogue() -> None:
    assert gettext("验证用词") == "验证用词"
    assert gettext("你好，%(name)s", name="林小满") == "你好，林小满"


def test_english_comes_from_the_catalogue_and_falls_back_to_chinese() -> None:
    use_locale("en")
    assert gettext("验证用词") == "a word to test"
    assert gettext("没有翻译的") == "没有翻译的"
    assert gettext("没有把握") == "没有把握", "a fuzzy entry is not trusted"
    assert gettext("空着") == "空着"
    assert pgettext("动词", "验证用词") == "to test"


def test_plural() -> None:
    assert ngettext("%(num)s 只猫", "%(num)s 只猫", 1) == "1 只猫"
    use_locale("en")
    assert ngettext("%(num)s 只猫", "%(num)s 只猫", 1) == "1 cat"
    assert ngettext("%(num)s 只猫", "%(num)s 只猫", 0) == "0 cats"


def test_a_percent_sign_without_values_is_itself() -> None:
    assert gettext("到课率 97%") == "到课率 97%"


def test_an_unknown_locale_is_chinese() -> None:
    use_locale("tlh")
    assert get_locale() == "zh_CN"


def test_a_later_catalogue_does_not_change_a_text(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "en.po").write_text(PO.replace("a word to test", "another word"), encoding="utf-8")
    add_catalogue(other)
    use_locale("en")
    assert gettext("验证用词") == "a word to test"


class TestLazy:
    def test_is_shown_in_the_language_of_the_moment(self) -> None:
        label = lazy_gettext("验证用词")
        assert (str(label), f"{label}", label + "!") == ("验证用词", "验证用词", "验证用词!")
        use_locale("en")
        assert (str(label), f"{label:>16}", "> " + label) == (
            "a word to test", "  a word to test", "> a word to test",
        )  # fmt: skip

    def test_filling_stays_lazy(self) -> None:
        greeting = lazy_gettext("你好，%(name)s") % {"name": lazy_gettext("验证用词")}
        assert isinstance(greeting, LazyText)
        assert str(greeting) == "你好，验证用词"
        use_locale("en")
        assert str(greeting) == "Hello a word to test"

    def test_is_the_same_label_in_any_language(self) -> None:
        label = lazy_gettext("验证用词")
        before = hash(label)
        use_locale("en")
        assert hash(label) == before
        assert label == "验证用词"
        assert {label: 1}["验证用词"] == 1

    def test_survives_pickling(self) -> None:
        greeting = pickle.loads(pickle.dumps(lazy_gettext("你好，%(name)s", name="甲")))
        use_locale("en")
        assert str(greeting) == "Hello 甲"
