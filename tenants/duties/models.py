"""Tables of duties. The school's: flags, the list, what it told its bureau. The bureau's: what schools told it, and
its own list."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.db.models import Stamped, TenantModel


class Flag(TenantModel):
    """One finding of a check of the ten bans. It stays when it is cleared, and opens again when its cause is back.

    `subject` names no child and no member of staff: it goes to the bureau. `detail` stays in the school.
    """

    __tablename__ = "duty_flag"
    __table_args__ = (
        UniqueConstraint("tenant_id", "check_key", "key"),
        Index("ix_duty_flag_state", "tenant_id", "state", "opened_at"),
        CheckConstraint("state in ('open', 'acknowledged', 'cleared')", name="state"),
        CheckConstraint("severity in ('breach', 'warning', 'signal')", name="severity"),
        CheckConstraint("ban between 1 and 10", name="ban"),
        CheckConstraint("state <> 'acknowledged' or reason <> ''", name="reason"),
    )

    check_key: Mapped[str]
    key: Mapped[str]
    ban: Mapped[int] = mapped_column(SmallInteger())
    rule: Mapped[str]
    severity: Mapped[str]
    subject: Mapped[str]
    words: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    href: Mapped[str] = mapped_column(server_default="")
    clause: Mapped[str] = mapped_column(server_default="")
    quote: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str] = mapped_column(server_default="")
    revision: Mapped[str] = mapped_column(server_default="")
    """Of the pack that objected."""
    state: Mapped[str] = mapped_column(server_default="open")
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")


class DutyRun(TenantModel):
    """The school's side of checking and reporting, one row: when it last ran, what failed, what was told the bureau."""

    __tablename__ = "duty_run"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    checked_at: Mapped[datetime | None]
    failed: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Keys of checks that raised: their flags are as old as their last run."""
    sequence: Mapped[int] = mapped_column(server_default="0")
    digest: Mapped[str] = mapped_column(server_default="")
    sent_on: Mapped[date | None]


class Duty(TenantModel, Stamped):
    """One line of a term's responsibility list (责任清单): a rule that no door can check, and what people say of it.

    `answer` are the facts as they were recorded; `objections` what the pack said to them then (Objection.record), under
    `revision`. `applies` is false when the rules no longer ask for it; an answer given stays readable.
    """

    __tablename__ = "duty_item"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_code", "rule"),
        Index("ix_duty_item_state", "tenant_id", "term_code", "state", "due_on"),
        CheckConstraint("state in ('open', 'kept', 'excused', 'not_kept')", name="state"),
        CheckConstraint("state in ('open', 'kept') or note <> ''", name="note"),
    )

    term_code: Mapped[str]
    rule: Mapped[str]
    place: Mapped[int]
    """Its place in the list, by the catalogue's order."""
    due_on: Mapped[date]
    applies: Mapped[bool] = mapped_column(server_default="true")
    state: Mapped[str] = mapped_column(server_default="open")
    answer: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    revision: Mapped[str] = mapped_column(server_default="")
    note: Mapped[str] = mapped_column(server_default="")
    done_on: Mapped[date | None]
    recorded_at: Mapped[datetime | None]
    recorded_by: Mapped[str] = mapped_column(server_default="")
    evidence_name: Mapped[str] = mapped_column(server_default="")
    evidence_type: Mapped[str] = mapped_column(server_default="")
    evidence_sha256: Mapped[str] = mapped_column(server_default="")
    evidence: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))


class SchoolFlag(TenantModel):
    """Bureau: a flag as its school reported it; the newest report says whether it still stands."""

    __tablename__ = "duty_school_flag"
    __table_args__ = (
        UniqueConstraint("tenant_id", "school_id", "flag_id"),
        Index("ix_duty_school_flag_state", "tenant_id", "state", "opened_at"),
    )

    school_id: Mapped[UUID]
    flag_id: Mapped[UUID]
    check_key: Mapped[str]
    ban: Mapped[int] = mapped_column(SmallInteger())
    rule: Mapped[str]
    severity: Mapped[str]
    subject: Mapped[str]
    words: Mapped[str]
    clause: Mapped[str] = mapped_column(server_default="")
    quote: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str]
    opened_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")


class SchoolDuties(TenantModel):
    """Bureau: how one school's list of a term stands, as it reported."""

    __tablename__ = "duty_school"
    __table_args__ = (UniqueConstraint("tenant_id", "school_id", "term_code"),)

    school_id: Mapped[UUID]
    term_code: Mapped[str]
    sequence: Mapped[int]
    as_of: Mapped[datetime]
    done: Mapped[int]
    waiting: Mapped[int]
    overdue: Mapped[int]
    excused: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Kept otherwise, with a reason: [{rule, clause, note, on}]."""
    not_kept: Mapped[list[Any]] = mapped_column(server_default="[]")
    """The same of what was recorded as not kept."""
    failed: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Checks of the ten bans that did not run to their end."""
