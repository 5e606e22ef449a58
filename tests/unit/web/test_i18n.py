"""Formats for people, and the amount in capitals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.text import in_locale, use_locale
from core.web import i18n


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    with in_locale("zh_CN"):
        yield


@pytest.mark.parametrize(
    ("cookie", "accept", "wanted"),
    [
        (None, None, "zh_CN"),
        ("en", "zh-CN,zh;q=0.9", "en"),
        ("tlh", "en-GB,en;q=0.8", "en"),
        (None, "en-US,en;q=0.9", "en"),
        (None, "zh-TW,en;q=0.5", "zh_CN"),
        (None, "fr,en;q=0.2,zh;q=0.6", "zh_CN"),
        (None, "de", "zh_CN"),
        (None, "en;q=x, ,;", "zh_CN"),
    ],
)
def test_negotiation(cookie: str | None, accept: str | None, wanted: str) -> None:
    assert i18n.negotiate(cookie, accept) == wanted


@pytest.mark.parametrize(
    ("fen", "text"),
    [(48000, "¥480"), (36050, "¥360.50"), (5, "¥0.05"), (0, "¥0"), (-500, "−¥5"), (3864000, "¥38,640")],
)
def test_money(fen: int, text: str) -> None:
    assert i18n.money(fen) == text


# The examples of the payment rules of the People's Bank (正确填写票据和结算凭证的基本规定), and edges.
@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (140950, "壹仟肆佰零玖元伍角整"),
        (600714, "陆仟零柒元壹角肆分"),
        (168032, "壹仟陆佰捌拾元零叁角贰分"),
        (10700053, "壹拾万柒仟元零伍角叁分"),
        (1640902, "壹万陆仟肆佰零玖元零贰分"),
        (32504, "叁佰贰拾伍元零肆分"),
        (48000, "肆佰捌拾元整"),
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (100000000, "壹佰万元整"),
        (1000000000000, "壹佰亿元整"),
        (1000000010000, "壹佰亿零壹佰元整"),
        (-100, "负壹元整"),
    ],
)
def test_money_in_capitals(fen: int, text: str) -> None:
    assert i18n.money_cn(fen) == text


def _read(text: str) -> int:
    """The fen that capitals mean, read the way a person does: an independent way back."""
    sign, text = (-1, text[1:]) if text.startswith("负") else (1, text)
    digits = {c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
    units = {"拾": 10, "佰": 100, "仟": 1000}
    total = section = number = 0
    for c in text:
        if c in digits:
            number = digits[c]
        elif c in units:
            section, number = section + number * units[c], 0
        elif c in "万亿元":
            section += number
            number = 0
            if c == "亿":
                total, section = (total + section) * 10**8, 0
            elif c == "万":
                total, section = total + section * 10**4, 0
            else:
                total, section = total + section, 0
                total *= 100
        elif c == "角":
            total, number = total + number * 10, 0
        elif c == "分":
            total, number = total + number, 0
    return sign * total


@given(st.integers(min_value=-(10**14) + 1, max_value=10**14 - 1))
def test_capitals_say_the_amount(fen: int) -> None:
    text = i18n.money_cn(fen)
    assert _read(text) == fen
    assert "零零" not in text
    assert text.endswith(("分", "整"))
    for unit in "拾佰仟万亿":
        assert "零" + unit not in text


def test_an_amount_too_large_is_an_error() -> None:
    with pytest.raises(ValueError, match="too large"):
        i18n.money_cn(10**14)


def test_dates() -> None:
    day = date(2026, 11, 20)
    assert [i18n.fdate(day, style) for style in ("iso", "short", "day", "medium", "full", "month")] == [
        "2026-11-20", "11月20日", "11月20日 周五", "2026年11月20日", "2026年11月20日 周五", "2026年11月",
    ]  # fmt: skip
    assert i18n.date_range(date(2026, 9, 1), date(2027, 1, 15)) == "2026年9月1日至2027年1月15日"
    assert i18n.date_range(date(2026, 9, 1), date(2026, 9, 5)) == "2026年9月1日至9月5日"
    use_locale("en")
    assert i18n.fdate(day, "full") == "Fri 20 Nov 2026"
    assert i18n.date_range(date(2026, 9, 1), date(2026, 9, 5)) == "1 Sep – 5 Sep 2026"


def test_moments_are_shown_on_the_schools_clock() -> None:
    moment = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    assert i18n.fdatetime(moment) == "11月21日 00:30"
    assert i18n.fdate(moment, "short") == "11月21日"


def test_hours() -> None:
    assert i18n.time_range(time(16, 30), time(17, 45)) == "16:30–17:45"
    assert i18n.time_range(8 * 60, 9 * 60 + 5) == "08:00–09:05"
    assert i18n.weekdays([3, 1]) == "周一、周三"


def test_classes() -> None:
    assert (i18n.class_name(3, 2), i18n.class_name(7, "1"), i18n.class_name(1, "彩虹班")) == (
        "三年级2班", "七年级1班", "一年级彩虹班",
    )  # fmt: skip
    use_locale("en")
    assert i18n.class_name(3, 2) == "Grade 3 Class 2"


@pytest.mark.parametrize(
    ("name", "masked"),
    [("张三", "张*"), ("张小三", "张*三"), ("欧阳知遥", "欧**遥"), ("张", "*"), (" ", ""), ("买买提·艾力", "买****力")],
)
def test_names_on_public_lists(name: str, masked: str) -> None:
    assert i18n.mask_name(name) == masked


@given(st.text(min_size=2, max_size=12))
def test_a_mask_never_shows_a_whole_name(name: str) -> None:
    assert i18n.mask_name(name) != name.strip() or set(name.strip()) <= {"*"} or len(name.strip()) == 0


def test_names_sort_by_pinyin() -> None:
    assert sorted(["周文", "李强", "欧阳知遥", "安琪"], key=i18n.pinyin_key) == ["安琪", "李强", "欧阳知遥", "周文"]
