"""Finance on the desk: what needs a person, money that reached the bank, and the term's income and expenditure."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.billing import alerts, service, statements
from core.billing.models import FinanceAlert
from core.billing.words import FUNDS
from core.db.house import House
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.ledger import export
from core.ledger import service as ledger
from core.terms.service import current_term, term_title
from core.web.access import access, public
from core.web.fields import Ui, YuanAsFen
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect
from core.web.pdf import DOCUMENT, render_async

ROWS = 30


class PayoutForm(BaseModel):
    """The provider's payout as the bank's statement shows it."""

    key: Annotated[
        str, Field(min_length=3, max_length=60), Ui(_l("结算单号"), help=_l("支付通道的结算编号，同一编号只记一次"))
    ]
    fund: Annotated[str, Ui(_l("资金"), kind="select", options=list(FUNDS.items()))] = "service"
    amount: Annotated[YuanAsFen, Field(gt=0), Ui(_l("到账金额"))]


@get("/t/{tenant:str}/desk/alerts", opt=access("billing.alerts"))
async def alert_list(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    closed: FromQuery[bool] = False,
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """What about money needs a person."""
    found = FinanceAlert.closed_at.is_not(None) if closed else FinanceAlert.closed_at.is_(None)
    total = (await uow.session.execute(select(func.count()).select_from(FinanceAlert).where(found))).scalar_one()
    pager = Pager(int(total), max(1, page_no), ROWS, {"closed": "true" if closed else ""}, "page_no")
    query = select(FinanceAlert).where(found).order_by(FinanceAlert.id.desc()).offset(pager.offset).limit(ROWS)
    rows = (await uow.session.execute(query)).scalars().all()
    return await page(
        request,
        "billing/alerts.html",
        uow,
        rows=[(row, alerts.sentence(row)) for row in rows],
        pager=pager,
        closed=closed,
        open_alerts=await alerts.open_alerts(uow),
    )


@post("/t/{tenant:str}/desk/alerts/{alert_id:uuid}/close", opt=access("billing.alerts"), status_code=200)
async def close_alert(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], alert_id: FromPath[UUID]
) -> Response[Any]:
    """Dealt with, and how."""
    sent = await request.form()
    note = str(sent.get("note", "")).strip()
    here = f"/t/{uow.ctx.slug}/desk/alerts"
    if not note:
        return redirect(here, flash=_("请写明处理情况"), level="bad")
    await alerts.close_alert(uow, alert_id, note[:500])
    return redirect(here, flash=_("已处理"))


@get("/t/{tenant:str}/desk/payouts", opt=access("billing.refund"))
async def payouts(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """What the provider holds by our books, and a form for what it paid out."""
    return await _payouts(request, uow, Form.blank(PayoutForm))


async def _payouts(
    request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[PayoutForm], status: int = 200
) -> Response[str]:
    held = await ledger.balances(uow, accounts=["psp_clearing", "bank", "refund_payable", "refund_transit", "suspense"])
    booked = await ledger.entries(uow, account="bank", key_prefix="payout:", limit=20)
    return await page(
        request, "billing/payouts.html", uow, form=form, held=held, booked=booked, funds=FUNDS, status=status
    )


@post("/t/{tenant:str}/desk/payouts", opt=access("billing.refund"), status_code=200)
async def book_payout(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Book money that reached the bank."""
    form = await Form.from_request(PayoutForm, request)
    if form:

        async def act() -> dict[str, Any]:
            posted = await service.book_payout(uow, form.value.key.strip(), {form.value.fund: form.value.amount})
            return {"seq": posted[0].seq}

        async with form.attempt(uow):
            await once(uow, "billing.payout", form.key, form.value.model_dump(), act)
            return redirect(f"/t/{ctx.slug}/desk/payouts", flash=_("已登记到账"))
    return await _payouts(request, uow, form, status=422)


