"""The file as a whole: what kind it is, whether it may be opened, which sheets and columns it has."""

from __future__ import annotations

import io
import time
import zipfile

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.text import in_locale
from tenants.roster import Kind, Report, check, codes, error_workbook, previews, template
from tests.fixtures import roster as make

ROWS = make.table([make.pupil(0), make.pupil(1)])
GOOD = make.xlsx({"学生": ROWS})


def codes_of(report: Report) -> list[str]:
    """Codes of the problems of the file, without the prefix."""
    return [problem.code.removeprefix("roster.") for problem in report.problems]


def archive(**members: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    """A zip with one member put in or replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            if member != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        pytest.param(b"", "a.xlsx", "empty_file", id="empty"),
        pytest.param(b"  \r\n", "a.csv", "empty_file", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "a.csv", "empty_file", id="only a BOM"),
        pytest.param(b"\0" * 4000, "a.csv", "no_table", id="zeros"),
        pytest.param(bytes(range(256)) * 8, "a.xlsx", "no_table", id="no workbook and no text, called xlsx"),
        pytest.param(b"\x00\x01\x02 no workbook", "a.xlsx", "no_table", id="a few such bytes"),
        pytest.param(b"a" * (20 * 1024 * 1024 + 1), "a.csv", "file_too_large", id="21 MB"),
        pytest.param(b"%PDF-1.7 ...", "名册.pdf", "unsupported_format", id="pdf"),
        pytest.param(b"%PDF-1.7 ...", "名册.xlsx", "unsupported_format", id="pdf called xlsx"),
        pytest.param(b"\x89PNG....", "a.csv", "unsupported_format", id="picture"),
        pytest.param(archive(**{"word/document.xml": "x"}), "a.docx", "unsupported_format", id="word"),
        pytest.param(archive(photo="x"), "a.xlsx", "unsupported_format", id="some archive"),
        pytest.param(GOOD, "a.csv", "wrong_extension", id="xlsx called csv"),
        pytest.param(GOOD, "a.xls", "wrong_extension", id="xlsx called xls"),
        pytest.param(make.csv_file(ROWS), "a.xlsx", "wrong_extension", id="csv called xlsx"),
        pytest.param(make.xls(ROWS), "a.xlsx", "wrong_extension", id="xls called xlsx"),
        pytest.param(GOOD, "花名册", "unsupported_format", id="no extension"),
        pytest.param(b"<html><table><tr><td>1</td></tr></table>", "a.xls", "html_table", id="a web page called xls"),
        pytest.param(b'<?xml version="1.0"?><Workbook/>', "a.xls", "html_table", id="XML of 2003"),
        pytest.param(GOOD[: len(GOOD) // 2], "a.xlsx", "damaged_file", id="half a download"),
        pytest.param(with_member(GOOD, "xl/workbook.xml", b"<no"), "a.xlsx", "damaged_file", id="broken XML"),
        pytest.param(with_member(GOOD, "xl/vbaProject.bin", b"x"), "a.xlsx", "macro_file", id="macro inside"),
        pytest.param(GOOD, "a.xlsm", "macro_file", id="macro by name"),
        pytest.param(archive(**{"xl/workbook.bin": "x"}), "a.xlsb", "unsupported_format", id="xlsb"),
        pytest.param(make.ole("EncryptedPackage", b"x" * 5000), "a.xlsx", "encrypted_file", id="password, xlsx"),
        pytest.param(make.xls(ROWS, password=True), "a.xls", "encrypted_file", id="password, xls"),
        pytest.param(make.ods(ROWS, encrypted=True), "a.ods", "encrypted_file", id="password, ods"),
        pytest.param(make.ole("_VBA_PROJECT", b"x" * 5000), "a.xls", "macro_file", id="macro in xls"),
        pytest.param(make.ole("WordDocument", b"x" * 5000), "a.xls", "unsupported_format", id="doc called xls"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"W\0o\0r\0k\0b\0o\0o\0k\0", "a.xls", "damaged_file", id="torso"
        ),
        pytest.param('姓名,"学籍号\n林小满,1'.encode() + b"," * 200_000, "a.csv", "csv_broken", id="open quote"),
        pytest.param(make.xlsx({"学生": []}), "a.xlsx", "empty_file", id="empty sheet"),
        pytest.param(make.xlsx({"学生": ROWS[:1]}), "a.xlsx", "no_rows", id="0 rows"),
        pytest.param(make.csv_file(ROWS[:1]), "a.csv", "no_rows", id="0 rows, csv"),
    ],
)
def test_a_file_that_cannot_be_a_roster_says_why(data: bytes, name: str, code: str) -> None:
    report = check(data, name)
    assert codes_of(report) == [code]
    assert not report.accepted
    assert str(report.problems[0].message) and "%(" not in str(report.problems[0].message)


@pytest.mark.parametrize("make_file", [make.xls, make.ods])
def test_old_excel_and_opendocument_are_read_like_xlsx(make_file: object) -> None:
    name = "a.xls" if make_file is make.xls else "a.ods"
    report = check(make_file(ROWS), name)  # type: ignore[operator]
    assert report.accepted
    assert report.students == check(GOOD, "a.xlsx").students


def test_a_bomb_is_refused_before_it_is_opened() -> None:
    bomb = with_member(GOOD, "xl/worksheets/sheet1.xml", b"<row/>" * 25_000_000)
    assert len(bomb) < 400_000
    assert codes_of(check(bomb, "a.xlsx")) == ["too_big_inside"]


def test_a_cell_at_the_far_end_harms_only_the_child() -> None:
    """calamine would ask for 17 billion cells and abort: the child dies, this process answers."""
    xml = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>'
    )
    before = psutil.Process().memory_info().rss
    report = check(with_member(GOOD, "xl/worksheets/sheet1.xml", xml), "a.xlsx")
    assert codes_of(report) == ["too_big_inside"]
    assert psutil.Process().memory_info().rss - before < 50 * 1024 * 1024


def test_entity_expansion_does_not_grow() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    content = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{lol}]><office:document-content>&l9;'
    report = check(with_member(make.ods(ROWS), "content.xml", content.encode()), "a.ods")
    assert report.blocking and report.total == 0


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_fifty_thousand_rows_are_refused_in_a_sentence_and_soon(kind: str) -> None:
    rows = make.table([make.pupil(0)]) + [list(make.pupil(1).values())] * 49_999
    data = make.xlsx({"学生": rows}) if kind == "xlsx" else make.csv_file(rows)
    begin = time.perf_counter()
    report = check(data, f"a.{kind}")
    assert time.perf_counter() - begin < 10  # about 1 s; the margin is for a busy machine
    assert codes_of(report) == ["too_many_rows"]
    assert "50,000 行" in str(report.problems[0].message) and "20,000 行" in str(report.problems[0].message)
    assert not report.errors


def test_columns_in_any_order_stars_brackets_and_other_words() -> None:
    titles = {
        "监护人电话": "家长1手机号", "班级（必填）": "班级", " 学生姓名 ": "姓名", "*年级": "年级",
        "全国学籍号": "学籍号", "监护人姓名": "家长1姓名", "与学生\n关系": "家长1关系",
    }  # fmt: skip
    row = [make.pupil()[title] for title in titles.values()]
    report = check(make.xlsx({"Sheet1": [list(titles), row]}), "a.xlsx")
    assert report.accepted, [str(p.message) for p in report.problems]
    assert report.students[0].guardians[0].name == "林静怡"


def test_father_and_mother_columns_tell_the_relation() -> None:
    titles = ["学籍号", "姓名", "班级", "父亲姓名", "父亲电话", "母亲姓名", "母亲电话"]
    row = [make.pupil()["学籍号"], "林小满", "三（2）班", "林远", "19900700001", "周静", "19900700002"]
    report = check(make.xlsx({"三年级": [titles, row]}), "a.xlsx")
    assert report.accepted, report.problems
    assert [adult.relation for adult in report.students[0].guardians] == ["father", "mother"]


def test_titles_and_remarks_above_the_header() -> None:
    rows = [["实验小学学生花名册"], [], ["填表日期：2026 年 9 月 1 日"], *ROWS]
    report = check(make.xlsx({"学生": rows}, merged=[(0, 0, 0, 8)]), "a.xlsx")
    assert report.accepted
    assert report.students[0].row == 5


def test_empty_rows_are_passed_over_and_rows_keep_their_numbers() -> None:
    blank = [""] * 16
    rows = [*ROWS[:2], blank, ["", "  "], ROWS[2], *[blank] * 50]
    report = check(make.xlsx({"学生": rows}), "a.xlsx")
    assert (report.total, [student.row for student in report.students]) == (2, [2, 5])


def test_wrong_headers_name_what_is_expected_and_found() -> None:
    report = check(make.xlsx({"表": [["编码", "人名", "单位"], ["1", "2", "3"]]}), "a.xlsx")
    assert codes_of(report) == ["no_headers"]
    text = str(report.problems[0].message)
    assert "家长1手机号" in text and "编码、人名、单位" in text
    with in_locale("en"):
        assert "Guardian 1 mobile" in str(report.problems[0].message)


def test_a_missing_column_suggests_the_nearest_header() -> None:
    row = make.pupil()
    row["家长1手机好"] = row.pop("家长1手机号")
    report = check(make.pupils(row), "a.xlsx")
    blocking = [problem.code for problem in report.blocking]
    assert blocking == ["roster.missing_column_hint"]
    assert "“家长1手机号”" in str(report.blocking[0].message) and "“家长1手机好”" in str(report.blocking[0].message)
    assert not report.errors, "errors by row would hide the one thing to do"


def test_every_missing_column_is_named() -> None:
    rows = [["姓名", "性别"], ["林小满", "女"]]
    report = check(make.xlsx({"学生": rows}), "a.xlsx")
    assert sorted(codes_of(report)) == sorted(["missing_column"] * 4 + ["missing_number"])


def test_two_columns_for_one_thing() -> None:
    row = make.pupil() | {"学生姓名": "林小满"}
    report = check(make.pupils(row), "a.xlsx")
    assert [problem.code for problem in report.blocking] == ["roster.duplicate_header"]


def test_a_merged_header() -> None:
    report = check(make.xlsx({"学生": ROWS}, merged=[(0, 14, 0, 15)]), "a.xlsx")
    assert "merged_header" in codes_of(report)
    assert "O1:P1" in str(report.blocking[0].message)


def test_columns_and_sheets_not_used_are_mentioned_and_do_not_block() -> None:
    rows = make.table([make.pupil() | {"身高": "130"}])
    report = check(make.xlsx({"学生": rows, "统计": [["合计", "1"], ["x", "y"]], "填写须知": [["请看"]]}), "a.xlsx")
    assert report.accepted
    assert sorted(codes_of(report)) == ["column_ignored", "sheet_ignored"]


def test_hidden_sheets_are_not_read() -> None:
    old = make.table([make.pupil(5)])
    report = check(make.xlsx({"学生": ROWS, "旧表": old}, hidden=["旧表"]), "a.xlsx")
    assert report.total == 2


def test_one_sheet_a_grade_is_one_roster() -> None:
    sheets = {"三年级": make.table([make.pupil(0)]), "四年级": make.table([make.pupil(1, 年级="四年级")])}
    report = check(make.xlsx(sheets), "a.xlsx")
    assert report.accepted
    assert [student.class_key.grade for student in report.students] == [3, 4]


def test_kinds_are_told_by_their_headers() -> None:
    staff, classes = make.table([make.staff()]), [["班级", "年级", "教室"], ["2", "三年级", "302"]]
    report = check(make.xlsx({"A": staff, "B": ROWS, "C": classes}), "a.xlsx")
    assert report.file is not None
    assert [sheet.kind for sheet in report.file.sheets] == [Kind.STAFF, Kind.STUDENTS, Kind.CLASSES]
    assert report.accepted
    one = check(make.csv_file(staff), "教师.csv")
    assert one.accepted and len(one.staff) == 1


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8-sig", "utf-8"),
        ("utf-8", "utf-8"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_the_encodings_that_arrive(encoding: str, found: str, delimiter: str) -> None:
    report = check(make.csv_file(ROWS, encoding, delimiter), "花名册.csv")
    assert report.accepted, [str(p.message) for p in report.problems]
    assert report.file is not None
    assert report.file.encoding == found
    assert report.file.preview[0][:3] == ("学籍号", "校内学号", "姓名") and len(report.file.preview) == 3
    assert report.students[0].name == "林小满"


def test_an_encoding_chosen_by_hand_wins() -> None:
    data = make.csv_file(ROWS, "gbk")
    assert check(data, "a.csv", encoding="gb18030").accepted
    assert codes_of(check(data, "a.csv", encoding="utf-8")) == ["encoding_mismatch"]
    unknown = check(data, "a.csv", encoding="klingon")
    assert codes_of(unknown) == ["encoding_not_known"] and "gb18030" in str(unknown.problems[0].message)


def test_previews_let_a_person_choose() -> None:
    shown = previews(make.csv_file([["姓名", "班级"], ["林小满", "三年级2班"]], "gb18030"), "a.csv")
    assert shown["gb18030"][1][0] == "林小满" and "utf-8" not in shown
    assert shown.get("utf-16-le", (("",),))[0][0] != "姓名"
    assert previews(GOOD, "a.xlsx") == {}


def test_garbage_headers_still_show_a_preview() -> None:
    report = check(make.csv_file(ROWS, "big5"), "a.csv") if _big5(ROWS) else check(b"\xa6\xb3,\xa6\xb4\n1,2", "a.csv")
    assert codes_of(report)[0] in ("no_headers", "unknown_encoding", "encoding_damaged")


def _big5(rows: list[list[str]]) -> bool:
    try:
        make.csv_file(rows, "big5")
    except UnicodeEncodeError:
        return False
    return True


def test_utf8_with_a_bad_byte_is_not_taken_for_gbk() -> None:
    data = make.csv_file(ROWS, "utf-8").replace("林小禾".encode(), "林小禾".encode()[:-1] + b"\xff")
    report = check(data, "a.csv")
    assert codes_of(report) == ["encoding_damaged"]
    assert "第 3 行" in str(report.problems[0].message)


def test_every_sentence_has_english() -> None:
    for code, text in codes().items():
        with in_locale("en"):
            assert not any("\u4e00" <= c <= "\u9fff" for c in str(text).split("（")[0].split("(")[0][:12]), code
            assert str(text) != str.__str__(text), code


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
def test_the_template_is_understood_in_either_language(locale: str) -> None:
    with in_locale(locale):
        blank = template()
    report = check(blank, "花名册.xlsx")
    assert codes_of(report) == ["no_rows"]
    assert report.file is not None
    assert [sheet.kind for sheet in report.file.sheets] == [Kind.STUDENTS, Kind.STAFF, Kind.CLASSES]
    assert all(column.field for sheet in report.file.sheets for column in sheet.columns)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.txt", "b.xlsx", "c.xls", "d.ods", "", "x\0.csv"]))
def test_no_bytes_crash_it(data: bytes, name: str) -> None:
    report = check(data, name)
    assert not report.accepted
    assert all(str(problem.message) for problem in report.problems)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=20))
def test_no_damage_to_a_workbook_crashes_it(place: int, damage: bytes) -> None:
    report = check(GOOD[:place] + damage + GOOD[place + len(damage) :], "a.xlsx")
    assert report.problems or report.total


CELLS = st.one_of(st.text(max_size=25), st.sampled_from(["=1+1", "G", "1.2E+18", "·", "三年级", "2班", "男", "１３８"]))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=17), min_size=1, max_size=4))
def test_no_cells_crash_it(rows: list[list[str]]) -> None:
    report = check(make.csv_file([list(make.STUDENT_TITLES), *rows], "utf-8", ","), "a.csv")
    assert report.total == report.good + report.wrong
    assert report.wrong == len({(e.sheet, e.row) for e in report.errors if e.severity == "error"})
    for error in report.errors:
        assert "%(" not in str(error.message)
    if report.file:
        error_workbook(report)
