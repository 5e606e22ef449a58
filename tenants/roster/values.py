"""What one cell means. Each parser gives the value, or raises :class:`Bad` with the code of the sentence to show.

Cells come as text, number, ``{"bool"|"date"|"error": …}`` or ``None`` (see ``types.RawRow``).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Any, Final

from tenants.roster.columns import POST_CHOICES
from tenants.roster.messages import GRADES
from tenants.roster.types import ClassKey, Gender, Post, Relation


class Bad(Exception):
    """A cell that cannot be taken: `code` is a key of ``ROW_TEXTS``, `values` fill its sentence."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


# GB18030-2005 kept these ideographs in the private area; fonts of old systems still write them so.
_PRIVATE: Final = {
    0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC, 0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6, 0xE82C: 0x9FB7,
    0xE831: 0x215D7, 0xE832: 0x9FB8, 0xE83B: 0x2298F, 0xE843: 0x9FB9, 0xE854: 0x9FBA, 0xE855: 0x241FE, 0xE864: 0x9FBB,
}  # fmt: skip
_DOTS: Final = dict.fromkeys(map(ord, "·•‧・･∙⋅․．⸱⸳ᐧꞏ●﹒᛫"), "·")
_INVISIBLE: Final = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0x00AD, 0x202A, 0x202C])
_NARROW: Final = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "} | _INVISIBLE
_SPACES: Final = re.compile(r"[\s\u00a0\u3000]+")
_SCIENTIFIC: Final = re.compile(r"[+-]?\d+(?:\.\d+)?[eE]\+?\d+")
_NOTHING: Final = frozenset({"", "无", "暂无", "没有", "/", "\\", "-", "--", "—", "——", "N/A", "n/a", "null"})
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "＠")
_DATE: Final = re.compile(r"(19|20)\d\d[-/]\d\d?[-/]\d\d?|\d\d?月\d\d?日")
_HAN_DIGITS: Final = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}


def shown(cell: Any) -> str:
    """A cell as text for people and for the returned workbook; whole numbers without ``.0``."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, dict):
        value = next(iter(cell.values()))
        if "bool" in cell:
            return "TRUE" if value else "FALSE"
        return str(value).removesuffix("T00:00:00")
    if isinstance(cell, float) and (abs(cell) >= 1e15 or not cell.is_integer()):
        return f"{cell:.15G}"
    return str(int(cell))


def is_blank(cell: Any) -> bool:
    """Whether a cell says nothing: empty, or one of the marks that people put where nothing is."""
    return cell is None or (isinstance(cell, str) and narrow(cell) in _NOTHING)


def is_date(cell: Any) -> bool:
    """Whether Excel made a date of it, or text shows that it once did."""
    if isinstance(cell, str):
        return _DATE.fullmatch(cell.strip()) is not None
    return isinstance(cell, dict) and "date" in cell


def narrow(text: str) -> str:
    """Full-width letters, digits and signs made half-width; invisible characters and outer spaces removed."""
    return text.translate(_NARROW).strip()


def tidy(text: str) -> str:
    """Any text field: no invisible characters, one space for many, composed form."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text.translate(_INVISIBLE))).strip()


def code_text(cell: Any) -> str:
    """A number-like code (roll number, phone) as half-width text without spaces. Raises ``number_damaged``."""
    if isinstance(cell, (int, float)) and abs(cell) >= 1e15:
        # Excel keeps 15 digits: whatever stood after them is gone.
        raise Bad("number_damaged", value=shown(cell))
    text = _SPACES.sub("", narrow(shown(cell))).lstrip("'‘’`")
    if _SCIENTIFIC.fullmatch(text):
        raise Bad("number_damaged", value=text)
    return text


def roll_number(cell: Any) -> str:
    """学籍号: ``G`` + ID number with its checksum, ``J`` or ``L`` + 18; upper case."""
    text = code_text(cell).upper()
    if re.fullmatch(r"\d{17}[\dX]", text):
        raise Bad("number_damaged", value=text) if text.endswith("000") else Bad("roll_letter")
    if len(text) != 19 and re.fullmatch(r"[GJL]\d*X?", text, re.ASCII):
        raise Bad("roll_length", length=len(text))
    if not re.fullmatch(r"[GJL]\d{17}[\dX]", text, re.ASCII):
        raise Bad("roll_form")
    if text[0] == "G":
        _id_number(text[1:])
    return text


