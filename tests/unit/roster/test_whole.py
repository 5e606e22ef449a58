"""Rows against one another, and the file against the pupils that the school has."""

from __future__ import annotations

import pytest

from tenants.roster import ClassKey, DiffKind, KnownRoster, KnownStudent, Report, Severity, check
from tests.fixtures import roster as make


def report_of(*rows: dict[str, str], known: KnownRoster | None = None) -> Report:
    return check(make.pupils(*rows), "a.xlsx", known=known)


def found(report: Report, severity: Severity = Severity.ERROR) -> list[tuple[int, str, str]]:
    return [(e.row, e.column, e.code.removeprefix("roster.")) for e in report.errors if e.severity is severity]


@pytest.mark.parametrize(("column", "code"), [("学籍号", "roll_duplicate"), ("校内学号", "school_number_duplicate")])
def test_duplicates_name_each_other(column: str, code: str) -> None:
    first = make.pupil(0)
    report = report_of(first, make.pupil(1), make.pupil(2, **{column: first[column]}))
    assert found(report) == [(2, column, code), (4, column, code)]
    texts = [str(error.message) for error in report.errors]
    assert "第 4 行" in texts[0] and "第 2 行" in texts[1] and "林小满" in texts[1]
    assert (report.total, report.good, report.wrong) == (3, 1, 2)


def test_a_duplicate_is_seen_though_the_row_has_other_errors() -> None:
    first = make.pupil(0)
    report = report_of(first, make.pupil(1, 学籍号=first["学籍号"], 姓名="", 家长1手机号="1"))
    assert {code for row, _, code in found(report) if row == 3} == {"roll_duplicate", "required", "phone_form"}


def test_duplicates_on_two_sheets_name_the_sheet() -> None:
    sheets = {"三年级": make.table([make.pupil(0)]), "四年级": make.table([make.pupil(0, 校内学号="9", 年级="四年级")])}
    report = check(make.xlsx(sheets), "a.xlsx")
    assert "工作表“四年级”第 2 行" in str(report.errors[0].message)


def test_the_same_name_in_one_class_is_a_doubt_only() -> None:
    report = report_of(make.pupil(0), make.pupil(1, 姓名="林小满"))
    assert report.accepted and report.doubtful == 2
    assert [code for _, _, code in found(report, Severity.DOUBT)] == ["same_name", "same_name"]
    assert not report_of(make.pupil(0), make.pupil(1, 姓名="林小满", 班级="3")).errors


def test_brothers_and_sisters_have_one_guardian() -> None:
    first = make.pupil(0)
    second = make.pupil(1, 家长1姓名=first["家长1姓名"], 家长1手机号="+86 " + first["家长1手机号"])
    report = report_of(first, second)
    assert report.accepted and not report.errors
    assert [(g.phone, g.children) for g in report.guardians] == [("19900700000", (0, 1))]


def test_one_phone_with_two_names_is_a_doubt_on_both_rows() -> None:
    first = make.pupil(0)
    report = report_of(first, make.pupil(1, 家长1手机号=first["家长1手机号"]))
    assert report.accepted
    assert found(report, Severity.DOUBT) == [
        (2, "家长1姓名", "guardian_names"),
        (3, "家长1姓名", "guardian_names"),
    ]
    assert len(report.guardians) == 1


def test_a_teacher_may_be_a_parent() -> None:
    pupil = make.pupil(0)
    same = make.staff(0, 姓名=pupil["家长1姓名"], 手机号=pupil["家长1手机号"])
    report = check(make.xlsx({"学生": make.table([pupil]), "教职工": make.table([same])}), "a.xlsx")
    assert report.accepted and not report.errors
    other = make.staff(0, 手机号=pupil["家长1手机号"])
    report = check(make.xlsx({"学生": make.table([pupil]), "教职工": make.table([other])}), "a.xlsx")
    assert report.accepted
    assert found(report, Severity.DOUBT) == [(2, "家长1姓名", "guardian_is_staff")]


