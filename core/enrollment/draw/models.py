"""Tables of a draw: the round, what is drawn in it, the families' wishes, whom the written rule puts first, and who
wants to be drawn together."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class DrawRound(TenantModel, Stamped):
    """One draw of a term. `state` belongs to DRAW's machine.

    `record` is empty until the commitment; then it is the draw's file without seed and outcome, and after the draw the
    whole of it (core.enrollment.draw.program). It names no child. `program` is the program's text as committed to.
    """

    __tablename__ = "draw_round"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        Index("ix_draw_round_term_id", "tenant_id", "term_id", "created_at"),
        CheckConstraint("opens_at < closes_at and closes_at < seed_at", name="times"),
        CheckConstraint("per_child > 0", name="per_child"),
        CheckConstraint("mode in ('ranked', 'window')", name="mode"),
        # The seed cannot exist before the commitment, and none is drawn with that only one person has seen.
        CheckConstraint("seed = '' or record -> 'commitment' is not null", name="seed"),
        CheckConstraint("confirmed_by is null or confirmed_by <> seed_by", name="two_people"),
    )

    term_id: Mapped[UUID]
    title: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="drafted")
    mode: Mapped[str] = mapped_column(server_default="ranked")
    """How families ask: "ranked" wishes, or in a "window" where each tap is a request and all are one batch."""
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    per_child: Mapped[int]
    """How many of its courses a child may get in all."""
    classes: Mapped[list[Any]]
    """The classes of priority in words, the first preferred; one alone: everybody is equal."""
    clause: Mapped[str] = mapped_column(server_default="")
    """Where the priority is written."""
    primary_first: Mapped[bool] = mapped_column(server_default="false")
    """Whether pupils of primary grades belong to the first class (where the rule says so and others take part)."""
    luck: Mapped[bool] = mapped_column(server_default="false")
    """Whether children who got nothing in the last draw that they took part in are a class of their own."""
    seed_source: Mapped[str]
    """The public value that will be the seed, in words, named in advance."""
    seed_at: Mapped[datetime]
    """When that value becomes public: after the closing."""
    record: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    program: Mapped[str] = mapped_column(server_default="")
    committed_at: Mapped[datetime | None]
    seed: Mapped[str] = mapped_column(server_default="")
    seed_by: Mapped[UUID | None]
    seed_name: Mapped[str] = mapped_column(server_default="")
    confirmed_by: Mapped[UUID | None]
    confirmed_name: Mapped[str] = mapped_column(server_default="")
    keep_until: Mapped[datetime | None]
    """Until when the places drawn are kept for the families' applications."""
    run_id: Mapped[UUID | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    stopped: Mapped[str] = mapped_column(server_default="")
    """Why the draw stopped, if it did."""
    published_at: Mapped[datetime | None]


class DrawCourse(TenantModel):
    """An offering in a round. While `live`, its places are given by this draw and cannot be claimed."""

    __tablename__ = "draw_course"
    __table_args__ = (
        tenant_fk("round_id", "draw_round"),
        tenant_fk("offering_id", "offering"),
        UniqueConstraint("tenant_id", "round_id", "offering_id"),
        Index("uq_draw_course_live", "tenant_id", "offering_id", unique=True, postgresql_where=text("live")),
    )

    round_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    slot: Mapped[str]
    """Courses whose times overlap, directly or over others, share a slot: a child gets at most one of it."""
    live: Mapped[bool] = mapped_column(server_default="true")
    seated_at: Mapped[datetime | None]
    """When the places drawn became claims."""


class DrawWish(TenantModel, Stamped):
    """A child's wishes in a round, one for both guardians: offering ids, best first.

    `line` is what the receipt commits to, and what stands in the published file; each save makes a new salt.
    """

    __tablename__ = "draw_wish"
    __table_args__ = (
        tenant_fk("round_id", "draw_round"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "round_id", "student_id"),
        UniqueConstraint("tenant_id", "round_id", "receipt"),
        Index("ix_draw_wish_student_id", "tenant_id", "student_id"),
    )

    round_id: Mapped[UUID]
    student_id: Mapped[UUID]
    receipt: Mapped[str]
    line: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default="1")
    saved_by: Mapped[UUID | None]
    saved_name: Mapped[str] = mapped_column(server_default="")
    saved_at: Mapped[datetime]
    placed: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """After the draw: offering id → what became of the place (claimed, or why not; see claims.Decision)."""
    told_at: Mapped[datetime | None]


class DrawPriority(TenantModel, Stamped):
    """The school has confirmed that a child belongs to a group that the written rule puts first. Which group is not
    kept: the draw needs one bit, and the reason is sensitive."""

    __tablename__ = "draw_priority"
    __table_args__ = (
        tenant_fk("round_id", "draw_round"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "round_id", "student_id"),
    )

    round_id: Mapped[UUID]
    student_id: Mapped[UUID]
    entered_by: Mapped[str] = mapped_column(server_default="")


class DrawTogether(TenantModel, Stamped):
    """A child that wants a course only if the others of its party get it too. `party` is the code by which a family
    invited another; one child alone in its party waits for somebody."""

    __tablename__ = "draw_together"
    __table_args__ = (
        tenant_fk("round_id", "draw_round"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "round_id", "student_id"),
        Index("ix_draw_together_party", "tenant_id", "round_id", "party"),
    )

    round_id: Mapped[UUID]
    student_id: Mapped[UUID]
    party: Mapped[str]
    joined_by: Mapped[UUID | None]
