"""Guardians on the phone: exchanging an item, or its days, in mid-term. One list, one confirmation."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import BaseModel, Field

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.house import House
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.enrollment import swap
from core.enrollment.models import Enrolment
from core.enrollment.offerings_service import offering
from core.enrollment.words import SAY
from core.people.service import my_child
from core.web.access import access
from core.web.fields import Ui, Weekdays
from core.web.forms import Form
from core.web.i18n import weekday
from core.web.page import page, redirect

GUARDIAN = access("enrollment.apply", face="home")
PATH = "/t/{tenant:str}/home/enrolments/{enrolment_id:uuid}/swap"


class SwapForm(BaseModel):
    """The days of the new item, where the family chooses them."""

    weekdays: Annotated[Weekdays, Ui(_l("参加的日子"))] = Field(default_factory=list)


@get(PATH, opt=GUARDIAN)
async def choose(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], enrolment_id: FromPath[UUID]
) -> Response[str]:
    """What this item could be exchanged for."""
    row, child, found = await swap.options(uow, enrolment_id)
    return await page(
        request,
        "enrollment/swap_list.html",
        uow,
        row=row,
        child=child,
        view=await offering(uow, row.offering_id),
        found=found,
        **SAY,
    )


@get(PATH + "/{offering_id:uuid}", opt=GUARDIAN)
async def one(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    enrolment_id: FromPath[UUID],
    offering_id: FromPath[UUID],
) -> Response[str]:
    """What changes, with its price, before anything is done. No day is ticked beforehand."""
    return await _one_page(request, uow, enrolment_id, offering_id, Form.blank(SwapForm))


async def _one_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    enrolment_id: UUID,
    offering_id: UUID,
    form: Form[SwapForm],
) -> Response[str]:
    row = await uow.get(Enrolment, enrolment_id)
    child = await my_child(uow, row.student_id)
    view = await offering(uow, offering_id)
    seen: swap.Swap | None = None
    try:
        # Where days are chosen, the page counts with all of them; the guardian sees the price of one lesson, too.
        asked = form.value.weekdays if form and form.value.weekdays else view.weekdays
        seen = await swap.look(uow, enrolment_id, offering_id, asked)
    except KehouError as refused:
        if refused.status in (403, 404):
            raise
        if not (form.errors or view.any_days):
            form.fail(refused)
    form.choose("weekdays", [(day, weekday(day)) for day in view.weekdays])
    return await page(
        request,
        "enrollment/swap.html",
        uow,
        status=form.status,
        row=row,
        child=child,
        old=await offering(uow, row.offering_id),
        view=view,
        seen=seen,
        form=form,
        **SAY,
    )


@post(PATH + "/{offering_id:uuid}", opt=GUARDIAN, status_code=200)
async def do(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    enrolment_id: FromPath[UUID],
    offering_id: FromPath[UUID],
) -> Response[Any]:
    """Exchange it. The same tap twice is one swap."""
    form = await Form.from_request(SwapForm, request)
    if form:
        days = form.value.weekdays
        async with form.attempt(), house.unit(ctx) as uow:
            content = {"enrolment": enrolment_id, "offering": offering_id, "days": days}

            async def act() -> dict[str, Any]:
                return {"id": await swap.swap(uow, enrolment_id, offering_id, days)}

            done = await once(uow, f"swap/{ctx.actor.account_id}", form.key, content, act)
            return redirect(
                f"/t/{ctx.slug}/home/enrolments/{done['id']}",
                flash=_("已换好，请签署更新后的协议，原协议在此之前继续有效"),
            )
    async with house.unit(ctx) as uow:
        return await _one_page(request, uow, enrolment_id, offering_id, form)


HANDLERS = (choose, one, do)
