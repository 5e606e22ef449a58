"""The billing run: a long job that makes a term's bills in chunks, each one transaction, and goes on where it was killed.

A chunk reads the children after the run's cursor, lets the plugins propose, prices, reduces, caps and checks, and then
writes bills, lines, reductions, numbers, journals and the new cursor together. A lock on the term makes two runs
started at once take turns; the second finds the children billed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.ids import new_id
from core.base.money import Fen
from core.base.text import gettext as _
from core.billing import journals
from core.billing.models import Bill, BillingHold, BillingRun, BillLine, BillReduction
from core.billing.pricing import Cap, Unpriced, charged_by_fund, draft, price, reduced_by_fund
from core.billing.views import (
    BillDraft,
    BilledStudent,
    BillingRequest,
    ChargeProposal,
    PricedCharge,
    ReductionProposal,
    UnitPrice,
)
from core.db.delivery import Delivery
from core.db.kernel_tables import Transition
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.ledger import service as ledger
from core.ledger.numbers import show_number, take_numbers
from core.policy import service as policy
from core.policy.types import Objection
from core.terms import service as terms
from core.terms.models import Term

CHUNK = 400
"""Children in one transaction: enough to be fast, few enough that a kill costs little."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a child of the chunk could not be billed."""

    student_id: UUID
    code: str
    message: str
    clause: str = ""


async def run_billing(job: Delivery) -> None:
    """The job "billing.run"; payload {run_id}."""
    run_id = UUID(job.payload["run_id"])
    async with job.unit() as uow:
        run = await uow.get(BillingRun, run_id)
        total = await enrollment.count_enrolled_students(uow, run.term_id)
        done = await _seen(uow, run)
    await job.progress(done, total, _("正在计算账单"))
    more = True
    while more:
        async with job.unit() as uow:
            more, seen = await _chunk(uow, run_id)
        done += seen
        await job.progress(min(done, total), total, _("正在计算账单"))
    async with job.unit() as uow:
        run = await uow.get(BillingRun, run_id, lock=True)
        run.finished_at = func.now()
        await uow.audit("billing.run_finished", "billing_run", run_id, bills=run.bills, held=run.held_back)
        await uow.emit("billing.run_finished", {"run_id": run_id, "bills": run.bills, "held": run.held_back})
        summary = {"bills": run.bills, "held": run.held_back, "due_fen": run.due_fen}
    await job.progress(total, total, _("账单已全部生成"), **summary)


async def _seen(uow: UnitOfWork, run: BillingRun) -> int:
    if run.cursor is None:
        return 0
    return await enrollment.count_enrolled_students(uow, run.term_id, upto=run.cursor)


async def _chunk(uow: UnitOfWork, run_id: UUID) -> tuple[bool, int]:
    """Bill the next children; returns whether there may be more, and how many were looked at."""
    run = await uow.get(BillingRun, run_id, lock=True)
    await uow.hold(f"billing/{run.term_id}", seconds=60)
    found = await enrollment.enrolments_for_billing(uow, run.term_id, after=run.cursor, limit=CHUNK)
    if not found:
        return False, 0
    term = await uow.get(Term, run.term_id)
    billed = await _already_billed(uow, run.term_id, [f.student_id for f in found])
    days = await terms.timetable_days(uow, run.term_id)
    students = tuple(
        BilledStudent(f.student_id, f.grade, f.enrolments, {e.id: lessons_of(e, days) for e in f.enrolments})
        for f in found
        if f.student_id not in billed
    )
    if students:
        request = BillingRequest(run.term_id, term.code, clock.today(), students)
        drafts, holds = await make_drafts(uow, request, run_id)
        await _write(uow, run, term, drafts, holds)
    run.cursor = found[-1].student_id
    return len(found) == CHUNK, len(found)


async def _already_billed(uow: UnitOfWork, term_id: UUID, students: Sequence[UUID]) -> set[UUID]:
    query = select(Bill.student_id).where(Bill.term_id == term_id, Bill.student_id.in_(students), Bill.state != "void")
    return set((await uow.session.execute(query)).scalars().all())


