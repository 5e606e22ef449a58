"""Rates on the desk: what holds, what is proposed, and the second person's answer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import KehouError, TenantContext, UnitOfWork, access, page, redirect
from core.api import gettext as _
from core.api.forms import Form
from core.api.policy import words
from plugins.pay import rates
from plugins.pay.models import Rate
from plugins.pay.schemas import FUNDS, KINDS, PAYEE, UNITS, RateForm
from plugins.pay.states import RATE, RATE_TONES

WORDS: dict[str, Any] = {"payees": PAYEE, "kinds": KINDS, "units": UNITS, "funds": FUNDS}
FIELDS = [
    "payee", "kind", "unit_fen", "unit", "fund", "mechanism", "factors", "set_by", "document", "agreement",
    "effective_from", "reason",
]  # fmt: skip


@get("/t/{tenant:str}/desk/pay/rates", opt=access("pay.read"))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """All rates, those that matter now first."""
    return await page(
        request,
        "pay/rates.html",
        uow,
        rows=await rates.rates(uow),
        machine=RATE,
        tones=RATE_TONES,
        may_make=uow.ctx.may("pay.make"),
        **WORDS,
    )


@get("/t/{tenant:str}/desk/pay/rates/new", opt=access("pay.make"))
async def new(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """A blank form."""
    return await _form(request, uow, Form.blank(RateForm, rates.blank()))


@post("/t/{tenant:str}/desk/pay/rates", opt=access("pay.make"), status_code=200)
async def propose(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Put a rate forward."""
    form = await Form.from_request(RateForm, request)
    if form:
        async with form.attempt(uow):
            made = await form.once(uow, "pay.rate", lambda: rates.propose(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/pay/rates/{made}", flash=_("已提出，请另一位人员审批"))
    return await _form(request, uow, form, 422)


async def _form(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[RateForm],
    status: int = 200,
) -> Response[str]:
    return await page(request, "pay/rate_form.html", uow, form=form, fields=FIELDS, status=status)


@get("/t/{tenant:str}/desk/pay/rates/{rate_id:uuid}", opt=access("pay.read"))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], rate_id: FromPath[UUID]
) -> Response[str]:
    """One rate with what the rules said of it."""
    row = await uow.get(Rate, rate_id)
    return await page(
        request,
        "pay/rate.html",
        uow,
        row=row,
        title=RATE.title(row.state),
        tone=RATE_TONES.get(row.state, ""),
        mechanism=words("pay.mechanism").get(row.mechanism, row.mechanism),
        set_by=words("pay.rate_set_by").get(row.set_by, row.set_by),
        factors=[str(words("pay.factors").get(code, code)) for code in row.factors],
        may_decide=uow.ctx.may("pay.approve") and row.state == "proposed",
        mine=row.asked_by == uow.ctx.actor.account_id,
        **WORDS,
    )


@post("/t/{tenant:str}/desk/pay/rates/{rate_id:uuid}/approve", opt=access("pay.approve"), status_code=200)
async def approve(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], rate_id: FromPath[UUID]
) -> Response[Any]:
    """Bring it into force."""
    here = f"/t/{ctx.slug}/desk/pay/rates/{rate_id}"
    try:
        async with uow.session.begin_nested():
            await rates.approve(uow, rate_id)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已批准"))


@post("/t/{tenant:str}/desk/pay/rates/{rate_id:uuid}/return", opt=access("pay.approve"), status_code=200)
async def send_back(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    rate_id: FromPath[UUID],
) -> Response[Any]:
    """Send it back with a reason."""
    here = f"/t/{ctx.slug}/desk/pay/rates/{rate_id}"
    reason = str((await request.form()).get("reason", ""))[:300]
    try:
        async with uow.session.begin_nested():
            await rates.send_back(uow, rate_id, reason)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已退回"))


HANDLERS = (index, new, propose, show, approve, send_back)
