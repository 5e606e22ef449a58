"""What a browser sent, as the data of a form: names gathered into rows, blanks left out, digits made half-width."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from core.web.fields import Ui, half_width, shape, submodel, ui_of


@runtime_checkable
class _Multi(Protocol):
    """A form's data with several values of a name (Litestar's, Starlette's)."""

    def getall(self, key: str) -> list[Any]: ...


def _all(source: Mapping[str, Any], name: str) -> list[Any]:
    if isinstance(source, _Multi):
        return list(source.getall(name)) if name in source else []
    value = source.get(name)
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _clean(value: Any, ui: Ui, kind: str) -> Any:
    if not isinstance(value, str):
        return value
    value = value.strip().replace("\r\n", "\n")
    if kind in ("number", "yuan", "date", "time", "datetime", "tel") or ui.inputmode in (
        "numeric",
        "decimal",
    ):
        return half_width(value)
    return value


def _empty(value: Any) -> bool:
    if value is None or value == "" or value == []:
        return True
    # A file input with nothing chosen still sends a part, without a name.
    return getattr(value, "filename", None) == ""


def unwritable(value: Any) -> bool:
    """Whether there are control characters in it besides line ends and tabs: no keyboard makes them, no paper shows
    them, and PostgreSQL stores no NUL."""
    if isinstance(value, str):
        return any((char < " " and char not in "\n\r\t") or char == "\x7f" for char in value)
    if isinstance(value, dict):
        return any(map(unwritable, value.values()))
    return isinstance(value, list) and any(map(unwritable, value))


def collect(model: type[BaseModel], source: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """What was sent for the fields of `model`, not yet checked; rows of models become lists of mappings."""
    data: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        full = prefix + name
        rows = submodel(info.annotation)
        if rows is not None:
            data[name] = _rows_of(rows, source, full)
            continue
        ui = ui_of(info)
        kind = ui.control(info)
        got = [_clean(value, ui, kind) for value in _all(source, full)]
        if kind == "checkbox":
            data[name] = bool(got) and got[-1] not in ("", "false", "off", "0", False)
        elif shape(info.annotation) == "list":
            data[name] = [value for value in got if not _empty(value)]
        elif got:
            data[name] = got[-1]
    return data


def _rows_of(model: type[BaseModel], source: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    pattern = re.compile(rf"{re.escape(name)}\.(\d{{1,4}})\.")
    numbers = sorted({int(found[1]) for key in source if (found := pattern.match(key))})
    rows = (collect(model, source, f"{name}.{number}.") for number in numbers)
    # A row left wholly blank is no row: forms offer a spare one.
    return [row for row in rows if any(not _empty(value) and value is not False for value in row.values())]


def given(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """What to validate: blanks are left out, so that defaults and "missing" mean what they say."""
    kept: dict[str, Any] = {}
    for name, value in data.items():
        info = model.model_fields[name]
        rows = submodel(info.annotation)
        if rows is not None and isinstance(value, Sequence):
            kept[name] = [given(rows, row) for row in value]
        elif not _empty(value):
            kept[name] = value
        elif value == [] and not info.is_required():
            kept[name] = []
    return kept
