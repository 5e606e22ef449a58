"""Lunch: who delivers it, what there is on each date, what a child may not eat, and what was really eaten."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk


class Lunch(TenantModel, Stamped):
    """The lunch of one term: the caterer with its formalities (R-271, R-282) and the item on the menu.

    `settlement` says whom families pay: the caterer month by month, or the school with the term's bill.
    """

    __tablename__ = "meals_lunch"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_id"),
        UniqueConstraint("tenant_id", "offering_id"),
        tenant_fk("term_id", "term"),
        tenant_fk("offering_id", "offering"),
        CheckConstraint("settlement in ('caterer', 'school')", name="settlement"),
        CheckConstraint("price_fen is null or price_fen > 0", name="price"),
    )

    term_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    caterer: Mapped[str]
    contact: Mapped[str] = mapped_column(server_default="")
    phone: Mapped[str] = mapped_column(server_default="")
    settlement: Mapped[str]
    formalities: Mapped[list[Any]] = mapped_column(server_default="[]")
    tender_by: Mapped[str] = mapped_column(server_default="")
    tender_reference: Mapped[str] = mapped_column(server_default="")
    standard_by: Mapped[str] = mapped_column(server_default="")
    supervisors: Mapped[list[Any]] = mapped_column(server_default="[]")
    price_fen: Mapped[int | None]
    """The standard of one meal in fen, as the bureau set it (R-272), where families pay the caterer; what the school
    collects has a posted fee standard instead."""


class DayMenu(TenantModel, Stamped):
    """What there is on one date: [{name, allergens: [code]}]."""

    __tablename__ = "meals_day_menu"
    __table_args__ = (UniqueConstraint("tenant_id", "day"),)

    day: Mapped[date]
    dishes: Mapped[list[Any]]


class Ban(TenantModel, Stamped):
    """What a child may not eat (R-276): flags for those who serve; the family's own words are sealed.

    `id` is the row's own; one row a child.
    """

    __tablename__ = "meals_ban"
    __table_args__ = (UniqueConstraint("tenant_id", "student_id"), tenant_fk("student_id", "student"))

    student_id: Mapped[UUID]
    flags: Mapped[list[Any]] = mapped_column(server_default="[]")
    words_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_by: Mapped[str] = mapped_column(server_default="")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Cancelled(TenantModel, Stamped):
    """A family cancelled one day's lunch in time; `undone_at` when it took that back."""

    __tablename__ = "meals_cancelled"
    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "day"),
        tenant_fk("student_id", "student"),
        Index("ix_meals_cancelled_day", "tenant_id", "day"),
    )

    student_id: Mapped[UUID]
    day: Mapped[date]
    cancelled_by: Mapped[str] = mapped_column(server_default="")
    undone_at: Mapped[datetime | None]


class Delivery(TenantModel, Stamped):
    """One day's lunch for the kitchen: how many were ordered when the count was closed, and how many came.

    `confirmed_at` is when the school wrote down who really ate (R-273).
    """

    __tablename__ = "meals_delivery"
    __table_args__ = (
        UniqueConstraint("tenant_id", "day"),
        CheckConstraint("ordered >= 0 and (delivered is null or delivered >= 0)", name="counts"),
    )

    day: Mapped[date]
    ordered: Mapped[int]
    closed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    delivered: Mapped[int | None]
    note: Mapped[str] = mapped_column(server_default="")
    confirmed_by: Mapped[str] = mapped_column(server_default="")
    confirmed_at: Mapped[datetime | None]


class Served(TenantModel):
    """A child ate on a day: the actual use from which lunch is settled (R-273)."""

    __tablename__ = "meals_served"
    __table_args__ = (
        UniqueConstraint("tenant_id", "day", "student_id"),
        tenant_fk("student_id", "student"),
        Index("ix_meals_served_student_id", "tenant_id", "student_id", "day"),
    )

    day: Mapped[date]
    student_id: Mapped[UUID]
