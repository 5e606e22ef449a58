"""The columns of a roster: what each means, the titles it goes by, and how a header row is recognised."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.base.text import SUPPORTED, LazyText, in_locale
from core.base.text import lazy_gettext as _l
from tenants.roster.messages import fill
from tenants.roster.types import Column, Kind, Relation


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a row. `titles` are compared after :func:`plain_title`; `note` is the rule told in the template."""

    key: str
    label: LazyText
    titles: tuple[str, ...]
    required: bool = False
    note: LazyText | None = None
    width: int = 14
    limit: int = 40
    choices: tuple[str, ...] = ()


GUIDE_SHEET: Final = _l("填写须知")
PROBLEM_SHEET: Final = _l("要处理的问题")
_GUIDE_SHEETS: Final = ("填表说明", "说明")
REASON: Final = _l("错误原因")
RELATION_CHOICES: Final = ("父亲", "母亲", "祖父", "祖母", "外祖父", "外祖母", "其他监护人")
POST_CHOICES: Final = (
    "校长",
    "校领导",
    "年级组长",
    "班主任",
    "任课教师",
    "教务员",
    "财务",
    "安全员",
    "校医",
    "食堂",
    "其他",
)

_HAN: Final = {1: "一", 2: "二", 3: "三"}
_NAME_ENDS: Final = ("姓名", "名字", "名称")
_PHONE_ENDS: Final = ("手机号", "手机号码", "手机", "电话", "电话号码", "联系电话", "联系方式", "联系手机")
_RELATION_ENDS: Final = ("关系", "与学生关系", "与孩子关系", "称谓", "身份")
_IMPLIED: Final = (
    ("父亲", 1, Relation.FATHER),
    ("爸爸", 1, Relation.FATHER),
    ("母亲", 2, Relation.MOTHER),
    ("妈妈", 2, Relation.MOTHER),
)


def _adult(key: str, n: int, heads: tuple[str, ...], label: LazyText, required: bool) -> tuple[Field, ...]:
    """The three columns of one adult, under every title that schools use."""
    numbered = [head + mark for head in heads for mark in ((str(n), _HAN[n]) if n > 1 else ("1", "一", ""))] + [
        f"第{_HAN[n]}{head}" for head in heads
    ]
    bare = key == "guardian" and n == 1
    return (
        Field(
            f"{key}{n}_name",
            fill(_l("%(adult)s姓名"), {"adult": label}),
            (*(a + b for a in numbered for b in (*_NAME_ENDS, "")), f"{key}{n}name"),
            required=required,
            width=12,
        ),
        Field(
            f"{key}{n}_phone",
            fill(_l("%(adult)s手机号"), {"adult": label}),
            tuple(a + b for a in numbered for b in _PHONE_ENDS)
            + (f"{key}{n}phone", f"{key}{n}mobile")
            + (_PHONE_ENDS if bare else ()),
            required=required,
            note=_l("11 位手机号。单元格设为“文本”。家长用它登录，兄弟姐妹请写同一个号码"),
            width=16,
        ),
        Field(
            f"{key}{n}_relation",
            fill(_l("%(adult)s关系"), {"adult": label}),
            tuple(a + b for a in numbered for b in _RELATION_ENDS)
            + (f"{key}{n}relation",)
            + (_RELATION_ENDS if bare else ()),
            choices=RELATION_CHOICES,
            width=13,
        ),
    )


_GUARDIANS: Final = ("家长", "监护人", "家庭成员", "成员", "学生家长")
_PICKUPS: Final = ("接送人", "接送", "接送家长", "接孩子的人")

