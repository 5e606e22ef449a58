"""Texts without English: ``python -m tools.messages [FOLDER …]`` prints them as .po entries, ready to be filled in.

Every folder with texts keeps ``locale/en.po``; the ground floor (core/base, core/api, core/host, core/db) shares that
of core/web, whose common texts (保存, 取消) count for everybody. ``--update`` appends the empty entries to the files.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.extract import extract_from_file

from core.base.text import read_catalogue

ROOT: Final = Path(__file__).resolve().parents[1]
TOPS: Final = ("core", "tenants", "plugins", "workers", "deploy")
SHARED: Final = ROOT / "core" / "web"
KEYWORDS: Final = {
    "_": None, "_l": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "lazy_pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
JINJA: Final = {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "trimmed": "true", "newstyle_gettext": "true"}

Key = tuple[str | None, str]


def owner(path: Path) -> Path:
    """The folder whose catalogue a file's texts belong in."""
    parts = path.relative_to(ROOT).parts
    if parts[0] == "core" and parts[1] in ("base", "api", "host", "db", "web"):
        return SHARED
    for folder in path.parents:  # the nearest that keeps a catalogue
        if folder == ROOT:
            break
        if (folder / "locale").is_dir():
            return folder
    return ROOT.joinpath(*parts[: 2 if parts[0] in ("core", "plugins") and len(parts) > 2 else 1])


def sources() -> Iterator[Path]:
    """Every file that may show text: modules and templates of what we ship."""
    for top in TOPS:
        for pattern in ("*.py", "*.html", "*.txt"):
            for path in sorted((ROOT / top).rglob(pattern)):
                if "vendor" not in path.parts and (path.suffix == ".py" or "templates" in path.parts):
                    yield path


def texts(path: Path) -> dict[Key, tuple[int, tuple[str, ...]]]:
    """The marked texts of a file: (context, id) to its line and its forms."""
    method, options = ("python", {}) if path.suffix == ".py" else ("jinja2.ext:babel_extract", JINJA)
    found: dict[Key, tuple[int, tuple[str, ...]]] = {}
    for line, message, _comments, context in extract_from_file(method, path, KEYWORDS, options=options):
        forms = (message,) if isinstance(message, str) else tuple(message)
        if forms[0]:
            found.setdefault((context, forms[0]), (line, forms))
    return found


def missing() -> dict[Path, dict[Key, tuple[str, tuple[str, ...]]]]:
    """By owner: the texts that neither its own nor the shared catalogue has, with where they are first used."""
    found: dict[Path, dict[Key, tuple[str, tuple[str, ...]]]] = {}
    catalogue = cache(_catalogue)
    for path in sources():
        home = owner(path)
        known = catalogue(home) | catalogue(SHARED)
        for key, (line, forms) in texts(path).items():
            if key not in known:
                place = f"{path.relative_to(ROOT)}:{line}"
                found.setdefault(home, {}).setdefault(key, (place, forms))
    return found


def _catalogue(home: Path) -> set[Key]:
    path = home / "locale" / "en.po"
    return set(read_catalogue(path)) if path.is_file() else set()


def entry(key: Key, place: str, forms: tuple[str, ...]) -> str:
    """One empty entry."""
    lines = [f"#: {place}"]
    if key[0]:
        lines.append(f"msgctxt {_quoted(key[0])}")
    lines.append(f"msgid {_quoted(forms[0])}")
    if len(forms) > 1:
        lines += [f"msgid_plural {_quoted(forms[1])}", 'msgstr[0] ""', 'msgstr[1] ""']
    else:
        lines.append('msgstr ""')
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


HEADER: Final = (
    'msgid ""\nmsgstr ""\n"Language: en\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    '"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
)


def main(arguments: list[str]) -> int:
    wanted = [(ROOT / name).resolve() for name in arguments if not name.startswith("-")]
    count = 0
    for home, entries in sorted(missing().items()):
        if wanted and not any(home.is_relative_to(folder) for folder in wanted):
            continue
        count += len(entries)
        body = "\n\n".join(entry(key, place, forms) for key, (place, forms) in entries.items())
        print(f"# ---- {home.relative_to(ROOT)}/locale/en.po: {len(entries)} without English\n\n{body}\n")
        if "--update" in arguments:
            path = home / "locale" / "en.po"
            path.parent.mkdir(exist_ok=True)
            before = path.read_text(encoding="utf-8") if path.is_file() else HEADER
            # An entry may be there already, still empty.
            fresh = [
                entry(key, place, forms)
                for key, (place, forms) in entries.items()
                if f"msgid {_quoted(forms[0])}\n" not in before
            ]
            path.write_text("\n\n".join([before.rstrip(), *fresh]) + "\n", encoding="utf-8")
    return 1 if count else 0


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of the string literals of a module that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lone = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone:
            yield node.lineno, node.value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
