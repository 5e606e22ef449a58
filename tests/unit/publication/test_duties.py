"""What each document wants published, against the real packs: missing, in time, late, and silent where it is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import pytest

from core.policy.service import EffectivePack
from tenants.publication.duties import AHEAD, Duty, Facts, duties
from tests.unit.policy.golden import library

FIRST = date(2026, 9, 1)
LAST = date(2027, 1, 22)
NEXT = (date(2027, 2, 22), date(2027, 7, 3))
NOTHING = Facts(starts_on=FIRST, first_day=FIRST)
LIBRARY = library()


@cache
def pack(key: str) -> EffectivePack:
    return LIBRARY.effective(key, FIRST)


def found(key: str, facts: Facts, today: date) -> dict[str, Duty]:
    return {d.rule: d for d in duties(pack(key), facts, today)}


def state(key: str, rule: str, facts: Facts, today: date) -> str:
    return found(key, facts, today)[rule].state


@pytest.mark.req("R-038")
@pytest.mark.parametrize("key", ["second-experimental-primary", "shanghai-kuaile30"])
def test_the_plan_is_shown_by_the_first_day(key: str) -> None:
    rule = "publication.plan"
    assert state(key, rule, NOTHING, FIRST - AHEAD - timedelta(days=1)) == "coming"
    assert state(key, rule, NOTHING, FIRST - AHEAD) == "todo"
    assert state(key, rule, replace(NOTHING, plan_on=FIRST), FIRST) == "done"
    missing = found(key, NOTHING, FIRST)[rule]
    assert missing.missing and missing.broken and missing.objections[0].clause


@pytest.mark.req("R-465")
def test_changzhi_menu_and_timetable_come_before() -> None:
    rule, other = "publication.menu_before_term", "publication.timetable_first"
    in_time = replace(NOTHING, menu_on=FIRST - timedelta(days=1))
    assert state("changzhi-521", rule, in_time, FIRST) == "done"
    late = found("changzhi-521", replace(NOTHING, menu_on=FIRST), FIRST)[rule]
    assert (late.state, late.missing, late.broken) == ("late", False, True), "nobody can mend it, the bureau sees it"
    assert other not in found("changzhi-521", NOTHING, FIRST), "without a menu there is no timetable to be late"
    assert state("changzhi-521", other, in_time, FIRST) == "done"
    assert state("changzhi-521", other, replace(in_time, late_items=1), FIRST) == "late"


@pytest.mark.req("R-164", "R-090", "R-091")
def test_what_families_are_told_before_they_choose() -> None:
    told = frozenset({"mode", "contents", "times", "places", "teachers", "fees"})
    facts = replace(NOTHING, menu_on=FIRST, told=told)
    assert state("hebi", "publication.before_choice", facts, FIRST) == "done"
    assert state("hebi", "publication.before_choice", replace(facts, told=told - {"places"}), FIRST) == "todo"
    assert state("hebi", "publication.catalogue", facts, FIRST) == "todo", "safety and spending are not told yet"
    everything = replace(facts, told=told | {"safety", "spending"})
    assert state("hebi", "publication.catalogue", everything, FIRST) == "done"
    duties_told = replace(NOTHING, told=frozenset({"timetable", "family_school_duties"}))
    assert state("changzhi-521", "publication.family_duties", NOTHING, FIRST) == "todo"
    assert state("changzhi-521", "publication.family_duties", duties_told, FIRST) == "done"


@pytest.mark.req("R-461")
def test_channels() -> None:
    rule = "publication.channels"
    assert state("anhui-ten-bans", rule, NOTHING, FIRST) == "todo"
    assert state("anhui-ten-bans", rule, replace(NOTHING, channels=frozenset({"letter"})), FIRST) == "done"
    assert state("shanghai-kuaile30", rule, replace(NOTHING, channels=frozenset({"letter"})), FIRST) == "todo"
    advised = found("hebi", NOTHING, FIRST)[rule]
    assert (advised.state, advised.missing, advised.broken) == ("advised", False, False), "the document says 等形式"


@pytest.mark.req("R-358", "R-359", "C-13")
def test_anhui_accounts_at_each_terms_end() -> None:
    facts = replace(NOTHING, starts_on=NEXT[0], ended=(FIRST, LAST))
    rule, often = "publication.accounts_each_term", "publication.spending_regularly"
    day = LAST + timedelta(days=1)
    assert rule not in found("anhui-ten-bans", NOTHING, FIRST)
    assert state("anhui-ten-bans", rule, facts, day) == "todo"
    early = replace(facts, statements=((FIRST, LAST, LAST - timedelta(days=40)),))
    assert state("anhui-ten-bans", rule, early, day) == "todo", "a statement of the whole term comes after its last day"
    assert state("anhui-ten-bans", often, early, day) == "done"
    assert state("anhui-ten-bans", rule, replace(facts, statements=((FIRST, LAST, day),)), day) == "done"
    other = replace(facts, statements=((NEXT[0], NEXT[1], day),))
    assert state("anhui-ten-bans", rule, other, day) == "todo"


@pytest.mark.req("R-360", "C-13")
def test_last_years_accounts_before_march() -> None:
    rule, key = "publication.accounts_yearly", "city-free-1000"
    assert rule not in found(key, NOTHING, date(2026, 12, 31)), "the school has no last year here"
    new_year = date(2027, 1, 1)
    assert state(key, rule, NOTHING, new_year) == "todo"
    assert found(key, NOTHING, new_year)[rule].due == date(2027, 3, 1)

    def shown(on: date) -> Facts:
        return replace(NOTHING, statements=((FIRST, LAST, on),))

    assert state(key, rule, shown(date(2027, 2, 28)), date(2027, 3, 1)) == "done"
    assert state(key, rule, shown(date(2027, 3, 1)), date(2027, 3, 2)) == "late"
    assert state(key, rule, shown(date(2026, 12, 31)), new_year) == "todo", "before the year was over"


@pytest.mark.req("R-374")
def test_what_was_not_held_is_owed_after_the_term_under_every_scheme() -> None:
    facts = replace(NOTHING, starts_on=NEXT[0], ended=(FIRST, LAST), owed_back=1)
    for key in ("weihai-free", "hebi"):
        assert state(key, "refund.lessons_not_held", facts, LAST) == "todo"
        assert state(key, "refund.lessons_not_held", replace(facts, owed_back=0), LAST) == "done"


def test_silence_stays_silence() -> None:
    assert found("weihai-free", NOTHING, date(2027, 6, 1)) == {}
    assert found("jinan-yanshan", NOTHING, FIRST) == {}