def lessons_of(enrolment: Any, days: Mapping[date, int]) -> int:
    """How many dated lessons of the term an enrolment covers."""
    weekdays = set(enrolment.weekdays or enrolment.offering.weekdays)
    return sum(
        1
        for day, weekday in days.items()
        if weekday in weekdays
        and (enrolment.starts_on is None or day >= enrolment.starts_on)
        and (enrolment.ends_on is None or day <= enrolment.ends_on)
    )


async def make_drafts(uow: UnitOfWork, request: BillingRequest, run_id: UUID) -> tuple[list[BillDraft], list[Hold]]:
    """Drafts of a chunk, and the children held back with the reason. Raises PluginFailed; writes nothing."""
    ctx, hooks = uow.ctx, uow.hooks
    proposals = await hooks.compute("charges", ctx, ChargeProposal, uow=uow, request=request)
    services = tuple(sorted({p.service for p in proposals}))
    found = await hooks.compute("unit_prices", ctx, UnitPrice, uow=uow, services=services, on=request.on)
    charges, unpriced = price(proposals, {p.service: p for p in found})
    reductions = await hooks.compute(
        "reductions", ctx, ReductionProposal, uow=uow, request=request, charges=tuple(charges)
    )
    holds = {u.student_id: _unpriced(u) for u in unpriced}
    cap = _cap(uow, request.on)
    drafts: list[BillDraft] = []
    for student in request.students:
        if student.student_id in holds:
            continue
        mine = [c for c in charges if c.proposal.student_id == student.student_id]
        if not mine:
            continue
        less = [r for r in reductions if r.student_id == student.student_id]
        bill = draft(student.student_id, request.term_id, mine, less, cap, run_id)
        refusal = _refused_by_policy(uow, bill, request.on)
        if refusal is not None:
            holds[student.student_id] = refusal
        else:
            drafts.append(bill)
    objections = await hooks.decide("check_bill", ctx, uow=uow, drafts=tuple(drafts))
    if blocking := [o for o in objections if o.force == "block"]:
        holds.update({d.student_id: _objected(d.student_id, blocking[0]) for d in drafts})
        drafts = []
    return drafts, list(holds.values())


def _unpriced(unpriced: Unpriced) -> Hold:
    message = _("「%(title)s」没有已批准并公示的收费标准，不能收费") % {"title": unpriced.title}
    return Hold(unpriced.student_id, "fee.not_posted", message)


def _objected(student_id: UUID, objection: Objection) -> Hold:
    return Hold(student_id, objection.code, str(objection.message), objection.clause)


def _cap(uow: UnitOfWork, on: date) -> Cap | None:
    pack = policy.effective(uow, on)
    limit = pack.get("fee.per_term_max")
    if limit.value is None:
        return None
    before = pack.get("fee.reduction_order").value == "cap_then_reduce"
    return Cap(Fen(limit.value), limit.clause, before)


def _refused_by_policy(uow: UnitOfWork, bill: BillDraft, on: date) -> Hold | None:
    """The pack's word on the charge itself: a school whose service is free may not charge for it (R-332)."""
    pack = policy.effective(uow, on)
    service = sum(int(c.amount) for c in bill.charges if c.proposal.fund == "service")
    verdict = pack.ask("fee.payer", amount_fen=service)
    for objection in verdict.objections:
        if objection.force == "block":
            return _objected(bill.student_id, objection)
    return None


