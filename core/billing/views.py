"""Frozen types between the billing run and the plugins that propose charges, prices and reductions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from core.base.money import Fen
from core.enrollment.views import EnrolmentView

Fund = Literal["service", "meals", "agency"]
"""service: 服务性收费 for after-school service; meals: lunch money; agency: 代收费, collected on behalf of another."""


@dataclass(frozen=True, slots=True)
class BilledStudent:
    """One child of a billing chunk. `lessons` counts, by enrolment id, the dated lessons of the term that it covers;
    `months`, by enrolment id too, the calendar months in which they lie."""

    student_id: UUID
    grade: int
    enrolments: tuple[EnrolmentView, ...]
    lessons: Mapping[UUID, int]
    months: Mapping[UUID, int] = field(default_factory=dict)
    whole: Mapping[UUID, tuple[int, int]] = field(default_factory=dict)
    """Of enrolments that were exchanged, or came in exchange: the lessons that its days have in all of its months, and
    in the term. What is priced by the month or term is charged for the part that `lessons` is of it."""


@dataclass(frozen=True, slots=True)
class BillingRequest:
    """A chunk of children of one school and one term (R-344: a bill never crosses a term)."""

    term_id: UUID
    term_code: str
    on: date
    students: tuple[BilledStudent, ...]


@dataclass(frozen=True, slots=True)
class ChargeProposal:
    """A plugin proposes to charge `quantity` lessons (or meals) of `service`; the core prices, checks and posts it.

    Where the posted standard counts terms or months instead, the core counts those of the enrolment. `title` stands
    on the bill. `fund` says whose money it becomes. Nothing is said about the amount: the price is
    that of the posted fee standard, so that no plugin can charge what was not published.
    """

    student_id: UUID
    service: str
    title: str
    quantity: int
    fund: Fund = "service"
    enrolment_id: UUID | None = None
    offering_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """A fee standard in force: approved, disclosed and posted before it may be charged (R-340, R-341)."""

    service: str
    unit: str
    """lesson, term, month or meal."""
    fen: Fen
    standard_id: UUID
    approval: str
    posted_at: datetime
    fund: Fund = "service"
    grades: tuple[int, ...] = ()
    """For which grades the standard is; empty: for all. Other children are charged nothing for the service."""

    def covers(self, grade: int) -> bool:
        return not self.grades or grade in self.grades


@dataclass(frozen=True, slots=True)
class FeeItem:
    """What an offering may be charged under: the code, and the name of its fee standard, in force or on the way."""

    service: str
    title: str


@dataclass(frozen=True, slots=True)
class PricedCharge:
    """A charge with its amount in fen, before reductions."""

    proposal: ChargeProposal
    price: UnitPrice
    amount: Fen


@dataclass(frozen=True, slots=True)
class ReductionProposal:
    """Less to pay for one child: `fen` off the charge of `service` (None: off the whole bill).

    `ground` is a code that only finance roles may read in words; `reference` is the granted reduction's id.
    """

    student_id: UUID
    service: str | None
    fen: Fen
    ground: str
    reference: UUID
    clause: str = ""


@dataclass(frozen=True, slots=True)
class BillDraft:
    """One child's bill before it is posted; amounts in fen."""

    student_id: UUID
    term_id: UUID
    charges: tuple[PricedCharge, ...]
    reductions: tuple[ReductionProposal, ...]
    due: Fen
    notes: tuple[str, ...] = field(default=())
