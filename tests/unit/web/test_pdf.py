"""Papers: what was to be said can be read back, nothing is dropped in silence."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import typst
from pypdf import PdfReader

from core.base.text import in_locale
from core.web.pdf import DOCUMENT, Document, PaperError, Receipt, ReceiptLine, column, render, render_async

RECEIPT = Receipt(
    number="SJ-2026-000128",
    day=date(2026, 11, 20),
    org="实验小学",
    payer="林大满",
    lines=[ReceiptLine("创意编程与机器人", "16 次", 48000), ReceiptLine("围棋启蒙 #eval(1) *粗*", "16 次", 32050)],
    facts=[("学生", "林小满"), ("班级", "三年级2班")],
    verify_url="https://example.com/verify/128",
)
CLAUSES = ["甲方按公示提供服务。", {"title": "乙方应当：", "items": ["按时接送学生；"]}]
AGREEMENT = Document(
    "课后服务协议",
    [
        {"kind": "text", "text": "经双方协商一致，达成如下协议。" * 8},
        {"kind": "facts", "items": [["学生", "林小满"]]},
        {"kind": "heading", "text": "双方责任"},
        {"kind": "clauses", "items": CLAUSES * 12},
        {"kind": "list", "items": ["带好水杯"]},
        {"kind": "table", "columns": [column("项目"), column("标准", align="right", narrow=True)],
         "rows": [["基础托管", "免费"]], "total": ["合计", "¥0"]},
    ],
    number="XY-2026-0001",
    to="各位家长",
    org="实验小学",
    day=date(2026, 11, 20),
    signatures=[("甲方", "实验小学"), ("乙方", "林大满")],
    verify_url="https://example.com/verify/1",
)  # fmt: skip


def read(pdf: bytes) -> tuple[str, int]:
    """All the text of a PDF without spaces, and its number of pages."""
    reader = PdfReader(io.BytesIO(pdf))
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in reader.pages)), len(reader.pages)


def test_a_receipt_says_everything() -> None:
    text, count = read(RECEIPT.pdf())
    assert count == 1
    said = "收款收据 SJ-2026-000128 林大满 林小满 三年级2班 创意编程与机器人 ¥800.50 捌佰元零伍角整 2026年11月20日"
    for words in [*said.split(), "480.00", "扫码查验", "围棋启蒙#eval(1)*粗*"]:
        assert words in text


def test_a_receipt_is_chinese_for_every_reader() -> None:
    with in_locale("en"):
        assert "2026年11月20日" in read(RECEIPT.pdf())[0]


def test_equal_receipts_have_equal_bytes() -> None:
    assert RECEIPT.pdf() == RECEIPT.pdf()
    assert RECEIPT.pdf() != replace(RECEIPT, void="已作废").pdf()
    assert "已作废" in read(replace(RECEIPT, void="已作废").pdf())[0]


def test_is_an_archive_file_with_a_language_and_a_title() -> None:
    reader = PdfReader(io.BytesIO(RECEIPT.pdf()))
    assert b"pdfaid" in RECEIPT.pdf()
    assert reader.metadata is not None
    assert reader.metadata.title == "收款收据 SJ-2026-000128"
    assert str(reader.trailer["/Root"]["/Lang"]).startswith("zh")


def test_a_document_runs_over_pages() -> None:
    text, count = read(AGREEMENT.pdf())
    assert count == 2
    said = "课后服务协议 各位家长： 第一条 第二十四条 （一）按时接送学生； 合计 双方责任 带好水杯 XY-2026-0001"
    for words in [*said.split(), "乙方（签字或盖章）：林大满", "第1页，共2页"]:
        assert words in text


def test_a_rare_character_of_a_name_is_drawn() -> None:
    assert "䶮" in read(replace(RECEIPT, payer="林䶮").pdf())[0]


def test_a_character_without_a_glyph_is_an_error_that_names_it() -> None:
    with pytest.raises(PaperError, match=r"U\+10FFFD"):
        replace(RECEIPT, payer="林\U0010fffd").pdf()


def test_a_mistake_in_the_data_is_an_error() -> None:
    with pytest.raises(typst.TypstError):
        render(DOCUMENT, {"title": "课后", "parts": [{"kind": "nonsense"}]})


def test_a_warning_is_an_error(tmp_path: Path) -> None:
    template = tmp_path / "bad.typ"
    template.write_text('#set text(font: "No Such Font")\n课后')
    with pytest.raises(PaperError, match="font"):
        render(template, {})


def test_a_plugin_brings_its_own_template(tmp_path: Path) -> None:
    template = tmp_path / "own.typ"
    template.write_text('#import "@kehou/paper:1.0.0": data, sheet\n#show: sheet\n#data.words')
    assert "订餐回执" in read(render(template, {"words": "订餐回执"}))[0]


async def test_many_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: replace(RECEIPT, number=f"SJ-{n:04d}").pdf(), range(12)))
    assert [f"SJ-{n:04d}" in read(pdf)[0] for n, pdf in enumerate(made)] == [True] * 12
    assert (await render_async(DOCUMENT, AGREEMENT.data())).startswith(b"%PDF")
