"""One row: what is put right, what is doubted, what is refused, and that no error hides another."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tenants.roster import ClassKey, KnownRoster, Post, Relation, Report, Severity, check
from tenants.roster.values import id_check_digit
from tests.fixtures import roster as make

RIGHT = make.pupil()["学籍号"]


def one(**changes: Any) -> Report:
    row = make.pupil(**changes)
    if all(isinstance(cell, str) for cell in row.values()):
        return check(make.csv_file(make.table([row]), "utf-8"), "花名册.csv")
    return check(make.pupils(row), "花名册.xlsx")


def one_staff(**changes: Any) -> Report:
    return check(make.xlsx({"教职工": make.table([make.staff(**changes)])}), "a.xlsx")


def found(report: Report, severity: Severity = Severity.ERROR) -> list[tuple[str, str]]:
    """(column, code) of the errors, or of the doubts."""
    return [(e.column, e.code.removeprefix("roster.")) for e in report.errors if e.severity is severity]


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("学籍号", 1.2345678901234568e18, "number_damaged"),
        ("学籍号", "1.23457E+18", "number_damaged"),
        ("学籍号", "１．２３E+18", "number_damaged"),
        ("学籍号", 110105201801011200, "number_damaged"),
        ("学籍号", "110105201801012000", "number_damaged"),
        ("学籍号", RIGHT[1:], "roll_letter"),
        ("学籍号", RIGHT[:-1], "roll_length"),
        ("学籍号", "X123456789012345678", "roll_form"),
        ("学籍号", "学籍号待定", "roll_form"),
        ("学籍号", RIGHT[:-1] + ("0" if RIGHT[-1] != "0" else "1"), "roll_checksum"),
        ("学籍号", "G990101201813011234", "roll_birthday"),
        ("学籍号", "G990101186001011234", "roll_birthday"),
        ("校内学号", "二班3号", "school_number_form"),
        ("校内学号", 1.2e20, "number_damaged"),
        ("姓名", "", "required"),
        ("姓名", "—", "required"),
        ("姓名", "=1+1", "formula"),
        ("姓名", "+林小满", "formula"),
        ("姓名", "-林小满", "formula"),
        ("姓名", "@林小满", "formula"),
        ("姓名", "＝HYPERLINK(1)", "formula"),
        ("姓名", "林小满2", "name_digit"),
        ("姓名", "林小满２", "name_digit"),
        ("姓名", 123, "name_digit"),
        ("姓名", "林小满（转学）", "name_sign"),
        ("姓名", "林小满<script>", "name_sign"),
        ("姓名", "林\U0001f600满", "name_sign"),
        ("姓名", "·", "name_sign"),
        ("姓名", "·阿依古丽", "name_sign"),
        ("姓名", "林小\ufffd", "garbled"),
        ("姓名", "林小??", "garbled"),
        ("姓名", "林\ue000", "name_private"),
        ("姓名", "林" * 41, "too_long"),
        ("姓名", True, "wrong_type"),
        ("姓名", dt.date(2026, 1, 1), "wrong_type"),
        ("性别", "男女", "gender_form"),
        ("年级", "十年级", "grade_form"),
        ("年级", "高一", "grade_form"),
        ("年级", "初四", "grade_form"),
        ("年级", "2025级", "grade_entry_year"),
        ("年级", "", "required"),
        ("班级", "", "required"),
        ("班级", "向日葵班", "class_form"),
        ("班级", "0", "class_form"),
        ("班级", "99", "class_form"),
        ("班级", 3.1, "class_form"),
        ("班级", dt.date(2026, 3, 2), "class_date"),
        ("班级", "3月2日", "class_date"),
        ("班级", "四年级2班", "class_grade_differs"),
        ("班级", "2025级1班", "grade_entry_year"),
        ("家长1姓名", "", "required"),
        ("家长1手机号", "", "required"),
        ("家长1手机号", "1390000000", "phone_form"),
        ("家长1手机号", "12900000000", "phone_form"),
        ("家长1手机号", "0551-62345678", "phone_landline"),
        ("家长1手机号", "19900700000/19900700001", "phone_several"),
        ("家长1手机号", "19900700000 19900700001", "phone_several"),
        ("家长1手机号", 1.99e20, "number_damaged"),
        ("家长1关系", "上司", "relation_form"),
        ("家长1关系", "邻居", "relation_form"),
        ("备注", "很" * 501, "too_long"),
    ],
)
def test_refused_in_its_column(column: str, cell: Any, code: str) -> None:
    report = one(**{column: cell})
    assert found(report) == [(column, code)]
    assert (report.good, report.wrong, report.accepted) == (0, 1, False)
    text = str(report.errors[0].message)
    assert "%(" not in text and len(text) > 5
    assert report.errors[0].row == 2 and report.errors[0].index is not None


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("林小满", "林小满"),
        (" 林　小 满 ", "林小满"),
        ("阿依古丽•买买提", "阿依古丽·买买提"),
        ("阿依古丽・买买提", "阿依古丽·买买提"),
        ("阿依古丽．买买提", "阿依古丽·买买提"),
        ("阿依古丽.买买提", "阿依古丽·买买提"),
        ("阿依古丽 · 买买提", "阿依古丽·买买提"),
        ("阿依古丽‧买买提", "阿依古丽·买买提"),
        ("王\U00020089", "王\U00020089"),
        ("王䶮", "王䶮"),
        ("王𬭎", "王𬭎"),
        ("王\U00031350", "王\U00031350"),
        ("王\ue854", "王龺"),
        ("王⼤明", "王大明"),
        ("林小满\u200b", "林小满"),
        ("John  Smith", "John Smith"),
        ("Ｊｏｈｎ", "John"),
        ("Anne-Marie O'Neil", "Anne-Marie O'Neil"),
    ],
)
def test_names_as_people_have_them(cell: str, name: str) -> None:
    report = one(姓名=cell)
    assert report.accepted, [str(e.message) for e in report.errors]
    assert report.students[0].name == name


def test_rare_characters_survive_gb18030() -> None:
    row = make.pupil(姓名="王\U00020089𬭎")
    report = check(make.csv_file(make.table([row]), "gb18030"), "a.csv")
    assert report.students[0].name == "王\U00020089𬭎"


@pytest.mark.parametrize(("cell", "code"), [("林", "name_short"), ("欧阳林小满", "name_long")])
def test_odd_names_are_only_doubted(cell: str, code: str) -> None:
    report = one(姓名=cell)
    assert report.accepted and report.doubtful == 1
    assert ("姓名", code) in found(report, Severity.DOUBT)


@pytest.mark.parametrize(
    "cell",
    ["19900700000", 19900700000, "199 0070 0000", "+86 199-0070-0000", "8619900700000", "008619900700000",
     "１９９００７０００００", "'19900700000", "\u202a19900700000\u202c", "19900700000\n"],
)  # fmt: skip
def test_phones_are_put_right(cell: Any) -> None:
    assert one(家长1手机号=cell).students[0].guardians[0].phone == "19900700000"


@pytest.mark.parametrize(
    ("grade", "school_class", "key"),
    [
        ("三年级", "2", (3, 2)), ("3", "2班", (3, 2)), (3, 2, (3, 2)), ("3年级", "二班", (3, 2)),
        ("三", "（2）班", (3, 2)),
        ("小三", "第2班", (3, 2)), ("七年级", "12", (7, 12)), ("初一", "十二班", (7, 12)), ("初三", "1", (9, 1)),
        ("", "三年级2班", (3, 2)), ("", "三（2）班", (3, 2)), ("", "三(2)班", (3, 2)), ("", "三2班", (3, 2)),
        ("", "3(2)", (3, 2)), ("", "3.2班", (3, 2)), ("", "三年级（十一）班", (3, 11)), ("", "初二（3）班", (8, 3)),
        ("", "302", (3, 2)), ("三年级", "302班", (3, 2)), ("三年级", "三年级 2 班", (3, 2)),
        ("Grade 3", "Class 2", (3, 2)),
        ("二年级", "20", (2, 20)),
    ],
)  # fmt: skip
def test_grades_and_classes_as_people_write_them(grade: Any, school_class: Any, key: tuple[int, int]) -> None:
    report = one(年级=grade, 班级=school_class)
    assert report.accepted, [str(e.message) for e in report.errors]
    assert report.students[0].class_key == ClassKey(*key)


@pytest.mark.parametrize(
    ("cell", "relation"),
    [("妈妈", Relation.MOTHER), ("父", Relation.FATHER), ("外婆", Relation.GRANDMOTHER), ("姥爷", Relation.GRANDFATHER),
     ("其他监护人", Relation.OTHER), ("舅舅", Relation.OTHER), ("", None)],
)  # fmt: skip
def test_relations(cell: str, relation: Relation | None) -> None:
    assert one(家长1关系=cell).students[0].guardians[0].relation is relation


def test_a_neighbour_may_fetch_a_child_and_is_no_guardian() -> None:
    report = one(接送人1姓名="林小满", 接送人1手机号="19900700009", 接送人1关系="邻居")
    assert report.accepted and report.students[0].pickups[0].relation is Relation.OTHER


@pytest.mark.parametrize(
    ("level", "grade", "right"),
    [("primary", "六年级", True), ("primary", "七年级", False), ("junior", "五年级", False), ("junior", "九年级", True),
     ("nine_year", "九年级", True), ("", "九年级", True)],
)  # fmt: skip
def test_a_school_has_the_grades_of_its_level(level: str, grade: str, right: bool) -> None:
    file = make.csv_file(make.table([make.pupil(年级=grade, 班级="2")]), "utf-8")
    report = check(file, "花名册.csv", known=KnownRoster.of([], level))
    assert found(report) == ([] if right else [("年级", "grade_not_here")])
    assert right or grade in str(report.errors[0].message)


def test_roll_numbers_of_all_letters_and_a_lower_case_x() -> None:
    first = "99010120180903" + "00"
    x = next(first + d for d in "0123456789" if id_check_digit(first + d) == "X")
    report = one(学籍号=f"g{x}x", 性别="")
    assert report.students[0].roll_number == f"G{x}X"
    assert one(学籍号="L990101201809030011").accepted
    assert one(学籍号="Ｊ９９０１０１２０１８０９０３００１１").accepted


def test_a_child_without_a_roll_number_yet_has_a_school_number() -> None:
    report = one(学籍号="")
    assert report.accepted and found(report, Severity.DOUBT) == [("学籍号", "roll_missing")]
    assert found(one(学籍号="", 校内学号="")) == [("学籍号", "number_required")]


def test_gender_that_differs_from_the_roll_number_is_doubted() -> None:
    assert found(one(性别="男"), Severity.DOUBT) == [("性别", "gender_differs")]


def test_the_second_guardian_is_whole_or_absent() -> None:
    assert found(one(家长2姓名="林远")) == [("家长2手机号", "adult_phone_missing")]
    assert found(one(家长2手机号="19900700999")) == [("家长2姓名", "adult_name_missing")]
    assert found(one(家长2关系="父亲")) == [("家长2关系", "adult_alone")]
    assert one(家长2姓名="无", 家长2手机号="/").accepted
    report = one(家长2姓名="林远", 家长2手机号="19900700999", 接送人1姓名="林奶奶", 接送人1手机号="19900700998")
    assert [a.phone for a in report.students[0].guardians] == ["19900700000", "19900700999"]
    assert report.students[0].pickups[0].name == "林奶奶"


def test_two_guardians_of_one_child_have_two_phones() -> None:
    report = one(家长2姓名="林远", 家长2手机号="19900700000")
    assert found(report) == [("家长2手机号", "phone_twice_in_row")]


def test_a_row_collects_all_its_errors() -> None:
    report = one(学籍号=1.2e18, 姓名="=1+1", 性别="?", 年级="", 班级="", 家长1姓名="", 家长1手机号="12")
    assert {column for column, _ in found(report)} == {"学籍号", "姓名", "性别", "班级", "家长1姓名", "家长1手机号"}


def test_damaged_numbers_are_explained_not_guessed() -> None:
    text = str(one(学籍号=1.2345678901234568e18).errors[0].message)
    assert "1.23456789012346E+18" in text and "文本" in text


def test_merged_cells_name_their_range_on_each_row() -> None:
    rows = make.table([make.pupil(n) for n in range(3)])
    report = check(make.xlsx({"学生": rows}, merged=[(1, 5, 3, 5)]), "a.xlsx")
    assert [(e.row, e.column) for e in report.errors] == [(2, "班级"), (3, "班级"), (4, "班级")]
    assert all("F2:F4" in str(e.message) for e in report.errors)


def test_a_failed_formula_is_not_an_empty_cell() -> None:
    report = check(make.xlsx({"学生": make.table([make.pupil()])}, errors=[(1, 9)]), "a.xlsx")
    assert ("家长2姓名", "cell_error") in found(report)


@pytest.mark.parametrize("value", ["王小二", ""])
def test_a_formula_is_no_name_whatever_it_last_came_to(value: str) -> None:
    rows = make.table([make.pupil(1), make.pupil(2)])
    place = rows[0].index("姓名")
    link = 'HYPERLINK("http://example.com/","王小二")'
    report = check(make.xlsx({"学生": rows}, formulas=[(1, place, f"={link}", value)]), "a.xlsx")
    assert [(e.row, e.column, e.code) for e in report.errors] == [(2, "姓名", "roster.formula_cell")]
    assert "选择性粘贴" in str(report.errors[0].message)


@pytest.mark.parametrize(
    ("changes", "column", "code"),
    [
        ({"姓名": ""}, "姓名", "required"),
        ({"手机号": "123"}, "手机号", "phone_form"),
        ({"岗位": ""}, "岗位", "required"),
        ({"岗位": "魔法师"}, "岗位", "post_form"),
        ({"岗位": "班主任", "班主任所带班级": "2"}, "班主任所带班级", "class_grade_missing"),
    ],
)
def test_staff_refused(changes: dict[str, Any], column: str, code: str) -> None:
    assert found(one_staff(**changes)) == [(column, code)]


def test_staff_as_they_are() -> None:
    report = one_staff(岗位="班主任、语文/年级组长", 班主任所带班级="三（2）班", 工号="T01")
    assert report.accepted and report.doubtful == 0
    assert report.staff[0].posts == (Post.HOMEROOM, Post.TEACHER, Post.GRADE_HEAD)
    assert report.staff[0].homeroom == ClassKey(3, 2)
    assert found(one_staff(岗位="班主任"), Severity.DOUBT)[0][1] == "homeroom_without_class"
    assert found(one_staff(班主任所带班级="三年级2班"), Severity.DOUBT)[0][1] == "class_without_homeroom"
