"""Packs that bureaus have published, beside the files that ship with the product: taken in by every process.

A version that begins later takes the earlier one's place from its first day on; what was decided before keeps the
revision that it was decided under. Reading them needs no tenant: they are public documents.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select, text

from core.db.global_tables import PublishedPack
from core.db.house import House
from core.db.uow import UnitOfWork, plain
from core.policy.catalogue import Catalogue
from core.policy.errors import PackProblem
from core.policy.library import NOTHING, PackLibrary
from core.policy.load import check_together, read_fields
from core.policy.types import Pack

log = logging.getLogger("kehou.policy")

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('published_pack', 0))")


class Shelf:
    """The packs of one process: those of the files, and those published that it has read so far, by number."""

    def __init__(self, shipped: PackLibrary) -> None:
        self.shipped = shipped
        self.published: dict[int, Pack] = {}


def canonical(raw: Mapping[str, Any]) -> str:
    """The fields of a pack as the one JSON text that its SHA-256 is taken of."""
    return json.dumps(plain(dict(raw)), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(raw: Mapping[str, Any]) -> str:
    """The revision of a pack with these fields: SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical(raw).encode()).hexdigest()


def read_draft(
    raw: Mapping[str, Any], catalogue: Catalogue, problems: list[PackProblem], file: str = ""
) -> Pack | None:
    """A pack from fields that are still being written; its faults go to `problems`, and then there is no pack."""
    return read_fields(file or str(raw.get("key", "")), dict(raw), digest(raw), catalogue, problems)


def successive(shipped: Iterable[Pack], published: Iterable[Pack]) -> list[Pack]:
    """All versions, where each published one ends those of its key that began before it on the day before."""
    published = list(published)
    starts: dict[str, list[date]] = {}
    for pack in published:
        if pack.valid_from is not None:
            starts.setdefault(pack.key, []).append(pack.valid_from)
    return [_ended(pack, starts.get(pack.key, ())) for pack in (*shipped, *published)]


def _ended(pack: Pack, starts: Iterable[date]) -> Pack:
    later = min((day for day in starts if pack.valid_from is None or day > pack.valid_from), default=None)
    if later is None or (pack.valid_to is not None and pack.valid_to < later):
        return pack
    return replace(pack, valid_to=later - timedelta(days=1))


def problems_with(library: PackLibrary, candidate: Pack) -> list[PackProblem]:
    """What publishing `candidate` into `library` would break, in it and in the packs below it."""
    rest = list(library)
    before = {str(p) for p in check_together(rest, library.catalogue)}
    together = successive(rest, [candidate])
    return [p for p in check_together(together, library.catalogue) if str(p) not in before]


def as_if(library: PackLibrary, candidate: Pack) -> PackLibrary:
    """A library in which `candidate` holds on every day, in place of all versions of its key: for trying it out."""
    others = [pack for pack in library if pack.key != candidate.key]
    return PackLibrary([*others, replace(candidate, valid_from=None, valid_to=None)], library.catalogue)


async def take_in(house: House) -> int:
    """Bring the house's library up to what is published now; returns the newest number (0: nothing is)."""
    shelf = house.get(Shelf)
    async with house.db.globally() as session:
        newest = (await session.execute(select(func.max(PublishedPack.number)))).scalar_one() or 0
        known = max((n for n in shelf.published if n <= newest), default=0)
        query = select(PublishedPack).where(PublishedPack.number > known).order_by(PublishedPack.number)
        rows = (await session.execute(query)).scalars().all()
    # Fewer than we know: the database was put back to an earlier day.
    kept = {number: pack for number, pack in shelf.published.items() if number <= newest}
    shelf.published = kept | {row.number: _read(row, shelf.shipped.catalogue) for row in rows}
    newest = max(shelf.published, default=0)
    house.services[PackLibrary] = PackLibrary(
        successive(shelf.shipped, shelf.published.values()), shelf.shipped.catalogue
    )
    return newest


def _read(row: PublishedPack, catalogue: Catalogue) -> Pack:
    """One published version. It was whole when it was published; if this release cannot read it any more, it stands
    there without days, so that its schools are refused loudly instead of following rules that were replaced."""
    problems: list[PackProblem] = []
    file = f"{row.key}@{row.number}"
    pack = read_fields(file, json.loads(row.content), row.sha256, catalogue, problems)
    if pack is None:
        log.error("published pack %s cannot be read: %s", file, "; ".join(map(str, problems)))
        return replace(NOTHING, key=row.key, file=file, valid_from=row.valid_from, valid_to=date.min, number=row.number)
    return replace(pack, number=row.number, organisation_id=row.organisation_id)


async def publish(uow: UnitOfWork, raw: Mapping[str, Any], valid_from: date) -> PublishedPack:
    """Write one version for everybody. The caller holds :func:`alone` and has checked it against the newest library."""
    newest = (await uow.session.execute(select(func.max(PublishedPack.number)))).scalar_one() or 0
    content = canonical(raw)
    row = PublishedPack(
        number=newest + 1,
        key=str(raw["key"]),
        valid_from=valid_from,
        content=content,
        sha256=hashlib.sha256(content.encode()).hexdigest(),
        organisation_id=uow.ctx.tenant_id,
    )
    uow.session.add(row)
    await uow.session.flush()
    return row


async def alone(uow: UnitOfWork) -> PackLibrary:
    """Wait until nobody else publishes, keep others waiting until the end of the transaction; the newest library."""
    await uow.session.execute(_LOCK)
    uow.house.packs_seen = await take_in(uow.house)
    return uow.house.get(PackLibrary)
