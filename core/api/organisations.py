"""The public side of organisations: who sends a document, and to whom one may be sent. Nothing of their inside."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.base.context import OrganisationKind
from core.base.errors import NotFound
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class OrganisationView:
    """What everybody may know of an organisation. `parent_id` is the bureau above a school."""

    id: UUID
    slug: str
    kind: str
    name: str
    parent_id: UUID | None
    state: str


async def organisation(uow: UnitOfWork, id_: UUID) -> OrganisationView:
    """Raises NotFound."""
    row = (await uow.session.execute(_COLUMNS.where(Organisation.id == id_))).first()
    if row is None:
        raise NotFound()
    return OrganisationView(*row)


async def organisations(
    uow: UnitOfWork, kind: OrganisationKind, *, parent: UUID | None = None
) -> list[OrganisationView]:
    """Active organisations of a kind by name, optionally those under one bureau."""
    query = _COLUMNS.where(Organisation.kind == kind, Organisation.state == "active")
    if parent is not None:
        query = query.where(Organisation.parent_id == parent)
    return [OrganisationView(*row) for row in (await uow.session.execute(query.order_by(Organisation.name))).all()]


_COLUMNS = select(
    Organisation.id,
    Organisation.slug,
    Organisation.kind,
    Organisation.name,
    Organisation.parent_id,
    Organisation.state,
)
