"""Tenant tables of the kernel: outbox and inbox, job progress, audit, state history, keys, switches, roles."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel


class Outbox(TenantModel, Stamped):
    """One delivery to one consumer, written in the transaction whose effect it announces.

    `tenant_id` is the sender; `target_id` the organisation inside which it is handled (the same, except for a
    document). It is finished when `done_at` is set; `dead_at` means set aside with `error`, for a person to retry.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("kind in ('job', 'event', 'document')", name="kind"),
        Index(
            "ix_outbox_open",
            "available_at",
            postgresql_where=text("done_at is null and dead_at is null"),
        ),
        UniqueConstraint("tenant_id", "name", "dedupe_key"),
    )

    kind: Mapped[str]
    name: Mapped[str]
    target_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default="1")
    dedupe_key: Mapped[str | None]
    plugin: Mapped[str | None]
    actor: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    request_id: Mapped[str] = mapped_column(server_default="")
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """"done", or "skipped" when the plugin is switched off for the organisation."""
    dead_at: Mapped[datetime | None]
    error: Mapped[str | None]


class Inbox(TenantModel):
    """A consumer's own mark that it took a message (`id` is the message's), in the consumer's transaction."""

    __tablename__ = "inbox"

    consumer: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class JobRun(TenantModel, Stamped):
    """Progress of a long job, shown as a bar. `id` is the outbox row's id; `key` names it for people."""

    __tablename__ = "job_run"
    __table_args__ = (Index("ix_job_run_job", "tenant_id", "job", "created_at"),)

    job: Mapped[str]
    key: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="waiting")
    """waiting, running, finished, failed."""
    done: Mapped[int] = mapped_column(server_default="0")
    total: Mapped[int] = mapped_column(server_default="0")
    note: Mapped[str] = mapped_column(server_default="")
    result: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    started_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AuditEntry(TenantModel):
    """Who did what to what, when. The application may insert and read it, never change or remove it."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "tenant_id", "subject_kind", "subject_id"),)

    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    actor_kind: Mapped[str]
    account_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    request_id: Mapped[str] = mapped_column(server_default="")


class Transition(TenantModel):
    """History of every state machine: one row a move, with its reason and clause where one is owed."""

    __tablename__ = "transition"
    __table_args__ = (Index("ix_transition_subject", "tenant_id", "machine", "subject_id"),)

    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    machine: Mapped[str]
    subject_id: Mapped[UUID]
    event: Mapped[str]
    source: Mapped[str]
    target: Mapped[str]
    account_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")
    clause: Mapped[str] = mapped_column(server_default="")


class IdempotencyKey(TenantModel, Stamped):
    """The answer given to a key, so that the same request sent again does nothing twice."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("tenant_id", "scope", "key"),)

    scope: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    answer: Mapped[dict[str, Any] | None]


class TenantKey(TenantModel, Stamped):
    """The tenant's own data key, wrapped by the master key that lives outside the database."""

    __tablename__ = "tenant_key"

    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    retired_at: Mapped[datetime | None]


class PluginSwitch(TenantModel):
    """A plugin switched on or off for this organisation, with its settings. Switching off keeps the data."""

    __tablename__ = "plugin_switch"
    __table_args__ = (UniqueConstraint("tenant_id", "plugin"),)

    plugin: Mapped[str]
    enabled: Mapped[bool]
    settings: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_by: Mapped[str] = mapped_column(server_default="")


class Role(TenantModel):
    """A named set of registered permissions; standard ones are laid at provisioning, a school may change them."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    name: Mapped[str]
    permissions: Mapped[list[Any]] = mapped_column(server_default="[]")
    standard: Mapped[bool] = mapped_column(server_default="false")


class RoleMember(TenantModel, Stamped):
    """An account holds a role in this organisation."""

    __tablename__ = "role_member"
    __table_args__ = (UniqueConstraint("tenant_id", "account_id", "role_key"),)

    account_id: Mapped[UUID]
    role_key: Mapped[str]


class TenantSetting(TenantModel):
    """A small setting of the organisation itself, as JSON under a registered key."""

    __tablename__ = "tenant_setting"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    value: Mapped[dict[str, Any]]


APPEND_ONLY = frozenset({"audit_entry", "transition", "policy_verdict"})
"""Tables from which the application's role may not update or delete."""
