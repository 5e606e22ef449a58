"""Tables of the waiting lists: how a term's lists are run, who stands on them, and the log that proves them."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk
from core.enrollment.models import Days

LIVE = "state in ('waiting', 'blocked', 'offered')"

_JUMP_TOLD = (
    "(jump_reason in ('safety', 'special_care', 'school_error', 'course_ended', 'sibling') "
    "and length(btrim(jump_note)) > 1 and jump_account is not null and jump_by <> '')"
)


class WaitingRule(TenantModel, Stamped):
    """How the school runs the lists of one term; without a row the newest earlier term's holds, else the defaults.

    An offer lasts `hours` of those between `wakes_at` and `sleeps_at` (school time, every day of the week): nobody
    loses a place while asleep. `carry`: who still waits when the term is closed goes on waiting in the next term.
    """

    __tablename__ = "waiting_rule"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        UniqueConstraint("tenant_id", "term_id"),
        CheckConstraint("hours between 2 and 240", name="hours"),
        CheckConstraint("wakes_at < sleeps_at", name="waking"),
    )

    term_id: Mapped[UUID]
    hours: Mapped[int] = mapped_column(server_default="24")
    wakes_at: Mapped[time] = mapped_column(server_default="07:00")
    sleeps_at: Mapped[time] = mapped_column(server_default="21:00")
    carry: Mapped[bool] = mapped_column(server_default="false")


class WaitingEntry(TenantModel, Stamped):
    """A child on the list of one offering, live once for each of them. `state` belongs to WAITING's machine.

    The order of a list is (jumped_at, nulls last), cls, tier, number; a unit stands where its last child does.
    Written only under the child's lock
    (core.enrollment.seats.hold_child); what changes who waits, under the lock of the offering's row too.
    """

    __tablename__ = "waiting_entry"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("student_id", "student"),
        tenant_fk("carried_from", "waiting_entry"),
        Index(
            "uq_waiting_entry_live",
            "tenant_id",
            "offering_id",
            "student_id",
            unique=True,
            postgresql_where=text(LIVE),
        ),
        Index(
            "uq_waiting_entry_carried",
            "tenant_id",
            "carried_from",
            unique=True,
            postgresql_where=text("carried_from is not null"),
        ),
        Index("ix_waiting_entry_student_id", "tenant_id", "student_id"),
        Index("ix_waiting_entry_term_id", "tenant_id", "term_id", "state"),
        # Nobody is put ahead without a reason, a person and a note, whatever program asks for it.
        CheckConstraint(
            f"(jumped_at is null and jump_reason = '') or (jumped_at is not null and {_JUMP_TOLD})", name="jump"
        ),
        CheckConstraint("state <> 'offered' or offer_until is not null", name="offer"),
    )

    term_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    student_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="waiting")
    weekdays: Mapped[list[int]] = mapped_column(Days)
    giving_up: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Ids of offerings whose places the child lets go when it accepts: rather this one than those."""
    cls: Mapped[int] = mapped_column(SmallInteger(), server_default="0")
    """The class of priority by the pack's rule (core.enrollment.draw.classes.priority_rule), 0 preferred."""
    tier: Mapped[int] = mapped_column(SmallInteger(), server_default="2")
    """What `number` is: 0 the order carried over from last term, 1 the number drawn, 2 the order of arrival."""
    number: Mapped[int]
    unit: Mapped[UUID | None]
    """Live entries of one list with the same unit wait together (core.enrollment.waiting.units)."""
    carried_from: Mapped[UUID | None]
    why: Mapped[str] = mapped_column(server_default="")
    """While blocked: why no place can be offered, an outcome of claim_seats (clash, not_for_grade, unknown …)."""
    offered_at: Mapped[datetime | None]
    offer_until: Mapped[datetime | None]
    jumped_at: Mapped[datetime | None]
    jump_reason: Mapped[str] = mapped_column(server_default="")
    jump_note: Mapped[str] = mapped_column(server_default="")
    jump_by: Mapped[str] = mapped_column(server_default="")
    jump_account: Mapped[UUID | None]
    joined_by: Mapped[str] = mapped_column(server_default="")


class WaitingEvent(TenantModel):
    """One line of a list's log, append-only: whoever replays a list's events in order gets the list as it stands
    (core.enrollment.waiting.replay). `facts` of what puts an entry in its order: cls, tier, number, unit; of an offer:
    until, round; of a unit passed by because it was larger than what was free: free, size, round.
    """

    __tablename__ = "waiting_event"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        tenant_fk("entry_id", "waiting_entry"),
        Index("ix_waiting_event_offering_id", "tenant_id", "offering_id", "at", "id"),
        Index("ix_waiting_event_entry_id", "tenant_id", "entry_id", "at"),
        CheckConstraint(
            "kind <> 'jump' or (reason in ('safety', 'special_care', 'school_error', 'course_ended', 'sibling') "
            "and length(btrim(note)) > 1 and account_id is not null and actor_name <> '')",
            name="jump",
        ),
    )

    offering_id: Mapped[UUID]
    entry_id: Mapped[UUID]
    kind: Mapped[str]
    """join, or an event of WAITING's machine, or jump, priority, change, bind, unbind, pass."""
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    account_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")
    note: Mapped[str] = mapped_column(server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
