"""The JSON Schema made from the types: every shipped pack fits it, and it refuses what the loader refuses.

The checker knows the words of JSON Schema that the generated schema uses, and stops at one that it does not know.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.policy.service import json_schema
from deploy.commands.packs import PACKS, packs

FILES = sorted(PACKS.glob("*.toml"))
SILENT = {"title", "description", "default"}
TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda x: isinstance(x, dict),
    "array": lambda x: isinstance(x, list),
    "string": lambda x: isinstance(x, str),
    "integer": lambda x: isinstance(x, int) and not isinstance(x, bool),
    "boolean": lambda x: isinstance(x, bool),
    "null": lambda x: x is None,
}


def faults(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str = "") -> Iterator[str]:
    for word, said in schema.items():
        if word in SILENT or word in ("$defs", "then"):
            continue
        if word == "$ref":
            yield from faults(value, root["$defs"][said.rpartition("/")[2]], root, at)
        elif word == "type":
            if not TYPES[said](value):
                yield f"{at}: not {said}"
        elif word == "enum":
            if value not in said:
                yield f"{at}: not one of the list"
        elif word == "const":
            if value != said:
                yield f"{at}: not {said}"
        elif word == "anyOf":
            if all(list(faults(value, one, root, at)) for one in said):
                yield f"{at}: fits none"
        elif word == "allOf":
            for one in said:
                yield from faults(value, one, root, at)
        elif word == "if":
            if not list(faults(value, said, root, at)):
                yield from faults(value, schema["then"], root, at)
        else:
            yield from _limits(word, said, value, schema, root, at)


def _limits(word: str, said: Any, value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    if word == "format":
        assert said == "date"
        date.fromisoformat(value)
    elif word == "pattern":
        if not re.search(said, value):
            yield f"{at}: pattern"
    elif word in ("minLength", "minItems"):
        if len(value) < said:
            yield f"{at}: too short"
    elif word == "maxLength":
        if len(value) > said:
            yield f"{at}: too long"
    elif word in ("minimum", "maximum"):
        if not isinstance(value, int) or (value < said if word == "minimum" else value > said):
            yield f"{at}: {word}"
    elif word == "items":
        for n, item in enumerate(value if isinstance(value, list) else ()):
            yield from faults(item, said, root, f"{at}.{n}")
    elif word == "required":
        yield from (f"{at}.{name}: missing" for name in said if name not in value)
    elif word == "properties":
        for name, inner in said.items():
            if isinstance(value, dict) and name in value:
                yield from faults(value[name], inner, root, f"{at}.{name}")
    elif word == "additionalProperties":
        extra = value.keys() - schema.get("properties", {}).keys()
        if said is False:
            yield from (f"{at}.{name}: unknown" for name in sorted(extra))
        else:
            for name in extra:
                yield from faults(value[name], said, root, f"{at}.{name}")
    else:
        raise AssertionError(f"the schema uses {word}, which this checker does not know")


def as_json(path: Path) -> dict[str, Any]:
    """A pack file as JSON has it: dates as text."""
    raw = tomllib.loads(path.read_text("utf-8"))
    found: dict[str, Any] = json.loads(json.dumps(raw, default=lambda day: day.isoformat()))
    return found


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


@pytest.mark.req("C-01")
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_shipped_pack_fits(path: Path, schema: dict[str, Any]) -> None:
    assert list(faults(as_json(path), schema, schema)) == []


def _spoiled(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    raw = deepcopy(as_json(FILES[0]))
    change(raw)
    return raw


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda raw: raw["rule"][0].update(key="time.minute_max"), ".rule.0.key: not one of the list"),
        (lambda raw: raw["rule"][0].pop("clause"), ".rule.0.clause: missing"),
        (lambda raw: raw["rule"][0].update(force="must"), ".rule.0.force: not one of the list"),
        (lambda raw: raw["rule"][0].update(quote="长" * 30), ".rule.0.quote: too long"),
        (lambda raw: raw["rule"][0].update(wehn={}), ".rule.0.wehn: unknown"),
        (lambda raw: raw.update(source=[]), ".source: too short"),
        (lambda raw: raw.pop("source"), ".source: missing"),
        (lambda raw: raw["source"][0].update(sha256="abc"), ".source.0.sha256: pattern"),
        (lambda raw: raw.update(level="state"), ".level: not one of the list"),
        (lambda raw: raw["rule"].append({**raw["rule"][0], "key": "time.minutes_max", "value": "two"}), "not integer"),
        (lambda raw: raw["rule"].append({**raw["rule"][0], "key": "content.kinds", "value": ["x"]}), "not one of"),
    ],
)
def test_what_the_loader_refuses_does_not_fit(change: Any, where: str, schema: dict[str, Any]) -> None:
    found = list(faults(_spoiled(change), schema, schema))
    assert any(where in fault for fault in found), found


def test_the_command_prints_it(schema: dict[str, Any]) -> None:
    done = CliRunner().invoke(packs, ["schema"])
    assert done.exit_code == 0
    assert json.loads(done.output)["required"] == schema["required"]
