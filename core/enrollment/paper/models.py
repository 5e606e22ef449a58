"""The table of paper forms: what a class teacher keyed in, the scan that it was keyed in from, who compared the two."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class PaperForm(TenantModel, Stamped):
    """One paper of a family. `kind`: application, or agreement (then `agreement_id` names the printed text).

    `items` is [{offering, weekdays}]; `scan_sha256` names the very bytes of the file before it was sealed. `state`
    belongs to PAPER's machine.
    """

    __tablename__ = "paper_form"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        tenant_fk("student_id", "student"),
        tenant_fk("agreement_id", "agreement"),
        tenant_fk("application_id", "application"),
        Index(
            "uq_paper_form_open",
            "tenant_id",
            "term_id",
            "student_id",
            "kind",
            unique=True,
            postgresql_where=text("state in ('asked', 'entered')"),
        ),
        Index("ix_paper_form_state", "tenant_id", "state", "entered_at"),
        CheckConstraint("kind in ('application', 'agreement')", name="kind"),
        CheckConstraint("(kind = 'agreement') = (agreement_id is not null)", name="agreement"),
        # nothing is keyed in without the signed scan, and nobody confirms what they keyed in themselves.
        CheckConstraint("state in ('asked', 'dropped') or scan_sealed is not null", name="scanned"),
        CheckConstraint("checked_by is null or checked_by <> entered_by", name="two_people"),
        CheckConstraint("state <> 'confirmed' or checked_by is not null", name="checked"),
    )

    term_id: Mapped[UUID]
    student_id: Mapped[UUID]
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="asked")
    items: Mapped[list[Any]] = mapped_column(server_default="[]")
    need: Mapped[str] = mapped_column(server_default="")
    papers: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What else is on the paper, in the packs' words (application.forms): a stamp of the employer, a signature."""
    asked_on: Mapped[date | None]
    """When the parent asked orally, where the scheme wants that first (R-139)."""
    asked_words: Mapped[str] = mapped_column(server_default="")
    received_by: Mapped[str] = mapped_column(server_default="")
    """Who of the parents' committee took the form in, where the scheme's chain names it."""
    signer_name: Mapped[str] = mapped_column(server_default="")
    signer_relation: Mapped[str] = mapped_column(server_default="")
    signed_on: Mapped[date | None]
    scan_sealed: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    """The file under the school's key (core.db.crypt); each opening leaves a line that the guardian can see."""
    scan_type: Mapped[str] = mapped_column(server_default="")
    scan_sha256: Mapped[str] = mapped_column(server_default="")
    entered_by: Mapped[UUID | None]
    entered_name: Mapped[str] = mapped_column(server_default="")
    entered_at: Mapped[datetime | None]
    checked_by: Mapped[UUID | None]
    checked_name: Mapped[str] = mapped_column(server_default="")
    checked_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(server_default="")
    """Why it was returned, or what the guardian objects."""
    agreement_id: Mapped[UUID | None]
    agreement_sha256: Mapped[str] = mapped_column(server_default="")
    application_id: Mapped[UUID | None]
