"""A table of levels: from bytes to (child, word), or to every mistake in it. Reads as the roster does, sandbox and all.

Columns by their titles, in any order: 学籍号 or 学号, 姓名, 班级 and 层级. Rows without a level are left as they are,
so that the list handed out may come back half filled.
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
from tenants.roster.reading import raw_sheets
from tenants.roster.sandbox import MOST_ROWS, RawSheet, ReadError
from tenants.roster.values import is_blank, shown

HEAD: Final = ("学籍号", "学号", "班级", "姓名", "层级")
TITLES: Final[Mapping[str, frozenset[str]]] = {
    "roll": frozenset({"学籍号", "全国学籍号"}),
    "number": frozenset({"学号", "校内学号"}),
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
    def accepted(self) -> bool:
        return not self.problem and not self.wrong and bool(self.given)


def check(data: bytes, file_name: str, children: Sequence[Line], words: Sequence[str]) -> Table:
    """Read the whole table and check every row. Never raises for what a file may hold; blocks for some seconds."""
    try:
        _kind, raws, _encoding = raw_sheets(data, file_name, lambda text: _header(_cells(text)) is not None)
    except ReadError as refused:
        return Table(refused.problem.message)
    for raw in raws:
        found = _header([cells for _number, cells in raw.rows[:SEARCH]])
        if found is not None:
            return _table(raw, *found, children, words)
    return Table(_("没有找到表头，至少要有「学籍号」或「学号」，以及「姓名」「层级」"))


def _cells(text: str) -> list[list[Any]]:
    lines = text[:20_000].splitlines()[:SEARCH]
    return [[cell.strip('" ') for cell in line.replace("\t", ",").split(",")] for line in lines]


def _header(rows: Sequence[Sequence[Any]]) -> tuple[int, dict[str, int]] | None:
    """(place of the header row, field → column) of the first row that names a number, the name and the level."""
    for at, cells in enumerate(rows):
        titles = ["".join(shown(cell).split()).rstrip("*") for cell in cells]
        places = {key: titles.index(title) for key, names in TITLES.items() for title in titles if title in names}
        if {"name", "level"} <= places.keys() and {"roll", "number"} & places.keys():
            return at, places
    return None


def _table(
    raw: RawSheet, header: int, places: Mapping[str, int], children: Sequence[Line], words: Sequence[str]
) -> Table:
    table = Table(head=[shown(cell) for cell in raw.rows[header][1]])
    if raw.count > MOST_ROWS:
        return Table(_("行数太多，最多 %(n)s 行", n=MOST_ROWS))
    by_roll = {line.roll_number: line for line in children if line.roll_number}
    by_number = {line.school_number: line for line in children if line.school_number}
    seen: dict[UUID, int] = {}
    for number, cells in raw.rows[header + 1 :]:
        said = {key: _said(cells, place) for key, place in places.items()}
        if not any(said.values()):
            continue
        reasons: list[str] = []
        table.rows.append((number, [shown(cell) for cell in cells], reasons))
        if not said["level"]:
            continue
        child = by_roll.get(said.get("roll", "").upper()) or by_number.get(said.get("number", ""))
        if child is None:
            reasons.append(_("没有参加这个项目的学生是这个号码，请核对学籍号或学号"))
        elif said["name"] and said["name"] != child.name:
            reasons.append(_("号码是%(name)s的，和姓名不一致", name=child.name))
        elif child.student_id in seen:
            reasons.append(_("和第 %(row)s 行是同一名学生", row=seen[child.student_id]))
        if said["level"] not in words:
            reasons.append(_("层级「%(word)s」不在用语里：%(words)s", word=said["level"][:20], words="、".join(words)))
        if child is not None:
            seen.setdefault(child.student_id, number)
            if not reasons:
                table.given[child.student_id] = said["level"]
    if not table.given and not table.wrong:
        table.problem = _("表里没有一行填了层级")
    return table


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
        [c.roll_number, c.school_number, class_name(c.grade, c.class_number), c.name, c.word]
        for c in sorted(children, key=lambda c: (c.grade, c.class_number, c.name))
    ]
    return workbook(title, HEAD, rows)