_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_check_digit(first17: str) -> str:
    """The last place of an 18-digit ID number (GB 11643, ISO 7064 MOD 11-2)."""
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


def _id_number(number: str) -> None:
    birthday = number[6:14]
    try:
        born = dt.date(int(birthday[:4]), int(birthday[4:6]), int(birthday[6:]))
    except ValueError:
        raise Bad("roll_birthday", value=birthday) from None
    if born.year < 1990:
        raise Bad("roll_birthday", value=birthday)
    if id_check_digit(number[:17]) != number[17]:
        raise Bad("roll_checksum")


def gender_in(roll: str) -> Gender | None:
    """The gender that a G number tells, or ``None``."""
    if not roll.startswith("G") or not roll[17].isdigit():
        return None
    return Gender.MALE if int(roll[17]) % 2 else Gender.FEMALE


def school_number(cell: Any) -> str:
    """校内学号 or 工号: letters, digits and hyphens, at most 30."""
    text = code_text(cell).upper()
    if not re.fullmatch(r"[0-9A-Z-]{1,30}", text):
        raise Bad("school_number_form")
    return text


def phone(cell: Any) -> str:
    """11 digits of a mainland mobile phone; +86, spaces, hyphens and full width are put right."""
    text = code_text(cell)
    digits = re.sub(r"[-‐‑–—－()（）.]", "", text)
    digits = re.sub(r"^(\+|00)?86(?=1\d{10}$)", "", digits)
    if re.fullmatch(r"1[3-9]\d{9}", digits, re.ASCII):
        return digits
    if re.fullmatch(r"(?:1[3-9]\d{9}){2,}", digits, re.ASCII) or re.search(r"\d[/、,;，；|]", text):
        raise Bad("phone_several")
    if re.fullmatch(r"0\d{9,11}|[2-8]\d{6,7}|400\d{7}", digits, re.ASCII):
        raise Bad("phone_landline")
    raise Bad("phone_form")


def _han(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("CJK UNIFIED", "CJK COMPATIBILITY")) or (
        # Newer blocks than this Python's tables know.
        0x20000 <= ord(character) <= 0x3FFFF and ord(character) & 0xFFFE != 0xFFFE
    )


def name(cell: Any) -> tuple[str, list[str]]:
    """(name, codes of doubts). Dots become ``·``, spaces between ideographs go, rare characters stay."""
    if isinstance(cell, dict):
        raise Bad("wrong_type", actual=shown(cell))
    if isinstance(cell, (int, float)):
        raise Bad("name_digit")
    text = cell.strip().lstrip("'")
    if text.startswith(_FORMULA):
        raise Bad("formula", sign=text[0])
    if "\ufffd" in text or "??" in text:
        raise Bad("garbled")
    text = narrow(text.translate(_DOTS)).translate(_PRIVATE)
    # Radicals copied out of a PDF look like the character and are not.
    text = "".join(unicodedata.normalize("NFKC", c) if "\u2e80" <= c <= "\u2fdf" else c for c in text)
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))
    text = re.sub(r"(?<=[^\x00-\xff]) +(?=[^\x00-\xff])| *· *", lambda m: "·" if "·" in m[0] else "", text)
    text = re.sub(r"(?<=[^\x00-\xff])\.(?=[^\x00-\xff])", "·", text)
    if any(unicodedata.category(c) in ("Nd", "No") for c in text):
        raise Bad("name_digit")
    for character in text:
        category = unicodedata.category(character)
        if category == "Co":
            raise Bad("name_private")
        if category[0] not in "LM" and not _han(character) and character not in "· -'’.":
            raise Bad("name_sign", sign=character if category[0] != "C" else "□")
    if not any(unicodedata.category(c)[0] == "L" or _han(c) for c in text) or text[0] == "·" or text[-1] == "·":
        raise Bad("name_sign", sign=text[0])
    doubts = []
    if len(text) == 1:
        doubts.append("name_short")
    elif len(text) > 4 and all(_han(c) for c in text):
        doubts.append("name_long")
    return text, doubts


