"""The workbook handed back: the file as it came, with a last column that says what to correct.

User text is only ever written with ``write_string``: ``write`` would make a formula of ``=1+1``.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from core.base.text import lazy_gettext as _l
from core.web.sheets import shortened
from tenants.roster.columns import FIELDS, PROBLEM_SHEET, REASON, field_of
from tenants.roster.types import RawRow, Report, RowError, Severity, Sheet
from tenants.roster.values import shown

MIME: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_FORMAT: Final = 49
"""Excel's own number for its format "text": what is typed into such a cell stays as typed."""
FONT: Final = "Microsoft YaHei"
_BAD, _DOUBTFUL, _HEAD = "#FBE3E1", "#FDF0D9", "#E4F4EE"
_MOST_COMMENTS: Final = 3_000
_DOUBT: Final = _l("请核对：%(text)s")
_STOP: Final = _l("；")


def safe(text: str) -> str:
    """Text that XML can hold; Excel's limit of 32,767 is far away (cells are cut at 2,000 when read)."""
    return re.sub("[\ud800-\udfff\ufffe\uffff]", "\ufffd", text)


def sheet_title(name: str, taken: set[str]) -> str:
    """A sheet name that Excel accepts: no signs, 31 characters at most, once a workbook."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", safe(name)).strip().strip("'") or "Sheet"
    title, n = shortened(plain), 1
    while title.casefold() in taken or title.casefold() == "history":
        n += 1
        title = f"{shortened(plain, 27)} ({n})"
    taken.add(title.casefold())
    return title


class _Formats:
    """The cell formats of one workbook: all of them text, so that no number is damaged on the way back."""

    def __init__(self, book: Workbook) -> None:
        base: dict[str, Any] = {"num_format": TEXT_FORMAT, "font_name": FONT, "font_size": 11, "valign": "vcenter"}
        edge = {"border": 1, "border_color": "#E2E7E5"}
        self.text = book.add_format(base)
        self.bad = book.add_format({**base, **edge, "bg_color": _BAD})
        self.doubtful = book.add_format({**base, **edge, "bg_color": _DOUBTFUL})
        self.head = book.add_format({**base, **edge, "bold": True, "bg_color": _HEAD})
        self.reason = book.add_format({**base, "text_wrap": True, "font_color": "#B42318"})
        self.reason_head = book.add_format({**base, **edge, "bold": True, "bg_color": _BAD})


def reason_of(errors: Sequence[RowError]) -> str:
    """All sentences of a row in one cell, errors before doubts, in the current language."""
    ordered = sorted(errors, key=lambda error: error.severity is Severity.DOUBT)
    texts = [
        str(error.message) if error.severity is Severity.ERROR else str(_DOUBT % {"text": error.message})
        for error in ordered
    ]
    return str(_STOP).join(dict.fromkeys(texts))


def _write_row(
    page: Any, line: int, row: RawRow, places: Sequence[int], errors: Sequence[RowError], formats: _Formats, room: int
) -> int:
    """One row and its reason; gives how many comments were written (at most `room`)."""
    by_place: dict[int, list[RowError]] = defaultdict(list)
    for error in errors:
        if error.index is not None:
            by_place[error.index].append(error)
    written = 0
    for column, place in enumerate(places):
        text = safe(shown(row.cells[place])) if place < len(row.cells) else ""
        here = by_place.get(place)
        if here:
            bad = any(error.severity is Severity.ERROR for error in here)
            page.write_string(line, column, text, formats.bad if bad else formats.doubtful)
            if written < room:
                page.write_comment(line, column, safe(reason_of(here)), {"x_scale": 2, "y_scale": 1.2})
                written += 1
        elif text:
            page.write_string(line, column, text, formats.text)
    if errors:
        page.write_string(line, len(places), safe(reason_of(errors)), formats.reason)
    return written


def _write_sheet(
    book: Workbook, title: str, sheet: Sheet, rows: Sequence[RawRow], errors: Mapping[int, Sequence[RowError]],
    formats: _Formats, room: int,
) -> int:  # fmt: skip
    page = book.add_worksheet(title)
    kept = [column for column in sheet.columns if column.field != "reason"]
    page.freeze_panes(1, 0)
    known = {field.key for field in FIELDS[sheet.kind]}
    for place, column in enumerate(kept):
        width = field_of(sheet.kind, column.field).width if column.field in known and column.field else 14
        page.set_column(place, place, width, formats.text)
        page.write_string(0, place, safe(column.title), formats.head)
    page.set_column(len(kept), len(kept), 60, formats.text)
    page.write_string(0, len(kept), str(REASON), formats.reason_head)
    places = [column.index for column in kept]
    written = 0
    for line, row in enumerate(rows, 1):
        written += _write_row(page, line, row, places, errors.get(row.number, ()), formats, room - written)
    return written


def error_workbook(report: Report, *, only_wrong: bool = False) -> bytes:
    """The uploaded sheets as an .xlsx: original columns, then 错误原因; bad cells tinted, with a comment.

    `only_wrong` keeps the rows with an error alone, for looking at; to be uploaded again the file needs all rows
    (the default), since a roster is accepted as a whole. Problems of the file as a whole come on a sheet of their own.
    Raises ``ValueError`` for a file that could not be read (there is nothing to hand back).
    """
    if report.file is None:
        raise ValueError("the file could not be read")
    by_row: dict[tuple[str, int], list[RowError]] = defaultdict(list)
    for error in report.errors:
        by_row[error.sheet, error.row].append(error)
    buffer = io.BytesIO()
    taken: set[str] = set()
    # Constant memory: rows are written in order and dropped, whatever the size of the roster.
    with Workbook(buffer, {"constant_memory": True}) as book:
        formats = _Formats(book)
        if report.problems:
            _write_problems(book, report, taken, formats)
        room = _MOST_COMMENTS
        for sheet in report.file.sheets:
            errors = {row.number: by_row.get((sheet.name, row.number), []) for row in sheet.rows}
            wrong = {number for number, found in errors.items() if any(e.severity is Severity.ERROR for e in found)}
            rows = [row for row in sheet.rows if row.number in wrong] if only_wrong else sheet.rows
            if not only_wrong or rows:
                room -= _write_sheet(book, sheet_title(sheet.name, taken), sheet, rows, errors, formats, room)
        if not book.worksheets():
            book.add_worksheet(sheet_title(str(PROBLEM_SHEET), taken))
    return buffer.getvalue()


def _write_problems(book: Workbook, report: Report, taken: set[str], formats: _Formats) -> None:
    page = book.add_worksheet(sheet_title(str(PROBLEM_SHEET), taken))
    page.set_column(0, 0, 110, formats.text)
    page.write_string(0, 0, str(PROBLEM_SHEET), formats.head)
    for line, problem in enumerate(report.problems, 1):
        blocking = problem.severity is Severity.ERROR
        page.write_string(line, 0, safe(str(problem.message)), formats.reason if blocking else formats.text)
