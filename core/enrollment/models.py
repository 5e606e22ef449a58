"""Tables of the menu: offerings with their periods and seats, the term's menu, applications, agreements, enrolments."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, SmallInteger, Time, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk
from core.enrollment.signing_codes import OneTimeCode

Days = ARRAY(SmallInteger())
"""Weekdays or grades: small whole numbers, weekdays counting from 1 (Monday)."""


class Menu(TenantModel, Stamped):
    """The menu (课后服务“菜单”) of one term: when it was published and when families may choose (R-465)."""

    __tablename__ = "menu"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_id"),
        tenant_fk("term_id", "term"),
        CheckConstraint("opens_at < closes_at", name="window"),
    )

    term_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="draft")
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    safety: Mapped[str] = mapped_column(server_default="")
    """The school's own words on safety in the letter to parents (告家长书); empty: the standard words."""
    mode: Mapped[str] = mapped_column(server_default="")
    """How the service is run (服务方式), in the same letter."""
    returns: Mapped[list[time]] = mapped_column(ARRAY(Time()), server_default="{}")
    """Announced times of day at which places that were given back return to who comes first; none: at once."""


class Offering(TenantModel, Stamped):
    """One item of the menu. Who made it is `plugin` (None: the core's own care); `state` belongs to OFFERING's machine.

    `service` is the code its price is posted under; None: free of charge. `early_ends_at` is when grades 1 and 2
    leave (错峰离校), where the scheme sends them home earlier.
    """

    __tablename__ = "offering"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        tenant_fk("room_id", "room"),
        tenant_fk("teacher_id", "staff"),
        Index("ix_offering_term_id", "tenant_id", "term_id", "state"),
        CheckConstraint("capacity is null or capacity > 0", name="capacity"),
    )

    term_id: Mapped[UUID]
    kind: Mapped[str]
    plugin: Mapped[str | None]
    title: Mapped[str]
    summary: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str] = mapped_column(server_default="proposed")
    grades: Mapped[list[int]] = mapped_column(Days)
    capacity: Mapped[int | None]
    service: Mapped[str | None]
    room_id: Mapped[UUID | None]
    teacher_id: Mapped[UUID | None]
    vendor_id: Mapped[UUID | None]
    time_window: Mapped[str] = mapped_column(server_default="afternoon")
    content: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Kinds of content by the pack's words (homework, sport, arts …)."""
    early_ends_at: Mapped[time | None]
    any_days: Mapped[bool] = mapped_column(server_default="false")
    """Whether the family may choose some of its weekdays (R-150); else it takes them all."""
    details: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    reason: Mapped[str] = mapped_column(server_default="")
    """The written reason that lets warnings of the rules pass."""
    published_at: Mapped[datetime | None]


class OfferingPeriod(TenantModel):
    """When an offering runs on one weekday (school time); with dates, only on days between them (winter times)."""

    __tablename__ = "offering_period"
    __table_args__ = (
        tenant_fk("offering_id", "offering", ondelete="CASCADE"),
        UniqueConstraint(
            "tenant_id",
            "offering_id",
            "weekday",
            "starts_at",
            "valid_from",
            name="uq_offering_period_hours",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("weekday between 1 and 7", name="weekday"),
        CheckConstraint("starts_at < ends_at", name="times"),
        CheckConstraint("valid_from <= valid_to", name="dates"),
    )

    offering_id: Mapped[UUID]
    weekday: Mapped[int] = mapped_column(SmallInteger())
    starts_at: Mapped[time]
    ends_at: Mapped[time]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    """The first and the last day of these hours; empty: from the term's first day, until its last."""


class OfferingCover(TenantModel, Stamped):
    """The picture on an offering's card, as it was cleaned of everything but the picture."""

    __tablename__ = "offering_cover"
    __table_args__ = (
        tenant_fk("offering_id", "offering", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "offering_id"),
    )

    offering_id: Mapped[UUID]
    media_type: Mapped[str]
    alt: Mapped[str]
    """What the picture shows, for those who cannot see it."""
    sha256: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class OfferingChange(TenantModel, Stamped):
    """What changed in an offering that families had been shown, and how many were told. Append-only.

    `event` is changed, suspended, resumed or withdrawn. `what` is [[aspect, old, new], …], in the shape of
    core.notices.changes, so that it is read in the reader's language.
    """

    __tablename__ = "offering_change"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        Index("ix_offering_change_offering_id", "tenant_id", "offering_id", "created_at"),
        CheckConstraint("event in ('changed', 'suspended', 'resumed', 'withdrawn')", name="event"),
    )

    offering_id: Mapped[UUID]
    event: Mapped[str]
    what: Mapped[list[Any]] = mapped_column(server_default="[]")
    reason: Mapped[str] = mapped_column(server_default="")
    children: Mapped[int]
    """How many children it touched when it was made."""
    told: Mapped[int]
    """How many people got the message."""
    by_name: Mapped[str] = mapped_column(server_default="")


