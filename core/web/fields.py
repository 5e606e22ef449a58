"""What a form has to know about a field besides its type, and the field types that Chinese school forms repeat.

class Contact(BaseModel):
    phone: Annotated[Phone, Ui(_l("手机号"), help=_l("有变动时发短信到这个号码"))]
    grade: Annotated[int, Field(ge=1, le=9), Ui(_l("年级"), options=grade_options)]
"""

from __future__ import annotations

import re
import types
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationInfo
from pydantic.fields import FieldInfo

from core.base.clock import SCHOOL_ZONE
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l

Option = tuple[Any, Any]
"""A choice: the value as it is sent, and its label (text or lazy text)."""

Kind = Literal[
    "text", "tel", "number", "yuan", "date", "time", "datetime", "textarea", "select", "radio", "checks", "seg",
    "checkbox", "file", "password", "email", "search", "hidden",
]  # fmt: skip


@dataclass(frozen=True, eq=False)  # by identity: pydantic wants metadata it can hash
class Ui:
    """How a field is shown. Everything is optional; the label falls back on ``Field(title=…)``, then on the name.

    `options` are the choices, or a function that gives them; `messages` replace pydantic's sentence by error type;
    `unit` stands behind the input; `kind` overrides the control that the type would get.
    """

    label: str | None = None
    help: str | None = None
    kind: Kind | None = None
    options: Iterable[Option] | Callable[[], Iterable[Option]] | None = None
    messages: Mapping[str, str] = field(default_factory=dict)
    placeholder: str | None = None
    autocomplete: str | None = None
    inputmode: str | None = None
    unit: str | None = None
    rows: int = 3
    accept: str | None = None

    def over(self, base: Ui) -> Ui:
        """These settings, completed by `base`'s where this one is silent."""
        mine = {name: value for name, value in vars(self).items() if value != getattr(_SILENT, name)}
        return Ui(**{**vars(base), **mine, "messages": {**base.messages, **self.messages}})

    def choices(self, annotation: Any) -> list[tuple[str, str]]:
        """The choices as strings to send and to show; those of a Literal or Enum need no list."""
        listed = self.options() if callable(self.options) else self.options
        if listed is None:
            inner = _inner(annotation)
            if isinstance(inner, type) and issubclass(inner, Enum):
                listed = [(member.value, getattr(member, "label", member.value)) for member in inner]
            elif get_origin(inner) is Literal:
                listed = [(value, value) for value in get_args(inner)]
        return [(_sent(value), str(label)) for value, label in listed or ()]

    def control(self, info: FieldInfo) -> Kind:
        """The control for a field: the one asked for, else the one that its type suggests."""
        if self.kind is not None:
            return self.kind
        kind, inner = shape(info.annotation), _inner(info.annotation)
        if kind == "list":
            return "checks"
        if self.options is not None or get_origin(inner) is Literal:
            return "select"
        if not isinstance(inner, type):
            return "text"
        if issubclass(inner, Enum):
            return "select"
        # bool before int and datetime before date: each is a kind of the other.
        for known, name in _CONTROLS:
            if issubclass(inner, known):
                return name
        longest = max((getattr(item, "max_length", 0) or 0 for item in info.metadata), default=0)
        return "textarea" if longest > 120 else "text"

    def chosen(self, info: FieldInfo) -> bool:
        """Whether the field is chosen rather than written: its missing message says so."""
        return self.control(info) in ("select", "radio", "checks", "seg", "file")


