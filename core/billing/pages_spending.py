"""The desk's pages of what was spent: a list, and a form that is asked of the packs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.billing import spending
from core.billing.spending import ITEMS, SpendingForm
from core.billing.words import FUNDS
from core.db.uow import UnitOfWork
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

ROWS = 30


@get("/t/{tenant:str}/desk/spending", opt=access("billing.spend"))
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], page_no: FromQuery[int] = 1
) -> Response[str]:
    """What was spent, and a form."""
    return await _page(request, uow, Form.blank(SpendingForm, {"paid_on": clock.today()}), page_no=page_no)


async def _page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[SpendingForm],
    *,
    page_no: int = 1,
    status: int = 200,
) -> Response[str]:
    at = max(1, page_no)
    rows, total = await spending.listed(uow, offset=(at - 1) * ROWS, limit=ROWS)
    pager = Pager(total, at, ROWS, {}, "page_no")
    return await page(
        request,
        "billing/spending.html",
        uow,
        rows=rows,
        pager=pager,
        form=form,
        items=ITEMS,
        funds=FUNDS,
        status=status,
    )


@post("/t/{tenant:str}/desk/spending", opt=access("billing.spend"), status_code=200)
async def book(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Enter a spending; pressed twice, it is entered once."""
    form = await Form.from_request(SpendingForm, request)
    if form:
        async with form.attempt(uow):
            await form.once(uow, "billing.spend", lambda: spending.book(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/spending", flash=_("已登记支出"))
    return await _page(request, uow, form, status=422)


@post("/t/{tenant:str}/desk/spending/{spending_id:uuid}/back", opt=access("billing.spend"), status_code=200)
async def take_back(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], spending_id: FromPath[UUID]
) -> Response[Any]:
    """Entered wrongly."""
    sent = await request.form()
    here = f"/t/{uow.ctx.slug}/desk/spending"
    try:
        async with uow.session.begin_nested():
            await spending.take_back(uow, spending_id, str(sent.get("reason", "")))
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已撤销"))


HANDLERS = (index, book, take_back)
