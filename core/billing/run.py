"""The billing run: a long job that makes a term's bills in chunks, each one transaction; a killed one goes on.

A chunk reads the children after the run's cursor, makes their drafts, and then writes bills, lines, reductions,
numbers, journals and the new cursor together. A lock on the term makes two runs started at once take turns; the second
finds the children billed. What a child took up or exchanged since an earlier run is settled by core.billing.changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from core.base import clock
from core.base.ids import new_id
from core.base.text import gettext as _
from core.billing import changes, journals
from core.billing.drafts import Calendar, Earlier, Hold, make_drafts
from core.billing.errors import AcrossTerms
from core.billing.models import Bill, BillingHold, BillingRun, BillLine, BillReduction
from core.billing.pricing import CAP_GROUND, charged_by_fund, reduced_by_fund
from core.billing.views import BillDraft, BilledStudent, BillingRequest, PricedCharge, ReductionProposal
from core.db.delivery import Delivery
from core.db.kernel_tables import JobRun, Transition
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.ledger import service as ledger
from core.ledger.numbers import show_number, take_numbers
from core.policy import service as policy
from core.terms import service as terms
from core.terms.models import Term

CHUNK = 400
"""Children in one transaction: enough to be fast, few enough that a kill costs little."""


async def start_run(uow: UnitOfWork, term_id: UUID) -> BillingRun:
    """Begin billing a term, or return the run that is still going (pressing twice is pressing once).

    A run that its worker gave up goes on where it was. Raises AcrossTerms (R-344).
    """
    await uow.hold(f"billing-start/{term_id}")
    terms.refuse_closed(await uow.get(Term, term_id))
    await refuse_ahead(uow, term_id)
    going = select(BillingRun).where(BillingRun.term_id == term_id, BillingRun.finished_at.is_(None))
    run = (await uow.session.execute(going.with_for_update())).scalars().first()
    if run is None:
        actor = uow.ctx.actor
        run = BillingRun(term_id=term_id, started_by=actor.name, starter_id=actor.account_id)
        uow.session.add(run)
        await uow.session.flush()
        await uow.audit("billing.start", "billing_run", run.id)
        waived = policy.effective(uow).ask("fee.payer", amount_fen=1).blocks
        if waived:  # nothing is charged for the service, and this is why
            await policy.record(uow, "billing.waive", "billing_run", run.id, waived)
    else:
        bar = await uow.find(JobRun, run.job_id) if run.job_id else None
        if bar is None or bar.state != "failed":
            return run
        run.resumed += 1
        await uow.audit("billing.resume", "billing_run", run.id)
    run.job_id = await uow.enqueue("billing.run", {"run_id": run.id}, key=f"{run.id}/{run.resumed}")
    return run


async def refuse_ahead(uow: UnitOfWork, term_id: UUID) -> None:
    """Charging a coming term while another one runs is charging ahead across terms. Raises AcrossTerms."""
    term, today = await uow.get(Term, term_id), clock.today()
    if term.starts_on <= today:
        return
    running = select(Term.id).where(Term.id != term_id, Term.starts_on <= today, Term.ends_on >= today)
    ahead = (await uow.session.execute(running.limit(1))).scalar_one_or_none() is not None
    verdict = policy.effective(uow).ask("fee.across_terms", across_terms=ahead)
    if not await policy.decided(uow, "billing.start", "term", term_id, verdict.blocks):
        raise AcrossTerms(objections=verdict.objections)


async def run_billing(job: Delivery) -> None:
    """The job "billing.run"; payload {run_id}."""
    run_id = UUID(job.payload["run_id"])
    async with job.unit() as uow:
        run = await uow.get(BillingRun, run_id)
        total = await enrollment.count_enrolled_students(uow, run.term_id)
        done = 0 if run.cursor is None else await enrollment.count_enrolled_students(uow, run.term_id, run.cursor)
        finished = run.finished_at is not None
    await job.progress(done, total, _("正在计算账单"))
    more = not finished
    while more:
        async with job.unit() as uow:
            more, seen = await bill_chunk(uow, run_id)
        done += seen
        await job.progress(min(done, total), total, _("正在计算账单"))
    async with job.unit() as uow:
        run = await uow.get(BillingRun, run_id, lock=True)
        if run.finished_at is None:
            run.finished_at = func.now()
            await uow.audit("billing.run_finished", "billing_run", run_id, bills=run.bills, held=run.held_back)
            told = {"run_id": run_id, "term": run.term_id, "bills": run.bills, "held": run.held_back}
            await uow.emit("billing.run_finished", told)
        summary = {"bills": run.bills, "held": run.held_back, "due_fen": run.due_fen}
    await job.progress(total, total, _("账单已全部生成"), **summary)


async def bill_chunk(uow: UnitOfWork, run_id: UUID) -> tuple[bool, int]:
    """Bill the next children; returns whether there may be more, and how many were looked at."""
    run = await uow.get(BillingRun, run_id, lock=True)
    await uow.hold(f"billing/{run.term_id}", seconds=60)
    term, students, last = await next_students(uow, run.term_id, run.cursor)
    if last is None:
        return False, 0
    looked = len(students)
    await changes.settle(uow, run.term_id, students, run.starter_id)
    before = await changes.earlier(uow, run.term_id, [s.student_id for s in students])
    students = changes.still_to_bill(students, before)
    if students:
        request = BillingRequest(run.term_id, term.code, clock.today(), students)
        drafts, holds = await make_drafts(uow, request, run_id, before)
        await write_bills(uow, run, term, drafts, holds, before, lessons_of(students))
    run.cursor = last
    return looked == CHUNK, looked


async def next_students(
    uow: UnitOfWork, term_id: UUID, after: UUID | None
) -> tuple[Term, tuple[Any, ...], UUID | None]:
    """The next chunk of a term's children, with what each takes part in; the id to go on after, None at the end."""
    term = await uow.get(Term, term_id)
    found = await enrollment.enrolments_for_billing(uow, term_id, after, CHUNK)
    calendar = Calendar(await terms.timetable_days(uow, term_id))
    students = tuple(calendar.student(child.id, child.grade, enrolments) for child, enrolments in found)
    return term, students, found[-1][0].id if found else None


