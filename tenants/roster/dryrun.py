"""The dry run of a roster upload: the whole file first, nothing saved."""

from __future__ import annotations

from core.base.text import LazyText
from tenants.roster.checks import check_rows
from tenants.roster.diff import difference, taken_numbers
from tenants.roster.encodings import ENCODINGS
from tenants.roster.messages import FILE_TEXTS, ROW_TEXTS
from tenants.roster.reading import read
from tenants.roster.sandbox import ReadError
from tenants.roster.types import (
    ClassRow,
    KnownRoster,
    Problem,
    Report,
    Severity,
    StaffRow,
    StudentRow,
)
from tenants.roster.whole import check_grades, check_whole, guardians_of


def check(data: bytes, filename: str, *, encoding: str | None = None, known: KnownRoster | None = None) -> Report:
    """Check an uploaded roster. Never raises for anything that a file may hold; never changes anything.

    `encoding` (one of ``ENCODINGS``) overrides what is detected for a CSV file. `known` adds the difference to the
    pupils that the school has. Blocking, up to some seconds for a hostile file: call it in a thread or a worker.
    """
    try:
        file, problems = read(data, filename, encoding)
    except ReadError as error:
        return Report(None, (error.problem,))
    if any(problem.severity is Severity.ERROR for problem in problems):
        # With a column missing or a sheet too long, errors by row would only hide the one thing to do.
        return Report(file, tuple(problems))
    pairs = list(check_rows(file.sheets))
    rows = [row for row, _ in pairs]
    if not rows:
        return Report(file, (*problems, Problem.of("no_rows")))
    check_whole(rows)
    if known is not None:
        taken_numbers(rows, known)
        check_grades(rows, known.level)
    right = [value for row, value in pairs if value is not None and not row.wrong]
    students = tuple(value for value in right if isinstance(value, StudentRow))
    wrong = sum(1 for row in rows if row.wrong)
    return Report(
        file=file,
        problems=tuple(problems),
        total=len(rows),
        good=len(rows) - wrong,
        wrong=wrong,
        doubtful=sum(1 for row in rows if row.errors and not row.wrong),
        errors=tuple(error for row in rows for error in row.errors),
        students=students,
        staff=tuple(value for value in right if isinstance(value, StaffRow)),
        classes=tuple(value for value in right if isinstance(value, ClassRow)),
        guardians=guardians_of(students),
        diff=() if known is None else difference(students, rows, known),
    )


def previews(data: bytes, filename: str) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Encoding → first five rows of a CSV read with it, for a person to choose by; none for a workbook."""
    found = {}
    for encoding in ENCODINGS:
        try:
            file, _ = read(data, filename, encoding)
        except ReadError:
            continue
        if file.encoding is None:
            return {}
        found[encoding] = file.preview
    return found


def codes() -> dict[str, LazyText]:
    """Every code of a report with its sentence, for the generated reference."""
    return {f"roster.{key}": text for key, text in {**FILE_TEXTS, **ROW_TEXTS}.items()}