_SILENT: Final = Ui()
_CONTROLS: Final[tuple[tuple[type, Kind], ...]] = (
    (bool, "checkbox"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (int, "number"),
    (Decimal, "number"),
)


def ui_of(info: FieldInfo) -> Ui:
    """All `Ui` of a field, the outermost first, with its pydantic title and description as label and help."""
    merged = _SILENT
    for item in (*_inside(info.annotation), *info.metadata):
        if isinstance(item, Ui):
            merged = item.over(merged)
    return merged.over(Ui(label=info.title, help=info.description))


def _inside(annotation: Any) -> tuple[Any, ...]:
    """The metadata of an optional's one member: ``Phone | None`` is still a phone."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [item for item in get_args(annotation) if item is not type(None)]
        return _inside(rest[0]) if len(rest) == 1 else ()
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [item for item in get_args(annotation) if item is not type(None)]
        if len(rest) == 1:
            return _without_none(rest[0])
    if get_origin(annotation) is Annotated:
        return _without_none(get_args(annotation)[0])
    return annotation


def shape(annotation: Any) -> Literal["list", "one"]:
    """Whether a field takes several values of one name."""
    return "list" if get_origin(_without_none(annotation)) in (list, set, frozenset, tuple) else "one"


def _inner(annotation: Any) -> Any:
    """The type of one value: of an optional's, of a list's items."""
    bare = _without_none(annotation)
    if get_origin(bare) in (list, set, frozenset, tuple):
        items = get_args(bare)
        return _without_none(items[0]) if items else Any
    return bare


def submodel(annotation: Any) -> type[BaseModel] | None:
    """The model of a field that holds rows (a list of models), else None."""
    inner = _inner(annotation)
    if shape(annotation) == "list" and isinstance(inner, type) and issubclass(inner, BaseModel):
        return inner
    return None


def _sent(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(SCHOOL_ZONE).strftime("%Y-%m-%dT%H:%M") if value.tzinfo else value.isoformat()
    if isinstance(value, time):
        return f"{value.hour:02d}:{value.minute:02d}"
    return str(value)


def as_input(value: Any, kind: str) -> str:
    """A value as an input's `value` attribute: dates in ISO, moments on the school's clock, fen as yuan."""
    if value is None:
        return ""
    if kind == "yuan" and isinstance(value, int) and not isinstance(value, bool):
        yuan, rest = divmod(abs(value), 100)
        return ("-" if value < 0 else "") + f"{yuan}" + (f".{rest:02d}" if rest else "")
    return _sent(value)


def half_width(text: str) -> str:
    """Full-width digits, letters and colons as half-width ones: what a Chinese keyboard often leaves in a form."""
    return unicodedata.normalize("NFKC", text).strip()


# ---- types -------------------------------------------------------------------------------------------------


def _phone(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    digits = re.sub(r"[\s\-()]", "", half_width(value)).removeprefix("+86")
    if not re.fullmatch(r"1[3-9]\d{9}", digits, re.ASCII):
        raise ValueError(_("请填写 11 位手机号"))
    return digits


Phone = Annotated[
    str,
    BeforeValidator(_phone),
    Ui(kind="tel", inputmode="tel", autocomplete="tel", placeholder="13800000000"),
]
"""A mainland mobile number: 11 digits; spaces, hyphens and +86 are forgiven."""


def _fen(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, str) or info.mode == "json":
        return value
    text = half_width(value).replace(",", "").removeprefix("¥").removeprefix("￥").removesuffix("元").strip()
    try:
        yuan = Decimal(text)
    except InvalidOperation:
        raise ValueError(_("请填写金额，例如 360 或 360.50")) from None
    # The size first: to round what is far too large is an error of its own.
    if not yuan.is_finite() or abs(yuan) > 10**10 or yuan != round(yuan, 2):
        raise ValueError(_("请填写金额，最多保留 2 位小数"))
    return int(yuan * 100)


YuanAsFen = Annotated[int, BeforeValidator(_fen), Ui(kind="yuan", inputmode="decimal", unit=_l("元"))]
"""An amount typed in yuan and held in fen. JSON, which sends a number, gives fen directly."""


def _agreed(value: bool) -> bool:
    if not value:
        raise ValueError(_("请先阅读，再勾选同意"))
    return value


Agreed = Annotated[bool, AfterValidator(_agreed), Ui(kind="checkbox")]
"""A box that must be ticked."""


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(half_width(value))
        except ValueError:
            raise ValueError(_("请填写日期和时间，例如 2026-09-01 18:00")) from None
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=SCHOOL_ZONE)
    return value


SchoolMoment = Annotated[datetime, BeforeValidator(_moment), Ui(kind="datetime")]
"""A moment typed on the school's clock (Asia/Shanghai), held aware."""


def _weekday(value: int) -> int:
    if not 1 <= value <= 7:
        raise ValueError(_("请选择星期"))
    return value


def _week_options() -> list[Option]:
    from core.web.i18n import weekday

    return [(day, weekday(day)) for day in range(1, 8)]


def _school_week_options() -> list[Option]:
    return _week_options()[:5]


Weekdays = Annotated[list[Annotated[int, AfterValidator(_weekday)]], Ui(kind="seg", options=_school_week_options)]
"""School days as ISO numbers, shown as a row of toggles (Monday to Friday; give other `options` for weekends)."""
