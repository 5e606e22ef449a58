"""The policy pack that binds the organisation: `effective(uow).ask("lunch.direct", direct_to_caterer=False)`.

Keys and their facts: docs/packs.md.
"""

from __future__ import annotations

from core.policy.service import EffectivePack, decided, effective, record
from core.policy.types import Objection, Verdict

__all__ = ["EffectivePack", "Objection", "Verdict", "decided", "effective", "record"]
