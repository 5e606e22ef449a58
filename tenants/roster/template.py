"""The blank roster that a clerk downloads: how to fill it in, then one sheet a kind."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any, Final

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l
from tenants.roster.columns import FIELDS, GUIDE_SHEET, POST_CHOICES, RELATION_CHOICES, SHEET_NAMES, Field
from tenants.roster.types import Kind
from tenants.roster.workbook import FONT, TEXT_FORMAT

_ROWS: Final = 3_000
_RULES: Final[tuple[LazyText, ...]] = (
    _l("表头不要改名；列的顺序可以变，用不到的列可以删。带 * 的列必须填写"),
    _l("学籍号、手机号都要设为“文本”再填写（本模板已经设好）。从别处粘贴时，请选“只粘贴数值”或“匹配目标格式”"),
    _l("不要合并单元格，每一行都写完整。一个孩子一行"),
    _l("班级请写班号（如 2）或全称（如三年级2班），不要写 3-2，否则 Excel 会把它改成日期"),
    _l("兄弟姐妹的家长请写同一个手机号，系统会认作同一位家长"),
    _l("姓名中的间隔点写“·”。生僻字照写，不要用拼音或图片代替"),
    _l("上传后先检查，不会马上保存。有问题的行会写明原因，改好后再上传整张表"),
    _l("文件里有孩子和家长的个人信息，请妥善保管，用完从公共电脑上删除"),
)
_EXAMPLES: Final[dict[Kind, dict[str, str]]] = {
    Kind.STUDENTS: {
        "roll_number": "L99010120180903001X",
        "school_number": "20250301",
        "name": "阿依古丽·买买提",
        "gender": "女",
        "grade": "三年级",
        "class": "2",
        "guardian1_name": "买买提·艾力",
        "guardian1_phone": "19900000001",
        "guardian1_relation": "父亲",
        "guardian2_name": "—",
        "pickup1_name": "帕提古丽·艾力",
        "pickup1_phone": "19900000002",
        "pickup1_relation": "祖母",
        "note": "对花生过敏",
    },
    Kind.STAFF: {
        "name": "林小满",
        "phone": "19900000003",
        "post": "班主任、任课教师",
        "homeroom": "三年级2班",
        "staff_number": "T0032",
    },
    Kind.CLASSES: {"grade": "三年级", "class": "2", "room": "教学楼 302", "campus": "本部"},
}


def file_name(school: str, what: str, term: str, day: dt.date, extension: str = "xlsx") -> str:
    """``实验小学_花名册_2026-2027-1_20260901.xlsx``; signs that a file system refuses are left out."""
    parts = (re.sub(r'[\\/:*?"<>|\s\x00-\x1f_]+', "", part) for part in (school, what, term))
    return "_".join([*(part for part in parts if part), f"{day:%Y%m%d}"]) + f".{extension}"


def _title(field: Field) -> str:
    return f"{field.label}{' *' if field.required else ''}"


def _guide(book: Workbook, base: dict[str, Any]) -> None:
    page = book.add_worksheet(str(GUIDE_SHEET))
    heading = book.add_format({**base, "bold": True, "font_size": 14})
    head = book.add_format({**base, "bold": True, "bg_color": "#E4F4EE", "border": 1, "border_color": "#E2E7E5"})
    text = book.add_format({**base, "text_wrap": True, "valign": "top"})
    for column, width in enumerate((12, 20, 10, 64, 26)):
        page.set_column(column, column, width)
    page.hide_gridlines(2)
    page.write_string(0, 0, str(_l("填写须知")), heading)
    line = 1
    for number, rule in enumerate(_RULES, 1):
        page.merge_range(line, 0, line, 4, "", text)
        page.write_string(line, 0, f"{number}. {rule}", text)
        line += 1
    line += 1
    titles = (_l("工作表"), _l("列"), _l("必填"), _l("怎么填"), _l("例子"))
    for column, title in enumerate(titles):
        page.write_string(line, column, str(title), head)
    for kind in Kind:
        for field in FIELDS[kind]:
            line += 1
            how = " ".join(filter(None, (str(field.note or ""), _choices(kind, field))))
            cells = (
                str(SHEET_NAMES[kind]),
                str(field.label),
                "*" if field.required else "",
                how,
                _EXAMPLES[kind].get(field.key, ""),
            )
            for column, cell in enumerate(cells):
                page.write_string(line, column, cell, text)


def _choices(kind: Kind, field: Field) -> str:
    if field.key.endswith("relation"):
        return "、".join(RELATION_CHOICES)
    if kind is Kind.STAFF and field.key == "post":
        return "、".join(POST_CHOICES)
    return "、".join(field.choices) if field.key == "gender" else ""


def _data_sheet(book: Workbook, kind: Kind, base: dict[str, Any]) -> None:
    page = book.add_worksheet(str(SHEET_NAMES[kind]))
    edge = {"bold": True, "border": 1, "border_color": "#E2E7E5", "text_wrap": True}
    text = book.add_format({**base, "num_format": TEXT_FORMAT})
    head = book.add_format({**base, **edge, "bg_color": "#E4F4EE", "num_format": TEXT_FORMAT})
    needed = book.add_format(
        {**base, **edge, "bg_color": "#FBE3E1", "font_color": "#B42318", "num_format": TEXT_FORMAT}
    )
    page.freeze_panes(1, 0)
    page.set_row(0, 24)
    for column, field in enumerate(FIELDS[kind]):
        page.set_column(column, column, field.width, text)
        page.write_string(0, column, _title(field), needed if field.required else head)
        note = str(field.note) if field.note else _choices(kind, field)
        if note:
            page.write_comment(0, column, note, {"x_scale": 2, "y_scale": 1})
        if field.choices:
            # Only a help: 三（2）班 and other ways of writing are understood as well.
            rule = {"validate": "list", "source": list(field.choices), "error_type": "information"}
            page.data_validation(1, column, _ROWS, column, rule)
        elif field.key.endswith("phone") or field.key == "roll_number":
            size = 19 if field.key == "roll_number" else 11
            page.data_validation(
                1, column, _ROWS, column,
                {
                    "validate": "length", "criteria": "==", "value": size, "error_type": "warning",
                    "error_title": str(field.label), "error_message": str(_l("应是 %(size)s 位") % {"size": size}),
                },
            )  # fmt: skip


def template() -> bytes:
    """A blank .xlsx in the current language: 填写须知, 学生, 教职工, 班级."""
    buffer = io.BytesIO()
    with Workbook(buffer, {"in_memory": True}) as book:
        base: dict[str, Any] = {"font_name": FONT, "font_size": 11, "valign": "vcenter"}
        _guide(book, base)
        for kind in Kind:
            _data_sheet(book, kind, base)
        book.get_worksheet_by_name(str(SHEET_NAMES[Kind.STUDENTS])).activate()
    return buffer.getvalue()
