"""What the service plan brings; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.enrollment import plan_models

__all__ = ["plan_models"]
