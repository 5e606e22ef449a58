"""Subsidies on the desk: the year's grants, recording one, what came in, and its settlement."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import KehouError, TenantContext, UnitOfWork, access, history, page, redirect, today
from core.api import gettext as _
from core.api.forms import Form
from core.api.policy import effective, words
from core.api.terms import current_term, term_title
from plugins.pay import checks, subsidies
from plugins.pay.models import Subsidy
from plugins.pay.schemas import COVERS, LEVELS, PAID_TO, ReceiptForm, SettleForm, SubsidyForm
from plugins.pay.states import SUBSIDY, SUBSIDY_TONES

FIELDS = [
    "title", "level", "covers", "document_no", "document_on", "rate_fen", "remote_percent", "amount_fen", "payee",
    "account", "goals", "reason",
]  # fmt: skip


@get("/t/{tenant:str}/desk/subsidies", opt=access("pay.read"))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The school year's subsidies: granted and received."""
    term = await current_term(uow)
    rows = await subsidies.of_year(uow, term.code[:9])
    live = [line for line in rows if line.row.state != "cancelled"]
    return await page(
        request,
        "pay/subsidies.html",
        uow,
        term=term_title(term.code),
        rows=rows,
        granted=sum(line.row.amount_fen for line in live),
        received=sum(line.received_fen for line in live),
        free=await checks.free_in(uow, subsidies.FUND),
        pupils=await subsidies.pupils_of(uow, "term"),
        machine=SUBSIDY,
        tones=SUBSIDY_TONES,
        levels=LEVELS,
        may=uow.ctx.may("pay.subsidy"),
    )


@get("/t/{tenant:str}/desk/subsidies/new", opt=access("pay.subsidy"))
async def new(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """A blank form, with the amount that the register's figures give where the pack names a rate."""
    pack = effective(uow)
    figure = pack.get("subsidy.per_pupil_year_max").value or pack.get("subsidy.control_per_pupil_year").value
    values: dict[str, Any] = {"document_on": today()}
    if figure is not None:
        pupils = await subsidies.pupils_of(uow, "year")
        values |= {"covers": "year", "rate_fen": figure}
        values["amount_fen"] = subsidies.proposed(pupils.count, figure, 0) or None
    return await _form(request, uow, Form.blank(SubsidyForm, values))


@post("/t/{tenant:str}/desk/subsidies", opt=access("pay.subsidy"), status_code=200)
async def record(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Write a grant down."""
    form = await Form.from_request(SubsidyForm, request)
    if form:
        async with form.attempt(uow):
            made = await form.once(uow, "pay.subsidy", lambda: subsidies.record(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/subsidies/{made}", flash=_("已登记"))
    return await _form(request, uow, form, 422)


async def _form(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[SubsidyForm],
    status: int = 200,
) -> Response[str]:
    return await page(
        request,
        "pay/subsidy_form.html",
        uow,
        form=form,
        fields=FIELDS,
        pupils={covers: await subsidies.pupils_of(uow, covers) for covers in COVERS},
        covers=COVERS,
        status=status,
    )


@get("/t/{tenant:str}/desk/subsidies/{subsidy_id:uuid}", opt=access("pay.read"))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], subsidy_id: FromPath[UUID]
) -> Response[str]:
    """One subsidy, what came in, and what may be done."""
    return await _show(request, uow, await uow.get(Subsidy, subsidy_id))


async def _show(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: Subsidy,
    *,
    receipt: Form[ReceiptForm] | None = None,
    settling: Form[SettleForm] | None = None,
    status: int = 200,
) -> Response[str]:
    may = uow.ctx.may("pay.subsidy")
    came = await subsidies.received(uow, row.id)
    served = await subsidies.served_between(uow, row.from_on, row.until_on)
    entitled = subsidies.proposed(served, row.rate_fen, row.remote_percent)
    left = row.amount_fen - came
    if receipt is None and may and row.state in ("expected", "received") and left > 0:
        receipt = Form.blank(ReceiptForm, {"received_on": today(), "amount_fen": left})
    if settling is None and may and row.state == "received":
        settling = Form.blank(SettleForm, {"returned_fen": max(0, came - entitled)})
    return await page(
        request,
        "pay/subsidy.html",
        uow,
        row=row,
        title=SUBSIDY.title(row.state),
        tone=SUBSIDY_TONES.get(row.state, ""),
        came=came,
        receipts=await subsidies.receipts(uow, row.id),
        served=served,
        entitled=entitled,
        receipt=receipt,
        settling=settling,
        objections=(settling.objections if settling is not None else ()) or row.objections,
        past=await history(uow, SUBSIDY, row.id),
        machine=SUBSIDY,
        may=may,
        levels=LEVELS,
        covers=COVERS,
        paid_to=PAID_TO,
        account=words("subsidy.account_public").get(row.account, row.account),
        surplus=words("subsidy.surplus").get(row.surplus, ""),
        status=status,
    )


@post("/t/{tenant:str}/desk/subsidies/{subsidy_id:uuid}/receive", opt=access("pay.subsidy"), status_code=200)
async def receive(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    subsidy_id: FromPath[UUID],
) -> Response[Any]:
    """Book money that reached the bank."""
    form = await Form.from_request(ReceiptForm, request)
    if form:
        async with form.attempt(uow):
            await subsidies.receive(uow, subsidy_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/subsidies/{subsidy_id}", flash=_("已登记到账"))
    return await _show(request, uow, await uow.get(Subsidy, subsidy_id, lock=True), receipt=form, status=422)


@post("/t/{tenant:str}/desk/subsidies/{subsidy_id:uuid}/settle", opt=access("pay.subsidy"), status_code=200)
async def settle(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    subsidy_id: FromPath[UUID],
) -> Response[Any]:
    """Settle it by the children really served."""
    form = await Form.from_request(SettleForm, request)
    if form:
        async with form.attempt(uow):
            await subsidies.settle(uow, subsidy_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/subsidies/{subsidy_id}", flash=_("已结算"))
    return await _show(request, uow, await uow.get(Subsidy, subsidy_id, lock=True), settling=form, status=422)


@post("/t/{tenant:str}/desk/subsidies/{subsidy_id:uuid}/cancel", opt=access("pay.subsidy"), status_code=200)
async def cancel(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    subsidy_id: FromPath[UUID],
) -> Response[Any]:
    """Recorded by mistake."""
    here = f"/t/{ctx.slug}/desk/subsidies/{subsidy_id}"
    reason = str((await request.form()).get("reason", ""))[:300]
    try:
        async with uow.session.begin_nested():
            await subsidies.cancel(uow, subsidy_id, reason)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已撤销"))


HANDLERS = (index, new, record, show, receive, settle, cancel)
