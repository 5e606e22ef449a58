"""Refusals in the form in which Stripe words them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer other than 200. `kept` answers are remembered under the idempotency key, as Stripe does once it
    began to carry out the request."""

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        code: str | None = None,
        param: str | None = None,
        *,
        kept: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kept = kept
        named = {"type": kind, "message": message, "code": code, "param": param, **more}
        self.body: dict[str, Any] = {"error": {k: v for k, v in named.items() if v is not None}}


def invalid(message: str, code: str | None = None, param: str | None = None, **more: Any) -> ApiError:
    """400 for a request that makes no sense."""
    return ApiError(400, "invalid_request_error", message, code, param, **more)


def missing(kind: str, id_: str) -> ApiError:
    """404 for an object that is not there, or is another account's."""
    text = f"No such {kind}: '{id_}'"
    return ApiError(404, "invalid_request_error", text, "resource_missing", "id", kept=False)
