"""The checks between rows: duplicates, brothers and sisters with one guardian, staff who are parents, classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Final

from core.base.text import LazyText
from tenants.roster.checks import Row
from tenants.roster.messages import GRADES, LEVELS, class_label, row_label
from tenants.roster.types import ClassKey, Guardian, Kind, Post, StudentRow

GRADES_OF: Final = {"primary": range(1, 7), "junior": range(6, 10)}
"""Grades by the school's level; where primary school takes five years, junior school begins with grade 6."""


def _where(row: Row, seen_from: Row) -> LazyText:
    return row_label(row.raw.number, "" if row.sheet.name == seen_from.sheet.name else row.sheet.name)


def _groups(rows: Iterable[Row], key: str) -> Iterable[list[Row]]:
    """Rows that share a value of `key`, two or more."""
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        if row.facts.get(key):
            groups[row.facts[key]].append(row)
    return [group for group in groups.values() if len(group) > 1]


def _duplicates(rows: Sequence[Row], key: str, code: str, column: str = "") -> None:
    """Every row of a group is refused and names another one of it; the error stands in `column` (or that of `key`)."""
    for group in _groups(rows, key):
        for row in group:
            other = group[0] if row is not group[0] else group[1]
            row.add(code, column or key, where=_where(other, row), name=other.facts.get("name") or "—")


def _same_names(rows: Sequence[Row]) -> None:
    groups: dict[tuple[str, ClassKey], list[Row]] = defaultdict(list)
    for row in rows:
        if row.facts.get("name") and "class_key" in row.facts:
            groups[row.facts["name"], row.facts["class_key"]].append(row)
    for group in groups.values():
        for row in group if len(group) > 1 else ():
            other = group[0] if row is not group[0] else group[1]
            row.doubt("same_name", "name", where=_where(other, row))


def _adults(rows: Sequence[Row]) -> dict[str, list[tuple[Row, str, str]]]:
    """Phone → (row, field of the name, name) of every guardian written with it."""
    found: dict[str, list[tuple[Row, str, str]]] = defaultdict(list)
    for row in rows:
        for key in ("guardian1", "guardian2"):
            phone, name = row.facts.get(f"{key}_phone"), row.facts.get(f"{key}_name")
            if phone and name:
                found[phone].append((row, f"{key}_name", name))
    return found


def _guardian_names(adults: dict[str, list[tuple[Row, str, str]]], staff: Sequence[Row]) -> None:
    """One phone, several names: a doubt on the rows that differ, and on the first of those they differ from."""
    staff_names = {row.facts["phone"]: row.facts["name"] for row in staff if {"phone", "name"} <= row.facts.keys()}
    for phone, entries in adults.items():
        usual = Counter(name for _, _, name in entries).most_common(1)[0][0]
        first = next(entry for entry in entries if entry[2] == usual)
        different = [entry for entry in entries if entry[2] != usual]
        if different:
            for row, key, name in different:
                row.doubt("guardian_names", key, phone=phone, where=_where(first[0], row), name=usual, here=name)
            other = different[0]
            first[0].doubt(
                "guardian_names", first[1], phone=phone, where=_where(other[0], first[0]), name=other[2], here=usual
            )
        on_staff = staff_names.get(phone)
        if on_staff and on_staff != usual:
            first[0].doubt("guardian_is_staff", first[1], phone=phone, name=on_staff)


def _classes(students: Sequence[Row], staff: Sequence[Row], classes: Sequence[Row]) -> None:
    _duplicates(classes, "class_key", "class_duplicate", "class")
    listed = {row.facts["class_key"] for row in classes if "class_key" in row.facts}
    taught = {row.facts["class_key"] for row in students if "class_key" in row.facts}
    told: set[ClassKey] = set()
    for row in students:
        key = row.facts.get("class_key")
        # Once a class, not once a pupil: forty doubts for one typing error help nobody.
        if listed and key and key not in listed and key not in told:
            told.add(key)
            row.doubt("class_not_listed", "class", **{"class": class_label(key.grade, key.number)})
    known = listed or taught
    homerooms: dict[ClassKey, Row] = {}
    for row in staff:
        key = row.facts.get("homeroom")
        if key is None:
            continue
        label = class_label(key.grade, key.number)
        if known and key not in known:
            row.doubt("homeroom_no_pupils", "homeroom", **{"class": label})
        other = homerooms.setdefault(key, row)
        if other is not row and Post.HOMEROOM in row.facts.get("post", ()):
            row.doubt(
                "class_two_homerooms", "homeroom",
                where=_where(other, row), name=other.facts.get("name") or "—", **{"class": label},
            )  # fmt: skip


def check_whole(rows: Sequence[Row]) -> None:
    """Add to `rows` what can only be seen with all of them at hand."""
    students = [row for row in rows if row.sheet.kind is Kind.STUDENTS]
    staff = [row for row in rows if row.sheet.kind is Kind.STAFF]
    classes = [row for row in rows if row.sheet.kind is Kind.CLASSES]
    _duplicates(students, "roll_number", "roll_duplicate")
    _duplicates(students, "school_number", "school_number_duplicate")
    _duplicates(staff, "phone", "phone_duplicate")
    _duplicates(staff, "staff_number", "staff_number_duplicate")
    _same_names(students)
    _guardian_names(_adults(students), staff)
    _classes(students, staff, classes)


def check_grades(rows: Sequence[Row], level: str) -> None:
    """Refuse grades that a school of this `level` does not have; one of unknown level may have any."""
    if level not in GRADES_OF:
        return
    for row in rows:
        key = row.facts.get("class_key") or row.facts.get("homeroom")
        if key and key.grade not in GRADES_OF[level]:
            column = "homeroom" if row.sheet.kind is Kind.STAFF else "grade" if row.has("grade") else "class"
            row.add("grade_not_here", column, level=LEVELS[level], grade=GRADES[key.grade])


def guardians_of(students: Sequence[StudentRow]) -> tuple[Guardian, ...]:
    """One guardian a phone, with the name written most often, in the order of the file."""
    names: dict[str, Counter[str]] = {}
    children: dict[str, list[int]] = {}
    for place, student in enumerate(students):
        for adult in student.guardians:
            names.setdefault(adult.phone, Counter())[adult.name] += 1
            children.setdefault(adult.phone, []).append(place)
    return tuple(
        Guardian(phone, counts.most_common(1)[0][0], tuple(children[phone])) for phone, counts in names.items()
    )
