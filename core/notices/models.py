"""Tables of the publicity board (公示), of objections to it, and of messages to people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class Notice(TenantModel, Stamped):
    """One posting on the board. What is published stays as it is, with the hash of its wording and where and when it
    was shown (R-461); a correction is a new posting. Names of people stand in it masked (张*三)."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_shown", "tenant_id", "state", "shown_from"),
        CheckConstraint("state in ('draft', 'published', 'withdrawn')", name="state"),
        CheckConstraint("shown_to is null or shown_from <= shown_to", name="dates"),
        Index(
            "uq_notice_subject",
            "tenant_id",
            "kind",
            "subject_key",
            unique=True,
            postgresql_where=text("subject_key <> ''"),
        ),
    )

    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[list[Any]] = mapped_column(server_default="[]")
    """[[label, value], …] over the text."""
    listing: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """{"columns": […], "rows": [[…], …]} under it."""
    contact: Mapped[str] = mapped_column(server_default="")
    channels: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Where else it was shown, in the words of the packs: letter, notice_board, website …"""
    subject_kind: Mapped[str] = mapped_column(server_default="")
    subject_key: Mapped[str] = mapped_column(server_default="")
    """Whoever posts the same thing twice posts it once; empty: posted by hand."""
    state: Mapped[str] = mapped_column(server_default="draft")
    shown_from: Mapped[date]
    shown_to: Mapped[date | None]
    objections: Mapped[bool] = mapped_column(server_default="true")
    sha256: Mapped[str] = mapped_column(server_default="")
    author: Mapped[str] = mapped_column(server_default="")
    published_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_why: Mapped[str] = mapped_column(server_default="")


class NoticeObjection(TenantModel, Stamped):
    """Somebody objects to a posting, or asks about it (R-462); the school answers."""

    __tablename__ = "notice_objection"
    __table_args__ = (
        tenant_fk("notice_id", "notice"),
        Index("ix_notice_objection_notice_id", "tenant_id", "notice_id"),
        CheckConstraint("state in ('open', 'answered')", name="state"),
    )

    notice_id: Mapped[UUID]
    account_id: Mapped[UUID | None]
    name: Mapped[str]
    words: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    answer: Mapped[str] = mapped_column(server_default="")
    answered_by: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime | None]


class Message(TenantModel, Stamped):
    """One message to one person, written in the reader's language when shown: `kind` names its words, `params` fill
    them. `source` makes it come once however often the event is delivered."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("tenant_id", "account_id", "source"),
        Index("ix_message_account_id", "tenant_id", "account_id", "created_at"),
        Index("ix_message_unread", "tenant_id", "account_id", postgresql_where=text("read_at is null")),
    )

    account_id: Mapped[UUID]
    kind: Mapped[str]
    params: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    path: Mapped[str] = mapped_column(server_default="")
    """Where it leads, below the organisation's address."""
    source: Mapped[str]
    read_at: Mapped[datetime | None]
