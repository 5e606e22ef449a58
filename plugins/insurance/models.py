"""Insurance: policies with their dates, the accident insurance on the menu, families' answers, and claims."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk


class Policy(TenantModel, Stamped):
    """A policy: the school's liability insurance (校方责任险) or a group's accident insurance (意外伤害险).

    `state` belongs to the machine in states.py. `limit_fen` is the sum insured, in fen, where it was written down.
    """

    __tablename__ = "insurance_policy"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "number"),
        CheckConstraint("starts_on <= ends_on", name="dates"),
        CheckConstraint("kind in ('liability', 'accident')", name="kind"),
        Index("ix_insurance_policy_kind", "tenant_id", "kind", "ends_on"),
    )

    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="recorded")
    insurer: Mapped[str]
    number: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    limit_fen: Mapped[int | None]
    bearers: Mapped[str] = mapped_column(server_default="")
    """Who bears what of a damage (多方承担机制, R-407), in words."""
    phone: Mapped[str] = mapped_column(server_default="")


class Accident(TenantModel, Stamped):
    """The voluntary accident insurance of one term: what the family reads, and the item on the menu."""

    __tablename__ = "insurance_accident"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_id"),
        UniqueConstraint("tenant_id", "offering_id"),
        tenant_fk("term_id", "term"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("policy_id", "insurance_policy"),
    )

    term_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    insurer: Mapped[str]
    product: Mapped[str]
    cover: Mapped[str]
    policy_id: Mapped[UUID | None]


class Declined(TenantModel, Stamped):
    """A family said no; it has no effect on anything (R-406), and spares them being asked again."""

    __tablename__ = "insurance_declined"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_id", "student_id"),
        tenant_fk("term_id", "term"),
        tenant_fk("student_id", "student"),
    )

    term_id: Mapped[UUID]
    student_id: Mapped[UUID]
    declined_by: Mapped[str] = mapped_column(server_default="")


class Claim(TenantModel, Stamped):
    """What happened to a child, tied to the policy in force that day (R-409). The account of it is sealed."""

    __tablename__ = "insurance_claim"
    __table_args__ = (
        tenant_fk("policy_id", "insurance_policy"),
        tenant_fk("student_id", "student"),
        Index("ix_insurance_claim_policy_id", "tenant_id", "policy_id"),
    )

    policy_id: Mapped[UUID]
    student_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="claim_open")
    happened_on: Mapped[date]
    account_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    opened_by: Mapped[str] = mapped_column(server_default="")
    closed_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(server_default="")
