"""From bytes to recognised sheets: what kind of file, which sheets, which header row, which columns.

Nothing of the file is trusted: its name, its headers, its sizes. Workbooks are read in a child process (sandbox.py).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, Final

from tenants.roster import columns as spec
from tenants.roster.encodings import decode, is_binary
from tenants.roster.messages import TYPE_NAMES, LazyList
from tenants.roster.sandbox import (
    MEGABYTE,
    MOST_CELLS,
    MOST_ROWS,
    RawSheet,
    ReadError,
    inspect_archive,
    read_member,
    read_workbook,
)
from tenants.roster.types import Kind, Problem, RawRow, RosterFile, Severity, Sheet
from tenants.roster.values import shown

MOST_BYTES: Final = 20 * MEGABYTE
_HEADER_SEARCH: Final = 10
_SHEETS: Final = {".xlsx": "xlsx", ".xls": "xls", ".et": "xls", ".ods": "ods", ".ett": "xls"}
_TEXTS: Final = (".csv", ".txt", ".tsv")
_MAGIC: Final = (
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"Rar!", "zip"),
    (b"7z\xbc\xaf", "zip"),
    (b"\x1f\x8b", "zip"),
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def _zip_type(data: bytes) -> str:
    names = inspect_archive(data)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise ReadError("macro_file")
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise ReadError("unsupported_format", found=TYPE_NAMES["xlsb"])
    if "content.xml" in names and "mimetype" in names:
        if b"opendocument.spreadsheet" not in read_member(data, "mimetype"):
            raise ReadError("unsupported_format", found=TYPE_NAMES["other"])
        if "META-INF/manifest.xml" in names and b"encryption-data" in read_member(data, "META-INF/manifest.xml"):
            raise ReadError("encrypted_file")
        return "ods"
    raise ReadError("unsupported_format", found=TYPE_NAMES["word" if "word/document.xml" in names else "zip"])


def _ole_type(data: bytes) -> str:
    def has(name: str) -> bool:
        return name.encode("utf-16-le") in data

    if has("EncryptedPackage") or has("EncryptionInfo"):
        raise ReadError("encrypted_file")
    if has("_VBA_PROJECT"):
        raise ReadError("macro_file")
    if has("Workbook") or has("Book"):
        if _xls_password(data):
            raise ReadError("encrypted_file")
        return "xls"
    raise ReadError("unsupported_format", found=TYPE_NAMES["word" if has("WordDocument") else "other"])


def _xls_password(data: bytes) -> bool:
    """Whether a FILEPASS record stands near the beginning of the workbook stream (calamine only says "unknown")."""
    at = data.find(b"\x09\x08\x10\x00\x00\x06\x05\x00")
    for _ in range(8):
        if at < 0 or at + 4 > len(data):
            return False
        kind, size = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        if kind == 0x2F:
            return True
        at += 4 + size
    return False


def file_type(data: bytes, file_name: str) -> str:
    """ "xlsx", "xls", "ods" or "text", by the bytes; the name must agree. Raises :class:`ReadError`."""
    extension = PurePath(file_name.replace("\\", "/")).suffix.lower()
    if not data.strip():
        raise ReadError("empty_file")
    if len(data) > MOST_BYTES:
        raise ReadError("file_too_large", size=-(-len(data) // MEGABYTE), limit=MOST_BYTES // MEGABYTE)
    if extension in (".xlsm", ".xltm", ".xlsb"):
        raise ReadError("macro_file" if extension != ".xlsb" else "unsupported_format", found=TYPE_NAMES["xlsb"])
    head = data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        actual = _zip_type(data)
    elif data.startswith(_OLE):
        actual = _ole_type(data)
    elif head.startswith((b"<html", b"<!doctype html", b"<table", b"<meta", b"<?xml", b"mime-version")):
        raise ReadError("html_table")
    else:
        actual = next((kind for magic, kind in _MAGIC if data.startswith(magic)), "text")
        if actual != "text":
            raise ReadError("unsupported_format", found=TYPE_NAMES[actual])
    if extension not in _TEXTS and extension not in _SHEETS:
        raise ReadError("unsupported_format", found=extension or TYPE_NAMES["other"])
    if actual == "text" and is_binary(data):
        raise ReadError("no_table")
    expected = "text" if extension in _TEXTS else _SHEETS[extension]
    # WPS writes .et as either of Excel's formats.
    if actual != expected and not (extension in (".et", ".ett") and actual == "xlsx"):
        raise ReadError("wrong_extension", extension=extension, actual=TYPE_NAMES[actual])
    return actual


def _delimiter(text: str) -> str:
    head = text[:4096].splitlines()[:5]
    return max((",", "\t", ";"), key=lambda mark: sum(line.count(mark) for line in head))


def _csv_rows(text: str) -> list[RawRow]:
    """All rows with something in them, numbered by row as Excel shows them. Raises :class:`ReadError`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    rows = []
    number = 0
    try:
        for number, values in enumerate(reader, 1):
            cells = [value[:2000] if value and not value.isspace() else None for value in values[:MOST_CELLS]]
            while cells and cells[-1] is None:
                cells.pop()
            if cells:
                rows.append(RawRow(number, tuple(cells)))
    except csv.Error:
        raise ReadError("csv_broken", row=number + 1) from None
    return rows


