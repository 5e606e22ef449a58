"""What came in by webhook, kept for good: an event is taken once, however often it is sent."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel


class StripeEvent(TenantModel, Stamped):
    """One event of this school's money. Its body is not kept: the object is asked for anew."""

    __tablename__ = "stripe_event"
    __table_args__ = (UniqueConstraint("tenant_id", "event_id"),)

    event_id: Mapped[str]
    kind: Mapped[str]
    object_id: Mapped[str]
    attempt_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]


class StripeCursor(TenantModel):
    """How far the account's balance transactions have been compared with these books."""

    __tablename__ = "stripe_cursor"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    seen_until: Mapped[datetime]
    compared: Mapped[int] = mapped_column(server_default="0")
