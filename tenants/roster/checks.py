"""The checks of one row: every error of the row is collected, none hides another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from tenants.roster import values
from tenants.roster.columns import field_of
from tenants.roster.reading import span
from tenants.roster.types import (
    Adult,
    ClassKey,
    ClassRow,
    Column,
    Kind,
    Post,
    Range,
    RawRow,
    RowError,
    Severity,
    Sheet,
    StaffRow,
    StudentRow,
)
from tenants.roster.values import Bad

_T = TypeVar("_T")
_REPLACEMENT: Final = "\ufffd"


class Row:
    """One row under check: typed access to its cells, and the errors found so far."""

    def __init__(self, sheet: Sheet, raw: RawRow, columns: Mapping[str, Column], merged: Sequence[Range] = ()) -> None:
        self.sheet = sheet
        self.raw = raw
        self.merged = merged
        self.errors: list[RowError] = []
        self.facts: dict[str, Any] = {}
        """What was read, by field, also where the row as a whole is wrong: for checks between rows."""
        self._columns = columns
        self._bad: set[str] = set()

    @property
    def wrong(self) -> bool:
        """Whether an error (not only a doubt) was found."""
        return any(error.severity is Severity.ERROR for error in self.errors)

    def has(self, key: str) -> bool:
        """Whether the cell says something."""
        return not values.is_blank(self.cell(key))

    def cell(self, key: str) -> Any:
        """The raw cell of field `key`; ``None`` where empty or the column is missing."""
        column = self._columns.get(key)
        if column is None or column.index >= len(self.raw.cells):
            return None
        return self.raw.cells[column.index]

    def label(self, key: str) -> str:
        """How the file calls the column; our own name where the file has none."""
        column = self._columns.get(key)
        return column.title if column else field_of(self.sheet.kind, key).label

    def column(self, key: str) -> Column | None:
        """The column of field `key`, if the file has it."""
        return self._columns.get(key)

    def add(self, code: str, key: str = "", severity: Severity = Severity.ERROR, **more: Any) -> None:
        """Note an error. A cell with an error gets no second one: the first already asks to write it anew."""
        if key and severity is Severity.ERROR:
            if key in self._bad:
                return
            self._bad.add(key)
        column = self._columns.get(key) if key else None
        label = self.label(key) if key else ""
        message = RowError.text_of(code, {"column": label, **more} if key or more else {})
        self.errors.append(
            RowError(
                self.sheet.name, self.raw.number, label, f"roster.{code}", message, severity,
                column.index if column else None,
            )
        )  # fmt: skip

    def doubt(self, code: str, key: str = "", **more: Any) -> None:
        """Note a doubt."""
        self.add(code, key, Severity.DOUBT, **more)

    def read(self, key: str, parse: Callable[[Any], _T], *, required: bool = False) -> _T | None:
        """The cell through `parse`; ``None`` where empty or wrong (the error is noted)."""
        cell = self.cell(key)
        if key in self._bad:
            return None
        if values.is_blank(cell):
            if required:
                self.add("required", key)
            return None
        if isinstance(cell, dict) and "error" in cell:
            self.add("cell_error", key)
            return None
        if isinstance(cell, dict) and "formula" in cell:
            self.add("formula_cell", key)
            return None
        if isinstance(cell, str):
            limit = field_of(self.sheet.kind, key).limit
            if len(cell) > limit:
                self.add("too_long", key, limit=limit)
                return None
            if _REPLACEMENT in cell:
                self.add("garbled", key)
                return None
        try:
            found = parse(cell)
        except Bad as bad:
            self.add(bad.code, key, **bad.values)
            return None
        self.facts[key] = found
        return found

    def name(self, key: str, *, required: bool = False) -> str:
        """A person's name; its doubts are noted."""
        found = self.read(key, values.name, required=required)
        if found is None:
            return ""
        for code in found[1]:
            self.doubt(code, key)
        self.facts[key] = found[0]
        return found[0]

    def text(self, key: str) -> str:
        """A free text."""
        return self.read(key, lambda cell: values.tidy(values.shown(cell))) or ""


def _merged(row: Row) -> None:
    """Cells inside a merged range that are not its first have no value: refused, not guessed."""
    for top, left, bottom, right in row.merged:
        for column in row.sheet.columns:
            if column.field and column.field != "reason" and left <= column.index <= right:
                row.add("merged_cell", column.field, range=span(top, left, bottom, right))


def _adult(row: Row, key: str, *, required: bool = False) -> Adult | None:
    """One adult of three cells: all empty is nobody, otherwise name and phone are needed."""
    name_key, phone_key, relation_key = f"{key}_name", f"{key}_phone", f"{key}_relation"
    if not required and not any(row.has(part) for part in (name_key, phone_key, relation_key)):
        return None
    name = row.name(name_key, required=required)
    phone = row.read(phone_key, values.phone, required=required) or ""
    relation = row.read(relation_key, lambda cell: values.relation(cell, guardian=key.startswith("guardian")))
    if not required:
        has_name, has_phone = row.has(name_key), row.has(phone_key)
        if has_name and not has_phone:
            row.add("adult_phone_missing", phone_key)
        elif has_phone and not has_name:
            row.add("adult_name_missing", name_key)
        elif not has_name:
            row.add("adult_alone", relation_key)
    column = row.column(name_key)
    return Adult(name, phone, relation or (column.implied if column else None))


