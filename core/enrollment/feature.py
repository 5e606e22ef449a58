"""What enrollment brings to the house."""

from __future__ import annotations

from pathlib import Path

from core.enrollment import models, plan_feature
from core.host.contribution import Contribution

HERE = Path(__file__).parent

__all__ = ["contribution", "models", "plan_feature"]

contribution = Contribution(
    key="enrollment",
    templates=HERE / "templates",
    locale=HERE / "locale",
)
