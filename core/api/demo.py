"""For a plugin's demonstration alone: the clock of its story."""

from __future__ import annotations

from core.base.clock import travelled

__all__ = ["travelled"]