_GENDERS: Final = {"男": Gender.MALE, "男性": Gender.MALE, "M": Gender.MALE, "MALE": Gender.MALE, "1": Gender.MALE} | {
    "女": Gender.FEMALE, "女性": Gender.FEMALE, "F": Gender.FEMALE, "FEMALE": Gender.FEMALE, "2": Gender.FEMALE,
}  # fmt: skip


def gender(cell: Any) -> Gender:
    """男/女, or the codes 1/2 of the national pupil register."""
    found = _GENDERS.get(code_text(cell).upper().removesuffix("生"))
    if found is None:
        raise Bad("gender_form")
    return found


_RELATIONS: Final[dict[Relation, tuple[str, ...]]] = {
    Relation.FATHER: ("父亲", "爸爸", "父", "爸", "父子", "父女", "father", "dad"),
    Relation.MOTHER: ("母亲", "妈妈", "母", "妈", "母子", "母女", "mother", "mum", "mom"),
    Relation.GRANDFATHER: ("祖父", "爷爷", "外祖父", "外公", "姥爷", "老爷", "grandfather"),
    Relation.GRANDMOTHER: ("祖母", "奶奶", "外祖母", "外婆", "姥姥", "grandmother"),
    Relation.OTHER: (
        "其他", "其它", "其他监护人", "其他亲属", "监护人", "亲属", "亲戚", "祖父母", "外祖父母", "叔叔", "伯父",
        "姑姑", "姑妈", "舅舅", "阿姨", "姨妈", "哥哥", "姐姐", "继父", "继母", "养父", "养母",
        "guardian", "other", "relative",
    ),
}  # fmt: skip
_RELATION: Final = {word: relation for relation, words in _RELATIONS.items() for word in words}


_NO_GUARDIANS: Final = ("保姆", "邻居", "朋友")
"""Who may fetch a child, and is nobody's guardian."""


def relation(cell: Any, *, guardian: bool = True) -> Relation:
    """父亲, 妈妈, 外婆 and their likes; 邻居 and 保姆 only of one who fetches the child (not `guardian`)."""
    text = code_text(cell).casefold()
    found = Relation.OTHER if not guardian and text in _NO_GUARDIANS else _RELATION.get(text)
    if found is None:
        raise Bad("relation_form")
    return found


_POSTS: Final[dict[Post, tuple[str, ...]]] = {
    Post.HEAD: ("校长", "园长", "head", "principal"),
    Post.LEADER: ("校领导", "副校长", "书记", "副书记", "主任", "副主任", "教导主任", "德育主任", "分管领导", "leader"),
    Post.GRADE_HEAD: ("年级组长", "年级主任", "级长", "gradehead"),
    Post.HOMEROOM: ("班主任", "正班主任", "副班主任", "homeroomteacher", "homeroom"),
    Post.TEACHER: (
        "任课教师", "任课老师", "科任教师", "科任老师", "教师", "老师", "专任教师", "语文", "数学", "英语", "体育",
        "音乐", "美术", "科学", "信息", "语文教师", "数学教师", "英语教师", "体育教师", "音乐教师", "美术教师",
        "teacher",
    ),
    Post.CLERK: ("教务员", "教务", "教务主任", "学籍管理员", "办公室", "行政", "行政人员", "文员", "clerk"),
    Post.FINANCE: ("财务", "会计", "出纳", "财务人员", "总务", "总务主任", "finance"),
    Post.SAFETY: ("安全员", "保安", "门卫", "安保", "安全", "宿管", "生活老师", "safety"),
    Post.HEALTH: ("校医", "保健老师", "卫生员", "心理教师", "心理老师", "health"),
    Post.CANTEEN: ("食堂", "食堂管理员", "厨师", "食堂人员", "canteen"),
    Post.OTHER: ("其他", "其它", "后勤", "工勤", "图书管理员", "实验员", "other"),
}  # fmt: skip
_POST: Final = {word: post for post, words in _POSTS.items() for word in words}


