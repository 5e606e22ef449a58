"""The guides name what is on the screen: each quoted title must be a text of the product, each picture a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.base.text import read_catalogue

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
QUOTED = re.compile(r"“([^”]+)”")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


def texts() -> str:
    """All texts that the product can show, one a line."""
    found: list[str] = []
    for top in ("core", "tenants", "plugins", "workers", "deploy"):
        for path in (ROOT / top).rglob("locale/en.po"):
            found += [msgid for _context, msgid in read_catalogue(path)]
    return "\n".join(found)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_what_a_guide_quotes_is_on_the_screen(guide: Path) -> None:
    shown = texts()
    missing = [quoted for quoted in QUOTED.findall(guide.read_text(encoding="utf-8")) if quoted not in shown]
    assert missing == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_the_pictures_of_a_guide_are_there(guide: Path) -> None:
    wanted = PICTURE.findall(guide.read_text(encoding="utf-8"))
    assert [name for name in wanted if not (guide.parent / name).is_file()] == []
