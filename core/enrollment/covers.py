"""The picture on an offering's card: checked, cleaned of everything but the picture, with words for who cannot see."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import undefer

from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.models import Offering, OfferingCover
from core.web.pictures import cleaned


@dataclass(frozen=True, slots=True)
class Cover:
    """Where a cover is and what it shows. The address changes with the picture, so it may be kept for good."""

    href: str
    alt: str


async def set_cover(uow: UnitOfWork, offering_id: UUID, body: bytes, alt: str) -> None:
    """Give an offering its picture, in place of an earlier one. Raises NotAPicture, NotFound."""
    uow.ctx.require("offering.manage")
    await uow.get(Offering, offering_id, lock=True)
    picture = cleaned(body)
    await uow.session.execute(delete(OfferingCover).where(OfferingCover.offering_id == offering_id))
    digest = hashlib.sha256(picture.body).hexdigest()
    uow.session.add(
        OfferingCover(
            offering_id=offering_id, media_type=picture.media_type, alt=alt.strip(), sha256=digest, body=picture.body
        )
    )
    await uow.session.flush()
    await uow.audit("offering.cover", "offering", offering_id, sha256=digest, bytes=len(picture.body))


async def drop_cover(uow: UnitOfWork, offering_id: UUID) -> None:
    """Take the picture away; without one, nothing happens."""
    uow.ctx.require("offering.manage")
    await uow.get(Offering, offering_id, lock=True)
    await uow.session.execute(delete(OfferingCover).where(OfferingCover.offering_id == offering_id))
    await uow.audit("offering.cover", "offering", offering_id, sha256="")


async def covers(uow: UnitOfWork, offering_ids: Collection[UUID]) -> dict[UUID, Cover]:
    """The covers of some offerings."""
    if not offering_ids:
        return {}
    query = select(OfferingCover.offering_id, OfferingCover.sha256, OfferingCover.alt)
    rows = await uow.session.execute(query.where(OfferingCover.offering_id.in_(list(offering_ids))))
    return {id_: Cover(f"/t/{uow.ctx.slug}/covers/{id_}/{sha[:16]}", alt) for id_, sha, alt in rows.all()}


async def picture_of(uow: UnitOfWork, offering_id: UUID, version: str) -> OfferingCover:
    """The picture itself. Raises NotFound, also for a picture that was replaced."""
    query = select(OfferingCover).where(OfferingCover.offering_id == offering_id)
    row = (await uow.session.execute(query.options(undefer(OfferingCover.body)))).scalar_one_or_none()
    if row is None or not version or not row.sha256.startswith(version):
        raise NotFound()
    return row
