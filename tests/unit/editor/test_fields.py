"""The form of a rule follows its kind: every key has one, and every rule of every shipped pack comes back as it was."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from core.policy.catalogue import RuleDef
from core.policy.rules import CATALOGUE
from core.web.forms import Form
from deploy.commands.packs import PACKS
from tenants.editor.fields import SCOPES, control, form_of, from_form, to_form

FILES = sorted(PACKS.glob("*.toml"))


def sent(rule: RuleDef, raw: dict[str, Any]) -> dict[str, Any]:
    """What a browser would send for the form of a rule as it is first shown."""
    form = Form.blank(form_of(rule), to_form(rule, raw))
    data: dict[str, Any] = {}
    for name in ("force", "clause", "quote", "note"):
        data[name] = form.field(name).value
    if form.field("provisional").checked:
        data["provisional"] = "true"
    for name in SCOPES:
        data[name] = list(form.field(name).values)
    if control(rule.kind).shape == "steps":
        for n, _step in enumerate(form.data["value"]):
            data[f"value.{n}.word"] = form.field(f"value.{n}.word").value
    else:
        field = form.field("value")
        data["value"] = list(field.values) if field.many else field.value
        shown = [value for value, _label in field.options]
        assert set(field.values if field.many else [field.value] if shown else []) <= set(shown)
    return data


def same(one: dict[str, Any], other: dict[str, Any], rule: RuleDef) -> bool:
    """Whether two rules say the same: sets are sets."""
    plain = [{k: v for k, v in r.items() if k not in ("value", "when")} for r in (one, other)]
    plain = [{k: v for k, v in r.items() if v not in ("", False)} for r in plain]
    scopes = [{k: set(v) for k, v in r.get("when", {}).items()} for r in (one, other)]
    return (
        plain[0] == plain[1]
        and scopes[0] == scopes[1]
        and rule.kind.parse(one["value"]) == rule.kind.parse(other["value"])
    )


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_rule_of_a_pack_survives_its_form(path: Any) -> None:
    for raw in tomllib.loads(path.read_text("utf-8"))["rule"]:
        rule = CATALOGUE[raw["key"]]
        form: Form[Any] = Form.read(form_of(rule), sent(rule, raw))
        assert form, (raw["key"], form.errors)
        assert same(from_form(rule, form.value), raw, rule), raw["key"]


def test_every_key_has_a_form_that_asks_for_its_value() -> None:
    for rule in CATALOGUE:
        empty: Form[Any] = Form.read(form_of(rule), {"force": "block", "clause": "1 二", "quote": "原文在此"})
        assert not empty
        assert set(empty.errors) == {"value"}, rule.key


@pytest.mark.parametrize(
    ("key", "kind", "unit"),
    [
        ("fee.per_lesson_max", "yuan", "元"),
        ("subsidy.control_per_pupil_year", "yuan", "元"),
        ("time.minutes_max", "number", "分钟"),
        ("fee.hardship_percent", "number", "%"),
        ("time.latest_end", "time", None),
        ("time.windows", "checks", None),
        ("content.flag_words", "textarea", None),
        ("plan.survey", "seg", None),
        ("fee.payer", "radio", None),
        ("lunch.payer", "radio", None),
    ],
)
def test_the_control_is_that_of_the_kind(key: str, kind: str, unit: str | None) -> None:
    field = Form.blank(form_of(CATALOGUE[key])).field("value")
    assert field.kind == kind
    assert (None if field.ui.unit is None else str(field.ui.unit)) == unit


def test_yuan_are_typed_and_fen_are_kept() -> None:
    rule = CATALOGUE["fee.per_lesson_max"]
    data = {"value": "3.20", "force": "block", "clause": "1 二", "quote": "每课时不超过3.2元"}
    form: Form[Any] = Form.read(form_of(rule), data)
    assert from_form(rule, form.value)["value"] == 320
    assert Form.blank(form_of(rule), to_form(rule, {"value": 320})).field("value").value == "3.20"


def test_weights_and_spans_are_lines() -> None:
    rule = CATALOGUE["score.weights"]
    shares = {"satisfaction": 40, "lessons_held": 40, "punctuality": 10, "complaints": 10}
    shown = to_form(rule, {"value": shares})["value"]
    assert shown.splitlines()[0] == "满意度 40"
    said = {"value": shown, "force": "block", "clause": "1 二", "quote": "满意度占四成"}
    assert from_form(rule, Form.read(form_of(rule), said).value)["value"] == shares
    with pytest.raises(ValueError, match="100"):
        rule.kind.parse({**shares, "complaints": 20})
