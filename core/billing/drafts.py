"""A chunk of children becomes drafts of bills: the plugins propose, the core prices, reduces, caps and checks.

Nothing is written here. What a plugin proposes counts only as far as the pack lets it: where the service is free for
families nothing is charged (R-333), and lunch money stays out of a school's books where the pack says so (R-371).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from core.base.money import Fen
from core.base.text import gettext as _
from core.billing.pricing import Cap, Unpriced, draft, not_taken, price
from core.billing.views import (
    BillDraft,
    BilledStudent,
    BillingRequest,
    ChargeProposal,
    PricedCharge,
    ReductionProposal,
    UnitPrice,
)
from core.db.uow import UnitOfWork
from core.policy import service as policy
from core.policy.types import Objection

INSTRUMENT = {"service": "service_charge", "agency": "collect_on_behalf", "meals": "lunch"}
"""How the packs call the money of each fund."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a child of the chunk could not be billed."""

    student_id: UUID
    code: str
    message: str
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a child was billed before in this term: how many bills stand, their service charges in fen less what was
    reduced and given back, and the enrolments that stand on them. `by_time`: of these, with their services, those that
    were charged by the term or the month."""

    part: int
    service_fen: int
    enrolments: frozenset[UUID]
    by_time: frozenset[tuple[UUID, str]] = frozenset()


async def make_drafts(
    uow: UnitOfWork, request: BillingRequest, run_id: UUID, earlier: Mapping[UUID, Earlier] | None = None
) -> tuple[list[BillDraft], list[Hold]]:
    """Drafts of a chunk, and the children held back with the reason. Raises PluginFailed; writes nothing.

    Of a child with `earlier` bills the request holds only what came later; the term's cap bears on all of them.
    """
    before = earlier or {}
    ctx, hooks = uow.ctx, uow.hooks
    proposed = await hooks.compute("charges", ctx, ChargeProposal, uow=uow, request=request)
    proposals = [
        p for p in _allowed(uow, request, proposed) if p.student_id not in before or p.enrolment_id is not None
    ]
    services = tuple(sorted({p.service for p in proposals}))
    found = await hooks.compute("unit_prices", ctx, UnitPrice, uow=uow, services=services, on=request.on)
    months = {id_: n for student in request.students for id_, n in student.months.items()}
    prices = {p.service: p for p in found}
    charges, unpriced = price(_covered(request, proposals, prices), prices, months)
    parts = parts_of(request.students, charges)
    taken = tuple(replace(c, amount=Fen(c.amount - not_taken(c, parts))) for c in charges)
    reductions = await hooks.compute("reductions", ctx, ReductionProposal, uow=uow, request=request, charges=taken)
    holds = {u.student_id: _unpriced(uow, request.on, u) for u in unpriced}
    holds |= _refused(uow, request.on, charges)
    cap = _cap(uow, request.on)
    caps = {s.student_id: _left_of_cap(cap, before.get(s.student_id)) for s in request.students}
    drafts = _drafts(request, charges, reductions, caps, run_id, holds, parts)
    objections = await hooks.decide("check_bill", ctx, uow=uow, drafts=tuple(drafts))
    drafts = _without_objected(drafts, objections, holds)
    return drafts, list(holds.values())


def _drafts(
    request: BillingRequest,
    charges: Sequence[PricedCharge],
    reductions: Sequence[ReductionProposal],
    caps: Mapping[UUID, Cap | None],
    run_id: UUID,
    holds: Mapping[UUID, Hold],
    parts: Mapping[UUID, tuple[int, int]],
) -> list[BillDraft]:
    of_child: dict[UUID, list[PricedCharge]] = defaultdict(list)
    less: dict[UUID, list[ReductionProposal]] = defaultdict(list)
    for charge in charges:
        of_child[charge.proposal.student_id].append(charge)
    for reduction in reductions:
        less[reduction.student_id].append(reduction)
    return [
        draft(id_, request.term_id, mine, less[id_], caps[id_], run_id, parts)
        for student in request.students
        if (id_ := student.student_id) not in holds and (mine := of_child[id_])
    ]


def parts_of(students: Iterable[BilledStudent], charges: Iterable[PricedCharge]) -> dict[UUID, tuple[int, int]]:
    """(lessons of the child, lessons of the months or the term paid for) of exchanged items so priced, by enrolment."""
    student_of = {student.student_id: student for student in students}
    found = {}
    for charge in charges:
        id_, student = charge.proposal.enrolment_id, student_of[charge.proposal.student_id]
        if id_ is not None and id_ in student.whole and charge.price.unit in ("month", "term"):
            in_months, in_term = student.whole[id_]
            found[id_] = (student.lessons.get(id_, 0), in_months if charge.price.unit == "month" else in_term)
    return found


def _left_of_cap(cap: Cap | None, earlier: Earlier | None) -> Cap | None:
    """What of the term's most is left for another bill of the same child."""
    if cap is None or earlier is None:
        return cap
    return Cap(Fen(max(0, int(cap.fen) - earlier.service_fen)), cap.clause, cap.before_reductions)


def _without_objected(
    drafts: list[BillDraft], objections: Sequence[Objection], holds: dict[UUID, Hold]
) -> list[BillDraft]:
    for objection in objections:
        if not objection.blocks:
            continue
        concerned = [d.student_id for d in drafts if objection.subject_id in (None, d.student_id)]
        for student_id in concerned:
            holds.setdefault(student_id, Hold(student_id, objection.code, str(objection.message), objection.clause))
    return [d for d in drafts if d.student_id not in holds]


