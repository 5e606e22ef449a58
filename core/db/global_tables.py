"""The few tables that belong to no tenant, all named here: organisation, account, membership, session, sign-in code,
published policy packs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Base, GlobalModel, Stamped


class Organisation(GlobalModel, Stamped):
    """A tenant: a school, an education bureau or a vendor. `parent_id` is the overseer above it (R-001)."""

    __tablename__ = "organisation"
    __table_args__ = (
        UniqueConstraint("slug"),
        CheckConstraint("kind in ('school', 'bureau', 'vendor')", name="kind"),
        CheckConstraint("state in ('provisioning', 'active', 'suspended', 'closed')", name="state"),
        Index("ix_organisation_parent_id", "parent_id"),
    )

    kind: Mapped[str]
    slug: Mapped[str]
    name: Mapped[str]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    level: Mapped[str | None]
    """For a bureau: city or county; for a school: primary, junior, nine_year."""
    territory: Mapped[str | None]
    pack: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="active")
    facts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Public facts such as address and telephone; nothing personal."""


class Account(GlobalModel, Stamped):
    """A person who can sign in: one account however many organisations."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("phone"),)

    phone: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str | None]


class Membership(Base, Stamped):
    """An account belongs to an organisation; what it may do there are the tenant's own role rows."""

    __tablename__ = "membership"
    __table_args__ = (Index("ix_membership_organisation_id", "organisation_id"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"), primary_key=True)
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    faces: Mapped[list[Any]] = mapped_column(server_default="[]")
    """The faces this person uses there, most natural first: desk, teach, home, vendor, bureau."""
    ended_at: Mapped[datetime | None]


class SignInSession(GlobalModel, Stamped):
    """A signed-in device. Only the token's SHA-256 is kept."""

    __tablename__ = "sign_in_session"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_sign_in_session_account_id", "account_id"))

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    token_hash: Mapped[str]
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    user_agent: Mapped[str | None]


class SignInCode(GlobalModel, Stamped):
    """A one-time code sent to a phone; its hash, how often it was tried, when it ends."""

    __tablename__ = "sign_in_code"
    __table_args__ = (Index("ix_sign_in_code_phone", "phone", "created_at"),)

    phone: Mapped[str]
    code_hash: Mapped[str]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    used_at: Mapped[datetime | None]
    address: Mapped[str | None]


class PublishedPack(Base):
    """One version of a policy pack that a bureau has published: a public document, read by every process and tenant,
    never changed. Numbers are given under one lock, so a higher one is never visible before a lower one."""

    __tablename__ = "published_pack"
    __table_args__ = (UniqueConstraint("key", "valid_from"),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key: Mapped[str]
    valid_from: Mapped[date]
    content: Mapped[str]
    """The pack as canonical JSON, the fields of a pack file."""
    sha256: Mapped[str]
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    """The bureau that published it."""
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())


class InstallationMark(Base):
    """One row per fact about the installation itself, such as the marker that makes demo mode possible."""

    __tablename__ = "installation_mark"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Heartbeat(Base):
    """When each kind of process last said that it is alive; readiness reads it."""

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime] = mapped_column(server_default=func.now())
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class ScheduleMark(Base):
    """When each schedule last fanned out; locked with SKIP LOCKED so that exactly one scheduler does."""

    __tablename__ = "schedule_mark"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    last_run_at: Mapped[datetime | None]


GLOBAL_TABLES = frozenset(
    {
        "organisation",
        "account",
        "membership",
        "sign_in_session",
        "sign_in_code",
        "published_pack",
        "installation_mark",
        "heartbeat",
        "schedule_mark",
        "pack_revision",
    }
)
