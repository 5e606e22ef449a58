"""Traces of advertising, and checks that may not share a name."""

from __future__ import annotations

from datetime import date

import pytest

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution
from core.host.registry import DuplicateName, Registry
from core.policy.bans import BanCheck, BanFlag, commercial_traces, noticed
from core.policy.service import EffectivePack
from core.policy.types import Objection
from tests.unit.policy.golden import library


@pytest.mark.req("R-458")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("扫 码 进群", ["扫码"]),
        ("详见 https://a.example/x 或 www.qiming.com", ["https://a.example/x", "www.qiming.com"]),
        ("电话 13800000000 / 010-12345678 / 400-123-4567", ["13800000000", "010-12345678", "400-123-4567"]),
        ("原价￥300，现在 99 元", ["￥300", "99 元"]),
    ],
)
def test_traces_of_advertising_are_found(text: str, found: list[str]) -> None:
    assert commercial_traces([text]) == found


@pytest.mark.req("R-458")
@pytest.mark.parametrize(
    "text", ["球性练习、原地运球", "第 12 课：元旦画展", "每周 2 次，每次 60 分钟", "学号 20260900123"]
)
def test_ordinary_words_are_no_advertising(text: str) -> None:
    assert commercial_traces([text]) == []


async def _nothing(*_args: object) -> list[BanFlag]:
    return []


def test_two_checks_of_one_name_are_refused() -> None:
    check = BanCheck("a.b", 1, (), _l("检查"), _nothing)
    registry = Registry()
    registry.add(Contribution(key="one", ban_checks=(check,)))
    with pytest.raises(DuplicateName):
        registry.add(Contribution(key="two", ban_checks=(check,)))


def test_a_hint_rests_on_the_document_or_is_not_given() -> None:
    silent: EffectivePack = library().silent()
    assert noticed(silent, "application.forced", "k", "三年级", "线索") == []
    pack = library().effective("anhui-ten-bans", date(2026, 11, 23))
    (flag,) = noticed(pack, "application.forced", "k", "三年级", "线索")
    assert flag.severity == "signal" and flag.objection.clause.startswith("001#2") and flag.objection.quote


def test_severity_follows_the_force() -> None:
    assert BanFlag("k", "s", Objection("c", "m")).severity == "breach"
    assert BanFlag("k", "s", Objection("c", "m", force="warn")).severity == "warning"
    assert BanFlag("k", "s", Objection("c", "m"), signal=True).severity == "signal"