class OfferingSeats(TenantModel):
    """How many places an offering has and has given; `id` is the offering's. The one row that a rush fights over, so
    it is narrow and no foreign key points at it."""

    __tablename__ = "offering_seats"
    __table_args__ = (
        tenant_fk("id", "offering"),
        CheckConstraint("taken >= 0 and (capacity is null or taken <= capacity)", name="taken"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    term_id: Mapped[UUID]
    capacity: Mapped[int | None]
    taken: Mapped[int] = mapped_column(server_default="0")
    grades: Mapped[list[int]] = mapped_column(Days)
    claimable: Mapped[bool] = mapped_column(server_default="false")
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    returns: Mapped[list[time]] = mapped_column(ARRAY(Time()), server_default="{}")
    """The menu's."""


class SeatClaim(TenantModel):
    """A child's place in an offering. Live while `released_at` is empty; `held_until` is set until an application
    takes it up, after which it stays. No foreign key to the offering: the claim itself proves that it exists."""

    __tablename__ = "seat_claim"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "offering_id", "student_id", "key"),
        Index(
            "uq_seat_claim_live",
            "tenant_id",
            "student_id",
            "offering_id",
            unique=True,
            postgresql_where=text("released_at is null"),
        ),
        Index(
            "ix_seat_claim_held",
            "tenant_id",
            "offering_id",
            "held_until",
            postgresql_where=text("released_at is null and held_until is not null"),
        ),
        Index(
            "ix_seat_claim_returns",
            "tenant_id",
            "offering_id",
            "returns_at",
            postgresql_where=text("returns_at is not null"),
        ),
    )

    term_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    student_id: Mapped[UUID]
    key: Mapped[str]
    weekdays: Mapped[list[int]] = mapped_column(Days)
    claimed_at: Mapped[datetime]
    held_until: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(server_default="")
    """Why it was released: expired, cancelled, refused, steered, withdrawn."""
    returns_at: Mapped[datetime | None]
    """Of a released one: when its place returns to who comes first; None: at once."""
    account_id: Mapped[UUID | None]


class NoticeReading(TenantModel):
    """A guardian has read the letter to parents (告家长书) in exactly this wording (R-136). Append-only."""

    __tablename__ = "notice_reading"
    __table_args__ = (
        tenant_fk("student_id", "student"),
        tenant_fk("term_id", "term"),
        UniqueConstraint("tenant_id", "student_id", "account_id", "sha256"),
    )

    student_id: Mapped[UUID]
    term_id: Mapped[UUID]
    account_id: Mapped[UUID]
    sha256: Mapped[str]
    content: Mapped[list[Any]]
    read_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Basket(TenantModel, Stamped):
    """What a family is putting together for a child before it submits: [{offering, weekdays}]. Holds no places."""

    __tablename__ = "basket"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_id", "student_id"),
        tenant_fk("term_id", "term"),
        tenant_fk("student_id", "student"),
    )

    term_id: Mapped[UUID]
    student_id: Mapped[UUID]
    items: Mapped[list[Any]]


class Application(TenantModel, Stamped):
    """One child's application for a term (R-137): items inside, one for both parents."""

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("tenant_id", "term_id", "student_id"),
        tenant_fk("term_id", "term"),
        tenant_fk("student_id", "student"),
        Index("ix_application_state", "tenant_id", "term_id", "state"),
    )

    term_id: Mapped[UUID]
    student_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(server_default="informed")
    revision: Mapped[int] = mapped_column(server_default="0")
    need: Mapped[str] = mapped_column(server_default="")
    """What the guardian wrote about why the child needs the service."""
    papers: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What came on paper and was seen by a reviewer, in the packs' words (application.forms)."""
    notice_sha256: Mapped[str] = mapped_column(server_default="")
    submitted_by: Mapped[UUID | None]
    submitted_name: Mapped[str] = mapped_column(server_default="")
    submitted_at: Mapped[datetime | None]


