"""The form of one rule: what is asked for as its value follows from the kind of its key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy.catalogue import RuleDef
from core.policy.kinds import (
    AtLeast,
    AtMost,
    ClockValue,
    EarlierBy,
    Exactly,
    Forbidden,
    Kind,
    Latest,
    NotAbove,
    NotBefore,
    PerGroups,
    Required,
)
from core.policy.kinds_sets import AnyOf, Grants, Including, Mode, Parameter, Steps, Within, Without, Words
from core.policy.rules_people import SCORE_COMPONENTS
from core.policy.vocab_people import INSTRUMENTS
from core.policy.words import Vocab
from core.web.fields import Ui, YuanAsFen

FORCES: Final = [("block", _l("必须做到")), ("warn", _l("原则上做到"))]
UNITS: Final[Mapping[str, Any]] = {
    "minutes": _l("分钟"),
    "percent": "%",
    "people": _l("人"),
    "days": _l("天"),
    "weeks": _l("周"),
    "week": _l("周（第几周）"),
    "times": _l("次"),
    "periods": _l("课时"),
    "points": _l("分"),
    "pieces": _l("份"),
    "metres": _l("米"),
}
SCOPES: Final[Mapping[str, tuple[Any, Vocab]]] = {
    "stages": (_l("学段"), v.STAGES),
    "grades": (_l("年级"), v.GRADES),
    "seasons": (_l("季节"), v.SEASONS),
    "windows": (_l("时段"), v.WINDOWS),
    "providers": (_l("提供方"), v.PROVIDERS),
    "instruments": (_l("经费"), INSTRUMENTS),
}
"""The dimensions of a rule's scope, as `when` names them."""

SET_KINDS: Final = (Within, Without, Including, AnyOf, Grants)
_NUMBERS: Final = (AtMost, AtLeast, Exactly)
_FLAGS: Final = (Required, Forbidden, NotBefore, NotAbove)
_CLOCK: Final = r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$"
_AT_LEAST_ONE: Final = {"missing": _l("请至少选择一项"), "too_short": _l("请至少选择一项")}


class Step(BaseModel):
    """One step of a chain."""

    model_config = ConfigDict(extra="forbid")
    word: str


class RuleForm(BaseModel):
    """What every rule says beside its value; the form of a key adds `value`."""

    force: Annotated[
        Literal["block", "warn"],
        Ui(_l("约束力"), kind="seg", options=FORCES, help=_l("原则上做到：学校写明理由可以不按")),
    ]
    clause: Annotated[
        str,
        Field(min_length=1, max_length=60),
        Ui(_l("条款"), help=_l("以依据文件的编号开头，再写章、条、款"), placeholder="1 三（一）"),
    ]
    quote: Annotated[
        str, Field(min_length=2, max_length=29), Ui(_l("原文"), help=_l("从文件里原样摘录，2–29 个字"), kind="text")
    ]
    note: Annotated[
        str, Field(max_length=500), Ui(_l("说明"), kind="textarea", rows=2, help=_l("为什么这样读，可不填"))
    ] = ""
    provisional: Annotated[bool, Ui(_l("这是本局的理解，文件没有写明"), kind="checkbox")] = False


@dataclass(frozen=True, slots=True)
class Control:
    """How a value is asked for: the type of the form's field, and the two ways between a pack's raw value and it."""

    type: Any
    shape: Literal["one", "many", "lines", "steps"] = "one"


def form_of(rule: RuleDef) -> type[RuleForm]:
    """The form of a rule of this key: its value, its force, where it is written, and for whom it holds."""
    scope: dict[str, Any] = {
        name: (Annotated[_words(vocab), _ticks(title, vocab)], []) for name, (title, vocab) in SCOPES.items()
    }
    made: type[RuleForm] = create_model("RuleFormOf", __base__=RuleForm, value=(control(rule.kind).type, ...), **scope)
    return made


def _words(vocab: Vocab) -> Any:
    return list[int] if all(isinstance(word, int) for word in vocab.labels) else list[str]


def _ticks(title: Any, vocab: Vocab) -> Ui:
    return Ui(title, kind="checks", options=list(vocab.labels.items()), messages=_AT_LEAST_ONE)


_VALUE: Final = _l("要求")


def control(kind: Kind) -> Control:
    """The control for the values of a kind."""
    if isinstance(kind, _NUMBERS):
        return Control(_number(kind.unit, 0))
    if isinstance(kind, EarlierBy):
        return Control(_number("minutes", 0))
    if isinstance(kind, PerGroups):
        unit = Ui(_VALUE, unit=_l("个班 1 名"), kind="number")
        return Control(Annotated[int, Field(ge=1, le=10_000), unit])
    if isinstance(kind, (Latest, ClockValue)):
        told = {"string_pattern_mismatch": _l("请填写时间，例如 16:30")}
        return Control(Annotated[str, Field(pattern=_CLOCK), Ui(_VALUE, kind="time", messages=told)])
    if isinstance(kind, _FLAGS):
        choice = Ui(_VALUE, kind="seg", options=[("true", _l("是")), ("false", _l("否"))])
        return Control(Annotated[Literal["true", "false"], choice])
    if isinstance(kind, SET_KINDS):
        return Control(Annotated[_words(kind.vocab), Field(min_length=1), _ticks(_VALUE, kind.vocab)], "many")
    if isinstance(kind, Mode):
        return Control(_choice(kind.vocab.labels.items()))
    if isinstance(kind, Steps):
        return Control(Annotated[list[Step], Field(min_length=1), Ui(_VALUE)], "steps")
    if isinstance(kind, Words):
        return Control(_lines(_l("每行一个词，至少 2 个字")), "lines")
    if isinstance(kind, Parameter):
        return _parameter(kind)
    raise TypeError(f"no control for a {type(kind).__name__}")


