"""The policy pack that binds the organisation: `effective(uow).ask("lunch.direct", direct_to_caterer=False)`.

Keys and their facts: docs/packs.md.
"""

from __future__ import annotations

from core.policy.bans import BanCheck, BanFlag, asked, commercial_traces, noticed
from core.policy.service import EffectivePack, effective
from core.policy.types import Objection, Verdict

__all__ = [
    "BanCheck",
    "BanFlag",
    "EffectivePack",
    "Objection",
    "Verdict",
    "asked",
    "commercial_traces",
    "effective",
    "noticed",
]