def _different_phones(row: Row, adults: list[tuple[str, Adult]]) -> None:
    seen: dict[str, str] = {}
    for key, adult in adults:
        if adult.phone and adult.phone in seen:
            row.add("phone_twice_in_row", f"{key}_phone", other=row.label(f"{seen[adult.phone]}_phone"))
        elif adult.phone:
            seen[adult.phone] = key


def _class(row: Row) -> ClassKey | None:
    grade = row.read("grade", values.grade)
    has_grade = row.has("grade")
    if has_grade and grade is None:
        return None
    found = row.read("class", lambda cell: _class_or_grade(cell, grade, has_grade), required=True)
    if isinstance(found, str):
        row.add("required", "grade")
        return None
    if found is not None:
        row.facts["class_key"] = found
    return found


def _class_or_grade(cell: Any, grade: int | None, has_grade: bool) -> ClassKey | str:
    """The class; the word "grade" where only the grade's own column can help."""
    try:
        return values.school_class(cell, grade)
    except Bad as bad:
        if bad.code == "class_grade_missing" and not has_grade:
            return "grade"
        raise


def student(row: Row) -> StudentRow | None:
    """A pupil; ``None`` if the row has an error (``row.errors`` says which)."""
    _merged(row)
    roll = row.read("roll_number", values.roll_number) or ""
    own = row.read("school_number", values.school_number) or ""
    if not row.has("roll_number"):
        if not row.has("school_number"):
            row.add("number_required", "roll_number" if row.column("roll_number") else "school_number")
        elif row.column("roll_number"):
            row.doubt("roll_missing", "roll_number")
    name = row.name("name", required=True)
    gender = row.read("gender", values.gender)
    told = values.gender_in(roll) if roll else None
    if gender and told and gender is not told:
        row.doubt("gender_differs", "gender")
    class_key = _class(row)
    first = _adult(row, "guardian1", required=True)
    second = _adult(row, "guardian2")
    guardians = [(key, adult) for key, adult in (("guardian1", first), ("guardian2", second)) if adult]
    _different_phones(row, guardians)
    pickups = [adult for adult in (_adult(row, "pickup1"), _adult(row, "pickup2")) if adult]
    note = row.text("note")
    if row.wrong or class_key is None:
        return None
    adults = tuple(adult for _, adult in guardians)
    return StudentRow(row.sheet.name, row.raw.number, roll, own, name, gender, class_key, adults, tuple(pickups), note)


def staff(row: Row) -> StaffRow | None:
    """A member of staff; ``None`` if the row has an error."""
    _merged(row)
    name = row.name("name", required=True)
    phone = row.read("phone", values.phone, required=True) or ""
    posts = row.read("post", values.posts, required=True) or ()
    number = row.read("staff_number", values.school_number) or ""
    homeroom = row.read("homeroom", lambda cell: values.school_class(cell, None))
    if Post.HOMEROOM in posts and not row.has("homeroom"):
        row.doubt("homeroom_without_class", "homeroom")
    if homeroom and posts and Post.HOMEROOM not in posts:
        row.doubt("class_without_homeroom", "post")
    note = row.text("note")
    if row.wrong:
        return None
    return StaffRow(row.sheet.name, row.raw.number, name, phone, posts, homeroom, number, note)


def school_class(row: Row) -> ClassRow | None:
    """A class of the class list; ``None`` if the row has an error."""
    _merged(row)
    key = _class(row)
    room, campus = row.text("room"), row.text("campus")
    if row.wrong or key is None:
        return None
    return ClassRow(row.sheet.name, row.raw.number, key, room, campus)


CHECKS: Final[dict[Kind, Callable[[Row], StudentRow | StaffRow | ClassRow | None]]] = {
    Kind.STUDENTS: student,
    Kind.STAFF: staff,
    Kind.CLASSES: school_class,
}


def _merged_by_line(sheet: Sheet) -> dict[int, list[Range]]:
    """Row (from 0) → the merged ranges on it that touch a column we read."""
    used = [column.index for column in sheet.columns if column.field and column.field != "reason"]
    lines = {row.number - 1 for row in sheet.rows}
    last = max(lines, default=0)
    found: dict[int, list[Range]] = {}
    for merge in sheet.merged:
        top, left, bottom, right = merge
        if any(left <= index <= right for index in used):
            for line in range(top, min(bottom, last) + 1):
                if line in lines:
                    found.setdefault(line, []).append(merge)
    return found


def check_rows(sheets: tuple[Sheet, ...]) -> Iterator[tuple[Row, StudentRow | StaffRow | ClassRow | None]]:
    """Every row of every sheet with what it says, in the order of the file."""
    for sheet in sheets:
        columns = {column.field: column for column in sheet.columns if column.field}
        merged = _merged_by_line(sheet)
        for raw in sheet.rows:
            row = Row(sheet, raw, columns, merged.get(raw.number - 1, ()))
            yield row, CHECKS[sheet.kind](row)
