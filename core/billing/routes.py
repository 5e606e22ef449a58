"""Billing as JSON. Amounts are fen; writes that create or charge take an Idempotency-Key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel, Field

from core.base.context import TenantContext
from core.billing import payments, queries, refunds, run
from core.billing.models import Bill, BillingRun, PaymentAttempt, Refund
from core.billing.pages_home import PAY, allowed
from core.billing.receipts import verify_url
from core.billing.states import BILL
from core.db.house import House
from core.db.idempotency import KeyMissing, once
from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork
from core.terms.service import current_term
from core.web.access import access

SIZE = 100


class RefundBody(BaseModel):
    """{"attempt_id", "amount_fen", "reason"}"""

    attempt_id: UUID
    amount_fen: int = Field(gt=0, strict=True)
    reason: str = Field(min_length=2, max_length=200)


def _key(request: Request[Any, Any, Any]) -> str:
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise KeyMissing()
    return key


@post("/api/t/{tenant:str}/desk/billing/runs", opt=access("billing.run"), status_code=202)
async def start(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Begin billing the current term, or find the run that is going on."""

    async def act() -> dict[str, Any]:
        return {"id": (await run.start_run(uow, (await current_term(uow)).id)).id}

    done = await once(uow, "billing.run", _key(request), {}, act)
    return await _run(uow, UUID(str(done["id"])))


@get("/api/t/{tenant:str}/desk/billing/runs/{run_id:uuid}", opt=access("billing.read"))
async def get_run(uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]) -> dict[str, Any]:
    """A run: how far it is, what it made, whom it held back and why."""
    return await _run(uow, run_id)


async def _run(uow: UnitOfWork, run_id: UUID) -> dict[str, Any]:
    row = await uow.get(BillingRun, run_id)
    bar = await uow.find(JobRun, row.job_id) if row.job_id else None
    held, total = await queries.holds(uow, run_id, limit=SIZE)
    return {
        "id": row.id,
        "finished": row.finished_at is not None,
        "bills": row.bills,
        "held": total,
        "due_fen": row.due_fen,
        "progress": {"state": bar.state, "done": bar.done, "total": bar.total} if bar else None,
        "holds": [
            {"student_id": hold.student_id, "code": hold.code, "message": hold.message, "clause": hold.clause}
            for hold, _child in held
        ],
    }


@get("/api/t/{tenant:str}/desk/billing/preview", opt=access("billing.run"))
async def get_preview(uow: NamedDependency[UnitOfWork]) -> dict[str, int]:
    """What a run would make now."""
    return await run.preview(uow, (await current_term(uow)).id)


@get("/api/t/{tenant:str}/desk/billing/bills", opt=access("billing.read"))
async def get_bills(
    uow: NamedDependency[UnitOfWork], show: FromQuery[str] = "", q: FromQuery[str] = "", offset: FromQuery[int] = 0
) -> dict[str, Any]:
    """Bills of the term, 100 at a time; `show` is a state."""
    term = await current_term(uow)
    wanted = show if show in BILL.states else ""
    rows, total = await queries.bills(uow, term.id, state=wanted, words=q, offset=max(0, offset), limit=SIZE)
    return {
        "total": total,
        "bills": [{**_bill(r.bill), "student": r.name, "grade": r.grade, "class": r.class_number} for r in rows],
    }


@get("/api/t/{tenant:str}/desk/billing/bills/{bill_id:uuid}", opt=access("billing.read"))
async def get_bill(uow: NamedDependency[UnitOfWork], bill_id: FromPath[UUID]) -> dict[str, Any]:
    """One bill with lines, payments and refunds."""
    return _view(await queries.one(uow, bill_id))


@post("/api/t/{tenant:str}/desk/billing/refunds", opt=access("billing.refund"), status_code=202)
async def post_refund(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], data: JSONBody[RefundBody]
) -> dict[str, Any]:
    """Approve a refund of part or all of one payment; a job sends it to the paying account."""

    async def act() -> dict[str, Any]:
        return {"id": (await refunds.approve(uow, data.attempt_id, data.amount_fen, data.reason)).id}

    done = await once(uow, "billing.refund", _key(request), data.model_dump(), act)
    return _refund(await uow.get(Refund, UUID(str(done["id"]))))


@get("/api/t/{tenant:str}/home/bills", opt=PAY)
async def get_my_bills(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Bills of the guardian's children."""
    rows = await queries.my_bills(uow)
    return {"bills": [{**_bill(bill), "student": child.name} for bill, child in rows]}


@get("/api/t/{tenant:str}/home/bills/{bill_id:uuid}", opt=PAY)
async def get_my_bill(uow: NamedDependency[UnitOfWork], bill_id: FromPath[UUID]) -> dict[str, Any]:
    """One bill of the guardian's children."""
    return _view(await queries.my_bill(uow, bill_id))


@post("/api/t/{tenant:str}/home/bills/{bill_id:uuid}/pay", opt=PAY, status_code=201)
async def post_pay(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    bill_id: FromPath[UUID],
) -> dict[str, Any]:
    """Open a payment page; {"url"} is where to go. While one is open for the same amount, it is the same page."""
    _key(request)
    await allowed(house, ctx, bill_id)
    attempt = await payments.begin(house, ctx, bill_id)
    return {"id": attempt.id, "state": attempt.state, "url": attempt.pay_url, "amount_fen": attempt.amount_fen}


@get("/api/t/{tenant:str}/home/receipts", opt=PAY)
async def get_receipts(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Receipts of the guardian's children."""
    rows = await queries.my_receipts(uow)
    return {
        "receipts": [
            {
                "id": receipt.id,
                "number": receipt.number,
                "bill_id": bill.id,
                "student": child.name,
                "amount_fen": receipt.amount_fen,
                "paid_at": receipt.paid_at,
                "verify_url": verify_url(uow, receipt),
            }
            for receipt, bill, child in rows
        ]
    }


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "id": bill.id,
        "number": bill.number,
        "state": bill.state,
        "charged_fen": bill.charged_fen,
        "reduced_fen": bill.reduced_fen,
        "due_fen": bill.due_fen,
        "paid_fen": bill.paid_fen,
        "refunded_fen": bill.refunded_fen,
    }


def _view(view: queries.BillView) -> dict[str, Any]:
    return {
        **_bill(view.bill),
        "student": view.child.name,
        "lines": [
            {
                "title": line.title,
                "fund": line.fund,
                "unit": line.unit,
                "unit_fen": line.unit_fen,
                "quantity": line.quantity,
                "amount_fen": line.amount_fen,
                "approval": line.approval,
            }
            for line in view.lines
        ],
        "reductions": [{"fund": r.fund, "amount_fen": r.amount_fen, "clause": r.clause} for r in view.reductions],
        "payments": [_attempt(a) for a in view.attempts],
        "refunds": [_refund(r) for r in view.refunds],
    }


def _attempt(attempt: PaymentAttempt) -> dict[str, Any]:
    return {
        "id": attempt.id,
        "state": attempt.state,
        "amount_fen": attempt.amount_fen,
        "received_fen": attempt.received_fen,
        "method": attempt.method,
        "settled_at": attempt.settled_at,
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "state": refund.state,
        "amount_fen": refund.amount_fen,
        "reason": refund.reason,
        "problem": refund.problem,
    }


HANDLERS = (
    start, get_run, get_preview, get_bills, get_bill, post_refund, get_my_bills, get_my_bill, post_pay, get_receipts,
)  # fmt: skip