async def _write(
    uow: UnitOfWork, run: BillingRun, term: Term, drafts: Sequence[BillDraft], holds: Sequence[Hold]
) -> None:
    tenant = uow.ctx.tenant_id
    if holds:
        rows = [
            {
                "tenant_id": tenant,
                "id": new_id(),
                "run_id": run.id,
                "student_id": h.student_id,
                "code": h.code,
                "message": h.message,
                "clause": h.clause,
            }
            for h in holds
        ]
        await uow.session.execute(insert(BillingHold).on_conflict_do_nothing(), rows)
        run.held_back += len(holds)
    if not drafts:
        return
    revision = policy.effective(uow, clock.today()).revision
    numbers = await take_numbers(uow, "bill", term.code, len(drafts))
    bills, lines, reductions, moves, posted = [], [], [], [], []
    for number, bill in zip(numbers, drafts, strict=True):
        bill_id = new_id()
        charged, reduced = charged_by_fund(bill), reduced_by_fund(bill)
        state = "issued" if bill.due > 0 else "settled"
        bills.append(
            {
                "tenant_id": tenant,
                "id": bill_id,
                "term_id": run.term_id,
                "student_id": bill.student_id,
                "run_id": run.id,
                "number": show_number("ZD", term.code.replace("-", ""), number),
                "state": state,
                "charged_fen": sum(charged.values()),
                "reduced_fen": sum(reduced.values()),
                "due_fen": int(bill.due),
                "issued_at": func.now(),
                "notes": list(bill.notes),
                "pack_revision": revision,
            }
        )
        lines += [_line(tenant, bill_id, charge) for charge in bill.charges]
        reductions += [_reduction(tenant, bill_id, bill, reduction) for reduction in bill.reductions]
        moves.append(_move(uow, bill_id, state))
        posted += journals.issued(bill_id, clock.today(), charged, reduced)
    for model, rows in ((Bill, bills), (BillLine, lines), (BillReduction, reductions), (Transition, moves)):
        if rows:
            await uow.session.execute(insert(model), rows)
    await uow.audit("billing.chunk", "billing_run", run.id, bills=len(bills), held=len(holds))
    await uow.emit("billing.issued", {"run_id": run.id, "bills": [b["id"] for b in bills]})
    run.bills += len(bills)
    run.due_fen += sum(b["due_fen"] for b in bills)
    await uow.session.flush()
    await ledger.post(uow, *posted)


def _line(tenant: UUID, bill_id: UUID, charge: PricedCharge) -> dict[str, Any]:
    proposal, standard = charge.proposal, charge.price
    return {
        "tenant_id": tenant,
        "id": new_id(),
        "bill_id": bill_id,
        "service": proposal.service,
        "title": proposal.title,
        "fund": proposal.fund,
        "unit": standard.unit,
        "unit_fen": int(standard.fen),
        "quantity": proposal.quantity,
        "amount_fen": int(charge.amount),
        "standard_id": standard.standard_id,
        "approval": standard.approval,
        "enrolment_id": proposal.enrolment_id,
        "offering_id": proposal.offering_id,
    }


def _reduction(tenant: UUID, bill_id: UUID, bill: BillDraft, reduction: ReductionProposal) -> dict[str, Any]:
    fund_of = {c.proposal.service: c.proposal.fund for c in bill.charges}
    return {
        "tenant_id": tenant,
        "id": new_id(),
        "bill_id": bill_id,
        "service": reduction.service,
        "fund": "service" if reduction.service is None else fund_of[reduction.service],
        "amount_fen": int(reduction.fen),
        "reference": reduction.reference,
        "clause": reduction.clause,
    }


def _move(uow: UnitOfWork, bill_id: UUID, state: str) -> dict[str, Any]:
    """History of a bill made in bulk: what `transition` would write, for all at once."""
    return {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "machine": "bill",
        "subject_id": bill_id,
        "event": "issue" if state == "issued" else "settle",
        "source": "computed",
        "target": state,
        "actor_name": uow.ctx.actor.name,
    }


async def start_run(uow: UnitOfWork, term_id: UUID) -> BillingRun:
    """Begin billing a term, or return the run that is still going (pressing twice is pressing once)."""
    await uow.hold(f"billing-start/{term_id}")
    going = select(BillingRun).where(BillingRun.term_id == term_id, BillingRun.finished_at.is_(None))
    run = (await uow.session.execute(going)).scalars().first()
    if run is not None:
        return run
    run = BillingRun(term_id=term_id, started_by=uow.ctx.actor.name)
    uow.session.add(run)
    await uow.session.flush()
    run.job_id = await uow.enqueue("billing.run", {"run_id": run.id}, key=str(run.id))
    await uow.audit("billing.start", "billing_run", run.id)
    return run


async def recompute_totals(uow: UnitOfWork, run_id: UUID) -> tuple[int, int]:
    """Bills and fen due of a run, counted anew from the bills: must equal what the run itself counted."""
    query = select(func.count(), func.coalesce(func.sum(Bill.due_fen), 0)).where(Bill.run_id == run_id)
    count, due = (await uow.session.execute(query)).one()
    return count, int(due)
