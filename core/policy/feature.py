"""What the policy feature brings to the house."""

from __future__ import annotations

from pathlib import Path

from core.host.contribution import Contribution

contribution = Contribution(key="policy", locale=Path(__file__).parent / "locale")
