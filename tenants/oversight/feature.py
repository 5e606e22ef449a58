"""What oversight brings to the house."""

from __future__ import annotations

from core.host.contribution import Contribution
from tenants.oversight import models

__all__ = ["contribution", "models"]

contribution = Contribution(key="oversight")
