"""The policy pack that binds the organisation: `effective(uow).ask("lunch.direct", direct_to_caterer=False)`.

Keys and their facts: docs/packs.md.
"""

from __future__ import annotations

from core.policy.service import EffectivePack, decided, effective, record
from core.policy.types import Objection, Verdict
from core.policy.vocab import BODIES, METHODS, SANCTIONS
from core.policy.vocab_people import ACCOUNTS, SPENDING

__all__ = [
    "ACCOUNTS", "BODIES", "METHODS", "SANCTIONS", "SPENDING", "EffectivePack", "Objection", "Verdict", "decided",
    "effective", "record",
]  # fmt: skip