class ApplicationItem(TenantModel, Stamped):
    """One chosen offering: `state` is chosen, steered (another one was proposed), refused or dropped."""

    __tablename__ = "application_item"
    __table_args__ = (
        UniqueConstraint("tenant_id", "application_id", "offering_id"),
        tenant_fk("application_id", "application"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("other_offering_id", "offering"),
        Index("ix_application_item_offering_id", "tenant_id", "offering_id"),
        CheckConstraint("state in ('chosen', 'steered', 'refused', 'dropped')", name="state"),
    )

    application_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    weekdays: Mapped[list[int]] = mapped_column(Days)
    state: Mapped[str] = mapped_column(server_default="chosen")
    reason: Mapped[str] = mapped_column(server_default="")
    clause: Mapped[str] = mapped_column(server_default="")
    other_offering_id: Mapped[UUID | None]


class Agreement(TenantModel, Stamped):
    """A service agreement as it was offered and signed (R-156). `content` is the whole text as data; `sha256` is of its
    canonical JSON; `token` opens the public page that proves it."""

    __tablename__ = "agreement"
    __table_args__ = (
        tenant_fk("application_id", "application"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "token"),
        UniqueConstraint("tenant_id", "number"),
        Index(
            "uq_agreement_offered",
            "tenant_id",
            "application_id",
            "kind",
            unique=True,
            postgresql_where=text("state = 'offered'"),
        ),
        Index("ix_agreement_student_id", "tenant_id", "student_id"),
    )

    application_id: Mapped[UUID]
    student_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(server_default="service")
    state: Mapped[str] = mapped_column(server_default="drafted")
    template: Mapped[str]
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    token: Mapped[str]
    number: Mapped[str | None]
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[UUID | None]
    signer_name: Mapped[str] = mapped_column(server_default="")
    signer_phone: Mapped[str] = mapped_column(server_default="")
    """Shown with its middle hidden, as the evidence says which phone the code went to."""
    paper_record: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Signed on paper: signed_on, entered_by, checked_by and the scan's SHA-256. Empty where a code signed it."""


class SigningCode(OneTimeCode):
    """A one-time code sent to sign one agreement in one wording; worth nothing for anything else."""

    __tablename__ = "signing_code"
    __table_args__ = (
        tenant_fk("agreement_id", "agreement"),
        Index("ix_signing_code_agreement_id", "tenant_id", "agreement_id", "created_at"),
    )

    agreement_id: Mapped[UUID]


class Enrolment(TenantModel, Stamped):
    """A child takes part in an offering from `starts_on` until `ends_on` (None: the term's end, R-148)."""

    __tablename__ = "enrolment"
    __table_args__ = (
        tenant_fk("application_id", "application"),
        tenant_fk("student_id", "student"),
        tenant_fk("offering_id", "offering"),
        tenant_fk("term_id", "term"),
        Index(
            "uq_enrolment_active",
            "tenant_id",
            "student_id",
            "offering_id",
            unique=True,
            postgresql_where=text("state = 'enrolled'"),
        ),
        Index("ix_enrolment_term_id", "tenant_id", "term_id", "student_id"),
        tenant_fk("replaces", "enrolment"),
        Index("ix_enrolment_replaces", "tenant_id", "replaces", postgresql_where=text("replaces is not null")),
        Index("ix_enrolment_offering_id", "tenant_id", "offering_id"),
    )

    application_id: Mapped[UUID]
    student_id: Mapped[UUID]
    offering_id: Mapped[UUID]
    term_id: Mapped[UUID]
    weekdays: Mapped[list[int]] = mapped_column(Days)
    state: Mapped[str] = mapped_column(server_default="enrolled")
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    replaces: Mapped[UUID | None]
    """The enrolment that was exchanged for this one in mid-term (core.enrollment.swap)."""
