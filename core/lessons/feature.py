"""What lessons brings to the house."""

from __future__ import annotations

from pathlib import Path

from core.host.contribution import Contribution
from core.lessons import models

HERE = Path(__file__).parent

__all__ = ["contribution", "models"]

contribution = Contribution(
    key="lessons",
    templates=HERE / "templates",
    locale=HERE / "locale",
)