def _allowed(uow: UnitOfWork, request: BillingRequest, proposals: Iterable[ChargeProposal]) -> list[ChargeProposal]:
    """The proposals of children in this chunk that the pack lets a school charge at all."""
    grade_of = {s.student_id: s.grade for s in request.students}
    pack = policy.effective(uow, request.on)
    free = {
        grade: pack.ask("fee.payer", amount_fen=1, grades=(grade,)).blocks for grade in sorted(set(grade_of.values()))
    }
    lunch_elsewhere = pack.ask("lunch.through_school", through_school=True).blocks
    return [
        p
        for p in proposals
        if p.student_id in grade_of
        and not (p.fund == "meals" and lunch_elsewhere)
        and not (p.fund == "service" and free[grade_of[p.student_id]])
    ]


def _covered(
    request: BillingRequest, proposals: Iterable[ChargeProposal], prices: Mapping[str, UnitPrice]
) -> list[ChargeProposal]:
    """The proposals without those of children whose grade a standard leaves out: they pay nothing for the service."""
    grade_of = {s.student_id: s.grade for s in request.students}
    return [p for p in proposals if p.service not in prices or prices[p.service].covers(grade_of[p.student_id])]


def _unpriced(uow: UnitOfWork, on: date, unpriced: Unpriced) -> Hold:
    """Without an issued and posted standard a charge would be an arbitrary one (R-336, R-341, R-453)."""
    verdict = policy.effective(uow, on).ask_all(
        [
            ("fee.standard_issued", {"standard_issued": False}),
            ("fee.posted", {"posted": False}),
            ("fee.irregular", {"irregular": True}),
        ]
    )
    message = _("「%(title)s」没有已批准并公示的收费标准，不能收费", title=unpriced.title)
    clause = next((o.clause for o in verdict.blocks if o.clause), "")
    return Hold(unpriced.student_id, "fee.not_posted", message, clause)


def _refused(uow: UnitOfWork, on: date, charges: Iterable[PricedCharge]) -> dict[UUID, Hold]:
    """Charges that the pack does not let stand, whatever a plugin made of them: above the standard times the quantity
    (R-453), or for a service that nobody of the family applied for (R-350, R-375)."""
    pack = policy.effective(uow, on)
    found: dict[UUID, Hold] = {}
    for charge in charges:
        proposal, standard = charge.proposal, charge.price
        within = {
            "amount_fen": int(charge.amount),
            "standard_fen": int(standard.fen) * proposal.quantity,
            "instrument": INSTRUMENT[proposal.fund],
        }
        verdict = pack.ask("fee.within_standard", **within)
        if proposal.fund == "service":
            chosen = proposal.enrolment_id is not None
            verdict += pack.ask("fee.forced", forced=not chosen) + pack.ask("fee.voluntary", consented=chosen)
        for objection in verdict.blocks:
            hold = Hold(proposal.student_id, objection.code, str(objection.message), objection.clause)
            found.setdefault(proposal.student_id, hold)
    return found


def _cap(uow: UnitOfWork, on: date) -> Cap | None:
    pack = policy.effective(uow, on)
    limit = pack.get("fee.per_term_max")
    if limit.value is None:
        return None
    before = pack.get("fee.reduction_order").value == "cap_then_reduce"
    return Cap(Fen(limit.value), limit.clause, before)


class Calendar:
    """How many lessons and months an enrolment covers; the same weekdays and days are counted once."""

    def __init__(self, days: Mapping[date, int]) -> None:
        self._days = days
        self._known: dict[Any, tuple[int, int, int, int]] = {}

    def of(self, enrolment: Any, *, late: bool = False) -> tuple[int, int, int, int]:
        """(dated lessons that it covers, calendar months in which they lie, lessons of its days in the whole of these
        months, and in the whole term); for one that came `late` nothing was before its first day."""
        weekdays = frozenset(enrolment.weekdays or enrolment.offering.weekdays)
        asked = (weekdays, enrolment.starts_on, enrolment.ends_on, late)
        if asked not in self._known:
            first, last = enrolment.starts_on or date.min, enrolment.ends_on or date.max
            mine = [day for day, weekday in self._days.items() if weekday in weekdays and not (late and day < first)]
            covered = [day for day in mine if first <= day <= last]
            months = {(day.year, day.month) for day in covered}
            in_months = sum(1 for day in mine if (day.year, day.month) in months)
            self._known[asked] = len(covered), len(months), in_months, len(mine)
        return self._known[asked]

    def student(self, student_id: UUID, grade: int, enrolments: tuple[Any, ...]) -> BilledStudent:
        """What each enrolment covers. Where one was exchanged for another, its days changed, or the child left and came
        back, also of how much: what is priced by the month or term is paid for once; a latecomer pays it whole, for the
        lessons since it came."""
        first: dict[UUID, date] = {}
        for e in enrolments:
            began = e.starts_on or date.min
            first[e.offering.id] = min(first.get(e.offering.id, began), began)
        times = Counter(e.offering.id for e in enrolments)
        counted = {
            e.id: self.of(e, late=not e.instead and (e.starts_on or date.min) == first[e.offering.id])
            for e in enrolments
        }
        lessons = {id_: found[0] for id_, found in counted.items()}
        months = {id_: found[1] for id_, found in counted.items()}
        parted = [e for e in enrolments if e.exchanged or e.instead or times[e.offering.id] > 1]
        return BilledStudent(student_id, grade, enrolments, lessons, months, {e.id: counted[e.id][2:] for e in parted})
