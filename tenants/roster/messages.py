"""Every sentence of a roster check, by its stable code. The reader is a school clerk: say what is right, and how.

A code is public as ``roster.<key>``; never reuse one for something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l

FILE_TEXTS: Final[dict[str, LazyText]] = {
    # The file cannot be read at all.
    "empty_file": _l("文件是空的。请重新导出，确认能打开后再上传"),
    "file_too_large": _l("文件有 %(size)s MB，上限是 %(limit)s MB。请删掉图片和多余的工作表，或者按年级分成几个文件"),
    "unsupported_format": _l("不能读取这种文件（%(found)s）。请上传 .xlsx、.xls、.ods 或 .csv 文件"),
    "wrong_extension": _l(
        "文件名以 %(extension)s 结尾，内容却是%(actual)s。请用 Excel 或 WPS 打开，另存为 .xlsx 后再上传"
    ),
    "no_table": _l(
        "这个文件既不是 Excel 工作簿，也不是 CSV 文字，不能读取。"
        "请用 Excel 或 WPS 打开原来的表格，另存为 .xlsx 后再上传"
    ),
    "html_table": _l(
        "这个文件其实是网页（有些系统导出的 .xls 就是这样）。请用 Excel 或 WPS 打开，另存为 .xlsx 后再上传"
    ),
    "encrypted_file": _l("文件设了密码，打不开。请在 Excel 或 WPS 中去掉密码后再上传"),
    "macro_file": _l("文件带有宏，为了安全不能读取。请另存为不带宏的 .xlsx 后再上传"),
    "damaged_file": _l("文件打不开，可能没有下载完整，或者已经损坏。请用 Excel 或 WPS 打开，另存为 .xlsx 后再上传"),
    "too_big_inside": _l("文件解开后太大（上限 %(limit)s MB）。请把花名册复制到空白模板里，另存后再上传"),
    "reading_timeout": _l("文件读了太久还没有读完。请把花名册复制到空白模板里，另存后再上传"),
    "unknown_encoding": _l("认不出文件的文字编码。请另存为 .xlsx，或者另存为“CSV UTF-8”后再上传"),
    "encoding_mismatch": _l("文件不是 %(encoding)s 编码。请换一种编码，或者另存为 .xlsx 后再上传"),
    "encoding_not_known": _l("不认识编码 %(encoding)s。可以用：%(known)s"),
    "encoding_damaged": _l("文件是 UTF-8 编码，但第 %(row)s 行起有损坏的文字。请重新导出，或者另存为 .xlsx 后再上传"),
    "csv_broken": _l("CSV 文件第 %(row)s 行附近的引号没有配对。请另存为 .xlsx 后再上传"),
    # The file can be read, but is no roster.
    "no_headers": _l("没有找到花名册的表头。应有：%(expected)s。文件里找到的是：%(found)s。请下载模板，把内容复制进去"),
    "missing_column": _l("工作表“%(sheet)s”缺少“%(column)s”这一列。找到的表头：%(found)s"),
    "missing_column_hint": _l(
        "工作表“%(sheet)s”缺少“%(column)s”这一列。表头“%(similar)s”是不是它？找到的表头：%(found)s"
    ),
    "missing_number": _l("工作表“%(sheet)s”至少要有“学籍号”或“校内学号”中的一列。找到的表头：%(found)s"),
    "duplicate_header": _l("工作表“%(sheet)s”的“%(first)s”和“%(second)s”两列都表示“%(column)s”，请只留一列"),
    "merged_header": _l("工作表“%(sheet)s”的表头有合并单元格（%(range)s）。请取消合并，每列写一个完整的表头"),
    "no_rows": _l("表头下面没有内容。请填写后再上传"),
    "too_many_rows": _l("工作表“%(sheet)s”有 %(count)s 行，一次最多 %(limit)s 行，没有检查。请按年级分成几个文件上传"),
    # Said in passing.
    "sheet_ignored": _l("工作表“%(sheet)s”没有花名册的表头，没有读取"),
    "column_ignored": _l("工作表“%(sheet)s”的“%(column)s”列用不到，没有读取"),
    "column_ignored_hint": _l("工作表“%(sheet)s”的“%(column)s”列用不到，没有读取。如果想写“%(similar)s”，请改表头"),
}

ROW_TEXTS: Final[dict[str, LazyText]] = {
    # Any cell.
    "required": _l("请填写“%(column)s”"),
    "too_long": _l("“%(column)s”最多 %(limit)s 个字"),
    "cell_error": _l("“%(column)s”里的公式出错（如 #N/A）。请改成实际内容"),
    "garbled": _l("“%(column)s”里有乱码，请重新填写"),
    "merged_cell": _l("%(range)s 是合并单元格，只有第一格有内容。请取消合并，每一行都填写“%(column)s”"),
    "formula_cell": _l("“%(column)s”里是公式，不是内容。请选中这一列，复制后用“选择性粘贴 → 数值”粘贴回去"),
    "formula": _l("“%(column)s”不能以 %(sign)s 开头。请直接填写内容，不要写公式"),
    "wrong_type": _l("“%(column)s”应是文字，单元格里却是%(actual)s。请把单元格设为“文本”后重新填写"),
    # Numbers.
    "number_damaged": _l(
        "“%(column)s”已被 Excel 改成 %(value)s，末尾的数字丢失了，不能猜。请把这一列设为“文本”，再从原始资料重新填写"
    ),
    "roll_form": _l("“%(column)s”应是 19 位：G 加 18 位身份证号，或者 J、L 加 18 位数字"),
    "roll_length": _l("“%(column)s”应是 19 位，现在是 %(length)s 位"),
    "roll_letter": _l("“%(column)s”开头缺少字母 G、J 或 L"),
    "roll_checksum": _l("“%(column)s”里的身份证号校验不对，请核对有没有抄错"),
    "roll_birthday": _l("“%(column)s”里的出生日期 %(value)s 不存在，请核对有没有抄错"),
    "roll_duplicate": _l("学籍号与%(where)s重复（%(name)s）"),
    "school_number_form": _l("“%(column)s”只能是字母、数字和短横，最多 30 位"),
    "school_number_duplicate": _l("校内学号与%(where)s重复（%(name)s）"),
    "school_number_taken": _l("这个校内学号现在属于“%(name)s”（学籍号不同），请核对"),
    "staff_number_duplicate": _l("工号与%(where)s重复（%(name)s）"),
    "number_required": _l("学籍号和校内学号至少填一个"),
    "roll_missing": _l("还没有学籍号，暂按校内学号识别"),
    "phone_form": _l("“%(column)s”请填写 11 位手机号，如 19900000000"),
    "phone_several": _l("“%(column)s”里有几个号码，请只填一个手机号"),
    "phone_landline": _l("“%(column)s”像是座机号，请填写 11 位手机号，用来登录和接收通知"),
    "phone_twice_in_row": _l("“%(column)s”与“%(other)s”相同，请各填各的手机号，或者只留一位"),
    "phone_duplicate": _l("手机号与%(where)s的教职工重复（%(name)s）"),
    # People.
    "name_digit": _l("“%(column)s”里不能有数字"),
    "name_sign": _l("“%(column)s”里不能有“%(sign)s”。姓名中的间隔点请写“·”"),
    "name_short": _l("“%(column)s”只有一个字，请核对"),
    "name_long": _l("“%(column)s”超过 4 个字，也没有间隔点“·”，请核对"),
    "name_private": _l("“%(column)s”里有自造字，别的电脑上显示不出来。请改用标准字或拼音"),
    "gender_form": _l("“%(column)s”请填写男或女"),
    "gender_differs": _l("性别与学籍号里的不一致，请核对"),
    "relation_form": _l("“%(column)s”请填写父亲、母亲、祖父母、外祖父母或其他监护人"),
    "adult_name_missing": _l("填了手机号，还要填写“%(column)s”"),
    "adult_phone_missing": _l("填了姓名，还要填写“%(column)s”"),
    "adult_alone": _l("只填了“%(column)s”，还要填写姓名和手机号"),
    "same_name": _l("与%(where)s同班同名，请确认是两个孩子"),
    "guardian_names": _l("手机号 %(phone)s 在%(where)s写的姓名是“%(name)s”，这里是“%(here)s”，请核对是不是同一个人"),
    "guardian_is_staff": _l("手机号 %(phone)s 与教职工“%(name)s”相同，姓名却不同，请核对"),
    "post_form": _l("不认识岗位“%(value)s”。可以填写：%(allowed)s"),
    # Classes.
    "grade_form": _l("“%(column)s”请填写一年级到九年级，如三年级"),
    "grade_entry_year": _l("“%(column)s”写的是入学年份。请改成现在的年级，如三年级"),
    "grade_not_here": _l("本校是%(level)s，没有%(grade)s，请核对“%(column)s”"),
    "class_form": _l("“%(column)s”请填写班号，如 2 或三年级2班"),
    "class_grade_missing": _l("“%(column)s”要写明年级，如三年级2班"),
    "class_date": _l("“%(column)s”已被 Excel 改成日期（%(value)s）。请把这一列设为“文本”，再写成三年级2班"),
    "class_grade_differs": _l("“%(column)s”里是%(inside)s，“年级”一列是%(beside)s，请改成一致"),
    "class_duplicate": _l("与%(where)s是同一个班"),
    "class_not_listed": _l("“班级”工作表里没有%(class)s，请核对"),
    "homeroom_without_class": _l("岗位是班主任，没有填写所带班级"),
    "class_without_homeroom": _l("填写了所带班级，岗位里却没有班主任"),
    "class_two_homerooms": _l("%(class)s的班主任还有%(where)s的“%(name)s”，请核对"),
    "homeroom_no_pupils": _l("学生表里没有%(class)s，请核对"),
}

LEVELS: Final[dict[str, LazyText]] = {"primary": _l("小学"), "junior": _l("初中")}
"""The kinds of school that do not have every grade."""

TYPE_NAMES: Final[dict[str, LazyText]] = {
    "xlsx": _l("Excel 工作簿"),
    "xls": _l("旧版 Excel 工作簿"),
    "ods": _l("OpenDocument 表格"),
    "text": _l("纯文字（CSV）"),
    "zip": _l("压缩包"),
    "word": _l("Word 文档"),
    "pdf": _l("PDF 文档"),
    "image": _l("图片"),
    "xlsb": _l("二进制 Excel 工作簿"),
    "other": _l("不是表格"),
}

GRADES: Final[dict[int, LazyText]] = {
    1: _l("一年级"),
    2: _l("二年级"),
    3: _l("三年级"),
    4: _l("四年级"),
    5: _l("五年级"),
    6: _l("六年级"),
    7: _l("七年级"),
    8: _l("八年级"),
    9: _l("九年级"),
}
_CLASS: Final = _l("%(grade)s%(number)s班")
_COMMA: Final = _l("、")
_ROW: Final = _l("第 %(row)s 行")
_SHEET_ROW: Final = _l("工作表“%(sheet)s”第 %(row)s 行")


def class_label(grade: int, number: int) -> LazyText:
    """三年级2班; lazy."""
    return _lazy(_CLASS % {"grade": GRADES[grade], "number": number})


def row_label(row: int, sheet: str = "") -> LazyText:
    """第 5 行, with the sheet's name where it is another one; lazy."""
    return _lazy(_SHEET_ROW % {"sheet": sheet, "row": row} if sheet else _ROW % {"row": row})


def fill(text: LazyText, values: Mapping[str, object]) -> LazyText:
    """`text` with its places filled, still lazy."""
    return _lazy(text % values) if values else text


@dataclass(frozen=True, slots=True)
class LazyList:
    """Several texts in one sentence, joined when shown."""

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return str(_COMMA).join(str(text) for text in self.texts)


def _lazy(text: str) -> LazyText:
    # LazyText % mapping is a LazyText; its signature must say str, as that of str does.
    assert isinstance(text, LazyText)
    return text
