"""What the table of levels brings to the house."""

from __future__ import annotations

from pathlib import Path

from core.host.contribution import Contribution
from tenants.levels import models, pages

__all__ = ["contribution", "models"]

HERE = Path(__file__).parent

contribution = Contribution(
    key="levels",
    handlers=pages.HANDLERS,
    templates=HERE / "templates",
    locale=HERE / "locale",
)
