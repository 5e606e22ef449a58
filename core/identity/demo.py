"""Demo mode: entering as a persona without a code. It takes a setting *and* a mark in the database to be on."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.base.settings import SettingsError
from core.db.global_tables import InstallationMark
from core.db.house import House
from core.identity import service

log = logging.getLogger("kehou.demo")

MARK = "demo"
"""Row of installation_mark that `kehou demo` leaves in the database it made; KEHOU_DEMO must equal it."""
PERSONAS = "personas"
"""Row of installation_mark with the personas as JSON: [{phone, name, title, place, path, icon}]."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody to enter as: `title` is what they are, `place` where, `path` the page to begin with."""

    phone: str
    name: str
    title: str
    place: str
    path: str
    icon: str = "user"


async def active(house: House) -> bool:
    """Whether this installation is a demonstration: the setting is there and equals the mark in the database."""
    wanted = house.settings.demo
    if not wanted:
        return False
    mark = await _mark(house, MARK)
    return mark is not None and hmac.compare_digest(mark.encode(), wanted.encode())


async def verify_at_start(house: House) -> bool:
    """Whether demo mode is on. Raises SettingsError when it was asked for on a database that is no demonstration."""
    on = await active(house)
    if house.settings.demo and not on:
        raise SettingsError(
            "KEHOU_DEMO is set, but this database was not made by `kehou demo`: it may hold real families. "
            "Unset KEHOU_DEMO, or point KEHOU_DATABASE_URL at the demonstration's database."
        )
    if on:
        log.warning("demo mode: anyone who can reach this address may enter as any persona")
    return on


async def personas(house: House) -> list[Persona]:
    """The personas to offer; none outside demo mode."""
    if not await active(house):
        return []
    raw = await _mark(house, PERSONAS)
    known = set(Persona.__slots__)
    return [Persona(**{k: str(v) for k, v in item.items() if k in known}) for item in json.loads(raw or "[]")]


def by_place(found: Sequence[Persona]) -> list[tuple[str, list[Persona]]]:
    """The personas of each organisation together, in the order in which the organisations are first named."""
    places: dict[str, list[Persona]] = {}
    for persona in found:
        places.setdefault(persona.place, []).append(persona)
    return list(places.items())


async def persona_account(house: House, phone: str) -> tuple[Persona, UUID] | None:
    """The listed persona with this phone and its account. Nobody who is not listed can be entered as."""
    found = next((p for p in await personas(house) if p.phone == phone), None)
    account = await service.account_of(house, phone) if found else None
    return (found, account) if found and account else None


async def _mark(house: House, key: str) -> str | None:
    async with house.db.globally() as session:
        query = select(InstallationMark.value).where(InstallationMark.key == key)
        return (await session.execute(query)).scalar_one_or_none()