def posts(cell: Any) -> tuple[Post, ...]:
    """One or several posts, parted by 、，/ or a space; each once, in the order written."""
    found: list[Post] = []
    for word in re.split(r"[、，,;；/+\s和兼]+", narrow(shown(cell))):
        if not word:
            continue
        post = _POST.get(word.casefold())
        if post is None:
            raise Bad("post_form", value=word[:20], allowed="、".join(POST_CHOICES))
        if post not in found:
            found.append(post)
    if not found:
        raise Bad("required")
    return tuple(found)


def _number(text: str) -> int | None:
    """1–99 in digits or Chinese numerals (十二, 二十)."""
    if re.fullmatch(r"\d{1,2}", text, re.ASCII):
        return int(text)
    match = re.fullmatch(r"(?P<tens>[一二三四五六七八九]?)十([一二三四五六七八九]?)", text)
    if match:
        return _HAN_DIGITS.get(match[1], 1) * 10 + _HAN_DIGITS.get(match[2], 0)
    return _HAN_DIGITS.get(text)


def _grade_number(text: str) -> int | None:
    match = re.fullmatch(r"(?P<school>初|小)?([1-9一二三四五六七八九])", text)
    if not match:
        return None
    value = _number(match[2]) or 0
    if match[1] == "初":
        return value + 6 if value <= 3 else None
    return value if match[1] is None or value <= 6 else None


_ENTRY_YEAR: Final = re.compile(r"(?:小学|初中)?(?:20)?\d\d[级届].*")


def grade(cell: Any) -> int:
    """1–9 from 三年级, 3, 3年级, 七年级, 初一."""
    text = re.sub(r"\s", "", narrow(shown(cell)))
    if _ENTRY_YEAR.fullmatch(text):
        raise Bad("grade_entry_year")
    english = re.fullmatch(r"grade([1-9])", text.casefold())
    found = _grade_number(english[1] if english else text.removesuffix("年级").removesuffix("级"))
    if found is None:
        raise Bad("grade_form")
    return found


_CLASS_FORMS: Final = tuple(
    re.compile(
        form.replace("GRADE", "((?:初|小)?[1-9一二三四五六七八九])").replace(
            "CLASS", "([0-9十一二三四五六七八九]{1,3})"
        )
    )
    for form in (
        r"GRADE(?:年级|年|级)[(\[]?CLASS[)\]]?班?",
        r"GRADE(?:[(\[.\-—])CLASS[)\]]?班?",
        r"([初小]?[一二三四五六七八九])([0-9]{1,2})",
        r"([1-9])(0[0-9]|1[0-9])",
    )
)


def school_class(cell: Any, beside: int | None) -> ClassKey:
    """A class from 2, 2班, 三（2）班, 三年级2班, 302; `beside` is the grade of its own column, if any.

    Raises ``class_grade_missing`` where neither names the grade, ``class_grade_differs`` where they disagree.
    """
    if is_date(cell):
        raise Bad("class_date", value=shown(cell))
    if isinstance(cell, float) and not cell.is_integer():
        # 3.1 may have been 3.10: Excel does not tell.
        raise Bad("class_form")
    text = re.sub(r"[\s第]", "", narrow(shown(cell)))
    if _ENTRY_YEAR.fullmatch(text):
        raise Bad("grade_entry_year")
    english = re.fullmatch(r"(?:grade([1-9]))?class(\d{1,2})", text.casefold())
    if english:
        inside, number = english[1], english[2]
    else:
        text = text.removesuffix("班").removesuffix("班级")
        match = next(filter(None, (pattern.fullmatch(text) for pattern in _CLASS_FORMS)), None)
        inside, number = match.groups() if match else (None, text.strip("()[]"))
    found = _number(number)
    if found is None or not 1 <= found <= 60:
        raise Bad("class_form")
    within = _grade_number(inside) if inside else None
    if inside and within is None:
        raise Bad("class_form")
    if within is not None and beside is not None and within != beside:
        raise Bad("class_grade_differs", inside=GRADES[within], beside=GRADES[beside])
    whole = within if within is not None else beside
    if whole is None:
        raise Bad("class_grade_missing")
    return ClassKey(whole, found)
