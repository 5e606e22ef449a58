"""Bills, their lines and reductions, payment attempts, receipts, and the runs that make bills."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk


class BillingRun(TenantModel, Stamped):
    """One run that bills a term. A second run of the term bills only the children whom the first left out.

    `resumed` counts how often a person set a run going again that its worker had given up. `starter_id` is the account
    of who pressed: who approved what the run gives back to families that exchanged an item.
    """

    __tablename__ = "billing_run"
    __table_args__ = (tenant_fk("term_id", "term"), Index("ix_billing_run_term_id", "tenant_id", "term_id"))

    term_id: Mapped[UUID]
    job_id: Mapped[UUID | None]
    started_by: Mapped[str] = mapped_column(server_default="")
    starter_id: Mapped[UUID | None]
    bills: Mapped[int] = mapped_column(server_default="0")
    held_back: Mapped[int] = mapped_column(server_default="0")
    due_fen: Mapped[int] = mapped_column(server_default="0")
    cursor: Mapped[UUID | None]
    """The last child of the last chunk that was committed: where a killed run goes on."""
    resumed: Mapped[int] = mapped_column(server_default="0")
    finished_at: Mapped[datetime | None]


class Bill(TenantModel, Stamped):
    """One bill of one child and one term (R-344). Amounts in fen: due = charged − reduced; paid never exceeds due.

    `part` 0 is the term's bill; 1, 2 … are those for what the child took up later in the term (R-149, R-214).
    """

    __tablename__ = "bill"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        tenant_fk("student_id", "student"),
        tenant_fk("run_id", "billing_run"),
        UniqueConstraint("tenant_id", "number"),
        Index(
            "uq_bill_live",
            "tenant_id",
            "term_id",
            "student_id",
            "part",
            unique=True,
            postgresql_where=text("state <> 'void'"),
        ),
        Index("ix_bill_student_id", "tenant_id", "student_id"),
        Index("ix_bill_run_id", "tenant_id", "run_id"),
        CheckConstraint("charged_fen >= 0 and reduced_fen between 0 and charged_fen", name="amounts"),
        CheckConstraint("due_fen = charged_fen - reduced_fen", name="due"),
        CheckConstraint("paid_fen between 0 and due_fen", name="paid"),
        CheckConstraint("refunded_fen between 0 and paid_fen", name="refunded"),
    )

    term_id: Mapped[UUID]
    student_id: Mapped[UUID]
    run_id: Mapped[UUID | None]
    number: Mapped[str]
    part: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str]
    charged_fen: Mapped[int]
    reduced_fen: Mapped[int] = mapped_column(server_default="0")
    due_fen: Mapped[int]
    paid_fen: Mapped[int] = mapped_column(server_default="0")
    refunded_fen: Mapped[int] = mapped_column(server_default="0")
    issued_at: Mapped[datetime | None]
    notes: Mapped[list[Any]] = mapped_column(server_default="[]")
    pack_revision: Mapped[str] = mapped_column(server_default="")
    """The policy pack's revision that the amounts were decided under, so that they can be explained later."""


class BillLine(TenantModel):
    """One charge: `amount_fen` = `unit_fen` × `quantity` of a posted fee standard."""

    __tablename__ = "bill_line"
    __table_args__ = (
        tenant_fk("bill_id", "bill"),
        Index("ix_bill_line_bill_id", "tenant_id", "bill_id"),
        Index("ix_bill_line_offering_id", "tenant_id", "offering_id"),
        CheckConstraint("quantity > 0 and unit_fen >= 0 and amount_fen = unit_fen * quantity", name="amount"),
        CheckConstraint(
            "earned_fen >= 0 and returned_fen >= 0 and unused_fen >= 0 "
            "and earned_fen + returned_fen + unused_fen <= amount_fen",
            name="settled",
        ),
    )

    bill_id: Mapped[UUID]
    service: Mapped[str]
    title: Mapped[str]
    fund: Mapped[str]
    unit: Mapped[str]
    unit_fen: Mapped[int]
    quantity: Mapped[int]
    amount_fen: Mapped[int]
    standard_id: Mapped[UUID]
    approval: Mapped[str]
    enrolment_id: Mapped[UUID | None]
    offering_id: Mapped[UUID | None]
    lessons: Mapped[int | None]
    """Dated lessons of the enrolment when it was billed: of how many one lesson held is a part. None before 0150."""
    swap_back_fen: Mapped[int | None]
    """What the family got back of it when the child exchanged the item for another; None: nothing was settled."""
    earned_fen: Mapped[int] = mapped_column(server_default="0")
    """How much of it is income so far, by lessons held (idea 9)."""
    returned_fen: Mapped[int] = mapped_column(server_default="0")
    """How much of it was owed back to the family before it was earned: it never becomes income."""
    unused_fen: Mapped[int] = mapped_column(server_default="0")
    """The reduced part of lessons never held, at the term's closing: nobody paid it, so the reduction is taken back."""


