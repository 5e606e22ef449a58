"""The policy pack that binds the organisation: `effective(uow).ask("lunch.direct", direct_to_caterer=False)`.

Keys and their facts: docs/packs.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.policy.bans import BanCheck, BanFlag, asked, commercial_traces, noticed
from core.policy.service import CATALOGUE, EffectivePack, decided, effective, record
from core.policy.types import Objection, Standing, Verdict
from core.policy.vocab import BODIES, METHODS, SANCTIONS
from core.policy.vocab_people import ACCOUNTS, SPENDING


def words(rule: str) -> Mapping[str, Any]:
    """The words that facts of a rule are made of, with their titles: choices for a form. Empty for other kinds."""
    vocab = getattr(CATALOGUE[rule].kind, "vocab", None)
    return {} if vocab is None else dict(vocab.labels)


__all__ = [
    "ACCOUNTS", "BODIES", "METHODS", "SANCTIONS", "SPENDING", "BanCheck", "BanFlag", "EffectivePack", "Objection",
    "Standing", "Verdict", "asked", "commercial_traces", "decided", "effective", "noticed", "record", "words",
]  # fmt: skip
