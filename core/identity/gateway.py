"""Where one-time codes go: an SMS gateway in production, a file that only the demonstration and tests read."""

from __future__ import annotations

import json
from pathlib import Path

from core.base import clock
from core.base.errors import KehouError
from core.base.text import lazy_gettext as _l


class NoGateway(KehouError):
    code = "no_sms_gateway"
    status = 503
    text = _l("短信服务还没有接通，请联系系统管理员")


class CodeGateway:
    """Sends one-time codes. This one stands where no gateway is configured, and says so."""

    def check(self) -> None:
        """Raises NoGateway when no code could be sent to anybody."""
        raise NoGateway()

    async def send(self, phone: str, digits: str) -> None:
        """Send `digits` to `phone`; raises NoGateway or another KehouError when it cannot."""
        raise NoGateway()


class FileGateway(CodeGateway):
    """Appends each code to a file (one JSON line). For the demonstration and tests; never with real families."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self) -> None:
        """Always ready: the file is made with the first code."""

    async def send(self, phone: str, digits: str) -> None:
        line = json.dumps({"phone": phone, "code": digits, "at": clock.now().isoformat()})
        with self.path.open("a", encoding="utf-8") as out:
            out.write(line + "\n")

    def last(self, phone: str) -> str | None:
        """The newest code sent to `phone`."""
        if not self.path.exists():
            return None
        sent = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]
        return next((s["code"] for s in reversed(sent) if s["phone"] == phone), None)
