"""What notices brings to the house."""

from __future__ import annotations

from core.host.contribution import Contribution
from core.notices import models

__all__ = ["contribution", "models"]

contribution = Contribution(key="notices")