def _number(unit: str, least: int) -> Any:
    if unit == "fen":
        return Annotated[YuanAsFen, Field(ge=least, le=100_000_000), Ui(_VALUE)]
    return Annotated[int, Field(ge=least, le=1_000_000), Ui(_VALUE, unit=UNITS[unit], kind="number")]


def _choice(options: Iterable[tuple[Any, Any]]) -> Any:
    listed = [(str(word), label) for word, label in options]
    names = tuple(word for word, _label in listed)
    return Annotated[Literal[names], Ui(_VALUE, kind="radio", options=listed)]


def _lines(told: Any) -> Any:
    return Annotated[str, Field(min_length=1, max_length=4000), Ui(_VALUE, kind="textarea", rows=6, help=told)]


def _parameter(kind: Parameter) -> Control:
    """By the shape of the value: a word of a list, several of them, a number, lines, or shares by name."""
    shape = kind.adapter.json_schema()
    if kind.unit is not None:
        return Control(_number(kind.unit, 0))
    if "enum" in shape:
        return Control(_choice((word, kind.show(word)) for word in shape["enum"]))
    if shape.get("type") == "integer":
        limits = Field(ge=shape.get("minimum", 0), le=shape.get("maximum", 1_000_000))
        return Control(Annotated[int, limits, Ui(_VALUE, kind="number")])
    if shape.get("type") == "array" and "enum" in shape["items"]:
        options = [(word, kind.show(frozenset({word}))) for word in shape["items"]["enum"]]
        ticks = Ui(_VALUE, kind="checks", options=options, messages=_AT_LEAST_ONE)
        return Control(Annotated[list[str], Field(min_length=1), ticks], "many")
    if shape.get("type") == "array":
        return Control(_lines(_l("每行一段时间，例如 15:20–16:00")), "lines")
    if shape.get("type") == "object":
        return Control(_lines(_l("每行一项和它的比重，例如：满意度 40；合计 100")), "lines")
    told = Ui(_VALUE, help=_l("月-日，例如 09-01"), messages={"string_pattern_mismatch": _l("请写成月-日，例如 09-01")})
    return Control(Annotated[str, Field(pattern=shape.get("pattern", "")), told])


def to_form(rule: RuleDef, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The first values of the form, from the fields of a `[[rule]]`."""
    kind, value = rule.kind, raw.get("value")
    shape = control(kind).shape
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif shape == "lines" and isinstance(value, Mapping):
        value = "\n".join(f"{SCORE_COMPONENTS.get(name, name)} {share}" for name, share in value.items())
    elif shape == "lines" and isinstance(value, (list, tuple)):
        value = "\n".join(map(str, value))
    elif shape == "steps" and isinstance(value, (list, tuple)):
        value = [{"word": word} for word in value]
    return {
        "value": value,
        **{name: raw.get(name, "") for name in ("force", "clause", "quote", "note")},
        "provisional": raw.get("provisional", False),
        **{name: raw.get("when", {}).get(name, []) for name in SCOPES},
    }


def from_form(rule: RuleDef, form: RuleForm) -> dict[str, Any]:
    """The fields of a `[[rule]]`, from a form that was filled in rightly. The kind has still to parse the value."""
    value: Any = form.value  # type: ignore[attr-defined]
    shape = control(rule.kind).shape
    if value in ("true", "false") and isinstance(rule.kind, _FLAGS):
        value = value == "true"
    elif shape == "steps":
        value = [step.word for step in value]
    elif shape == "lines":
        lines = [line.strip() for line in value.splitlines() if line.strip()]
        if isinstance(rule.kind, Parameter):
            # Spans and shares, as people type them.
            lines = [line.replace("–", "-").replace("—", "-").replace("：", " ") for line in lines]
        value = _shares(lines) if rule.kind.adapter.json_schema().get("type") == "object" else lines
    made: dict[str, Any] = {
        "key": rule.key,
        "value": value,
        "force": form.force,
        "clause": form.clause,
        "quote": form.quote,
    }
    when = {name: chosen for name in SCOPES if (chosen := getattr(form, name))}
    if when:
        made["when"] = when
    if form.note:
        made["note"] = form.note
    if form.provisional:
        made["provisional"] = True
    return made


def _shares(lines: list[str]) -> dict[str, Any]:
    """`满意度 40` as {"satisfaction": 40}; what is no share stays text, for the kind to refuse."""
    names = {str(label): name for name, label in SCORE_COMPONENTS.items()}
    found: dict[str, Any] = {}
    for line in lines:
        name, _, share = line.rpartition(" ")
        found[names.get(name.strip(), name.strip())] = int(share) if share.isdecimal() else share
    return found
