"""placeholder"""

from __future__ import annotations

from typing import Any


async def demo(stage: Any) -> None:
    """Filled in below."""
