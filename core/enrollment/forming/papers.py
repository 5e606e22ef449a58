"""What is printed: each group's list with a column for every day, and the rota; and the same as a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.base.text import gettext as _
from core.base.text import in_locale
from core.enrollment.forming.gather import Situation
from core.enrollment.forming.told import day_duties, room_name, teachers_line
from core.enrollment.forming.words import role
from core.enrollment.words import when_line
from core.people.service import StudentView
from core.web.i18n import class_name, joined, weekday, weekdays
from core.web.pdf import Document, column
from core.web.sheets import workbook


def members(at: Situation, place: int) -> list[tuple[StudentView, frozenset[int]]]:
    """A group's children with the days they come, by class and name."""
    group = at.proposal.groups[place]
    days = {child.key: child.days for child in at.course(at.rows[place].offering_id).children}
    found = [(at.students[UUID(key)], days[key]) for key in group.children]
    return sorted(found, key=lambda item: (item[0].grade, item[0].class_number, item[0].name, str(item[0].id)))


def document(at: Situation, org: str) -> Document:
    """All groups' lists and the rota, to print and to hang up in the staff room."""
    parts: list[Mapping[str, Any]] = []
    with in_locale("zh_CN"):
        for place, row in enumerate(at.rows):
            view = at.views[row.offering_id]
            inside = members(at, place)
            parts += [
                {"kind": "heading", "text": f"{view.title} · {row.title}"},
                {
                    "kind": "facts",
                    "items": [
                        [_("时间"), when_line(view)],
                        [_("教室"), room_name(at, row) or _("待定")],
                        [_("教师"), teachers_line(at, row) or _("待定")],
                        [_("人数"), str(len(inside))],
                    ],
                },
                {
                    "kind": "table",
                    "columns": [
                        column(_("班级"), narrow=True),
                        column(_("姓名")),
                        *(column(weekday(day), narrow=True) for day in view.weekdays),
                    ],
                    "rows": [
                        [
                            class_name(s.grade, s.class_number),
                            s.name,
                            *("√" if d in days else "" for d in view.weekdays),
                        ]
                        for s, days in inside
                    ],
                },
            ]
        duties = day_duties(at)
        if duties:
            parts.append({"kind": "heading", "text": _("值班安排")})
            parts.append(
                {
                    "kind": "table",
                    "columns": [column(_("岗位"), narrow=True), column(_("星期"), narrow=True), column(_("人员"))],
                    "rows": [[role(kind), weekday(day), joined(names)] for kind, day, names in duties],
                }
            )
        return Document(title=at.run.title, parts=parts, org=org, day=at.run.starts_on)


def sheet(at: Situation) -> bytes:
    """One line for each child: group, class, name, days, room, teachers."""
    head = [_("项目"), _("班组"), _("班级"), _("姓名"), _("星期"), _("教室"), _("教师")]
    rows = [
        [
            at.views[row.offering_id].title,
            row.title,
            class_name(student.grade, student.class_number),
            student.name,
            weekdays(sorted(days)),
            room_name(at, row),
            teachers_line(at, row),
        ]
        for place, row in enumerate(at.rows)
        for student, days in members(at, place)
    ]
    return workbook(at.run.title, head, rows)
