"""What sign-in forms and the API take."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from core.base.text import lazy_gettext as _l
from core.web.fields import Phone, Ui, half_width


def _digits(value: Any) -> Any:
    return half_width(value).replace(" ", "") if isinstance(value, str) else value


Code = Annotated[str, BeforeValidator(_digits), Field(pattern=r"^[0-9]{6}$")]


class AskCode(BaseModel):
    """A phone that wants a code."""

    phone: Annotated[Phone, Ui(_l("手机号"), help=_l("学校登记的手机号。我们会发一条带验证码的短信"))]
    next: Annotated[str, Ui(kind="hidden")] = ""


class GiveCode(BaseModel):
    """A phone and the code that it got."""

    phone: Annotated[Phone, Ui(_l("手机号"), kind="hidden")]
    code: Annotated[
        Code,
        Ui(
            _l("验证码"),
            inputmode="numeric",
            autocomplete="one-time-code",
            placeholder="000000",
            messages={"string_pattern_mismatch": _l("请填写短信里的 6 位数字")},
        ),
    ]
    next: Annotated[str, Ui(kind="hidden")] = ""