STUDENT_FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "roll_number",
        _l("学籍号"),
        (
            "学籍号",
            "全国学籍号",
            "学生学籍号",
            "学籍号码",
            "全国学籍号码",
            "学籍编号",
            "rollnumber",
            "nationalrollnumber",
        ),
        required=True,
        note=_l("19 位：G 加 18 位身份证号，或者 J、L 加 18 位数字。单元格设为“文本”。还没有学籍号的，请填校内学号"),
        width=24,
        limit=60,
    ),
    Field(
        "school_number",
        _l("校内学号"),
        ("校内学号", "学号", "校内编号", "学生编号", "学生学号", "schoolnumber", "studentnumber"),
        note=_l("学校自己编的号码，全校不重复。可以不填"),
        limit=60,
    ),
    Field(
        "name",
        _l("姓名"),
        ("姓名", "学生姓名", "学生", "孩子姓名", "名字", "name", "studentname"),
        required=True,
        width=12,
    ),
    Field("gender", _l("性别"), ("性别", "学生性别", "gender", "sex"), choices=("男", "女"), width=8),
    Field(
        "grade",
        _l("年级"),
        ("年级", "所在年级", "就读年级", "年级名称", "grade"),
        required=True,
        note=_l("一年级到九年级，也可以写 1 到 9、初一到初三"),
        choices=("一年级", "二年级", "三年级", "四年级", "五年级", "六年级", "七年级", "八年级", "九年级"),
        width=10,
    ),
    Field(
        "class",
        _l("班级"),
        ("班级", "班", "班别", "班号", "班级名称", "所在班级", "就读班级", "行政班", "行政班级", "class"),
        required=True,
        note=_l("班号，如 2；也可以写三年级2班、三（2）班。不要写 3-2，会被改成日期"),
        width=10,
    ),
    *_adult("guardian", 1, _GUARDIANS, _l("家长1"), required=True),
    *_adult("guardian", 2, _GUARDIANS, _l("家长2"), required=False),
    *_adult("pickup", 1, _PICKUPS, _l("接送人1"), required=False),
    *_adult("pickup", 2, _PICKUPS, _l("接送人2"), required=False),
    Field("note", _l("备注"), ("备注", "说明", "附注", "note", "notes", "remarks"), width=24, limit=500),
)

STAFF_FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "name",
        _l("姓名"),
        ("姓名", "教师姓名", "教职工姓名", "老师姓名", "名字", "name", "staffname"),
        required=True,
        width=12,
    ),
    Field(
        "phone",
        _l("手机号"),
        (*_PHONE_ENDS, "本人手机号", "教师手机号", "phone", "mobile"),
        required=True,
        note=_l("11 位手机号。单元格设为“文本”。老师用它登录"),
        width=16,
    ),
    Field(
        "post",
        _l("岗位"),
        ("岗位", "职务", "职位", "身份", "角色", "工作岗位", "任职", "post", "role", "position"),
        required=True,
        note=_l("可以填几个，用顿号分开，如班主任、任课教师"),
        width=18,
    ),
    Field(
        "homeroom",
        _l("班主任所带班级"),
        (
            "班主任所带班级",
            "所带班级",
            "带班",
            "带班班级",
            "任班主任班级",
            "管理班级",
            "班级",
            "班主任班级",
            "homeroomclass",
            "homeroom",
        ),
        note=_l("班主任填写，如三年级2班。不要写 3-2，会被改成日期"),
        width=16,
    ),
    Field("staff_number", _l("工号"), ("工号", "教工号", "职工号", "教师编号", "staffnumber"), limit=60),
    Field("note", _l("备注"), ("备注", "说明", "附注", "note", "notes", "remarks"), width=24, limit=500),
)

CLASS_FIELDS: Final[tuple[Field, ...]] = (
    Field(
        "grade", _l("年级"), ("年级", "年级名称", "grade"), required=True, choices=STUDENT_FIELDS[4].choices, width=10
    ),
    Field("class", _l("班级"), ("班级", "班", "班号", "班级名称", "行政班", "class"), required=True, width=10),
    Field("room", _l("教室"), ("教室", "教室名称", "所在教室", "上课地点", "room"), width=18),
    Field("campus", _l("校区"), ("校区", "所在校区", "campus"), width=14),
)

FIELDS: Final[dict[Kind, tuple[Field, ...]]] = {
    Kind.STUDENTS: STUDENT_FIELDS,
    Kind.STAFF: STAFF_FIELDS,
    Kind.CLASSES: CLASS_FIELDS,
}
SHEET_NAMES: Final[dict[Kind, LazyText]] = {
    Kind.STUDENTS: _l("学生"),
    Kind.STAFF: _l("教职工"),
    Kind.CLASSES: _l("班级"),
}
# A header that only one kind has decides between kinds that share 姓名, 班级 or 手机号.
_TELLING: Final[dict[Kind, frozenset[str]]] = {
    Kind.STUDENTS: frozenset({"roll_number", "school_number", "guardian1_name", "guardian2_name"}),
    Kind.STAFF: frozenset({"post", "staff_number"}),
    Kind.CLASSES: frozenset({"room", "campus"}),
}
_NAME_HINTS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STUDENTS: ("学生", "花名册", "学籍", "student", "pupil"),
    Kind.STAFF: ("教职工", "教师", "老师", "职工", "员工", "staff", "teacher"),
    Kind.CLASSES: ("班级", "班级表", "class"),
}