class BillReduction(TenantModel):
    """Less to pay, by fund. The ground stays with the plugin that granted it; here is only its reference (idea 8)."""

    __tablename__ = "bill_reduction"
    __table_args__ = (
        tenant_fk("bill_id", "bill"),
        Index("ix_bill_reduction_bill_id", "tenant_id", "bill_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    bill_id: Mapped[UUID]
    service: Mapped[str | None]
    fund: Mapped[str]
    amount_fen: Mapped[int]
    reference: Mapped[UUID]
    clause: Mapped[str] = mapped_column(server_default="")


class BillingHold(TenantModel, Stamped):
    """A child whom a run could not bill, and why, for a finance role to settle."""

    __tablename__ = "billing_hold"
    __table_args__ = (
        tenant_fk("run_id", "billing_run"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "run_id", "student_id"),
    )

    run_id: Mapped[UUID]
    student_id: Mapped[UUID]
    code: Mapped[str]
    message: Mapped[str]
    clause: Mapped[str] = mapped_column(server_default="")


class PaymentAttempt(TenantModel, Stamped):
    """A guardian set out to pay a bill. The row's id is the idempotency key at the provider, for ever."""

    __tablename__ = "payment_attempt"
    __table_args__ = (
        tenant_fk("bill_id", "bill"),
        UniqueConstraint("tenant_id", "provider", "provider_ref"),
        Index("ix_payment_attempt_bill_id", "tenant_id", "bill_id"),
        Index(
            "ix_payment_attempt_open", "tenant_id", "created_at", postgresql_where=text("state in ('started', 'open')")
        ),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    bill_id: Mapped[UUID]
    amount_fen: Mapped[int]
    provider: Mapped[str]
    state: Mapped[str]
    provider_ref: Mapped[str | None]
    """The provider's own id of the payment (a PaymentIntent), known once money has moved."""
    session_ref: Mapped[str | None]
    pay_url: Mapped[str | None]
    account_id: Mapped[UUID | None]
    method: Mapped[str | None]
    received_fen: Mapped[int] = mapped_column(server_default="0")
    fee_fen: Mapped[int | None]
    """What the provider took for it; None until it said so. The school's own funds bear it (R-357)."""
    settled_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    problem: Mapped[str | None]


class Receipt(TenantModel, Stamped):
    """Proof of a payment, numbered without gaps, checked by anyone through its QR code."""

    __tablename__ = "receipt"
    __table_args__ = (
        tenant_fk("bill_id", "bill"),
        tenant_fk("attempt_id", "payment_attempt"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "attempt_id"),
        UniqueConstraint("tenant_id", "token"),
        Index("ix_receipt_bill_id", "tenant_id", "bill_id"),
    )

    bill_id: Mapped[UUID]
    attempt_id: Mapped[UUID]
    number: Mapped[str]
    amount_fen: Mapped[int]
    token: Mapped[str]
    paid_at: Mapped[datetime]


class Refund(TenantModel, Stamped):
    """Money that goes back. The row's id is the idempotency key at the provider."""

    __tablename__ = "refund"
    __table_args__ = (
        tenant_fk("bill_id", "bill"),
        tenant_fk("attempt_id", "payment_attempt"),
        tenant_fk("line_id", "bill_line"),
        Index("ix_refund_attempt_id", "tenant_id", "attempt_id"),
        Index("ix_refund_bill_id", "tenant_id", "bill_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    bill_id: Mapped[UUID]
    attempt_id: Mapped[UUID]
    amount_fen: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str]
    provider_ref: Mapped[str | None]
    surplus: Mapped[bool] = mapped_column(server_default="false")
    """True when it gives back what was paid beyond the bill (paid twice)."""
    line_id: Mapped[UUID | None]
    """The bill's line that a run gave back because the child exchanged its item (core.billing.changes)."""
    shares: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Fen by fund, fixed at approval: every later journal of this refund takes the same."""
    in_transit: Mapped[bool] = mapped_column(server_default="false")
    """The provider has taken it from our balance and the payer has not yet got it."""
    round: Mapped[int] = mapped_column(server_default="0")
    """How often it was begun anew after a failure; each round has a key of its own at the provider."""
    problem: Mapped[str | None]
    approved_by: Mapped[UUID | None]
    """The account that approved it; money paid from the bank instead needs a second person."""
    sent_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class FinanceAlert(TenantModel, Stamped):
    """Something about money that a finance role must see: a payment too much, too late, or not as agreed."""

    __tablename__ = "finance_alert"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str]
    kind: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What the sentence of its kind (core.billing.alerts) is filled with."""
    bill_id: Mapped[UUID | None]
    amount_fen: Mapped[int] = mapped_column(server_default="0")
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    note: Mapped[str] = mapped_column(server_default="")


class Spending(TenantModel, Stamped):
    """Money of a fund that was spent on the service, as its papers show it. What was written stays; a wrong entry is
    taken back by the mirror of its journal."""

    __tablename__ = "spending"
    __table_args__ = (
        Index("ix_spending_paid_on", "tenant_id", "paid_on"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    fund: Mapped[str]
    item: Mapped[str]
    """What for, in the words of the packs (core.billing.spending.ITEMS)."""
    amount_fen: Mapped[int]
    payee: Mapped[str]
    paid_on: Mapped[date]
    voucher: Mapped[str] = mapped_column(server_default="")
    procurement: Mapped[str] = mapped_column(server_default="")
    """Way and document's number where it is government procurement: "tender:招采〔2026〕3 号"."""
    reason: Mapped[str] = mapped_column(server_default="")
    """Why the rules' warnings were passed over, if any spoke."""
    objections: Mapped[list[Any]] = mapped_column(server_default="[]")
    pack_revision: Mapped[str] = mapped_column(server_default="")
    booked_by: Mapped[str] = mapped_column(server_default="")
    journal_id: Mapped[UUID | None]
    taken_back_at: Mapped[datetime | None]
    taken_back_why: Mapped[str] = mapped_column(server_default="")


class FundStatement(TenantModel):
    """A published statement of income and expenditure: from which journals, and the chain's hash there (R-358)."""

    __tablename__ = "fund_statement"
    __table_args__ = (tenant_fk("term_id", "term"), UniqueConstraint("tenant_id", "term_id", "fund", "seq"))

    term_id: Mapped[UUID]
    fund: Mapped[str]
    seq: Mapped[int]
    hash: Mapped[str]
    published_by: Mapped[str] = mapped_column(server_default="")
    published_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
