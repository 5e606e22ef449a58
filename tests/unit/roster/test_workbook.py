"""What is handed back: the workbook to fix, the blank one, their names; and a whole school through all of it."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from core.base.text import in_locale
from deploy.demo.people import make_school
from tenants.roster import DiffKind, KnownRoster, Report, check, error_workbook, file_name, template
from tests.fixtures import roster as make


def sheet_of(data: bytes, name: str) -> list[list[Any]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def bad_file() -> tuple[list[dict[str, Any]], Report]:
    rows = [
        make.pupil(0),
        make.pupil(1, 学籍号=1.2345678901234568e18, 家长1手机号="1"),
        make.pupil(2, 姓名='=HYPERLINK("http://x")', 班级=dt.date(2026, 3, 2)),
        make.pupil(3, 家长1手机号=19900700003, 备注="+1"),
        make.pupil(4, 学籍号=make.pupil(0)["学籍号"]),
    ]
    return rows, check(make.pupils(*rows), "花名册.xlsx")


def reasons(report: Report) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for error in report.errors:
        found.setdefault(error.row, []).append(error.code)
    return found


def test_the_rows_come_back_with_their_reasons() -> None:
    rows, report = bad_file()
    data = error_workbook(report)
    back = sheet_of(data, "学生")
    assert back[0] == [*rows[0], "错误原因"]
    assert [row[2] for row in back[1:]] == ["林小满", "林小禾", '=HYPERLINK("http://x")', "林小晴", "林小安"]
    assert [bool(row[-1]) for row in back[1:]] == [True, True, True, False, True]
    assert "已被 Excel 改成 1.23456789012346E+18" in back[2][-1] and "；" in back[2][-1]
    assert back[4][7] == "19900700003" and back[4][15] == "+1", "numbers come back as text"


def test_uploaded_again_it_has_the_same_errors() -> None:
    _, report = bad_file()
    again = check(error_workbook(report), "花名册.xlsx")
    assert reasons(again) == reasons(report)
    assert (again.total, again.good, again.wrong) == (report.total, report.good, report.wrong)
    assert error_workbook(again)[:2] == b"PK"


def test_fixed_it_is_accepted() -> None:
    _, report = bad_file()
    back = sheet_of(error_workbook(report), "学生")
    titles = back[0]
    fixed = [titles, *(list(row) for row in back[1:])]
    for line, changes in {
        2: {"学籍号": make.pupil(1)["学籍号"], "家长1手机号": "19900700001"},
        3: {"姓名": "林小雨", "班级": "2"},
        5: {"学籍号": make.pupil(4)["学籍号"]},
    }.items():
        for title, value in changes.items():
            fixed[line][titles.index(title)] = value
    again = check(make.xlsx({"学生": fixed}), "花名册.xlsx")
    assert again.accepted, [str(e.message) for e in again.errors]
    assert again.total == 5


def test_nothing_in_it_is_a_formula_and_all_is_text() -> None:
    _, report = bad_file()
    with zipfile.ZipFile(io.BytesIO(error_workbook(report))) as archive:
        pages = [archive.read(name).decode() for name in archive.namelist() if "worksheets/sheet" in name]
        comments = "".join(archive.read(name).decode() for name in archive.namelist() if "comments" in name)
    assert not any("<f>" in page for page in pages)
    assert "请填写 11 位手机号" in comments
    assert not re.search(r"<c [^>]*><v>", "".join(pages).replace(' t="s"', "")), "no number cells"


def test_only_the_wrong_rows() -> None:
    _, report = bad_file()
    back = sheet_of(error_workbook(report, only_wrong=True), "学生")
    assert [row[1] for row in back[1:]] == ["20240000", "20240001", "20240002", "20240004"]


def test_problems_of_the_file_come_on_a_sheet_of_their_own() -> None:
    row = make.pupil()
    del row["家长1手机号"]
    report = check(make.pupils(row), "a.xlsx")
    page = sheet_of(error_workbook(report), "要处理的问题")
    assert "缺少“家长1手机号”" in page[1][0]
    again = check(error_workbook(report), "a.xlsx")
    assert [p.code for p in again.problems] == [p.code for p in report.problems]


def test_a_file_that_cannot_be_read_gives_nothing_back() -> None:
    with pytest.raises(ValueError, match="could not be read"):
        error_workbook(check(b"", "a.xlsx"))


def test_reasons_in_english() -> None:
    _, report = bad_file()
    with in_locale("en"):
        back = sheet_of(error_workbook(report), "学生")
        assert back[0][-1] == "Reasons" and "Format the column as text" in back[2][-1]
    assert reasons(check(error_workbook(report), "a.xlsx")) == reasons(report)


def test_a_file_name_of_rare_characters_is_a_sheets_name_cut_short() -> None:
    report = check(make.csv_file(make.table([make.pupil(1, 姓名="")]), "utf-8"), "𠮷" * 20 + ".csv")
    assert CalamineWorkbook.from_filelike(io.BytesIO(error_workbook(report))).sheet_names[-1] == "𠮷" * 15


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=3), TEXT)
def test_any_text_comes_back_in_a_readable_workbook(cells: list[tuple[str, str, str]], name: str) -> None:
    rows = make.table([make.pupil(n, 姓名=a, 班级=b, 备注=c) for n, (a, b, c) in enumerate(cells)])
    report = check(make.csv_file(rows, "utf-8"), f"{name}.csv")
    if report.file is not None and report.file.sheets:
        book = CalamineWorkbook.from_filelike(io.BytesIO(error_workbook(report)))
        page = book.get_sheet_by_index(len(book.sheet_names) - 1).to_python(skip_empty_area=False)
        assert len(page) == report.total + 1


def test_the_template_guides_and_protects() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(template()))
    assert book.sheet_names == ["填写须知", "学生", "教职工", "班级"]
    head = book.get_sheet_by_name("学生").to_python()[0]
    assert head[0] == "学籍号 *" and "家长1手机号 *" in head and "接送人2手机号" in head
    with zipfile.ZipFile(io.BytesIO(template())) as archive:
        page = archive.read("xl/worksheets/sheet2.xml").decode()
        assert 'state="frozen"' in page and '<dataValidation type="list"' in page
        assert 'numFmtId="49"' in archive.read("xl/styles.xml").decode(), "text format"


def test_a_filled_template_is_accepted() -> None:
    """The header of the template as it is, with its stars, and rows below."""
    head = sheet_of(template(), "学生")[0]
    row = make.pupil()
    report = check(make.xlsx({"学生": [head, [row.get(str(t).removesuffix(" *"), "") for t in head]]}), "a.xlsx")
    assert report.accepted and not report.errors


def test_file_names() -> None:
    day = dt.date(2026, 9, 1)
    assert file_name("实验小学", "花名册", "2026-2027-1", day) == "实验小学_花名册_2026-2027-1_20260901.xlsx"
    assert file_name('a/b:"小学" x', "花_名册", "", day, "csv") == "ab小学x_花名册_20260901.csv"


def test_a_whole_school() -> None:
    school = make_school(1200, seed=3)
    report = check(make.roster_workbook(school), "花名册.xlsx", known=KnownRoster())
    assert report.accepted, [str(e.message) for e in report.errors[:5]]
    assert len(report.students) == 1200 and len(report.staff) == len(school.teachers)
    assert {g.phone for g in report.guardians} == {g.phone for child in school.children for g in child.guardians}
    assert report.counts()[DiffKind.NEW] == 1200
    for encoding in ("gb18030", "utf-8-sig", "utf-16"):
        again = check(make.roster_csv(school, encoding), "花名册.csv")
        assert [s.roll_number for s in again.students] == [s.roll_number for s in report.students]


def test_invented_people() -> None:
    one, other = make_school(600, seed=1), make_school(600, seed=2)
    assert make_school(600, seed=1) == one and other != one

    def phones(school: make.School) -> set[str]:
        return {g.phone for c in school.children for g in (*c.guardians, *c.pickups)} | {
            t.phone for t in school.teachers
        }

    assert all(re.fullmatch(r"199\d{8}", phone) for phone in phones(one))
    assert not phones(one) & phones(other)
    assert not {c.roll_number for c in one.children} & {c.roll_number for c in other.children}
    sizes = Counter((child.grade, child.class_number) for child in one.children)
    assert set(sizes) == {(grade, number) for grade, number, _ in one.classes} and max(sizes.values()) <= 45
    shared = Counter(g.phone for c in one.children for g in c.guardians)
    assert sum(1 for count in shared.values() if count > 1) > 10, "brothers and sisters"
    assert {t.homeroom for t in one.teachers if t.homeroom} == set(sizes)
    junior = make_school(300, seed=5, grades=(7, 8, 9))
    assert check(make.roster_workbook(junior), "a.xlsx").accepted
