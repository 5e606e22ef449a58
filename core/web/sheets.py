"""Workbooks handed out: every cell is written as what it is, so that no name can become a formula."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import xlsxwriter  # type: ignore[import-untyped]
from litestar import Response

from core.base.clock import school_time

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: `notes` on top, then headings, then rows."""

    title: str
    head: Sequence[str]
    rows: Iterable[Sequence[Any]]
    notes: Sequence[str] = ()


def workbook(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]], *, notes: Sequence[str] = ()) -> bytes:
    """A workbook of one sheet; see `workbook_of`."""
    return workbook_of([Sheet(title, head, rows, notes)])


def workbook_of(sheets: Iterable[Sheet]) -> bytes:
    """A workbook. Texts stay texts, whatever sign they begin with.

    Whole numbers are numbers up to 15 digits (beyond that a spreadsheet would round them); dates are dates.
    """
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "bg_color": "#EEF3F1", "border": 1})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for one in sheets:
        _write(book.add_worksheet(_sheet_name(one.title)), one, bold, day)
    book.close()
    return out.getvalue()


def _write(sheet: Any, one: Sheet, bold: Any, day: Any) -> None:
    for at, note in enumerate(one.notes):
        sheet.write_string(at, 0, str(note))
    top = len(one.notes)
    widths = [len(str(name)) * 2 + 2 for name in one.head]
    for column, name in enumerate(one.head):
        sheet.write_string(top, column, str(name), bold)
    for at, row in enumerate(one.rows, start=top + 1):
        for column, value in enumerate(row):
            if isinstance(value, datetime):
                value = school_time(value).strftime("%Y-%m-%d %H:%M")
            if isinstance(value, date):
                sheet.write_datetime(at, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                continue
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
                sheet.write_number(at, column, value)
                continue
            text = "" if value is None else str(value)
            widths[column] = max(widths[column], min(40, len(text.encode("gb18030", "replace")) + 2))
            sheet.write_string(at, column, text)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, max(width, 10))
    sheet.freeze_panes(top + 1, 0)


def download(body: bytes, name: str, media_type: str = XLSX) -> Response[bytes]:
    """A file to save under a Chinese name."""
    plain = "file." + name.rpartition(".")[2]
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return Response(body, media_type=media_type, headers={"content-disposition": disposition})


def _sheet_name(title: str) -> str:
    """A spreadsheet refuses some signs in the name of a sheet, and more than 31 of any."""
    return shortened("".join("·" if sign in "[]:*?/\\'" else sign for sign in title)) or "1"


def shortened(title: str, most: int = 31) -> str:
    """As much of a sheet's name as a spreadsheet takes: it counts a rare character (𠮷) as two."""
    return title.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")
