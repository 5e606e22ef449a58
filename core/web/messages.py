"""What is wrong with an input: pydantic's errors as sentences that say what is right, in the reader's language.

Pages and the JSON API use the same ones. A field may bring its own sentence for an error type: see ``Ui.messages``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, core_schema

from core.base.errors import FieldError
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.web.fields import submodel, ui_of

FORM: Final = ""
"""The key of errors that belong to the whole form rather than to one field."""

_DATE: Final = _l("请填写日期，例如 2026-09-01")
_TIME: Final = _l("请填写时间，例如 16:30")
_MOMENT: Final = _l("请填写日期和时间，例如 2026-09-01 18:00")
_NUMBER: Final = _l("请填写数字，例如 36.5")
_WHOLE: Final = _l("请填写整数，例如 12")
_CHOOSE: Final = _l("请从列出的选项中选择")
_ADDRESS: Final = _l("请填写完整网址，例如 https://example.com")
_SHAPE: Final = _l("请按说明填写此项")

MESSAGES: Final[Mapping[str, str]] = {
    "missing": _l("请填写此项"),
    "extra_forbidden": _l("没有这一项，请去掉"),
    "none_required": _l("请留空此项"),
    "greater_than": _l("请填写大于 %(gt)s 的数"),
    "greater_than_equal": _l("请填写不小于 %(ge)s 的数"),
    "less_than": _l("请填写小于 %(lt)s 的数"),
    "less_than_equal": _l("请填写不大于 %(le)s 的数"),
    "multiple_of": _l("请填写 %(multiple_of)s 的倍数"),
    "finite_number": _NUMBER,
    "too_short": _l("请至少选择 %(min_length)s 项"),
    "too_long": _l("最多选择 %(max_length)s 项"),
    "string_type": _l("请填写文字"),
    "string_unicode": _l("请填写文字"),
    "string_too_short": _l("请至少填写 %(min_length)s 个字"),
    "string_too_long": _l("请不要超过 %(max_length)s 个字"),
    "string_not_ascii": _l("请只用英文字母、数字和半角符号"),
    "enum": _CHOOSE,
    "literal_error": _CHOOSE,
    "bool_type": _l("请选择是或否"),
    "bool_parsing": _l("请选择是或否"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _l("这个数太大，请检查"),
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_max_digits": _l("请不要超过 %(max_digits)s 位数字"),
    "decimal_max_places": _l("请最多保留 %(decimal_places)s 位小数"),
    "decimal_whole_digits": _l("小数点前请不要超过 %(whole_digits)s 位"),
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "date_past": _l("请填写今天以前的日期"),
    "date_future": _l("请填写今天以后的日期"),
    "time_type": _TIME,
    "time_parsing": _TIME,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_past": _l("请填写已经过去的时间"),
    "datetime_future": _l("请填写将来的时间"),
    "timezone_naive": _MOMENT,
    "timezone_aware": _MOMENT,
    "timezone_offset": _MOMENT,
    "url_type": _ADDRESS,
    "url_parsing": _ADDRESS,
    "url_syntax_violation": _ADDRESS,
    "url_too_long": _l("网址请不要超过 %(max_length)s 个字"),
    "url_scheme": _ADDRESS,
    "uuid_type": _CHOOSE,
    "uuid_parsing": _CHOOSE,
    "uuid_version": _CHOOSE,
    "json_invalid": _l("请发送正确的 JSON"),
}

_CHOICES_MISS: Final = frozenset(
    {"missing", "int_type", "int_parsing", "bool_parsing", "enum", "literal_error", "uuid_parsing"}
)
"""What a choice not made or made up looks like: its sentence never speaks of numbers."""
_KNOWN: Final = frozenset(get_args(core_schema.ErrorType))
_OWN_TEXT: Final = frozenset({"value_error", "assertion_error"})


def _models_on(model: type[BaseModel], path: tuple[int | str, ...]) -> tuple[Any, str]:
    """The field info that a location points at, going down through lists of models, and its dotted name."""
    current: type[BaseModel] | None = model
    info: Any = None
    names: list[str] = []
    for step in path:
        if isinstance(step, int):
            # An error inside a plain list (of days, say) is told at the list itself.
            if current is None:
                break
            names.append(str(step))
            continue
        if current is None or step not in current.model_fields:
            break
        info = current.model_fields[step]
        names.append(step)
        current = submodel(info.annotation)
    return info, ".".join(names)


def _sentence(info: Any, error: ErrorDetails) -> str:
    kind, context = error["type"], dict(error.get("ctx") or {})
    if info is not None:
        own = ui_of(info).messages.get(kind)
        if own is not None:
            return str(own) % context if "%(" in own else str(own)
    if kind in _OWN_TEXT:
        return str(context.get("error") or _SHAPE)
    known = MESSAGES.get(kind)
    if known is not None:
        if info is not None and kind in _CHOICES_MISS and ui_of(info).chosen(info):
            return _("请选择此项")
        if kind == "string_too_short" and context.get("min_length") == 1:
            return _("请填写此项")
        return str(known) % context if "%(" in known else str(known)
    # A PydanticCustomError carries a sentence of its own; pydantic's remaining ones are English and say how, not what.
    return error["msg"] if kind not in _KNOWN else str(_SHAPE)


def sentences(model: type[BaseModel], error: ValidationError) -> dict[str, list[str]]:
    """All errors at once: dotted field name (:data:`FORM` for the whole) to sentences in the current locale."""
    found: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        info, name = _models_on(model, detail["loc"])
        text = _sentence(info, detail)
        texts = found.setdefault(name or FORM, [])
        if text not in texts:
            texts.append(text)
    return found


def field_errors(model: type[BaseModel], error: ValidationError) -> tuple[FieldError, ...]:
    """The same as :class:`FieldError` items, for ``Invalid(fields=…)`` and problem details."""
    details = error.errors(include_url=False, include_input=False)
    named = [(*_models_on(model, detail["loc"]), detail) for detail in details]
    return tuple(dict.fromkeys(FieldError(name or FORM, _sentence(info, d), _code(d)) for info, name, d in named))


def plain_errors(details: Sequence[ErrorDetails]) -> tuple[FieldError, ...]:
    """The same where the model is not known: pydantic's own details, as Litestar hands them on."""
    return tuple(FieldError(".".join(map(str, d["loc"])), _sentence(None, d), _code(d)) for d in details)


def _code(detail: ErrorDetails) -> str:
    """A stable code: pydantic's type of error where it says one, `invalid` for a rule of our own."""
    return detail["type"] if detail["type"] in MESSAGES else "invalid"
