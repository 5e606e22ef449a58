"""Faults that a test arms for the next calls: the connection breaks before or after the work, errors, silence."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["drop_before", "drop_after", "500_before", "500_after", "429", "409", "hang"]
KINDS: tuple[str, ...] = get_args(Kind)

ANSWERS = {
    "429": (429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}),
    "409": (
        409,
        {
            "error": {
                "type": "idempotency_error",
                "code": "idempotency_key_in_use",
                "message": "There is currently another in-progress request using this idempotency key.",
            }
        },
    ),
    "500_before": (500, {"error": {"type": "api_error", "message": "Sorry! Something went wrong."}}),
    "500_after": (500, {"error": {"type": "api_error", "message": "Sorry! Something went wrong."}}),
}


@dataclass(slots=True)
class Fault:
    """`kind` happens to the next `times` calls of `method` whose path matches the expression `path`."""

    kind: str
    method: str = "POST"
    path: str = ""
    times: int = 1
    seconds: float = 3.0


@dataclass(slots=True)
class Faults:
    armed: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, fault: Fault) -> None:
        if fault.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}")
        re.compile(fault.path)
        with self._lock:
            self.armed.append(fault)

    def clear(self) -> None:
        with self._lock:
            self.armed.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this call meets, if any."""
        with self._lock:
            for fault in self.armed:
                if fault.times > 0 and fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None
