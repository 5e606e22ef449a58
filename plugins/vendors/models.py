"""Tables of vendors. One plugin serves three kinds of organisation; each table says in whose tenant it is filled."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.api import Stamped, TenantModel, tenant_fk


class Profile(TenantModel, Stamped):
    """Vendor: what it is, as it applies to bureaus (R-299, R-309). One row."""

    __tablename__ = "vendors_profile"
    __table_args__ = (
        UniqueConstraint("tenant_id"),
        CheckConstraint("agency_kind in ('non_subject', 'subject', 'public_body', 'public_benefit')", name="kind"),
    )

    legal_name: Mapped[str]
    credit_code: Mapped[str] = mapped_column(server_default="")
    agency_kind: Mapped[str] = mapped_column(server_default="non_subject")
    licence_no: Mapped[str] = mapped_column(server_default="")
    licence_until: Mapped[date | None]
    subjects: Mapped[str] = mapped_column(server_default="")
    contact_name: Mapped[str] = mapped_column(server_default="")
    contact_phone: Mapped[str] = mapped_column(server_default="")
    intro: Mapped[str] = mapped_column(server_default="")


class Certificate(TenantModel, Stamped):
    """Vendor: one certificate with its dates (R-309)."""

    __tablename__ = "vendors_certificate"

    title: Mapped[str]
    number: Mapped[str] = mapped_column(server_default="")
    holder: Mapped[str] = mapped_column(server_default="")
    valid_until: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]


class Coach(TenantModel, Stamped):
    """Vendor: a person who teaches for it."""

    __tablename__ = "vendors_coach"
    __table_args__ = (UniqueConstraint("tenant_id", "phone"),)

    name: Mapped[str]
    phone: Mapped[str]
    speciality: Mapped[str] = mapped_column(server_default="")
    certificate_no: Mapped[str] = mapped_column(server_default="")
    certificate_until: Mapped[date | None]
    left_at: Mapped[datetime | None]


class Link(TenantModel, Stamped):
    """Vendor: where it stands with one bureau, as that bureau said it last."""

    __tablename__ = "vendors_link"
    __table_args__ = (UniqueConstraint("tenant_id", "bureau_id"),)

    bureau_id: Mapped[UUID]
    bureau_name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="applied")
    attempt: Mapped[int] = mapped_column(server_default="1")
    """Grows when it applies again after a refusal."""
    revision: Mapped[int] = mapped_column(server_default="0")
    """Of the bureau's last letter: an older one never overtakes it."""
    reason: Mapped[str] = mapped_column(server_default="")
    publicity_until: Mapped[date | None]
    applied_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    decided_at: Mapped[datetime | None]


class Agency(TenantModel, Stamped):
    """Bureau: a vendor on its way onto the county's list, on it, or off it (5.7)."""

    __tablename__ = "vendors_agency"
    __table_args__ = (UniqueConstraint("tenant_id", "vendor_id"),)

    vendor_id: Mapped[UUID]
    name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="applied")
    profile: Mapped[dict[str, Any]]
    applied_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    publicity_until: Mapped[date | None]
    vetted_by: Mapped[UUID | None]
    revision: Mapped[int] = mapped_column(server_default="0")
    """Counts what was told to vendor and schools, so that an older letter never overtakes a newer one."""
    reason: Mapped[str] = mapped_column(server_default="")


class Listed(TenantModel):
    """School: one line of its bureau's list."""

    __tablename__ = "vendors_listed"
    __table_args__ = (UniqueConstraint("tenant_id", "vendor_id"),)

    vendor_id: Mapped[UUID]
    name: Mapped[str]
    state: Mapped[str]
    profile: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    revision: Mapped[int] = mapped_column(server_default="0")
    """The bureau's count of its decisions about this vendor: an older letter never overtakes a newer one."""
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Course(TenantModel, Stamped):
    """Vendor: a course offered to one school, and how it goes there, in numbers (5.8). `content` is CourseContent."""

    __tablename__ = "vendors_course"
    __table_args__ = (Index("ix_vendors_course_state", "tenant_id", "state"),)

    school_id: Mapped[UUID]
    school_name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="drafted")
    content: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(server_default="")
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    offering_id: Mapped[UUID | None]
    progress: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    version: Mapped[int] = mapped_column(server_default="0")


class Proposal(TenantModel, Stamped):
    """School: a course that a vendor offers; `id` is the vendor's course."""

    __tablename__ = "vendors_proposal"
    __table_args__ = (
        tenant_fk("offering_id", "offering"),
        tenant_fk("term_id", "term"),
        Index("ix_vendors_proposal_state", "tenant_id", "state"),
        Index("ix_vendors_proposal_offering_id", "tenant_id", "offering_id"),
    )

    vendor_id: Mapped[UUID]
    vendor_name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="school_review")
    content: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(server_default="1")
    reason: Mapped[str] = mapped_column(server_default="")
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    term_id: Mapped[UUID | None]
    offering_id: Mapped[UUID | None]
    cost_fen: Mapped[int] = mapped_column(server_default="0")
    """What the school pays the vendor for the term as agreed, in fen: the basis of the cost cap (R-305)."""
    selection: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """How the vendor was chosen: {by: bureau | school, method, on, number, posted_on}; the last three are the school's
    own selection, with its date, its document's number and the day its result was posted (R-302, C-17)."""
    reviewed_by: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Who has reviewed the content, in the words of the packs (R-313, R-330); the school itself by approving."""
    review_number: Mapped[str] = mapped_column(server_default="")
    """Number of the bureau's paper where a bureau reviewed it."""