@get("/t/{tenant:str}/desk/statement", opt=access("billing.statement"))
async def statement(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], fund: FromQuery[str] = "service"
) -> Response[str]:
    """The term's income and expenditure of a fund as it stands now."""
    term = await current_term(uow)
    found = await statements.of_term(uow, term, fund)
    sections = statements.sections(found)
    return await page(
        request,
        "billing/statement.html",
        uow,
        term=term,
        term_name=term_title(term.code),
        fund=fund,
        funds=FUNDS,
        statement=found,
        sections=sections,
        surplus=statements.surplus(found),
        bars=[(name, fen) for _heading, items, _total in sections for name, fen in items if fen > 0],
        published=await statements.published(uow, fund=fund),
        may_publish=uow.ctx.may("billing.publish"),
        may_export=uow.ctx.may("ledger.view"),
        term_title=term_title,
    )


@post("/t/{tenant:str}/desk/statement/publish", opt=access("billing.publish"), status_code=200)
async def publish(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Seal and publish."""
    sent = await request.form()
    term = await current_term(uow)
    made = await statements.publish(uow, term.id, str(sent.get("fund", "service")))
    return redirect(f"/t/{ctx.slug}/public/statements/{made.id}", flash=_("已公示"))


@get("/t/{tenant:str}/desk/statement/books", opt=access("ledger.view"))
async def books(
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    fund: FromQuery[str] = "service",
    form: FromQuery[str] = "beancount",
) -> Stream:
    """The books of a fund as text for a program that is not ours, or every journal with the chain's text."""
    if fund not in FUNDS or form not in ("beancount", "chain"):
        raise NotFound()

    async def pieces() -> Any:
        async with house.unit(ctx) as uow:
            await uow.audit("ledger.export", "ledger", None, fund=fund, form=form)
            async for piece in export.export(uow, fund, "chain" if form == "chain" else "beancount"):
                yield piece

    name = f"{ctx.name}_{FUNDS[fund]}.{'txt' if form == 'chain' else 'beancount'}"
    headers = {"content-disposition": f"attachment; filename=\"books.txt\"; filename*=UTF-8''{quote(name)}"}
    return Stream(pieces(), media_type="text/plain", headers=headers)


@get("/t/{tenant:str}/public/statements", opt=public())
async def public_list(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Every published statement, for everybody."""
    rows = await statements.published(uow)
    return await page(request, "billing/public_statements.html", uow, rows=rows, funds=FUNDS, term_title=term_title)


@get("/t/{tenant:str}/public/statements/{statement_id:uuid}", opt=public())
async def public_statement(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], statement_id: FromPath[UUID]
) -> Response[str]:
    """One published statement, recomputed from the journals it names."""
    row, term, found = await statements.open_published(uow, statement_id)
    return await page(
        request,
        "billing/public_statement.html",
        uow,
        row=row,
        term=term,
        term_name=term_title(term.code),
        fund_name=FUNDS[row.fund],
        statement=found,
        sections=statements.sections(found),
        surplus=statements.surplus(found),
        true=found.hash == row.hash and found.balanced,
    )


@get("/t/{tenant:str}/public/statements/{statement_id:uuid}/pdf", opt=public())
async def public_pdf(uow: NamedDependency[UnitOfWork], statement_id: FromPath[UUID]) -> Response[bytes]:
    """The same as a sheet for the notice board, with room for the seal."""
    row, term, found = await statements.open_published(uow, statement_id)
    base = uow.house.settings.public_url.rstrip("/")
    paper = statements.paper(uow.ctx.name, term, row, found, f"{base}/t/{uow.ctx.slug}/public/statements/{row.id}")
    body = await render_async(DOCUMENT, paper.data())
    name = quote(f"{uow.ctx.name}_{paper.title}_{term.code}.pdf")
    disposition = f"inline; filename=\"statement.pdf\"; filename*=UTF-8''{name}"
    return Response(body, media_type="application/pdf", headers={"content-disposition": disposition})


HANDLERS = (
    alert_list, close_alert, payouts, book_payout, statement, publish, books, public_list, public_statement, public_pdf,
)  # fmt: skip
