"""The second pair of eyes: what was keyed in beside the scan, one paper at a time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.house import House
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment.models import Agreement
from core.enrollment.paper import service
from core.enrollment.paper.errors import SamePerson
from core.enrollment.paper.models import PaperForm
from core.enrollment.paper.pages_teach import chosen_lines
from core.enrollment.paper.schemas import Compared
from core.enrollment.paper.states import CHECK, PAPER, TONES
from core.enrollment.schemas import Reason
from core.people.service import student
from core.policy.vocab_people import FORMS
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

CHECKER = access(CHECK, face="desk")
SIZE = 50


@get("/t/{tenant:str}/desk/papers", opt=CHECKER)
async def listing(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "entered",
    page_number: FromQuery[int] = 1,
) -> Response[str]:
    """Papers by state; those that wait first."""
    state = show if show in PAPER.states else "entered"
    number = max(1, page_number)
    lines, total = await service.papers(uow, states=(state,), limit=SIZE, offset=(number - 1) * SIZE)
    return await page(
        request,
        "enrollment/paper/desk_papers.html",
        uow,
        lines=lines,
        pager=Pager(total, number, SIZE, {"show": state}, "page_number"),
        machine=PAPER,
        tabs_by_state=[(PAPER.title(s), f"?show={s}", s == state, 0) for s in PAPER.states if s != "dropped"],
        tones=TONES,
        me=uow.ctx.actor.account_id,
    )


@get("/t/{tenant:str}/desk/papers/{paper_id:uuid}", opt=CHECKER)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], paper_id: FromPath[UUID]
) -> Response[str]:
    """One paper: what was keyed in, the scan, and the decision."""
    return await _one_page(request, uow, paper_id, Form.blank(Compared))


async def _one_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    paper_id: UUID,
    form: Form[Compared],
    reason: Form[Reason] | None = None,
) -> Response[str]:
    row = await uow.get(PaperForm, paper_id)
    agreement = await uow.find(Agreement, row.agreement_id) if row.agreement_id else None
    return await page(
        request,
        "enrollment/paper/desk_paper.html",
        uow,
        status=(form if reason is None else reason).status,
        row=row,
        child=await student(uow, row.student_id),
        agreement=agreement,
        chosen=await chosen_lines(uow, row),
        papers=FORMS.show(row.papers) if row.papers else "",
        form=form,
        reason=Form.blank(Reason) if reason is None else reason,
        machine=PAPER,
        mine=row.entered_by == uow.ctx.actor.account_id,
        moved=await history(uow, PAPER, row.id),
    )


@post("/t/{tenant:str}/desk/papers/{paper_id:uuid}/confirm", opt=CHECKER, status_code=200)
async def confirm(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    paper_id: FromPath[UUID],
) -> Response[Any]:
    """The scan says the same: it counts from now on."""
    form = await Form.from_request(Compared, request)
    if form and not form.value.compared:
        form.add_error("compared", _("请先打开扫描件逐项核对，再勾选"))
    if form:
        async with form.attempt(shows=SamePerson):
            await service.confirm(house, ctx, paper_id)
            return redirect(f"/t/{ctx.slug}/desk/papers/{paper_id}", flash=_("已核对，开始办理"))
    async with house.unit(ctx) as uow:
        return await _one_page(request, uow, paper_id, form)


@post("/t/{tenant:str}/desk/papers/{paper_id:uuid}/return", opt=CHECKER, status_code=200)
async def send_back(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    paper_id: FromPath[UUID],
) -> Response[Any]:
    """The scan says something else, or cannot be read."""
    form = await Form.from_request(Reason, request)
    if form:
        async with form.attempt(), house.unit(ctx) as uow:
            await service.send_back(uow, paper_id, form.value.reason)
            return redirect(f"/t/{ctx.slug}/desk/papers", flash=_("已退回录入的老师"))
    async with house.unit(ctx) as uow:
        return await _one_page(request, uow, paper_id, Form.blank(Compared), form)


async def badge(uow: UnitOfWork) -> int:
    """How many wait for a second pair of eyes."""
    return (await service.papers(uow, states=("entered",), limit=1))[1]


HANDLERS = (listing, one, confirm, send_back)