def plain_title(title: str) -> str:
    """A title without what varies: width, case, spaces, stars, punctuation."""
    text = unicodedata.normalize("NFKC", title).casefold()
    return re.sub(r"[\s*★#:：_\-.、/“”\"'’]+", "", text)


def _bare_title(title: str) -> str:
    """A title also without remarks in brackets: 班级（必填） → 班级."""
    return plain_title(re.sub(r"[(（\[【〔].*?[)）\]】〕]", "", title))


def _said(label: LazyText) -> set[str]:
    """A label in every language, plain: a template downloaded in English comes back in any session."""
    found = set()
    for locale in SUPPORTED:
        with in_locale(locale):
            found.add(plain_title(str(label)))
    return found


def is_guide(sheet_name: str) -> bool:
    """Whether a sheet is there to be read by people; such a one is passed over without a word."""
    name = plain_title(sheet_name)
    return name in _GUIDE_SHEETS or name in _said(GUIDE_SHEET) | _said(PROBLEM_SHEET)


@cache
def _index(kind: Kind) -> dict[str, tuple[str, Relation | None]]:
    index: dict[str, tuple[str, Relation | None]] = {}
    for field in FIELDS[kind]:
        for title in field.titles:
            index.setdefault(plain_title(title), (field.key, None))
    if kind is Kind.STUDENTS:
        for head, n, relation in _IMPLIED:
            for ends, what in ((_NAME_ENDS, "name"), (("",), "name"), (_PHONE_ENDS, "phone")):
                for end in ends:
                    index.setdefault(plain_title(head + end), (f"guardian{n}_{what}", relation))
    return index


def recognise(kind: Kind, titles: Sequence[tuple[int, str]]) -> tuple[Column, ...]:
    """Match (place, title) pairs to the fields of `kind`; columns in any order."""
    labels = {title: (field.key, None) for field in FIELDS[kind] for title in _said(field.label)}
    index: dict[str, tuple[str | None, Relation | None]] = {**labels, **_index(kind)}
    index |= dict.fromkeys(_said(REASON), ("reason", None))
    columns = []
    for place, title in titles:
        plain = plain_title(title)
        key, implied = index.get(plain) or index.get(_bare_title(title)) or (None, None)
        columns.append(Column(place, title.strip(), key, implied))
    return tuple(columns)


def score(kind: Kind, columns: Sequence[Column], sheet_name: str) -> float:
    """How well a header row fits `kind`: fields found, and a little for headers or a sheet name that tell."""
    found = {column.field for column in columns if column.field and column.field != "reason"}
    if not found:
        return 0
    hint = any(word in sheet_name.casefold() for word in _NAME_HINTS[kind])
    return len(found) + 2 * len(found & _TELLING[kind]) + (1.5 if hint else 0)


def nearest(label: str, titles: Sequence[str]) -> str | None:
    """The title that may be meant by a missing column, if one is close."""
    close = difflib.get_close_matches(plain_title(label), [plain_title(title) for title in titles], 1, 0.5)
    return next((title for title in titles if plain_title(title) == close[0]), None) if close else None


def nearest_field(kind: Kind, title: str, missing: Sequence[str]) -> LazyText | None:
    """The label of a field not found in the file that an unused title resembles."""
    plain = plain_title(title)
    for field in FIELDS[kind]:
        if field.key in missing and difflib.get_close_matches(
            plain, [plain_title(known) for known in field.titles], 1, 0.7
        ):
            return field.label
    return None


@cache
def field_of(kind: Kind, key: str) -> Field:
    """The field `key` of `kind`. Raises ``StopIteration`` for a key that does not exist (a programming error)."""
    return next(field for field in FIELDS[kind] if field.key == key)
