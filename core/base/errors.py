"""Every refusal has a stable code, an HTTP status and a sentence in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from core.base.text import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a form or a body; `field` is its name, dotted inside lists ("items.2.days")."""

    field: str
    message: Any
    code: str = "invalid"


class KehouError(Exception):
    """Base of all errors that a user may see. A subclass sets `code`, `status` and `text`.

    `text` is a lazy Chinese sentence with %(name)s places filled from keyword arguments.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    text: ClassVar[Any] = _l("操作没有完成，请检查后再试")
    registered: ClassVar[dict[str, type[KehouError]]] = {}

    def __init__(self, *, fields: Sequence[FieldError] = (), **params: Any) -> None:
        super().__init__(self.code)
        self.fields = tuple(fields)
        self.params: Mapping[str, Any] = params

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            KehouError.registered[cls.code] = cls

    @property
    def message(self) -> str:
        """The sentence in the current locale."""
        text = str(self.text)
        return text % self.params if self.params and "%(" in text else text

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class NotSignedIn(KehouError):
    code = "not_signed_in"
    status = 401
    text = _l("请先登录")


class NotFound(KehouError):
    """Unknown and foreign look the same."""

    code = "not_found"
    status = 404
    text = _l("没有找到，可能已被删除，或者不在你的范围内")


class Forbidden(KehouError):
    code = "forbidden"
    status = 403
    text = _l("你没有这项操作的权限，请联系学校管理员")


class Invalid(KehouError):
    """A form or body with errors; `fields` names each."""

    code = "invalid"
    status = 422
    text = _l("有几处需要修改")


class Conflict(KehouError):
    code = "conflict"
    status = 409
    text = _l("情况已经变化，请刷新后再试")


class Busy(KehouError):
    """A lock or a pool could not be had in time; the same request may be sent again."""

    code = "busy"
    status = 503
    text = _l("现在人多，请稍后再试")


class CrossSite(KehouError):
    code = "cross_site"
    status = 403
    text = _l("请求来自别的网站，已拒绝。请从本站页面重新提交")


class TenantMissing(RuntimeError):
    """A programming error: tenant data was asked for outside a tenant's context."""
