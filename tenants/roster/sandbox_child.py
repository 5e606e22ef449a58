"""Read one workbook in a process of its own, under limits; started by path from ``sandbox.py``, never imported by it.

Standard input: the bytes of the file. Standard output: one JSON document (see :func:`main`). It imports nothing of
Kehou, holds no settings and no secret, and may die at any moment: calamine aborts the process on a cell reference
that asks for more memory than there is, and that is exactly why it lives here.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as Xml

MEGABYTE = 1024 * 1024


def limit(memory: int, seconds: int) -> None:
    """Cap address space (bytes) and CPU time (seconds) where the system can; write no file and leave no core."""
    with contextlib.suppress(ImportError):
        import resource

        for name, value in (
            ("RLIMIT_AS", memory),
            ("RLIMIT_CPU", seconds),
            ("RLIMIT_FSIZE", 0),
            ("RLIMIT_CORE", 0),
        ):
            # macOS knows RLIMIT_AS but refuses to lower it: the parent's clock still stands.
            with contextlib.suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (value, value))


def plain(value: Any, longest: int) -> Any:
    """A cell as JSON: text, number, or a one-key object for what JSON has no word for; ``None`` for empty."""
    if isinstance(value, str):
        return value[:longest] if value and not value.isspace() else None
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return {"date": value.isoformat()}
    return {"date": str(value)}


def rows_of(sheet: Any, most_cells: int, longest: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows that hold something, numbered as Excel numbers them, from column A on, without empty ends."""
    start = sheet.start
    if start is None:
        return
    lead: list[Any] = [None] * start[1]
    for number, row in enumerate(sheet.iter_rows(), 1):
        cells = lead + [plain(value, longest) for value in row[: max(0, most_cells - len(lead))]]
        while cells and cells[-1] is None:
            cells.pop()
        if cells:
            yield number, cells


def spreadsheet_paths(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name → path of its XML inside an .xlsx."""
    relations = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
    targets = {
        node.get("Id"): node.get("Target") or ""
        for node in Xml.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 capped process
    }
    paths = {}
    for node in Xml.fromstring(archive.read("xl/workbook.xml")).iter():  # noqa: S314
        if node.tag.endswith("}sheet"):
            target = targets.get(node.get(f"{relations}id"), "")
            paths[node.get("name") or ""] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return paths


REFERENCE = rb'(?=[^>]*\br="([A-Z]{1,3}[0-9]{1,7})")'


def odd_cells(data: bytes) -> dict[str, dict[str, list[str]]]:
    """Sheet name → references ("C5") of cells that show an error such as #N/A, and of those that hold a formula.

    calamine hands the first back as empty text, so that a failed VLOOKUP would look like a cell left empty, and of the
    second only what it last came to.
    """
    found: dict[str, dict[str, list[str]]] = {}
    wrong = (KeyError, Xml.ParseError, zipfile.BadZipFile, UnicodeDecodeError)
    with (
        contextlib.suppress(*wrong),
        zipfile.ZipFile(io.BytesIO(data)) as archive,
    ):
        for name, path in spreadsheet_paths(archive).items():
            xml = archive.read(path)
            errors = re.findall(rb'<c (?=[^>]*\bt="e")' + REFERENCE, xml) if b't="e"' in xml else []
            formulas = re.findall(rb"<c " + REFERENCE + rb"[^>]*>\s*<f[ />]", xml) if b"<f" in xml else []
            found[name] = {
                "errors": [cell.decode() for cell in errors[:2000]],
                "formulas": [cell.decode() for cell in formulas[:20_000]],
            }
    return found


def ods_merges(data: bytes) -> dict[str, list[list[int]]]:
    """Sheet name → merged ranges of an .ods as [first row, first column, last row, last column], from 0."""
    table = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
    found: dict[str, list[list[int]]] = {}
    wrong = (KeyError, Xml.ParseError, zipfile.BadZipFile, ValueError)
    with (
        contextlib.suppress(*wrong),
        zipfile.ZipFile(io.BytesIO(data)) as archive,
        archive.open("content.xml") as file,
    ):
        merges: list[list[int]] = []
        row = column = 0
        for event, node in Xml.iterparse(file, ("start", "end")):  # noqa: S314 capped process
            if event == "start" and node.tag == f"{table}table":
                row, merges = 0, found.setdefault(node.get(f"{table}name") or "", [])
            elif event == "start" and node.tag == f"{table}table-row":
                column = 0
            elif event == "start" and node.tag in (f"{table}table-cell", f"{table}covered-table-cell"):
                down = int(node.get(f"{table}number-rows-spanned", "1"))
                right = int(node.get(f"{table}number-columns-spanned", "1"))
                if (down > 1 or right > 1) and len(merges) < 2000:
                    merges.append([row, column, row + down - 1, column + right - 1])
                column += int(node.get(f"{table}number-columns-repeated", "1"))
            elif event == "end" and node.tag == f"{table}table-row":
                row += int(node.get(f"{table}number-rows-repeated", "1"))
                node.clear()
    return found


def read(data: bytes, kind: str, most_rows: int, most_cells: int, most_chars: int) -> dict[str, Any]:
    """The visible sheets of a workbook. A sheet with more than `most_rows` rows only tells how many it has."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    odd = odd_cells(data) if kind == "xlsx" else {}
    merges = ods_merges(data) if kind == "ods" else {}
    sheets, chars = [], 0
    for meta in book.sheets_metadata:
        if meta.visible is not SheetVisibleEnum.Visible or meta.typ is not SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_name(meta.name)
        rows: list[tuple[int, list[Any]]] = []
        count = 0
        for number, cells in rows_of(sheet, most_cells, 2000):
            count += 1
            if count <= most_rows:
                chars += sum(len(cell) if isinstance(cell, str) else 8 for cell in cells)
                if chars > most_chars:
                    return {"failed": "too_big_inside"}
                rows.append((number, cells))
        if kind != "ods":
            ranges = [[a, b, c, d] for (a, b), (c, d) in (sheet.merged_cell_ranges or [])[:2000]]
        else:
            ranges = merges.get(meta.name, [])
        sheets.append(
            {
                "name": meta.name,
                "count": count,
                "rows": rows if count <= most_rows else [],
                "merged": ranges,
                "errors": odd.get(meta.name, {}).get("errors", []),
                "formulas": odd.get(meta.name, {}).get("formulas", []),
            }
        )
    return {"sheets": sheets}


def main() -> None:
    """Arguments: kind, most rows, most cells a row, most characters, memory in MB, CPU seconds."""
    kind, *numbers = sys.argv[1:]
    most_rows, most_cells, most_chars, memory, seconds = map(int, numbers)
    limit(memory * MEGABYTE, seconds)
    data = sys.stdin.buffer.read()
    try:
        result = read(data, kind, most_rows, most_cells, most_chars)
    except MemoryError:
        result = {"failed": "too_big_inside"}
    except BaseException as error:
        # Whatever a reader of foreign formats may raise (a Rust panic is no Exception): a code, not a traceback.
        result = {"failed": "encrypted_file" if type(error).__name__ == "PasswordError" else "damaged_file"}
    json.dump(result, sys.stdout, ensure_ascii=True)


if __name__ == "__main__":
    main()