def lessons_of(students: Sequence[BilledStudent]) -> dict[UUID, int]:
    """Lessons by enrolment."""
    return {id_: n for student in students for id_, n in student.lessons.items()}


async def preview(uow: UnitOfWork, term_id: UUID) -> dict[str, int]:
    """What a run started now would make: children, bills, holds and fen, without writing anything.

    `again` bills are voided and made anew and `back_fen` owed back, because their items were exchanged.
    """
    await refuse_ahead(uow, term_id)
    sums = {"children": 0, "billed_before": 0, "bills": 0, "held": 0, "charged_fen": 0, "reduced_fen": 0, "due_fen": 0}
    sums |= {"again": 0, "back_fen": 0}
    after: UUID | None = None
    while True:
        term, students, after = await next_students(uow, term_id, after)
        found = await changes.given_up(uow, term_id, students)
        unpaid = {one.bill.id for one in found if one.bill.state == "issued"}
        sums["again"] += len(unpaid)
        sums["back_fen"] += sum(await changes.backs(uow, found))
        before = await changes.earlier(uow, term_id, [s.student_id for s in students], without=unpaid)
        fresh = changes.still_to_bill(students, before)
        drafts: list[BillDraft] = []
        if fresh:
            request = BillingRequest(term_id, term.code, clock.today(), fresh)
            drafts, holds = await make_drafts(uow, request, term_id, before)
            sums["held"] += len(holds)
        sums["children"] += len(students)
        sums["billed_before"] += len(before)
        sums["bills"] += len(drafts)
        for bill in drafts:
            charged = sum(charged_by_fund(bill).values())
            sums["charged_fen"] += charged
            sums["reduced_fen"] += charged - int(bill.due)
            sums["due_fen"] += int(bill.due)
        if after is None or len(students) < CHUNK:
            return sums


