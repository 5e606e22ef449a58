"""What rules decided, and the packs as they were then."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Base, TenantModel


class PolicyVerdict(TenantModel):
    """A verdict that changed something, with the decision that it served. Append-only.

    `objections` are records (`Objection.record()`) with the `facts` each was asked about; `facts` what else the
    decision rested on, such as amounts in fen; `pack_revision` names the rules (`EffectivePack.revision`).
    """

    __tablename__ = "policy_verdict"
    __table_args__ = (
        CheckConstraint("outcome in ('refused', 'kept', 'applied')", name="outcome"),
        CheckConstraint("force in ('block', 'warn')", name="force"),
        Index("ix_policy_verdict_subject_id", "tenant_id", "subject_id"),
        Index("ix_policy_verdict_at", "tenant_id", "at"),
    )

    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    act: Mapped[str]
    """What was to be done: "offering.propose", "plan.adopt"."""
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID]
    outcome: Mapped[str]
    """refused; kept: it went on against a warning, with a reason; applied: a rule set an amount or opened a case."""
    rule: Mapped[str] = mapped_column(server_default="")
    """The key that weighed most; the others are in `objections`."""
    force: Mapped[str]
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    facts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    pack_key: Mapped[str] = mapped_column(server_default="")
    pack_revision: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    account_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(server_default="")
    request_id: Mapped[str] = mapped_column(server_default="")
    permission: Mapped[str] = mapped_column(server_default="")
    """Only who holds it sees the row, where the very fact of a decision is private (idea 8); empty: no more needed."""


class PackRevision(Base):
    """What a pack said when it first decided something: the fields of its file, as written, under its revision."""

    __tablename__ = "pack_revision"

    revision: Mapped[str] = mapped_column(primary_key=True)
    pack_key: Mapped[str]
    title: Mapped[str]
    content: Mapped[dict[str, Any]]
    first_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
