"""A table of levels: from bytes to (child, word), or to every mistake in it. Reads as the roster does, sandbox and all.

Columns by their titles, in any order: 姓名, 层级 and at least one of 学号, 学籍号, 班级. Rows without a level are left
as they are, so that the list handed out may come back half filled. The list itself never holds a 学籍号: everywhere
else that number is masked, and 学号, or class and name, tell the children apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from core.base.text import LazyText
from core.base.text import gettext as _
from core.enrollment.levels.service import Line
from core.web.i18n import class_name
from core.web.sheets import workbook
from tenants.roster.reading import marked, raw_sheets
from tenants.roster.sandbox import MOST_ROWS, RawSheet, ReadError
from tenants.roster.types import RawRow
from tenants.roster.values import Bad, is_blank, school_class, shown

HEAD: Final = ("学号", "班级", "姓名", "层级")
TITLES: Final[Mapping[str, frozenset[str]]] = {
    "roll": frozenset({"学籍号", "全国学籍号"}),
    "number": frozenset({"学号", "校内学号"}),
    "class": frozenset({"班级"}),
    "name": frozenset({"姓名", "学生姓名"}),
    "level": frozenset({"层级", "级别", "水平"}),
}
SEARCH: Final = 10
"""The header is looked for in so many rows; titles above it are allowed."""


@dataclass(slots=True)
class Table:
    """What was read: `given` is what to enter when nothing is wrong; `rows` are (number, cells, reasons)."""

    problem: LazyText | str = ""
    head: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str], list[str]]] = field(default_factory=list)
    given: dict[UUID, str] = field(default_factory=dict)

    @property
    def wrong(self) -> list[tuple[int, list[str], list[str]]]:
        return [row for row in self.rows if row[2]]

    @property
    def told(self) -> list[tuple[list[int], list[str]]]:
        """What is wrong, each thing once: (numbers of the rows, reasons)."""
        same: dict[tuple[str, ...], list[int]] = {}
        for number, _cells, reasons in self.wrong:
            same.setdefault(tuple(reasons), []).append(number)
        return [(numbers, list(reasons)) for reasons, numbers in same.items()]

    @property
    def accepted(self) -> bool:
        return not self.problem and not self.wrong and bool(self.given)


def check(data: bytes, file_name: str, children: Sequence[Line], words: Sequence[str]) -> Table:
    """Read the whole table and check every row. Never raises for what a file may hold; blocks for some seconds."""
    try:
        _kind, raws, _encoding = raw_sheets(data, file_name, lambda text: _header(_cells(text)) is not None)
    except ReadError as refused:
        return Table(refused.problem.message)
    full = [raw for raw in raws if raw.rows]
    if len(full) > 1:
        # Reading one of them would drop the others without a word.
        names = "、".join(raw.name for raw in full[:5])
        return Table(_("文件里有几张有内容的工作表（%(names)s），请只留填好的一张", names=names))
    for raw in full:
        found = _header([cells for _number, cells in raw.rows[:SEARCH]])
        if found is not None:
            return _table(raw, *found, children, words)
    return Table(_("没有找到表头，要有「姓名」「层级」，以及「学号」「学籍号」「班级」中的至少一列"))


def _cells(text: str) -> list[list[Any]]:
    lines = text[:20_000].splitlines()[:SEARCH]
    return [[cell.strip('" ') for cell in line.replace("\t", ",").split(",")] for line in lines]


def _header(rows: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]] | None:
    """(place of the header row, field → column) of the first row with name, level and a number or class."""
    for at, cells in enumerate(rows):
        titles = [_title(shown(cell)) for cell in cells]
        places = {key: titles.index(title) for key, names in TITLES.items() for title in titles if title in names}
        if {"name", "level"} <= places.keys() and {"roll", "number", "class"} & places.keys():
            return at, places
    return None


def _title(text: str) -> str:
    return "".join(text.split()).rstrip("*")


def _table(
    raw: RawSheet, header: int, places: Mapping[str, int], children: Sequence[Line], words: Sequence[str]
) -> Table:
    table = Table(head=[shown(cell) for cell in raw.rows[header][1]])
    for names in TITLES.values():
        twice = [title for title in table.head if _title(title) in names]
        if len(twice) > 1:
            # Reading one of them would drop the others without a word.
            return Table(_("有几列是同一个意思（%(names)s），请只留一列", names="、".join(twice)))
    if raw.count > MOST_ROWS:
        return Table(_("行数太多，最多 %(n)s 行", n=MOST_ROWS))
    seen: dict[UUID, int] = {}
    for number, cells in raw.rows[header + 1 :]:
        cells = list(marked(RawRow(number, tuple(cells)), raw).cells)
        said = {key: _said(cells, place) for key, place in places.items()}
        reasons = _odd(cells, places, table.head)
        if not any(said.values()) and not reasons:
            continue
        table.rows.append((number, [shown(cell) for cell in cells], reasons))
        if reasons or not said["level"]:
            continue
        child = _child(said, children, reasons)
        if child is not None and child.student_id in seen:
            reasons.append(_("和第 %(row)s 行是同一名学生", row=seen[child.student_id]))
        if said["level"] not in words:
            reasons.append(_("层级「%(word)s」不在用语里", word=said["level"][:20]))
        if child is not None:
            seen.setdefault(child.student_id, number)
            if not reasons:
                table.given[child.student_id] = said["level"]
    if not table.given and not table.wrong:
        table.problem = _("表里没有一行填了层级")
    return table


def _odd(cells: Sequence[Any], places: Mapping[str, int], head: Sequence[str]) -> list[str]:
    """What is no content in the columns that are read: a cell that shows an error, or a formula."""
    reasons = []
    for place in sorted(places.values()):
        cell = cells[place] if place < len(cells) else None
        if isinstance(cell, dict) and "error" in cell:
            reasons.append(_("「%(column)s」里的公式出错（如 #N/A），请改成实际内容", column=head[place]))
        elif isinstance(cell, dict) and "formula" in cell:
            reasons.append(_("「%(column)s」里是公式，请用“选择性粘贴 → 数值”改成内容", column=head[place]))
    return reasons


def _child(said: Mapping[str, str], children: Sequence[Line], reasons: list[str]) -> Line | None:
    """The one child that all of a row names; whatever speaks against it goes into `reasons`. A row without numbers
    is found by class and name."""
    if not said["name"]:
        reasons.append(_("请填写姓名"))
    roll, number, place = said.get("roll", "").upper(), said.get("number", "").upper(), _class(said.get("class", ""))
    if not roll and not number:
        if place is None:
            reasons.append(_("请填写学号，或者写明年级和班级（如 三年级2班）"))
            return None
        found = [c for c in children if c.name == said["name"] and (c.grade, c.class_number) == place]
        if len(found) > 1:
            reasons.append(_("这个班有几名学生同名，请填写学号"))
        elif not found and said["name"]:
            reasons.append(_("参加这个项目的学生里，这个班没有叫这个姓名的"))
        return found[0] if len(found) == 1 else None
    found = [c for c in children if roll and c.roll_number.upper() == roll]
    found += [c for c in children if number and c.school_number.upper() == number]
    if len(found) < bool(roll) + bool(number):
        reasons.append(_("没有参加这个项目的学生是这个号码，请核对学籍号或学号"))
        return None
    if len({c.student_id for c in found}) > 1:
        reasons.append(_("学籍号和学号不是同一名学生的"))
        return None
    child = found[0]
    if said["name"] and said["name"] != child.name:
        reasons.append(_("号码是%(name)s的，和姓名不一致", name=child.name))
    elif place is not None and place != (child.grade, child.class_number):
        reasons.append(_("%(name)s不在这个班，请核对号码和班级", name=child.name))
    return child


def _class(text: str) -> tuple[int, int] | None:
    """(grade, number) of a class as people write it; None where it cannot be told."""
    try:
        found = school_class(text, None)
    except Bad:
        return None
    return found.grade, found.number


def _said(cells: Sequence[Any], place: int) -> str:
    cell = cells[place] if place < len(cells) else None
    return "" if is_blank(cell) else " ".join(shown(cell).split())


def corrected(table: Table, title: str) -> bytes:
    """The rows as they came, with the reasons in a last column; to be corrected and uploaded again."""
    width = len(table.head)
    rows = [
        [*cells[:width], *[""] * (width - len(cells)), "；".join(reasons)] for _number, cells, reasons in table.rows
    ]
    return workbook(title, [*table.head, _("错误原因")], rows)


def blank(children: Sequence[Line], title: str) -> bytes:
    """The list to fill in: every child that takes part, with the level it has."""
    rows = [
        [c.school_number, class_name(c.grade, c.class_number), c.name, c.word]
        for c in sorted(children, key=lambda c: (c.grade, c.class_number, c.name))
    ]
    return workbook(title, HEAD, rows)
