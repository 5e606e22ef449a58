"""The hooks that this plugin answers; each is thin over the service."""

from __future__ import annotations

from pathlib import Path

from core.api import Contribution, hookimpl
from plugins.insurance import models

__all__ = ["models"]

HERE = Path(__file__).parent


@hookimpl
def contribute() -> Contribution:
    return Contribution(key="insurance")
