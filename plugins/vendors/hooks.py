"""What the plugin says to the house's hooks."""

from __future__ import annotations

from pathlib import Path

from core.api import Contribution, hookimpl
from plugins.vendors import models  # noqa: F401 - its tables belong to the house

HERE = Path(__file__).parent


@hookimpl
def contribute() -> Contribution:
    return Contribution(key="vendors", templates=HERE / "templates", locale=HERE / "locale")
