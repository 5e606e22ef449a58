"""A forming as its page draws it: columns of children, figures, sentences. Two dozen groups at a time, so that a
child can be dragged to any other group of its offering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from core.enrollment.forming.gather import Situation
from core.enrollment.forming.models import CareGroup, CareGroupDuty
from core.enrollment.forming.papers import members
from core.enrollment.forming.staffing import hours, size_of
from core.enrollment.forming.told import room_label, room_name, teachers_line
from core.enrollment.forming.words import GRAVE, role, said
from core.people.service import StudentView
from core.web.i18n import joined, weekday
from core.web.markup import Pager

COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Column:
    """One group: its children with their days, how full it is, and each line of staff with its days."""

    row: CareGroup
    title: str
    children: list[tuple[StudentView, frozenset[int]]]
    size: int
    limit: int
    room: str
    teachers: str
    lines: list[dict[str, Any]]

    @property
    def full(self) -> str:
        return "bad" if self.size > self.limit else "warn" if self.size == self.limit else ""


@dataclass(frozen=True, slots=True)
class Board:
    columns: list[Column]
    pager: Pager
    targets: list[tuple[UUID, str]]
    rooms: list[tuple[UUID, str]]
    staff: list[tuple[UUID, str]]
    leaders: list[tuple[UUID, str]]
    duties: list[tuple[str, list[tuple[str, CareGroupDuty, str]]]]
    days: list[tuple[int, str]]


def drawn(at: Situation, page: int) -> Board:
    """The part of the arrangement that is shown on one page, and all that may be chosen there."""
    pager = Pager(len(at.rows), max(1, page), COLUMNS, param="at")
    several = len(at.views) > 1
    shown = range(pager.offset, min(len(at.rows), pager.offset + COLUMNS))
    people = {person.key: person for person in at.problem.people}
    names = sorted(((UUID(key), at.staff[UUID(key)]) for key in people), key=lambda item: item[1])
    days = sorted({day for view in at.views.values() for day in view.weekdays})
    return Board(
        columns=[_column(at, place, several) for place in shown],
        pager=pager,
        targets=[(row.id, _title(at, row, several)) for row in at.rows],
        rooms=[
            (room.id, f"{room_label(at, room)}（{room.capacity}）")
            for room in sorted(at.rooms.values(), key=lambda r: (at.campuses.get(r.campus_id, ""), r.name))
        ],
        staff=[(id_, name) for id_, name in names if people[str(id_)].teaches],
        leaders=[(id_, name) for id_, name in names if people[str(id_)].leads],
        duties=[(weekday(day), _of_day(at, day)) for day in days],
        days=[(day, weekday(day)) for day in days],
    )


def _title(at: Situation, row: CareGroup, several: bool) -> str:
    return f"{at.views[row.offering_id].title} · {row.title}" if several else row.title


def _column(at: Situation, place: int, several: bool) -> Column:
    row, course = at.rows[place], at.course(at.rows[place].offering_id)
    lines: dict[int, dict[str, Any]] = {}
    seen: dict[tuple[int, str], int] = {}
    for need in hours(course, at.problem):
        if need.week == 2:  # the same two people, the other way round
            continue
        day, kind = need.at[0], need.role
        item = lines.setdefault(need.line, {"line": need.line, "days": [], "staff": None})
        there = sorted(
            (d for d in at.duties if (d.group_id, d.weekday, d.role, d.week) == (row.id, day, kind, need.week)),
            key=lambda d: str(d.staff_id),
        )
        nth = seen.get((day, kind), 0)
        seen[day, kind] = nth + 1
        staff = there[nth].staff_id if nth < len(there) else None
        item["days"].append((day, weekday(day), role(kind), staff))
    for item in lines.values():
        held = {staff for _day, _label, _role, staff in item["days"]}
        item["staff"] = held.pop() if len(held) == 1 else None
        item["several"] = len(held) > 0
    return Column(
        row=row,
        title=_title(at, row, several),
        children=members(at, place),
        size=size_of(at.proposal.groups[place], course),
        limit=course.size,
        room=room_name(at, row),
        teachers=teachers_line(at, row),
        lines=list(lines.values()),
    )


def _of_day(at: Situation, day: int) -> list[tuple[str, CareGroupDuty, str]]:
    return [
        (role(duty.role), duty, at.staff.get(duty.staff_id, ""))
        for duty in at.duties
        if duty.group_id is None and duty.weekday == day
    ]


def counts(at: Situation) -> dict[str, Any]:
    """Figures at the top: children, groups, least and most in a group, people."""
    sizes = [size_of(group, at.course(row.offering_id)) for group, row in zip(at.proposal.groups, at.rows, strict=True)]
    return {
        "children": sum(len(group.children) for group in at.proposal.groups),
        "enrolled": sum(len(course.children) for course in at.problem.courses),
        "groups": len(at.rows),
        "least": min(sizes, default=0),
        "most": max(sizes, default=0),
        "staff": len({duty.staff_id for duty in at.duties}),
        "titles": joined([view.title for view in at.views.values()]),
    }


def sentences(at: Situation) -> list[tuple[str, str]]:
    """(tone, sentence) for all that is not satisfied, graver first; nothing before there are groups."""
    if not at.rows:
        return []
    found = [("bad" if item.kind in GRAVE else "warn", said(at, item)) for item in at.proposal.unmet]
    return sorted(found, key=lambda item: item[0])
