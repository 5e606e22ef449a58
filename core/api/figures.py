"""A figure that a feature or plugin shows on the school's overview and reports to the bureau: counts, never names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit. `value` counts whole things; money is in fen with unit "fen"."""

    key: str
    title: Any
    value: int
    unit: str = ""
    icon: str = "chart-bar"
    note: Any = ""