def _first_titles(text: str) -> bool:
    """Whether one of the first lines holds at least two of our headers."""
    try:
        rows = _csv_rows("\n".join(text[:20_000].splitlines()[:_HEADER_SEARCH]))
    except ReadError:
        return False
    return any(_best(row, "")[1] >= 2 for row in rows)


def _titles(row: RawRow) -> list[tuple[int, str]]:
    return [(place, shown(cell)) for place, cell in enumerate(row.cells) if cell is not None]


def _best(row: RawRow, sheet: str) -> tuple[Kind, float]:
    """The kind that this row is the best header of, and its score."""
    titles = _titles(row)
    scored = [(spec.score(kind, spec.recognise(kind, titles), sheet), kind) for kind in Kind]
    best = max(scored, key=lambda pair: pair[0])
    return best[1], best[0]


def _header(rows: Sequence[RawRow], sheet: str) -> tuple[RawRow, Kind] | None:
    """The header row is the best of the first ten: titles and remarks above it are allowed."""
    found: tuple[float, RawRow, Kind] | None = None
    for row in rows[:_HEADER_SEARCH]:
        kind, points = _best(row, sheet)
        fields = {c.field for c in spec.recognise(kind, _titles(row)) if c.field and c.field != "reason"}
        if len(fields) >= 2 and (found is None or points > found[0]):
            found = (points, row, kind)
    return None if found is None else (found[1], found[2])


def _listed(titles: Sequence[str]) -> str:
    few = [title if len(title) <= 20 else title[:20] + "…" for title in titles if title][:24]
    return "、".join(few) or "—"


def _column_problems(sheet: Sheet) -> list[Problem]:
    """Missing, doubled and merged headers, and what is not used."""
    fields = spec.FIELDS[sheet.kind]
    found = [column.title for column in sheet.columns]
    unused = [column.title for column in sheet.columns if column.field is None]
    have = {column.field for column in sheet.columns}
    problems = []
    numbers = {"roll_number", "school_number"}
    for field in fields:
        if not field.required or field.key in have or field.key in numbers:
            continue
        if field.key == "grade" and _grade_in_class(sheet):
            continue
        similar = spec.nearest(str(field.label), unused)
        code = "missing_column_hint" if similar else "missing_column"
        problems.append(Problem.of(code, sheet.name, column=field.label, similar=similar, found=_listed(found)))
    if sheet.kind is Kind.STUDENTS and not numbers & have:
        problems.append(Problem.of("missing_number", sheet.name, found=_listed(found)))
    for field in fields:
        same = [column.title for column in sheet.columns if column.field == field.key]
        if len(same) > 1:
            problems.append(
                Problem.of("duplicate_header", sheet.name, first=same[0], second=same[1], column=field.label)
            )
    for top, left, bottom, right in sheet.merged:
        if top <= sheet.header_row - 1 <= bottom and (right > left or bottom > sheet.header_row - 1):
            problems.append(Problem.of("merged_header", sheet.name, range=span(top, left, bottom, right)))
    missing = [field.key for field in fields if field.key not in have]
    for title in unused:
        near = spec.nearest_field(sheet.kind, title, missing)
        code = "column_ignored_hint" if near else "column_ignored"
        problems.append(Problem.of(code, sheet.name, Severity.DOUBT, column=title[:40], similar=near))
    return problems


def _grade_in_class(sheet: Sheet) -> bool:
    """Whether the class column names the grade (三年级2班), so that a grade column may be missing."""
    column = sheet.column("class")
    if column is None:
        return False
    cells = [row.cells[column.index] for row in sheet.rows[:20] if column.index < len(row.cells)]
    return any(re.search(r"年级|[一二三四五六七八九]\s*[(（]|初", shown(cell)) for cell in cells)


