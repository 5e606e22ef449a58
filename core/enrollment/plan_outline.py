"""A plan as people read it, one shape for screen and paper: facts, paragraphs, promises and tables by section."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from core.base.clock import at_school
from core.base.text import gettext as _
from core.base.text import in_locale
from core.enrollment.plan_schemas import SECTIONS, PlanContent, Window
from core.policy.vocab import WINDOWS
from core.web.fields import submodel, ui_of
from core.web.i18n import fdate, ftime, joined, time_range, weekday, weekdays
from core.web.pdf import DOCUMENT, Document, column, render_async

_NUMERALS: Final = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section with all that it says: (label, value) facts, (label, text) paragraphs, promises, tables."""

    key: str
    title: str
    icon: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    promises: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    @property
    def said(self) -> bool:
        return bool(self.facts or self.texts or self.promises or self.tables)


def outline(content: PlanContent) -> list[SectionView]:
    """The sections in the reader's language; what was left open is left out."""
    views = []
    for key, (title, _model, icon) in SECTIONS.items():
        shown = SectionView(key, str(title), icon)
        part: BaseModel = getattr(content, key)
        for name, info in type(part).model_fields.items():
            _show(shown, info, getattr(part, name))
        views.append(shown)
    return views


def _show(shown: SectionView, info: FieldInfo, value: Any) -> None:
    ui = ui_of(info)
    label = str(ui.label)
    if ui.kind == "hidden":
        return
    if isinstance(value, bool):
        if value:
            shown.promises.append(label)
    elif submodel(info.annotation) is not None:
        if value:
            shown.tables.append(_table(label, value))
    elif ui.control(info) == "textarea":
        if value:
            shown.texts.append((label, value))
    elif value not in (None, "", []):
        shown.facts.append((label, _said(info, value)))


def days_text(days: Sequence[int]) -> str:
    """Weekdays as people say them: three or more in a row as a span (周一至周五)."""
    days = sorted(days)
    if len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        return _("%(first)s至%(last)s", first=weekday(days[0]), last=weekday(days[-1]))
    return weekdays(days)


def _said(info: FieldInfo, value: Any) -> str:
    ui = ui_of(info)
    if isinstance(value, time):
        return ftime(value)
    if isinstance(value, date):
        return fdate(value)
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        if ui.kind == "seg" and value:  # weekdays; grades are ticked one by one
            return days_text(value)
        names = dict(ui.choices(info.annotation))
        return joined([names.get(str(word), str(word)) for word in value])
    named = dict(ui.choices(info.annotation)).get(str(value))
    if named is not None:
        return named
    unit = str(ui.unit or "")
    return f"{value}{unit if unit == '%' else ' ' + unit if unit else ''}"


def _table(label: str, rows: list[BaseModel]) -> Table:
    """The rows under the headings of those fields that any row fills."""
    fields = type(rows[0]).model_fields
    used = [n for n in fields if any(getattr(row, n) not in (None, "", [], False) for row in rows)]
    cells = tuple(
        tuple("" if getattr(row, n) in (None, "", []) else _said(fields[n], getattr(row, n)) for n in used)
        for row in rows
    )
    return Table(label, tuple(str(ui_of(fields[n]).label) for n in used), cells)


def window_line(window: Window) -> str:
    """A time of service in one line: `周一至周五 下午放学后 16:00–17:45`."""
    parts = [
        days_text(window.weekdays),
        str(WINDOWS.label(window.window)),
        time_range(window.starts_at, window.ends_at),
    ]
    if window.early_ends_at is not None:
        parts.append(_("一、二年级 %(at)s 离校", at=ftime(window.early_ends_at)))
    return " ".join(parts)


# ---- on paper -----------------------------------------------------------------------------------------------


async def paper(
    content: PlanContent, *, title: str, org: str, day: date, number: str, to: str, reasons: list[tuple[str, str, str]]
) -> bytes:
    """The plan as PDF/A, in Chinese; equal plans of one day give equal bytes.

    `reasons` are (what was objected, its clause, the school's written reason) for warnings that stand.
    """
    with in_locale("zh_CN"):
        parts: list[dict[str, Any]] = []
        for place, shown in enumerate(v for v in outline(content) if v.said):
            parts += _section_parts(shown, place)
        if reasons:
            parts.append({"kind": "heading", "text": "附：对提醒事项的说明"})
            parts.append(
                {
                    "kind": "table",
                    "columns": [column("提醒"), column("依据", narrow=True), column("学校说明")],
                    "rows": [list(row) for row in reasons],
                }
            )
        document = Document(title=title, parts=parts, number=number, to=to, org=org, day=day)
        data = document.data()
    return await render_async(DOCUMENT, data, at=at_school(day))


def _section_parts(shown: SectionView, place: int) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"kind": "heading", "text": f"{_NUMERALS[place]}、{shown.title}"}]
    if shown.facts:
        parts.append({"kind": "facts", "items": [list(fact) for fact in shown.facts]})
    for table in shown.tables:
        parts += [_rows_on_paper(table)]
    for label, text in shown.texts:
        parts += [{"kind": "text", "text": f"{label}：{line}" if n == 0 else line} for n, line in _lines(text)]
    if shown.promises:
        parts.append({"kind": "list", "items": shown.promises})
    return parts


def _rows_on_paper(table: Table) -> dict[str, Any]:
    """Up to six columns stand as a table; more would be too narrow to read, so each row becomes a list of facts."""
    if len(table.columns) <= 6:
        return {"kind": "table", "columns": [column(c) for c in table.columns], "rows": [list(r) for r in table.rows]}
    items = []
    for row in table.rows:
        said = [f"{label}：{value}" for label, value in zip(table.columns[1:], row[1:], strict=True) if value]
        items.append("；".join([row[0], *said]))
    return {"kind": "list", "items": items}


def _lines(text: str) -> list[tuple[int, str]]:
    return list(enumerate(line.strip() for line in text.splitlines() if line.strip()))
