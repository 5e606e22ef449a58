"""Asking: strict about facts, lazy about words, quick."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest

from core.base.text import in_locale
from core.policy.errors import FactsWrong, UnknownRule
from core.policy.kinds_sets import plain
from core.policy.service import CATALOGUE, EffectivePack, load_packs
from core.policy.types import Objection, Verdict
from tests.unit.policy.golden import library
from tests.unit.policy.test_load import head, rule

ON = date(2026, 9, 1)


@pytest.fixture(scope="module")
def anhui() -> EffectivePack:
    return library().effective("anhui-ten-bans", ON)


def test_a_question_without_its_facts_is_an_error_not_a_consent(anhui: EffectivePack) -> None:
    with pytest.raises(FactsWrong, match="needs end"):
        anhui.ask("time.latest_end", window="afternoon")
    with pytest.raises(FactsWrong, match="does not know ende"):
        anhui.ask("time.latest_end", end="18:00", ende="18:00")
    with pytest.raises(FactsWrong, match="does not know day"):
        anhui.get("time.latest_end", day=1)
    with pytest.raises(UnknownRule):
        anhui.ask("time.lastest_end", end="18:00")


def test_needs_are_asked_even_where_the_pack_is_silent(anhui: EffectivePack) -> None:
    assert anhui.ask("class.size_max", size=99).ok
    with pytest.raises(FactsWrong):
        anhui.ask("class.size_max")


def test_an_open_scope_is_answered_strictly(anhui: EffectivePack) -> None:
    assert anhui.ask("provider.on_bureau_list", on_list=False).blocked
    assert anhui.ask("provider.on_bureau_list", on_list=False, provider="parent").ok


def test_several_grades_at_once_count_when_one_is_meant() -> None:
    pack = library().effective("changzhi-521", ON)
    asked = {"written_home_homework": True}
    assert pack.ask("content.written_home_homework", grades=[2, 3], **asked).blocked
    assert pack.ask("content.written_home_homework", grades=2, **asked).blocked
    assert pack.ask("content.written_home_homework", grades=[3, 4], **asked).ok


def test_another_rule_fills_a_fact_that_nobody_gave() -> None:
    pack = library().effective("changzhi-521", ON)
    verdict = pack.ask("time.not_before_work_end", end="17:00", window="afternoon")
    assert str(verdict.objections[0].message) == "结束时间不得早于当地正常下班时间 17:30，现为 17:00"


def test_a_default_answers_for_a_silent_pack_and_says_so(anhui: EffectivePack) -> None:
    objection = anhui.ask("pickup.alone", alone=True).objections[0]
    assert objection.is_default
    assert (objection.clause, objection.quote, str(objection.source)) == ("", "", "平台默认")
    setting = anhui.get("score.weights")
    assert setting.is_default
    assert setting.provisional
    assert sum(setting.value.values()) == 100


def test_silence_stays_silence(anhui: EffectivePack) -> None:
    setting = anhui.get("fee.per_lesson_max")
    assert (setting.value, setting.is_default) == (None, True)
    assert not anhui.speaks_of("fee.per_lesson_max")
    assert anhui.speaks_of("fee.posted")


def test_the_most_particular_entry_is_got(anhui: EffectivePack) -> None:
    assert anhui.get("time.latest_end", window="evening").value == 20 * 60 + 30
    assert anhui.get("time.latest_end", window="afternoon").value == 18 * 60
    assert anhui.get("time.latest_end").value is None
    assert "evening_study" in anhui.get("time.may", stage="junior").value
    assert "evening_study" not in anhui.get("time.may", stage="primary").value


def test_sentences_are_written_in_the_readers_language(anhui: EffectivePack) -> None:
    objection = anhui.ask("provider.kinds", provider=["caterer", "parent"]).objections[0]
    assert str(objection.message).startswith("服务提供方只限：本校教师、外校教师、")
    with in_locale("en"):
        assert str(objection.message).endswith("beyond it: Caterer")
        assert objection.record()["message"].startswith("Providers limited to: Own teachers, ")
        assert str(objection.source) == "《课后服务兴趣小组活动方案》方案 2"
    with in_locale("en"):
        fee = anhui.ask("subsidy.per_pupil_year_max", amount_fen=52_050).objections[0]
        assert str(fee.message) == "Subsidy per pupil and year may not exceed ¥500; it is ¥520.50"


def test_verdicts_add_up_and_a_reason_lifts_warnings_only(anhui: EffectivePack) -> None:
    warned = anhui.ask("time.latest_end", end="18:10", window="afternoon")
    blocked = anhui.ask("fee.posted", posted=False)
    assert (warned.ok, warned.blocked, warned.passes(), warned.passes("  "), warned.passes("家长下班晚")) == (
        False,
        False,
        False,
        False,
        True,
    )
    both = warned + blocked + Verdict()
    assert both.blocked
    assert not both.passes("家长下班晚")
    assert (len(both.warnings), len(both.blocks)) == (1, 1)
    questions = [
        ("time.latest_end", {"end": "18:10", "window": "afternoon"}),
        ("fee.posted", {"posted": False}),
        ("fee.across_terms", {"across_terms": False}),
    ]
    assert anhui.ask_all(questions) == both


def test_a_plugin_speaks_the_same_type() -> None:
    objection = Objection("meals.no_caterer", "还没有选定餐饮公司", "warn")
    assert Verdict((objection,)).passes("下周签约")
    assert objection.record()["code"] == "meals.no_caterer"


@pytest.mark.parametrize("text", ["奥数", "奥 数", "奥·数", "奥　数", "奥-数", "奥\n数"])
def test_words_are_found_behind_the_usual_tricks(anhui: EffectivePack, text: str) -> None:
    assert anhui.ask("content.blocked_words", texts=f"趣味{text}班").blocked


def test_harmless_texts_pass(anhui: EffectivePack) -> None:
    for text in ("", "足球", "非学科类艺术课", "编程与机器人", "跨学科实践"):
        assert anhui.ask("content.blocked_words", texts=text).ok
        assert anhui.ask("content.flag_words", texts=[text]).ok
    assert plain("Ａ Ｂ") == "ab"


def test_seasons_follow_the_month(anhui: EffectivePack) -> None:
    assert [anhui.season(date(2026, month, 1)) for month in (4, 5, 9, 10, 1)] == [
        "winter",
        "summer",
        "summer",
        "winter",
        "winter",
    ]


@pytest.mark.req("R-018", "R-019")
def test_a_pack_covers_its_own_kind_of_school_only(anhui: EffectivePack) -> None:
    changzhi = library().effective("changzhi-521", ON)
    assert changzhi.applies_to("junior")
    assert not changzhi.applies_to("junior", "private")
    assert anhui.applies_to("junior", "private")
    assert not library().effective("weihai-free", ON).applies_to("junior")


def test_a_plugin_adds_rules_under_its_own_prefix(tmp_path: Path) -> None:
    (like,) = [r for r in CATALOGUE if r.key == "class.size_max"]
    with pytest.raises(ValueError, match=r"does not begin with clubs\."):
        CATALOGUE.extended([like], "clubs")
    ours = type(like)("clubs.size_max", like.title, like.kind)
    catalogue = CATALOGUE.extended([ours], "clubs")
    (tmp_path / "a.toml").write_text(head() + rule(key="clubs.size_max", value="20"), "utf-8")
    pack = load_packs(tmp_path, catalogue).effective("some-city", ON)
    assert pack.ask("clubs.size_max", size=21).blocked


def test_asking_costs_microseconds(anhui: EffectivePack) -> None:
    """The bound is generous, for a busy machine; a look into a file or a database would break it by far."""
    anhui.ask("time.latest_end", end=1080, window="afternoon")
    started = time.perf_counter()
    for _ in range(2000):
        anhui.ask("time.latest_end", end=1080, window="afternoon")
    assert (time.perf_counter() - started) / 2000 < 0.0002