def _letters(column: int) -> str:
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def span(top: int, left: int, bottom: int, right: int) -> str:
    """A range as Excel writes it (from 0): B2:B4."""
    return f"{_letters(left)}{top + 1}:{_letters(right)}{bottom + 1}"


def reference(row: int, column: int) -> str:
    """A cell as Excel writes it; `row` from 1, `column` from 0."""
    return f"{_letters(column)}{row}"


def _recognise(raw: RawSheet) -> tuple[Sheet | None, list[Problem]]:
    """A sheet with its header, or why it has none. A sheet that is no roster gives (None, [note])."""
    rows = [RawRow(number, tuple(cells)) for number, cells in raw.rows]
    below_header = raw.count - 1
    if below_header > MOST_ROWS:
        return None, [Problem.of("too_many_rows", raw.name, count=f"{below_header:,}", limit=f"{MOST_ROWS:,}")]
    header = _header(rows, raw.name)
    if header is None:
        told = not rows or spec.is_guide(raw.name)
        return None, [] if told else [Problem.of("sheet_ignored", raw.name, Severity.DOUBT)]
    row, kind = header
    columns = spec.recognise(kind, _titles(row))
    below = tuple(marked(later, raw) for later in rows if later.number > row.number)
    reason = next((column.index for column in columns if column.field == "reason"), None)
    if reason is not None:
        # Our own workbook coming back: a row with nothing but a reason is empty.
        below = tuple(r for r in below if any(c is not None for i, c in enumerate(r.cells) if i != reason))
    sheet = Sheet(raw.name, kind, row.number, columns, below, raw.merged)
    return sheet, _column_problems(sheet)


def marked(row: RawRow, raw: RawSheet) -> RawRow:
    """The row with formulas marked, and with cells that Excel shows as an error (#N/A); calamine tells of neither."""
    if not raw.errors and not raw.formulas:
        return row
    cells: list[Any] = [*row.cells, *[None] * (MOST_CELLS - len(row.cells))]
    for place in range(MOST_CELLS):
        name = reference(row.number, place)
        if name in raw.errors:
            cells[place] = {"error": "#N/A"}
        elif name in raw.formulas:
            cells[place] = {"formula": shown(cells[place])}
    while cells and cells[-1] is None:
        cells.pop()
    return RawRow(row.number, tuple(cells))


def raw_sheets(
    data: bytes, file_name: str, looks_right: Callable[[str], bool], encoding: str | None = None
) -> tuple[str, list[RawSheet], str | None]:
    """(kind of file, its sheets as they are, encoding of a text). Also for other tables than rosters: `looks_right`
    tells whether a decoded text has the headers wanted. Raises :class:`ReadError`."""
    kind = file_type(data, file_name)
    if kind != "text":
        return kind, read_workbook(data, kind), None
    text, encoding = decode(data, encoding, looks_right)
    rows = _csv_rows(text)
    cells = [(row.number, list(row.cells)) for row in rows[: MOST_ROWS + 1]]
    return kind, [RawSheet(PurePath(file_name).stem[:31] or "CSV", len(rows), cells, (), frozenset())], encoding


def read(data: bytes, file_name: str, encoding: str | None = None) -> tuple[RosterFile, list[Problem]]:
    """The file and the problems of its sheets. Raises :class:`ReadError` where nothing can be read."""
    kind, raws, encoding = raw_sheets(data, file_name, _first_titles, encoding)
    sheets: list[Sheet] = []
    problems: list[Problem] = []
    for raw in raws:
        sheet, found = _recognise(raw)
        problems += found
        if sheet is not None:
            sheets.append(sheet)
    preview = [tuple(shown(cell) for cell in row) for raw in raws for _, row in raw.rows[:5]][:5]
    file = RosterFile(PurePath(file_name).name, kind, tuple(sheets), encoding, tuple(preview))
    if not sheets and not any(problem.severity is Severity.ERROR for problem in problems):
        problems = [_no_headers(raws)]
    return file, problems


def _no_headers(raws: Sequence[RawSheet]) -> Problem:
    """Name what was expected and what stands in the first row."""
    found = next((_listed([shown(cell) for cell in raw.rows[0][1]]) for raw in raws if raw.rows), None)
    if found is None:
        return Problem.of("empty_file")
    expected = LazyList(tuple(field.label for field in spec.STUDENT_FIELDS if field.required))
    return Problem.of("no_headers", expected=expected, found=found)
