"""The door of the policy feature for the rest of the house.

The house holds the packs, loaded once at start; asking them needs no database and no await.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from core.base import clock
from core.base.text import add_catalogue
from core.db.house import House
from core.db.uow import UnitOfWork
from core.policy.ask import EffectivePack
from core.policy.catalogue import Catalogue
from core.policy.explain import explain, silent_keys
from core.policy.library import PackLibrary
from core.policy.load import json_schema, load_packs
from core.policy.rules import CATALOGUE
from core.policy.types import Explained, Objection, Verdict
from core.policy.verdicts import decided, keep, record, record_each

add_catalogue(Path(__file__).parent / "locale")


def effective(uow: UnitOfWork, on: date | None = None) -> EffectivePack:
    """What binds this organisation on a day (today in school when none is named).

    An organisation without a pack is bound by the platform's defaults alone. Raises UnknownPack when its pack does
    not hold on that day.
    """
    return for_pack(uow.house, uow.ctx.pack, on)


def for_pack(house: House, key: str | None, on: date | None = None) -> EffectivePack:
    """What a pack says on a day; None is the silent pack, for which the platform's defaults answer."""
    library = house.get(PackLibrary)
    return library.silent() if key is None else library.effective(key, on or clock.today())


__all__ = [
    "CATALOGUE",
    "Catalogue",
    "EffectivePack",
    "Explained",
    "Objection",
    "PackLibrary",
    "Verdict",
    "decided",
    "effective",
    "explain",
    "for_pack",
    "json_schema",
    "keep",
    "load_packs",
    "record",
    "record_each",
    "silent_keys",
]
