"""Checks request parameters against the TypedDicts of the installed package: what its types do not know is refused."""

from __future__ import annotations

import importlib
import re
import sys
import typing
import urllib.parse
from functools import cache
from typing import Annotated, Any

import typing_extensions as te
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from stripe import _request_options

from deploy.standins.stripe.errors import ApiError

TYPES = {
    "customers": "_customer_create_params.CustomerCreateParams",
    "customers/:id": "_customer_update_params.CustomerUpdateParams",
    "accounts": "_account_create_params.AccountCreateParams",
    "payment_intents": "_payment_intent_create_params.PaymentIntentCreateParams",
    "payment_intents/:id": "_payment_intent_update_params.PaymentIntentUpdateParams",
    "payment_intents/:id/confirm": "_payment_intent_confirm_params.PaymentIntentConfirmParams",
    "payment_intents/:id/cancel": "_payment_intent_cancel_params.PaymentIntentCancelParams",
    "refunds": "_refund_create_params.RefundCreateParams",
    "checkout/sessions": "checkout._session_create_params.SessionCreateParams",
    "checkout/sessions/:id/expire": "checkout._session_expire_params.SessionExpireParams",
    "payouts": "_payout_create_params.PayoutCreateParams",
}
"""POST endpoints and the type of their parameters."""


def decode_form(raw: str) -> dict[str, Any]:
    """`a[b][0]=c` as nested dictionaries and lists."""
    out: dict[Any, Any] = {}
    for key, value in urllib.parse.parse_qsl(raw, keep_blank_values=True):
        parts: list[Any] = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", key)
        place = out
        for index, part in enumerate(parts):
            name = int(part) if part.isdigit() else part if part else len(place)
            if index == len(parts) - 1:
                place[name] = value
            else:
                place = place.setdefault(name, {})
    decoded: dict[str, Any] = _lists(out)
    return decoded


def checked(route: str, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with its numbers and switches read. Raises ApiError for what the types do not allow."""
    if route not in TYPES:
        return given
    try:
        found: dict[str, Any] = _adapter(TYPES[route]).validate_python(given)
    except ValidationError as exc:
        first = min(exc.errors(), key=lambda e: (e["type"] != "extra_forbidden", e["type"] != "missing"))
        where = _bracketed(first["loc"])
        wording = {
            "extra_forbidden": ("Received unknown parameter", "parameter_unknown"),
            "missing": ("Missing required param", "parameter_missing"),
        }
        text, code = wording.get(first["type"], (f"Invalid value ({first['msg']})", "parameter_invalid"))
        raise ApiError(400, "invalid_request_error", f"{text}: {where}", code, where, kept=False) from exc
    return found


def truthy(value: Any) -> bool:
    return value in (True, "true", "True", "1")


def whole(value: Any) -> Any:
    """A number of minor units as a form sends it. Lax parsing would take "360.0" for 360."""
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("must be an integer")


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(k, int) for k in value):
        return [_lists(value[k]) for k in sorted(value)]
    return {str(k): _lists(v) for k, v in value.items()}


def _bracketed(loc: tuple[int | str, ...]) -> str:
    # Names that pydantic adds for the branches of a union are no part of the path.
    parts = [str(p) for p in loc if isinstance(p, int) or re.fullmatch(r"[a-z0-9_]+", p)]
    parts = [p for p in parts if p not in ("str", "int", "bool")]
    return parts[0] + "".join(f"[{p}]" for p in parts[1:]) if parts else ""


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    module, _, cls = name.rpartition(".")
    return TypeAdapter(_closed(getattr(importlib.import_module(f"stripe.params.{module}"), cls)))


class _Untyped:
    """Stands for the package's UntypedStripeObject[X], which is a plain mapping in a request."""

    def __class_getitem__(cls, item: Any) -> Any:
        return dict[str, item]


@cache
def _closed(typed_dict: Any) -> Any:
    """A copy of a TypedDict with its forward references resolved, that refuses extra keys."""
    names = {
        **vars(typing),
        **vars(_request_options),
        **vars(sys.modules[typed_dict.__module__]),
        "StripeContext": str,
        "UntypedStripeObject": _Untyped,
    }
    hints = te.get_type_hints(typed_dict, globalns=names, include_extras=True)
    maker: Any = te.TypedDict
    made: Any = maker(typed_dict.__name__, {k: _resolved(v) for k, v in hints.items()})
    made.__pydantic_config__ = ConfigDict(extra="forbid")
    return made


def _resolved(hint: Any) -> Any:
    if te.is_typeddict(hint):
        return _closed(hint)
    if hint is int:
        return Annotated[int, BeforeValidator(whole)]
    origin, args = te.get_origin(hint), te.get_args(hint)
    if origin is te.NotRequired or origin is typing.NotRequired:
        return te.NotRequired[_resolved(args[0])]
    if origin is typing.Literal or origin is te.Literal or not args:
        return hint
    inner = tuple(_resolved(a) for a in args)
    if origin is typing.Union or str(origin) == "<class 'types.UnionType'>":
        return typing.Union[inner]  # noqa: UP007
    if origin in (list, dict):
        return origin[inner if len(inner) > 1 else inner[0]]
    return hint