def test_staff_share_no_phone_and_no_number() -> None:
    rows = make.table([make.staff(0, 工号="T1"), make.staff(1, 工号="T1", 手机号="19900800000")])
    report = check(make.xlsx({"教职工": rows}), "a.xlsx")
    assert {code for _, _, code in found(report)} == {"phone_duplicate", "staff_number_duplicate"}


def test_classes_fit_together() -> None:
    pupils = make.table([make.pupil(0), make.pupil(1, 班级="9"), make.pupil(2, 班级="9")])
    staff = make.table(
        [
            make.staff(0, 岗位="班主任", 班主任所带班级="三年级2班"),
            make.staff(1, 岗位="班主任", 班主任所带班级="三年级2班"),
            make.staff(2, 岗位="班主任", 班主任所带班级="五年级1班"),
        ]
    )
    classes = [["年级", "班级", "教室"], ["三年级", "2", ""], ["三年级", "2班", ""]]
    report = check(make.xlsx({"学生": pupils, "教职工": staff, "班级": classes}), "a.xlsx")
    assert [code for _, _, code in found(report)] == ["class_duplicate", "class_duplicate"]
    assert sorted(code for _, _, code in found(report, Severity.DOUBT)) == [
        "class_not_listed",
        "class_two_homerooms",
        "homeroom_no_pupils",
    ]


def known_student(place: int, **changes: object) -> KnownStudent:
    row = make.pupil(place)
    values = {
        "ref": str(place), "name": row["姓名"], "class_key": ClassKey(3, 2), "roll_number": row["学籍号"],
        "school_number": row["校内学号"], "gender": "female",
        "guardians": ((row["家长1手机号"], row["家长1姓名"]),),
    }  # fmt: skip
    return KnownStudent(**(values | changes))  # type: ignore[arg-type]


def test_new_changed_unchanged_and_left() -> None:
    known = KnownRoster.of([known_student(0), known_student(1, class_key=ClassKey(2, 2)), known_student(3)])
    report = report_of(make.pupil(0), make.pupil(1), make.pupil(2), known=known)
    assert [(item.kind, item.name) for item in report.diff] == [
        (DiffKind.UNCHANGED, "林小满"),
        (DiffKind.CHANGED, "林小禾"),
        (DiffKind.NEW, "林小雨"),
        (DiffKind.LEFT, "林小晴"),
    ]
    assert {field: [str(side) for side in sides] for field, sides in report.diff[1].changes.items()} == {
        "class": ["二年级2班", "三年级2班"]
    }
    assert report.counts()[DiffKind.LEFT] == 1


def test_changed_guardians_and_a_roll_number_that_became_final() -> None:
    known = KnownRoster.of(
        [known_student(0, roll_number="L990101201809030011", guardians=(("19900711111", "林静怡"),))]
    )
    report = report_of(make.pupil(0), known=known)
    assert report.diff[0].kind is DiffKind.CHANGED
    assert set(report.diff[0].changes) == {"roll_number", "guardians"}


def test_a_child_with_an_unreadable_row_has_not_left() -> None:
    known = KnownRoster.of([known_student(0), known_student(1)])
    report = report_of(make.pupil(0), make.pupil(1, 学籍号="1.2E+18", 校内学号=""), known=known)
    assert [item.kind for item in report.diff] == [DiffKind.UNCHANGED]


def test_a_school_number_of_another_child_is_doubted() -> None:
    known = KnownRoster.of([known_student(0)])
    report = report_of(make.pupil(1, 校内学号=make.pupil(0)["校内学号"]), known=known)
    assert [code for _, _, code in found(report, Severity.DOUBT)] == ["school_number_taken"]
    assert [item.kind for item in report.diff] == [DiffKind.NEW, DiffKind.LEFT]


def test_without_known_pupils_there_is_no_difference() -> None:
    assert report_of(make.pupil()).diff == ()
    assert report_of(make.pupil(), known=KnownRoster()).counts()[DiffKind.NEW] == 1
