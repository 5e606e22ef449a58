"""The one table of level uploads: a file with mistakes, until it is corrected."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class LevelUpload(TenantModel, Stamped):
    """The last table of somebody for an offering that was not accepted, with the reasons beside its rows. It goes when
    a right one comes, or after a week."""

    __tablename__ = "level_upload"
    __table_args__ = (
        UniqueConstraint("tenant_id", "offering_id", "account_id"),
        tenant_fk("offering_id", "offering"),
    )

    offering_id: Mapped[UUID]
    account_id: Mapped[UUID]
    name: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
