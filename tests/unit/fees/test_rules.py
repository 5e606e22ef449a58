"""Properties of what families in hardship pay, and which questions a step of a standard raises. No database."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.ids import new_id
from core.base.money import Fen
from core.billing.pricing import Cap, draft
from core.billing.views import ReductionProposal
from core.policy.service import CATALOGUE, EffectivePack, load_packs
from plugins.fees import rules
from tests.support.billing import proposal
from tests.unit.billing.test_worked import CHILD, RUN, TERM, charge
from tests.unit.policy.golden import PACKS, library
from tests.unit.policy.test_load import head, rule

ON = date(2026, 11, 1)
amounts = st.integers(1, 10_000_000)
percents = st.integers(1, 100)
LIBRARY = library()


@cache
def scheme(key: str) -> EffectivePack:
    return LIBRARY.effective(key, ON)


@cache
def capped(most_paid: int) -> EffectivePack:
    """A scheme under which a child in hardship pays at most `most_paid` percent."""
    with TemporaryDirectory() as folder:
        text = head() + rule("fee.hardship_percent", str(most_paid), quote="减半收取")
        (Path(folder) / "a.toml").write_text(text, "utf-8")
        return load_packs(Path(folder)).effective("some-city", ON)


def due(full: int, percent: int, cap: Cap | None = None) -> int:
    """What is left of a bill of one service charge after relief, in fen."""
    less = ReductionProposal(CHILD, None, rules.relief_of(full, percent), "hardship", new_id())
    return int(draft(CHILD, TERM, [charge("care", full)], [less], cap, RUN).due)


@pytest.mark.req("R-345")
@given(full=amounts, wished=percents, most_paid=st.integers(0, 100))
def test_nobody_in_hardship_pays_more_than_the_schemes_share(full: int, wished: int, most_paid: int) -> None:
    pack = capped(most_paid)
    percent = rules.relief_percent(pack, wished)
    left = due(full, percent)
    assert 0 <= left <= full and left * 100 <= full * most_paid and percent >= wished
    assert pack.ask_all(rules.of_relieved(full, left)).ok


@pytest.mark.req("R-346", "C-06")
@given(full=amounts, wished=percents)
def test_free_is_free_whatever_the_school_wished(full: int, wished: int) -> None:
    pack = scheme("hebi")
    left = due(full, rules.relief_percent(pack, wished))
    assert left == 0 and pack.ask_all(rules.of_relieved(full, left)).ok
    assert pack.ask_all(rules.of_relieved(full, 1)).blocked


@pytest.mark.req("R-345", "C-06")
@given(full=amounts, wished=percents, cap=amounts, first=st.booleans())
def test_reduced_is_always_less(full: int, wished: int, cap: int, first: bool) -> None:
    pack = scheme("anhui-ten-bans")
    left = due(full, rules.relief_percent(pack, wished), Cap(Fen(cap), "1", first))
    assert left < full and left <= cap and pack.ask_all(rules.of_relieved(full, left)).ok
    assert pack.ask_all(rules.of_relieved(full, full)).blocked


@pytest.mark.req("R-333", "C-01")
@given(fen=st.integers(1, 1_000_000), grades=st.sets(st.integers(1, 6)))
def test_a_price_is_refused_exactly_where_a_named_grade_is_free(fen: int, grades: set[int]) -> None:
    for key in ("jinan-yanshan", "shuangjing-primary"):
        pack = scheme(key)
        refused = pack.ask_all(rules.of_standard(proposal(unit_fen=fen, grades=sorted(grades)))).blocked
        assert refused == (not grades or bool(grades & {1, 2}))


@pytest.mark.req("R-453")
@pytest.mark.parametrize("unit", ["lesson", "month", "term"])
def test_every_question_names_its_facts(unit: str) -> None:
    """A missing or unknown fact raises: every pack is asked every question of every step."""
    packs = [scheme(p.stem) for p in sorted(PACKS.glob("*.toml"))]
    for pack in packs:
        for fund in ("service", "agency", "meals"):
            for service in ("care", "vendor_course", "insurance"):
                form = proposal(service=service, fund=fund, unit=unit, cost_fen=400, grades=[3])
                pack.ask_all(rules.of_standard(form))
                rules.owed_with_standard(pack, form)
        pack.ask_all(rules.of_board(place="校门口", matches=True, shown=["standard"], issued=True))
        pack.ask_all(rules.of_offering(pack, ["online"], [1, 2, 3]))
    assert len(packs) == 12 and "fee.payer" in {r.key for r in CATALOGUE}


@pytest.mark.req("C-16")
def test_a_cap_on_an_agencys_price_bears_on_its_course_alone(tmp_path: Path) -> None:
    """The published examples beside the twelve (product.md 1c) cap what a course of an agency may cost a lesson."""
    (tmp_path / "a.toml").write_text(head() + rule("fee.vendor_cost_max", "1500", quote="每课时15元"), "utf-8")
    pack = load_packs(tmp_path).effective("some-city", ON)

    def said(service: str, fen: int) -> list[str]:
        return [o.rule for o in pack.ask_all(rules.of_standard(proposal(service=service, unit_fen=fen))).objections]

    assert said("vendor_course", 1501) == ["fee.vendor_cost_max"]
    assert said("vendor_course", 1500) == said("care", 9999) == []
