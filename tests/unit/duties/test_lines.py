"""What the responsibility list asks under the real packs, and what the packs say to an answer."""

from __future__ import annotations

from datetime import date
from functools import cache

import pytest

from core.policy.service import CATALOGUE, EffectivePack
from tenants.duties.attested import ATTESTED
from tenants.duties.lines import Line, ask, line, lines
from tests.unit.policy.golden import library

ON = date(2026, 11, 23)
PRIMARY = ("primary",)


@cache
def pack(key: str) -> EffectivePack:
    return library().effective(key, ON)


def the(key: str, rule: str) -> Line:
    found = line(pack(key), rule, PRIMARY)
    assert found is not None
    return found


@pytest.mark.parametrize("key", sorted(ATTESTED))
def test_every_key_can_be_answered(key: str) -> None:
    """Each key of the table has one fact, of a kind that the form knows; each pack that speaks of it makes a line."""
    rule = CATALOGUE[key]
    assert len(rule.kind.needs) == 1
    assert rule.default is None  # where documents are silent, nobody is asked to attest anything
    assert str(ATTESTED[key].who)
    for name in sorted({one.key for one in library()}):
        found = line(pack(name), key, None)
        if found is None:
            continue
        assert found.demands and all(d.clause and d.quote for d in found.demands)
        good = {"done": {"done": True}, "parts": {"parts": []}, "number": {"number": 1}}[found.asks]
        if found.asks == "parts" and not found.banned:
            good = {"parts": [word for word, _label in found.choices]}
        if found.asks == "number":
            good = {"number": next(e.value for e in pack(name).entries if e.key == key)}
        assert ask(pack(name), key, good).ok


@pytest.mark.req("R-474", "R-475", "R-476", "R-477", "R-480", "R-484", "R-256", "R-440", "R-442", "R-443")
def test_jincuns_list() -> None:
    """A scheme with many duties on paper: every one of them is on the list, the bureau's is the school's own here."""
    keys = {one.key for one in lines(pack("jincun-primary"), "school", PRIMARY)}
    assert {"records.care", "records.archive", "records.pupil_file", "safety.rules", "safety.trained"} <= keys
    assert {"safety.disinfected_early", "safety.queue_metres_min", "complaint.named_person"} <= keys
    assert "oversight.phases" in keys
    assert lines(pack("jincun-primary"), "bureau") == []


@pytest.mark.req("R-422", "R-424", "R-426")
def test_what_a_city_says_of_oversight_is_the_bureaus() -> None:
    city = pack("changzhi-521")
    assert [one.key for one in lines(city, "bureau")] == [
        "oversight.phases", "oversight.inspections", "oversight.rated",
    ]  # fmt: skip
    assert not {"oversight.phases", "oversight.rated"} & {one.key for one in lines(city, "school", PRIMARY)}


@pytest.mark.req("R-023", "R-428")
def test_silence_asks_nothing() -> None:
    assert lines(library().silent(), "school", PRIMARY) == [] == lines(library().silent(), "bureau")
    assert line(pack("hebi"), "records.archive", PRIMARY) is None


@pytest.mark.req("R-357")
def test_a_ban_is_kept_when_it_did_not_happen() -> None:
    found = the("anhui-ten-bans", "fee.withheld")
    assert found.forbids and found.blocks and found.asks == "done"
    assert ask(pack("anhui-ten-bans"), "fee.withheld", {"done": True}).ok
    (objection,) = ask(pack("anhui-ten-bans"), "fee.withheld", {"done": False}).objections
    assert objection.blocks and objection.clause == "001#2 四（四）"


@pytest.mark.req("R-474", "R-480")
def test_missing_parts_are_named() -> None:
    found = the("jincun-primary", "safety.trained")
    words = [word for word, _label in found.choices]
    labels = [label for _word, label in found.choices]
    assert len(words) > 1
    (objection,) = ask(pack("jincun-primary"), found.key, {"parts": words[1:]}).objections
    assert labels[0] in str(objection.message) and labels[1] not in str(objection.message)


@pytest.mark.req("R-484")
def test_a_number_is_held_against_the_pack() -> None:
    found = the("jincun-primary", "safety.queue_metres_min")
    least = next(e.value for e in pack("jincun-primary").entries if e.key == found.key)
    assert ask(pack("jincun-primary"), found.key, {"number": least}).ok
    assert not ask(pack("jincun-primary"), found.key, {"number": least - 1}).ok


def test_days_by_which_an_answer_is_due() -> None:
    first, last = date(2026, 9, 1), date(2027, 1, 22)
    assert ATTESTED["safety.rules"].due_on(first, last) == date(2026, 9, 15)
    assert ATTESTED["oversight.meetings"].due_on(first, last) == date(2026, 11, 11)
    assert ATTESTED["records.archived"].due_on(first, last) == last
