"""A report as it is kept with the upload: counts and sentences, in every language the interface speaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.base.text import SUPPORTED, get_locale, in_locale
from core.base.text import lazy_gettext as _l
from core.db.uow import plain
from tenants.roster.messages import class_label
from tenants.roster.roles import count_roles
from tenants.roster.types import DiffKind, Report, Severity, StudentDiff

MOST_LINES = 5_000
"""Lines of a kind kept for the page; the workbook has them all."""

FIELDS = {
    "name": _l("姓名"),
    "roll_number": _l("学籍号"),
    "school_number": _l("校内学号"),
    "gender": _l("性别"),
    "class": _l("班级"),
    "guardians": _l("家长"),
}
_GENDERS = {"male": _l("男"), "female": _l("女")}


def said(text: Any) -> dict[str, str]:
    """A lazy text in every language."""
    found: dict[str, str] = {}
    for locale in SUPPORTED:
        with in_locale(locale):
            found[locale] = str(text)
    return found


def read(texts: dict[str, str]) -> str:
    """The reader's language out of :func:`said`."""
    return texts.get(get_locale()) or next(iter(texts.values()), "")


def summarise(report: Report, *, grant_roles: bool) -> dict[str, Any]:
    """Counts, problems of the file as a whole, the preview of a CSV, and the roles that an import would give."""
    file = report.file
    summary: dict[str, Any] = {
        "total": report.total,
        "good": report.good,
        "wrong": report.wrong,
        "doubtful": report.doubtful,
        "students": len(report.students),
        "staff": len(report.staff),
        "classes": len(report.classes),
        "guardians": len(report.guardians),
        "diff": {kind.value: number for kind, number in report.counts().items()},
        "problems": [{"severity": p.severity.value, "text": said(p.message)} for p in report.problems],
        "roles": count_roles(report.staff, governing=True),
        "given": count_roles(report.staff, governing=grant_roles),
        "encoding": file.encoding if file else None,
        "preview": [list(row) for row in file.preview] if file else [],
        "sheets": [{"name": s.name, "kind": s.kind.value, "rows": len(s.rows)} for s in file.sheets] if file else [],
        "readable": file is not None,
    }
    return dict(plain(summary))


def lines(report: Report) -> Iterator[dict[str, Any]]:
    """The lines to page through: errors, doubts, changed pupils, pupils that left; at most MOST_LINES of each kind."""
    counts: dict[str, int] = {}
    for kind, line in _all(report):
        place = counts[kind] = counts.get(kind, 0) + 1
        if place <= MOST_LINES:
            yield {"kind": kind, "place": place, **line}


def _all(report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    for error in report.errors:
        kind = "error" if error.severity is Severity.ERROR else "doubt"
        line = {"sheet": error.sheet, "row": error.row, "title": error.column, "text": said(error.message)}
        yield kind, line
    for item in report.diff:
        if item.kind is DiffKind.CHANGED and item.place is not None:
            row = report.students[item.place]
            yield "changed", {"sheet": row.sheet, "row": row.row, "title": item.name, "text": _change(item)}
        elif item.kind is DiffKind.LEFT and item.known is not None:
            key = item.known.class_key
            text = said(class_label(key.grade, key.number))
            yield "left", {"sheet": "", "row": None, "title": item.name, "text": text}


def _change(item: StudentDiff) -> dict[str, str]:
    found: dict[str, str] = {}
    for locale in SUPPORTED:
        with in_locale(locale):
            parts = []
            for field, (before, after) in item.changes.items():
                shown = [str(_GENDERS.get(str(side), side)) or str(_l("（无）")) for side in (before, after)]
                parts.append(f"{FIELDS[field]}{_l('：')}{shown[0]} → {shown[1]}")
            found[locale] = str(_l("；")).join(parts)
    return found
