"""From proposed charges to drafts: price, reduce, cap. Pure: no database, no clock; docs/billing.md has worked tables.

All amounts are fen. The order is the pack's (`fee.reduction_order`): by default reductions first, then the cap on what
is left of the service charge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.base.money import Fen
from core.billing.views import BillDraft, ChargeProposal, PricedCharge, ReductionProposal, UnitPrice

CAP_GROUND = "cap"
PART_GROUND = "part"
"""An item exchanged in mid-term: the part of its months or its term that the child does not take."""


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A charge whose service has no posted fee standard: it may not be charged (R-341)."""

    student_id: UUID
    service: str
    title: str


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that a term's service charge may come to, and where that is written."""

    fen: Fen
    clause: str
    before_reductions: bool = False


def price(
    proposals: Iterable[ChargeProposal],
    prices: Mapping[str, UnitPrice],
    months: Mapping[UUID, int] | None = None,
) -> tuple[list[PricedCharge], list[Unpriced]]:
    """Give each proposal its amount: quantity × unit price of the posted standard.

    The unit is the standard's: of one by the term a proposal takes one, of one by the month as many as its enrolment
    covers (`months`, by enrolment id).
    """
    priced: list[PricedCharge] = []
    unpriced: list[Unpriced] = []
    for proposal in proposals:
        if proposal.quantity <= 0:
            continue
        standard = prices.get(proposal.service)
        if standard is None:
            unpriced.append(Unpriced(proposal.student_id, proposal.service, proposal.title))
            continue
        quantity = _quantity(proposal, standard.unit, months or {})
        amount = Fen(standard.fen * quantity)
        priced.append(PricedCharge(replace(proposal, quantity=quantity), standard, amount))
    return priced, unpriced


def _quantity(proposal: ChargeProposal, unit: str, months: Mapping[UUID, int]) -> int:
    if unit == "term":
        return 1
    if unit == "month" and proposal.enrolment_id is not None:
        return max(1, months.get(proposal.enrolment_id, 1))
    return proposal.quantity


def draft(
    student_id: UUID,
    term_id: UUID,
    charges: Sequence[PricedCharge],
    reductions: Sequence[ReductionProposal],
    cap: Cap | None,
    run_id: UUID,
    parts: Mapping[UUID, tuple[int, int]] | None = None,
) -> BillDraft:
    """One child's bill. No reduction takes more than its charge; the cap bears on the service fund alone.

    A reduction of the whole bill (service None) is spread over the service fund's charges first. Unused parts of a
    reduction lapse: a bill never falls below nought. `parts`, by enrolment: (lessons of the child, lessons paid for) of
    an exchanged item that is priced by the month or term; of what is left of its charge the rest is taken off.
    """
    left = {index: int(charge.amount) for index, charge in enumerate(charges)}
    granted: list[ReductionProposal] = []
    if cap and cap.before_reductions:
        granted += _capped(student_id, charges, left, cap, run_id)
    for reduction in reductions:
        taken = _take(charges, left, int(reduction.fen), reduction.service)
        if taken:
            granted.append(
                ReductionProposal(
                    student_id, reduction.service, Fen(taken), reduction.ground, reduction.reference, reduction.clause
                )
            )
    for index, charge in enumerate(charges):
        id_ = charge.proposal.enrolment_id
        if parts and id_ is not None and id_ in parts:
            granted += _partly(student_id, charge, index, left, parts[id_])
    if cap and not cap.before_reductions:
        granted += _capped(student_id, charges, left, cap, run_id)
    due = Fen(sum(left.values()))
    return BillDraft(student_id, term_id, tuple(charges), tuple(granted), due)


def _take(charges: Sequence[PricedCharge], left: dict[int, int], wanted: int, service: str | None) -> int:
    """Take up to `wanted` fen off the charges that a reduction bears on; returns what could be taken."""
    order = [
        index
        for index, charge in enumerate(charges)
        if (service is None and charge.proposal.fund == "service") or charge.proposal.service == service
    ]
    taken = 0
    for index in order:
        step = min(left[index], wanted - taken)
        left[index] -= step
        taken += step
    return taken


def _partly(
    student_id: UUID, charge: PricedCharge, index: int, left: dict[int, int], part: tuple[int, int]
) -> list[ReductionProposal]:
    """Half a fen goes to the family."""
    lessons, whole = part
    over = -(-left[index] * (whole - lessons) // whole) if whole else 0
    if over <= 0 or charge.proposal.enrolment_id is None:
        return []
    left[index] -= over
    reference = charge.proposal.enrolment_id
    return [ReductionProposal(student_id, charge.proposal.service, Fen(over), PART_GROUND, reference)]


def _capped(
    student_id: UUID, charges: Sequence[PricedCharge], left: dict[int, int], cap: Cap, run_id: UUID
) -> list[ReductionProposal]:
    total = sum(left[i] for i, charge in enumerate(charges) if charge.proposal.fund == "service")
    over = total - int(cap.fen)
    if over <= 0:
        return []
    taken = _take(charges, left, over, None)
    return [ReductionProposal(student_id, None, Fen(taken), CAP_GROUND, run_id, cap.clause)]


def reduced_by_fund(bill: BillDraft) -> dict[str, int]:
    """How much of a draft's reductions falls on each fund, in fen."""
    fund_of = {charge.proposal.service: charge.proposal.fund for charge in bill.charges}
    sums: dict[str, int] = {}
    for reduction in bill.reductions:
        fund = "service" if reduction.service is None else fund_of[reduction.service]
        sums[fund] = sums.get(fund, 0) + int(reduction.fen)
    return sums


def charged_by_fund(bill: BillDraft) -> dict[str, int]:
    """Gross charges of a draft by fund, in fen."""
    sums: dict[str, int] = {}
    for charge in bill.charges:
        sums[charge.proposal.fund] = sums.get(charge.proposal.fund, 0) + int(charge.amount)
    return sums
