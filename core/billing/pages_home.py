"""Families on the phone: bills, paying, coming back, receipts; and what a scan of a receipt shows to anyone."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.errors import Forbidden, KehouError, NotFound
from core.base.text import gettext as _
from core.billing import payments, queries, receipts
from core.billing.models import PaymentAttempt, Receipt
from core.billing.port import ProviderUnsure
from core.billing.states import ATTEMPT, BILL, REFUND
from core.billing.words import BILL_TONES, FUNDS, REASONS, REFUND_TONES, UNITS
from core.db.house import House
from core.db.resolve import public_context
from core.db.states import history
from core.db.uow import UnitOfWork
from core.terms.models import Term
from core.terms.service import term_title
from core.web.access import access, public
from core.web.page import page, redirect

PAY = access("billing.pay", face="home")


@get("/t/{tenant:str}/home/bills", opt=PAY)
async def bills(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The children's bills, those to pay first."""
    rows = await queries.my_bills(uow)
    terms = {bill.term_id: term_title((await uow.get(Term, bill.term_id)).code) for bill, _child in rows}
    return await page(
        request,
        "billing/home_bills.html",
        uow,
        rows=[(bill, child, BILL.title(bill.state), BILL_TONES.get(bill.state, "")) for bill, child in rows],
        terms=terms,
        left=await queries.left_items(uow, [bill for bill, _child in rows]),
        waiting=sum(bill.due_fen - bill.paid_fen for bill, _child in rows if bill.state == "issued"),
    )


@get("/t/{tenant:str}/home/bills/{bill_id:uuid}", opt=PAY)
async def bill(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    bill_id: FromPath[UUID],
) -> Response[str]:
    """One bill: what for, by which approved price, what was taken off, what is left to pay; why it is void."""
    view = await queries.my_bill(uow, bill_id)
    moves = await history(uow, BILL, bill_id) if view.bill.state == "void" else []
    term = await uow.get(Term, view.bill.term_id)
    return await page(
        request,
        "billing/home_bill.html",
        uow,
        view=view,
        bill=view.bill,
        term=term_title(term.code),
        left=(await queries.left_items(uow, [view.bill])).get(bill_id, []),
        state=BILL.title(view.bill.state),
        tone=BILL_TONES.get(view.bill.state, ""),
        units=UNITS,
        funds=FUNDS,
        refund=(REFUND, REFUND_TONES),
        reasons=REASONS,
        void_because=next((move.reason for move in moves if move.target == "void"), ""),
        may_pay=await queries.may_pay(uow, view.bill.student_id),
        provider=_provider(uow),
        back=f"/t/{ctx.slug}/home/bills",
    )


def _provider(uow: UnitOfWork) -> str:
    try:
        return str(payments.provider_of(uow.house, uow.ctx).title)
    except KehouError:
        return ""


async def allowed(house: House, ctx: TenantContext, bill_id: UUID) -> None:
    """Raises NotFound for a stranger's bill, Forbidden without the right to pay for this child."""
    async with house.unit(ctx) as uow:
        view = await queries.my_bill(uow, bill_id)
        if not await queries.may_pay(uow, view.bill.student_id):
            raise Forbidden()


@post("/t/{tenant:str}/home/bills/{bill_id:uuid}/pay", opt=PAY, status_code=200)
async def pay(
    house: NamedDependency[House], ctx: NamedDependency[TenantContext], bill_id: FromPath[UUID]
) -> Response[Any]:
    """On to the provider's page. No unit of work is open while the provider is asked."""
    await allowed(house, ctx, bill_id)
    try:
        attempt = await payments.begin(house, ctx, bill_id)
    except KehouError as refused:
        return redirect(f"/t/{ctx.slug}/home/bills/{bill_id}", flash=refused.message, level="bad")
    return redirect(attempt.pay_url or f"/t/{ctx.slug}/home/bills/{bill_id}")


@get("/t/{tenant:str}/home/bills/{bill_id:uuid}/back", opt=PAY)
async def back(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    bill_id: FromPath[UUID],
    attempt: FromQuery[UUID],
) -> Response[str]:
    """Back from the provider: the truth is asked for, not taken from the address."""
    async with house.unit(ctx) as uow:
        await queries.my_bill(uow, bill_id)
        row = await uow.get(PaymentAttempt, attempt)
        if row.bill_id != bill_id:
            raise NotFound()
    try:
        state = await payments.look_and_settle(house, ctx, attempt, source="back")
    except ProviderUnsure:
        state = "open"
    async with house.unit(ctx) as uow:
        view = await queries.my_bill(uow, bill_id)
        return await page(
            request,
            "billing/home_back.html",
            uow,
            view=view,
            bill=view.bill,
            state=state,
            title_of=ATTEMPT.title(state),
            receipt=next((r for r in view.receipts if r.attempt_id == attempt), None),
            back=f"/t/{ctx.slug}/home/bills",
        )


@get("/t/{tenant:str}/home/receipts", opt=PAY)
async def receipt_list(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[str]:
    """Receipts of the children."""
    rows = await queries.my_receipts(uow)
    return await page(request, "billing/home_receipts.html", uow, rows=rows, back=f"/t/{ctx.slug}/home/bills")


@get("/t/{tenant:str}/home/receipts/{receipt_id:uuid}/pdf", opt=PAY)
async def receipt_pdf(uow: NamedDependency[UnitOfWork], receipt_id: FromPath[UUID]) -> Response[bytes]:
    """The receipt as a paper."""
    row = await uow.get(Receipt, receipt_id)
    await queries.my_bill(uow, row.bill_id)
    return await _pdf(uow, receipt_id)


@get("/t/{tenant:str}/desk/billing/receipts/{receipt_id:uuid}/pdf", opt=access("billing.read"))
async def desk_receipt_pdf(uow: NamedDependency[UnitOfWork], receipt_id: FromPath[UUID]) -> Response[bytes]:
    """The same for the school's files."""
    return await _pdf(uow, receipt_id)


async def _pdf(uow: UnitOfWork, receipt_id: UUID) -> Response[bytes]:
    made, row = await receipts.paper(uow, receipt_id)
    body = await receipts.as_pdf(made)
    name = quote(f"{_('收据')}_{row.number}.pdf")
    disposition = f"inline; filename=\"{row.number}.pdf\"; filename*=UTF-8''{name}"
    return Response(body, media_type="application/pdf", headers={"content-disposition": disposition})


@get("/verify/receipt/{organisation:str}/{token:str}", opt=public())
async def verify(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    organisation: FromPath[str],
    token: FromPath[str],
) -> Response[str]:
    """Whether a receipt is true. It shows the sum and half a name, nothing else of the family.

    A forged or unknown code is told plainly (404): whoever scans it has a paper in hand and needs the answer.
    """
    try:
        ctx = await public_context(house, organisation, locale="zh_CN", request_id="")
        async with house.unit(ctx) as uow:
            proof = await receipts.proof(uow, token)
    except NotFound:
        return await page(request, "billing/verify.html", org="", proof=None, status=404)
    return await page(request, "billing/verify.html", org=ctx.name, proof=proof)


HANDLERS = (bills, bill, pay, back, receipt_list, receipt_pdf, desk_receipt_pdf, verify)
