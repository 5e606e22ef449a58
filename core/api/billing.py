"""What was charged, as plugins may read it: by standard and price, never by child."""

from __future__ import annotations

from core.billing.queries import Charged, charged

__all__ = ["Charged", "charged"]
