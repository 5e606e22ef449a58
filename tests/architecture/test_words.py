"""The words of the interface: Chinese typography, every text marked, every marked text in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

from tools.messages import ROOT, TOPS, missing, sources, strings

HAN = "\u4e00-\u9fff"
RULES = {
    "half-width punctuation after Chinese": re.compile(rf"[{HAN}][,;:!?](?![\w/])|[{HAN}]\(|\([{HAN}]|[{HAN}]\)"),
    "a space is wanted between a digit and its measure word": re.compile(
        r"\d(?:个|名|门|次|人|条|元|天|分钟|小时|节|份|笔|项|位)"
    ),
    "an en dash belongs between times": re.compile(r"\d\d?:\d\d\s*[-~～—]\s*\d\d?:\d\d"),
}  # fmt: skip
# A pattern for reading what people type is no text for them.
PATTERN = re.compile(r"\\[dws]|\(\?|\[[^\]\s]*\]|\?\)|[)\]]\?|班\?")
MARKERS = {"_", "_l", "gettext", "ngettext", "pgettext", "npgettext", "lazy_gettext"}


def _has_han(text: str) -> bool:
    return re.search(rf"[{HAN}]", text) is not None


def _pages() -> Iterator[Path]:
    return (path for path in sources() if path.suffix == ".html")


def _without_comments(text: str) -> str:
    """Jinja comments blanked out, with the lines kept."""
    return re.sub(r"\{#.*?#\}", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)


def _all_shown() -> Iterator[tuple[Path, int, str]]:
    for path in sources():
        if path.suffix == ".py":
            yield from ((path, line, text) for line, text in strings(path))
        else:
            lines = _without_comments(path.read_text(encoding="utf-8")).splitlines()
            yield from ((path, number, line) for number, line in enumerate(lines, 1))
    for top in TOPS:
        for path in (ROOT / top).rglob("*.typ"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield path, number, re.sub(r"//.*|#[\w.]+\(?|\[|\]", " ", line)


@cache
def _shown() -> tuple[tuple[Path, int, str], ...]:
    """Every text in Chinese that may be shown: (file, line, text)."""
    return tuple((path, line, text) for path, line, text in _all_shown() if _has_han(text))


@pytest.mark.parametrize("rule", RULES)
def test_chinese_is_set_as_in_print(rule: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {found[0]!r} in {text.strip()[:60]!r}"
        for path, line, text in _shown()
        if not (path.suffix == ".py" and PATTERN.search(text)) and (found := RULES[rule].search(text))
    ]
    assert not wrong, rule + "\n" + "\n".join(wrong)


def test_every_text_has_english() -> None:
    """`python -m tools.messages` prints what is missing, `--update` appends it to the catalogues."""
    lacking = [
        f"{home.relative_to(ROOT)}: {key[1]!r} ({place})"
        for home, entries in missing().items()
        for key, (place, _forms) in entries.items()
    ]
    assert not lacking, f"{len(lacking)} texts without English\n" + "\n".join(lacking)


def test_english_keeps_the_places_of_the_chinese() -> None:
    """A `%(name)s` lost or invented in a translation would break a page in one language only."""
    places = re.compile(r"%\((\w+)\)[sd]")
    wrong = []
    for path in sorted(ROOT.glob("*/**/locale/en.po")):
        if ".venv" in path.parts:
            continue
        with path.open("rb") as file:
            for message in read_po(file):
                if not message.id:
                    continue
                ids = [message.id] if isinstance(message.id, str) else list(message.id)
                forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
                wanted = set(places.findall(ids[0]))
                wrong += [
                    f"{path.relative_to(ROOT)}: {ids[0]!r} → {form!r}"
                    for form in forms
                    if form and set(places.findall(form)) - {"num"} != wanted - {"num"}
                ]
    assert not wrong, "\n".join(wrong)


def _unmarked(path: Path) -> Iterator[tuple[int, str]]:
    """Chinese in a template outside `_()` and `{% trans %}`: it would stay Chinese in the English interface."""
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    tokens = list(environment.lex(path.read_text(encoding="utf-8")))
    in_trans, depth, marked_at = False, 0, None
    names: list[str] = []
    before = ""
    for line, kind, value in tokens:
        if kind == "name":
            names.append(value)
            if names[-1] == "trans":
                in_trans = True
            elif names[-1] == "endtrans":
                in_trans = False
        elif kind == "data" and not in_trans and _has_han(value):
            yield line, value.strip()[:60]
        elif kind == "operator" and value in "([{":
            depth += 1
            if value == "(" and marked_at is None and names and names[-1] in MARKERS and before == "name":
                marked_at = depth
        elif kind == "operator" and value in ")]}":
            if marked_at == depth:
                marked_at = None
            depth -= 1
        elif kind == "string" and marked_at is None and _has_han(value):
            yield line, value
        if kind != "whitespace":
            before = kind


def test_every_chinese_text_of_a_template_is_marked() -> None:
    wrong = [f"{path.relative_to(ROOT)}:{line}: {text}" for path in _pages() for line, text in _unmarked(path)]
    assert not wrong, f"{len(wrong)} texts outside _()\n" + "\n".join(wrong)
