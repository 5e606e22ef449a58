"""Every key of the catalogue has an effect: a door asks or reads it, people attest it, or it is a value to be read.

How to complete it: a key that a door asks needs nothing here. One that nobody can see but people gets one line in
tenants/duties/attested.py. A value that only the engine or the pages of rules read gets one line below.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from core.policy.service import CATALOGUE
from tenants.duties.attested import ATTESTED

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("core", "tenants", "plugins", "workers", "deploy")
NO_DOORS = ("core/policy", "tenants/duties/attested.py", "tenants/duties/bans.py")
"""Where keys are defined, attested or listed: a name there is no question."""

READ_BY_THE_ENGINE = {
    "time.local_work_end": "core/policy/rules_service.py",
    "time.summer_from": "core/policy/ask.py",
    "time.winter_from": "core/policy/ask.py",
}
"""Parameters that the engine itself reads while it answers another question: key → the module that names it."""

SHOWN = "core/policy/explain.py"
"""The reader of what a document grants or names for people to act on: the pages of rules of school and families."""
READ_BY_PEOPLE = dict.fromkeys(
    (
        "agreement.may",
        "application.aimed_at",
        "class.may",
        "complaint.may",
        "content.may",
        "content.may_kinds",
        "enrolment.one_off_in_charge",
        "exit.sanctions",
        "lunch.payer",
        "pay.may",
        "pickup.exit_window",
        "pickup.late_from",
        "pickup.late_in_charge",
        "place.may",
        "provider.may",
        "publication.accounts_before_month",
        "staff.first_responsible",
        "staff.may",
        "time.afternoon_period",
        "time.may",
        "time.sessions",
        "time.start_date",
        "time.transition_lists_by",
        "time.transition_sign_up_until",
        "subsidy.control_per_pupil_year",
    ),
    SHOWN,
)


@cache
def named() -> frozenset[str]:
    """Every text that stands as a literal in the product, outside the places that only list keys."""
    found: set[str] = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if str(path.relative_to(ROOT)).startswith(NO_DOORS):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return frozenset(found)


def test_every_rule_has_an_effect() -> None:
    idle = [
        rule.key
        for rule in CATALOGUE
        if rule.key not in named()
        and rule.key not in ATTESTED
        and rule.key not in READ_BY_THE_ENGINE
        and rule.key not in READ_BY_PEOPLE
    ]
    assert idle == [], "ask them at a door, or add a line to tenants/duties/attested.py"


def test_the_lists_name_keys_that_exist_and_none_twice() -> None:
    lists = (set(ATTESTED), set(READ_BY_THE_ENGINE), set(READ_BY_PEOPLE))
    for listed in lists:
        assert {key for key in listed if key not in CATALOGUE} == set()
    assert sum(map(len, lists)) == len(set().union(*lists))


@pytest.mark.parametrize("key", sorted(READ_BY_THE_ENGINE))
def test_what_the_engine_reads_it_names(key: str) -> None:
    tree = ast.parse((ROOT / READ_BY_THE_ENGINE[key]).read_text("utf-8"))
    assert any(isinstance(node, ast.Constant) and node.value == key for node in ast.walk(tree))


@pytest.mark.parametrize("key", sorted(READ_BY_PEOPLE))
def test_what_is_only_shown_cannot_be_broken(key: str) -> None:
    """A rule that asks for facts is no mere value: it belongs to a door or to people who attest it."""
    assert CATALOGUE[key].kind.needs == ()
    assert (ROOT / READ_BY_PEOPLE[key]).is_file()
