"""What the file would change: each pupil against those the school already has."""

from __future__ import annotations

from collections.abc import Sequence

from tenants.roster.checks import Row
from tenants.roster.messages import class_label
from tenants.roster.types import DiffKind, Kind, KnownRoster, KnownStudent, StudentDiff, StudentRow


def _known(known: KnownRoster, roll: str, own: str, name: str) -> KnownStudent | None:
    """The same child: by roll number; by school number where the roll number is new or the old one was temporary.

    A school number that belongs to a child of another name is not the same child.
    """
    if roll and roll in known.by_roll:
        return known.by_roll[roll]
    found = known.by_school.get(own) if own else None
    if found is None or (roll and found.roll_number and found.name != name):
        return None
    return found


def _people(pairs: Sequence[tuple[str, str]]) -> str:
    return "、".join(f"{name} {phone}" for phone, name in sorted(pairs))


def _changes(student: StudentRow, known: KnownStudent) -> dict[str, tuple[str, str]]:
    """Field → (before, after). What the file leaves empty is not a change."""
    changes: dict[str, tuple[str, str]] = {}
    for field in ("name", "roll_number", "school_number"):
        before, after = getattr(known, field), getattr(student, field)
        if after and after != before:
            changes[field] = (before, after)
    if student.gender is not None and student.gender != known.gender:
        changes["gender"] = (known.gender or "", student.gender)
    if student.class_key != known.class_key:
        changes["class"] = (
            class_label(known.class_key.grade, known.class_key.number),
            class_label(student.class_key.grade, student.class_key.number),
        )
    guardians = [(adult.phone, adult.name) for adult in student.guardians]
    if set(guardians) != set(known.guardians):
        changes["guardians"] = (_people(known.guardians), _people(guardians))
    return changes


def taken_numbers(rows: Sequence[Row], known: KnownRoster) -> None:
    """A doubt where a school number belongs to another child of the school."""
    for row in rows:
        roll, own = row.facts.get("roll_number", ""), row.facts.get("school_number", "")
        other = known.by_school.get(own) if own else None
        if other is None or row.sheet.kind is not Kind.STUDENTS:
            continue
        same = _known(known, roll, own, row.facts.get("name", ""))
        if same is None or same.ref != other.ref:
            row.doubt("school_number_taken", "school_number", name=other.name)


def difference(students: Sequence[StudentRow], rows: Sequence[Row], known: KnownRoster) -> tuple[StudentDiff, ...]:
    """New, changed and unchanged pupils in the order of the file, then those who are not in it any more.

    A row with errors is in no list, but the child it speaks of has not left either.
    """
    found: list[StudentDiff] = []
    for place, student in enumerate(students):
        old = _known(known, student.roll_number, student.school_number, student.name)
        if old is None:
            found.append(StudentDiff(DiffKind.NEW, student.name, place))
            continue
        changes = _changes(student, old)
        found.append(
            StudentDiff(DiffKind.CHANGED if changes else DiffKind.UNCHANGED, student.name, place, old, changes)
        )
    present = {item.known.ref for item in found if item.known}
    pupils = [row for row in rows if row.sheet.kind is Kind.STUDENTS]
    for row in pupils:
        old = _known(
            known, row.facts.get("roll_number", ""), row.facts.get("school_number", ""), row.facts.get("name", "")
        )
        if old:
            present.add(old.ref)
    unread = {(row.facts.get("name"), row.facts.get("class_key")) for row in pupils if row.wrong}
    everyone = {child.ref: child for child in (*known.by_roll.values(), *known.by_school.values())}
    for ref, child in everyone.items():
        if pupils and ref not in present and (child.name, child.class_key) not in unread:
            found.append(StudentDiff(DiffKind.LEFT, child.name, None, child))
    return tuple(found)
