"""Refusals as answers: RFC 9457 problem details for the API, a page in the same words for people."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.response import Redirect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.base.errors import Busy, Conflict, FieldError, Forbidden, Invalid, KehouError, NotFound
from core.base.text import lazy_gettext as _l
from core.db.engine import connection_lost
from core.web.messages import plain_errors

log = logging.getLogger("kehou.web")

TRY_AGAIN = frozenset({"40001", "40P01", "55P03", "57014"})
"""Serialization failure, deadlock, lock not available, cancelled: the same request may be sent again."""

UNWRITABLE = frozenset({"22021", "22P05"})
"""A text that PostgreSQL cannot store: NUL, in a text or in JSON."""


class Crashed(KehouError):
    code = "internal_error"
    status = 500
    text = _l("系统出错了，我们已经记录下来。你的资料没有丢失，请稍后再试")


class MethodWrong(KehouError):
    code = "method_not_allowed"
    status = 405
    text = _l("这个地址不能这样使用")


class TooLarge(KehouError):
    code = "too_large"
    status = 413
    text = _l("文件太大，最多 20 MB")


def as_kehou_error(exc: Exception) -> KehouError:
    """Any exception as one with a stable code; what is unknown becomes `internal_error` and is logged."""
    if isinstance(exc, KehouError):
        return exc
    if isinstance(exc, ValidationException):
        found = getattr(exc.__cause__, "errors", None)  # pydantic's, about a JSON body
        if isinstance(found, list):
            return Invalid(fields=plain_errors(found))
        extra = exc.extra if isinstance(exc.extra, list) else []
        return Invalid(fields=[FieldError(str(e.get("key", "")), e.get("message", "")) for e in extra])
    if isinstance(exc, HTTPException):
        known: dict[int, KehouError] = {
            404: NotFound(),
            403: Forbidden(),
            405: MethodWrong(),
            413: TooLarge(),
        }
        return known.get(exc.status_code) or (Invalid() if exc.status_code < 500 else Crashed())
    if isinstance(exc, PoolTimeout):
        return Busy()
    if connection_lost(exc):
        log.warning("the database was away: %s", exc)
        return Busy()
    if isinstance(exc, IntegrityError):
        log.warning("constraint refused a write: %s", exc.orig)
        return Conflict()
    if isinstance(exc, DBAPIError) and getattr(exc.orig, "sqlstate", None) in TRY_AGAIN:
        return Busy()
    if isinstance(exc, DBAPIError) and getattr(exc.orig, "sqlstate", None) in UNWRITABLE:
        log.warning("the database refused a value: %s", exc.orig)
        return Invalid(fields=[FieldError("", _l("有看不见的控制字符，请删掉后重新填写"), "unwritable")])
    if isinstance(exc, OverflowError) or (isinstance(exc, DBAPIError) and _beyond(exc)):
        log.warning("a date or number beyond all bounds", exc_info=exc)
        return Invalid(fields=[FieldError("", _l("日期或数字超出了范围"), "out_of_range")])
    return Crashed()


def _beyond(exc: DBAPIError) -> bool:
    """Whether the driver had no room for a number: 22000 is its own code, of values that it never sent."""
    return getattr(exc.orig, "sqlstate", None) == "22000" and "out of" in str(exc.orig)


def wants_page(request: Request[Any, Any, Any]) -> bool:
    """A browser asks for a page; the API is under /api/ and webhooks under /hooks/."""
    return not request.url.path.startswith(("/api/", "/hooks/")) and "text/html" in request.headers.get("accept", "")


def problem(error: KehouError, instance: str) -> dict[str, Any]:
    """The RFC 9457 body of an error, with `code` and, for a form, `errors` by field."""
    body: dict[str, Any] = {
        "type": f"urn:kehou:error:{error.code}",
        "title": error.message,
        "status": error.status,
        "code": error.code,
        "instance": instance,
    }
    if error.fields:
        body["errors"] = [{"field": f.field, "code": f.code, "message": str(f.message)} for f in error.fields]
    objections = error.params.get("objections")
    if objections:
        body["objections"] = [_objection(o) for o in objections]
    return body


def _objection(objection: Any) -> dict[str, str]:
    """An objection, or its stored record, as the API tells it."""
    told = objection if isinstance(objection, Mapping) else objection.record()
    return {name: str(told[name]) for name in ("code", "message", "force", "clause", "source")}


def answer(request: Request[Any, Any, Any], exc: Exception) -> Response[Any]:
    """The application's only exception handler."""
    error = as_kehou_error(exc)
    if isinstance(error, Crashed):
        log.exception("request %s failed", request.state.get("request_id", ""), exc_info=exc)
    headers = {"Retry-After": "2"} if error.status == 503 else {}
    if not wants_page(request):
        return Response(
            problem(error, request.url.path),
            status_code=error.status,
            media_type="application/problem+json",
            headers=headers,
        )
    if error.status == 401 and request.method == "GET":
        return Redirect(f"/sign-in?next={quote(request.url.path)}")
    path = request.url.path
    if isinstance(error, MethodWrong) and request.method == "GET" and path.startswith("/t/"):
        # A form that was refused stands at its own address: opened again, that leads to the page that has the form.
        return Redirect(path.rstrip("/").rpartition("/")[0], status_code=303)
    slug = path.removeprefix("/t/").partition("/")
    home = f"/t/{slug[0]}" if path.startswith("/t/") and slug[2] else "/"
    titles = {401: _l("请先登录"), 403: _l("没有权限"), 404: _l("没有找到这个页面"), 503: _l("请稍后再试")}
    html = request.app.state.pages.render(
        "error.html",
        status=error.status,
        title=str(titles.get(error.status, _l("没有完成"))),
        text=error.message,
        request_id=request.state.get("request_id", "") if error.status >= 500 else "",
        home=home,
    )
    return Response(html, status_code=error.status, media_type=MediaType.HTML, headers=headers)
