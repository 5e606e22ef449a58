"""The catalogue is complete: every key documented, every text in both languages, every kind sound."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import core.policy
from core.base.text import in_locale, read_catalogue
from core.policy.catalogue import GROUPS
from core.policy.service import CATALOGUE
from tests.unit.policy.golden import PACKS, library
from tools.list_rule_keys import MARK, table
from tools.messages import texts

FOLDER = Path(core.policy.__file__).parent
DOCS = FOLDER.parents[1] / "docs" / "packs.md"


def test_every_text_has_its_english() -> None:
    english = {msgid for _, msgid in read_catalogue(FOLDER / "locale" / "en.po")}
    used = {
        node.args[0].value
        for path in FOLDER.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") in {"_l", "LazyText"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert used - english == set()
    # The feature's pages keep their English in the same file, but for the words that all pages share.
    of_pages = {key[1] for path in (*FOLDER.glob("*.py"), *FOLDER.rglob("*.html")) for key in texts(path)}
    assert english - used - of_pages == set()


def test_places_in_sentences_are_the_same_in_both_languages() -> None:
    for (_, msgid), (msgstr, *_) in read_catalogue(FOLDER / "locale" / "en.po").items():
        assert sorted(re.findall(r"%\(\w+\)s", msgid)) == sorted(re.findall(r"%\(\w+\)s", msgstr)), msgid


def test_every_group_has_a_title() -> None:
    assert {rule.group for rule in CATALOGUE} == set(GROUPS)
    with in_locale("en"):
        assert str(CATALOGUE.group_title("fee")) == "Fees"


def test_the_documentation_lists_every_key_as_it_is() -> None:
    assert DOCS.read_text("utf-8").partition(MARK)[2] == "\n" + table()


@pytest.mark.parametrize("key", library().keys())
def test_packs_name_no_person_and_every_quote_is_short(key: str) -> None:
    (pack,) = [p for p in library() if p.key == key]
    assert all(2 <= len(entry.quote) < 30 for entry in pack.entries)
    assert all(entry.clause.startswith(tuple(s.ref for s in pack.sources)) for entry in pack.entries)
    assert (PACKS / pack.file).read_text("utf-8").count("[[rule]]") == len(pack.entries)