class Teacher(TenantModel, Stamped):
    """School: a vendor's coach registered as external teacher (R-303): vetted, made public, filed."""

    __tablename__ = "vendors_teacher"
    __table_args__ = (
        tenant_fk("staff_id", "staff"),
        UniqueConstraint("tenant_id", "staff_id", "vendor_id"),
    )

    staff_id: Mapped[UUID]
    vendor_id: Mapped[UUID]
    name: Mapped[str]
    certificate_no: Mapped[str] = mapped_column(server_default="")
    certificate_until: Mapped[date | None]
    publicized_on: Mapped[date | None]
    filed_on: Mapped[date | None]
    ended_at: Mapped[datetime | None]


class Finding(TenantModel, Stamped):
    """School: something established about a vendor: a ground of exit, or an upheld complaint (R-316 to R-319)."""

    __tablename__ = "vendors_finding"
    __table_args__ = (Index("ix_vendors_finding_vendor_id", "tenant_id", "vendor_id"),)

    vendor_id: Mapped[UUID]
    term_id: Mapped[UUID]
    ground: Mapped[str]
    words: Mapped[str]
    found_on: Mapped[date]
    found_by: Mapped[str]
    account_id: Mapped[UUID | None]
    dropped_at: Mapped[datetime | None]


class Score(TenantModel):
    """School: one frozen score of a vendor in a term, with every input and the points of every part (idea 6).

    Append-only. `data` is what `plugins.vendors.scoring.replay` computes again; `sha256` is of its canonical JSON.
    """

    __tablename__ = "vendors_score"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        Index("ix_vendors_score_vendor_id", "tenant_id", "vendor_id", "term_id", "created_at"),
    )

    vendor_id: Mapped[UUID]
    vendor_name: Mapped[str]
    term_id: Mapped[UUID]
    enough: Mapped[bool]
    centipoints: Mapped[int | None]
    data: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class ScoreReport(TenantModel):
    """Vendor and bureau: a score as a school reported it. Append-only."""

    __tablename__ = "vendors_score_report"
    __table_args__ = (
        UniqueConstraint("tenant_id", "school_id", "vendor_id", "sha256"),
        Index("ix_vendors_score_report_vendor_id", "tenant_id", "vendor_id", "received_at"),
    )

    school_id: Mapped[UUID]
    school_name: Mapped[str]
    vendor_id: Mapped[UUID]
    vendor_name: Mapped[str]
    term_code: Mapped[str]
    enough: Mapped[bool]
    centipoints: Mapped[int | None]
    data: Mapped[dict[str, Any]]
    sha256: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class Case(TenantModel, Stamped):
    """An exit review, with the same id in all three organisations; the bureau's row decides, the others mirror it.

    A worker may open a case. Only a person may close one, and not the person who wrote the notice.
    """

    __tablename__ = "vendors_case"
    __table_args__ = (
        Index(
            "uq_vendors_case_open",
            "tenant_id",
            "vendor_id",
            "school_id",
            unique=True,
            postgresql_where=text("state <> 'decided'"),
        ),
        CheckConstraint("state in ('opened', 'noticed', 'answered', 'decided')", name="state"),
        CheckConstraint("state <> 'decided' or (outcome <> '' and decided_name <> '')", name="decided"),
    )

    vendor_id: Mapped[UUID]
    vendor_name: Mapped[str]
    school_id: Mapped[UUID]
    school_name: Mapped[str]
    bureau_id: Mapped[UUID]
    term_code: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="opened")
    triggers: Mapped[list[Any]]
    """Why it was opened: objections of the pack's exit rules, as recorded."""
    evidence: Mapped[dict[str, Any]]
    """The score's snapshot and the findings it rests on."""
    notice: Mapped[str] = mapped_column(server_default="")
    noticed_at: Mapped[datetime | None]
    noticed_by: Mapped[UUID | None]
    noticed_name: Mapped[str] = mapped_column(server_default="")
    answer_until: Mapped[date | None]
    answer: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime | None]
    answered_name: Mapped[str] = mapped_column(server_default="")
    outcome: Mapped[str] = mapped_column(server_default="")
    decision: Mapped[str] = mapped_column(server_default="")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str] = mapped_column(server_default="")
    sanctions: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What the scheme says follows on an exit (R-320), in the words of the packs, as it was when it was decided."""


APPEND_ONLY = frozenset({"vendors_score", "vendors_score_report"})