async def write_bills(
    uow: UnitOfWork,
    run: BillingRun,
    term: Term,
    drafts: Sequence[BillDraft],
    holds: Sequence[Hold],
    before: Mapping[UUID, Earlier] | None = None,
    lessons: Mapping[UUID, int] | None = None,
) -> None:
    """Issue drafts as bills of a locked run, numbered and posted, and write down who was held back and why.
    `lessons` are those of each enrolment."""
    if holds:
        await uow.session.execute(upsert(BillingHold).on_conflict_do_nothing(), [_hold(uow, run, h) for h in holds])
        run.held_back += len(holds)
    if not drafts:
        return
    numbers = await take_numbers(uow, "bill", term.code, len(drafts))
    pack = policy.effective(uow)
    await policy.keep(uow, pack)
    revision = pack.revision
    stamp = (await uow.session.execute(select(func.now()))).scalar_one()
    today = clock.today()
    bills, lines, reductions, moves, posted = [], [], [], [], []
    for number, bill in zip(numbers, drafts, strict=True):
        charged, reduced = charged_by_fund(bill), reduced_by_fund(bill)
        row: dict[str, Any] = {
            "tenant_id": uow.ctx.tenant_id,
            "id": new_id(),
            "term_id": run.term_id,
            "student_id": bill.student_id,
            "run_id": run.id,
            "number": show_number("ZD", term.code.replace("-", ""), number),
            "part": before[bill.student_id].part + 1 if before and bill.student_id in before else 0,
            "state": "issued" if bill.due > 0 else "settled",
            "charged_fen": sum(charged.values()),
            "reduced_fen": sum(reduced.values()),
            "due_fen": int(bill.due),
            "issued_at": stamp,
            "notes": list(bill.notes),
            "pack_revision": revision,
        }
        bills.append(row)
        lines += [_line(row["tenant_id"], row["id"], charge, lessons or {}) for charge in bill.charges]
        reductions += [_reduction(row["tenant_id"], row["id"], bill, reduction) for reduction in bill.reductions]
        moves.append(_move(uow, row["id"], row["state"]))
        posted += journals.issued(row["id"], today, charged, reduced)
    for model, rows in ((Bill, bills), (BillLine, lines), (BillReduction, reductions), (Transition, moves)):
        if rows:
            await uow.session.execute(insert(cast(Table, model.__table__)), rows)
    capped = {
        row["id"]: {"bill": row["number"], "charged_fen": row["charged_fen"], "capped_fen": fen}
        for row, draft in zip(bills, drafts, strict=True)
        if (fen := sum(int(r.fen) for r in draft.reductions if r.ground == CAP_GROUND))
    }
    if capped:
        await policy.record_each(uow, "billing.cap", "bill", "fee.per_term_max", capped, pack=pack)
    await uow.audit("billing.chunk", "billing_run", run.id, bills=len(bills), held=len(holds))
    await uow.emit("billing.issued", {"run_id": run.id, "bills": [b["id"] for b in bills]})
    run.bills += len(bills)
    run.due_fen += sum(b["due_fen"] for b in bills)
    await uow.session.flush()
    await ledger.post(uow, *posted)


def _hold(uow: UnitOfWork, run: BillingRun, hold: Hold) -> dict[str, Any]:
    return {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "run_id": run.id,
        "student_id": hold.student_id,
        "code": hold.code,
        "message": hold.message,
        "clause": hold.clause,
    }


def _line(tenant: UUID, bill_id: UUID, charge: PricedCharge, lessons: Mapping[UUID, int]) -> dict[str, Any]:
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
        "lessons": lessons.get(proposal.enrolment_id) if proposal.enrolment_id else None,
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


async def recompute_totals(uow: UnitOfWork, run_id: UUID) -> tuple[int, int]:
    """Bills and fen due of a run, counted anew from the bills: must equal what the run itself counted."""
    query = select(func.count(), func.coalesce(func.sum(Bill.due_fen), 0)).where(Bill.run_id == run_id)
    count, due = (await uow.session.execute(query)).one()
    return count, int(due)
