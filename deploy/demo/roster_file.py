"""The roster files that an invented school would upload."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from deploy.demo.people import Child, Grown, School, Teacher

STUDENT_TITLES = (
    "学籍号", "校内学号", "姓名", "性别", "年级", "班级",
    "家长1姓名", "家长1手机号", "家长1关系", "家长2姓名", "家长2手机号", "家长2关系",
    "接送人1姓名", "接送人1手机号", "接送人1关系", "备注",
)  # fmt: skip
STAFF_TITLES = ("姓名", "手机号", "岗位", "班主任所带班级", "工号", "备注")
CLASS_TITLES = ("年级", "班级", "教室", "校区")


def _grown(people: Sequence[Grown], places: int) -> Iterator[str]:
    for place in range(places):
        person = people[place] if place < len(people) else None
        yield from (person.name, person.phone, person.relation) if person else ("", "", "")


def student_row(child: Child) -> tuple[str, ...]:
    """One line under ``STUDENT_TITLES``."""
    return (
        child.roll_number,
        child.school_number,
        child.name,
        child.gender,
        child.grade_name,
        str(child.class_number),
        *_grown(child.guardians, 2),
        *_grown(child.pickups, 1),
        child.note,
    )


def staff_row(teacher: Teacher) -> tuple[str, ...]:
    """One line under ``STAFF_TITLES``."""
    return (teacher.name, teacher.phone, "、".join(teacher.posts), teacher.homeroom_name, teacher.staff_number, "")


def roster_workbook(school: School) -> bytes:
    """The school as an .xlsx of the template's shape: 学生, 教职工, 班级."""
    classes = [
        (f"{'一二三四五六七八九'[grade - 1]}年级", str(number), room, "") for grade, number, room in school.classes
    ]
    sheets = (
        ("学生", STUDENT_TITLES, [student_row(child) for child in school.children]),
        ("教职工", STAFF_TITLES, [staff_row(teacher) for teacher in school.teachers]),
        ("班级", CLASS_TITLES, classes),
    )
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True}) as book:
        text = book.add_format({"num_format": "@"})
        for name, titles, rows in sheets:
            page = book.add_worksheet(name)
            for line, row in enumerate((titles, *rows)):
                for column, cell in enumerate(row):
                    if cell:
                        page.write_string(line, column, cell, text)
    return buffer.getvalue()


def roster_csv(school: School, encoding: str = "gb18030") -> bytes:
    """The pupils as the CSV that Chinese Excel saves (GB18030), or in another encoding."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(STUDENT_TITLES)
    writer.writerows(student_row(child) for child in school.children)
    return text.getvalue().encode(encoding)
