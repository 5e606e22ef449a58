"""The desk's pages of fee standards: list, propose, approve, disclose, post, put into force."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import BaseModel

from core.api import KehouError, Step, TenantContext, UnitOfWork, access, history, page, redirect
from core.api import gettext as _
from core.api.enrollment import grades_line
from core.api.forms import Form
from plugins.fees import service
from plugins.fees.models import FeeStandard
from plugins.fees.schemas import (
    APPROVERS,
    COLLECTING,
    FUNDS,
    SERVICES,
    UNITS,
    ApprovalForm,
    DisclosureForm,
    PostingForm,
    StandardForm,
)
from plugins.fees.states import STANDARD, TONES

WAY = ("proposed", "approved", "disclosed", "posted_at_school", "in_force")
LIVE = ("proposed", "approved", "disclosed", "posted_at_school", "in_force", "blocked")


@get("/t/{tenant:str}/desk/fees", opt=access("fees.read"))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Every standard, those that live first."""
    rows = await service.standards(uow)
    return await page(
        request,
        "fees/index.html",
        uow,
        live=[row for row in rows if row.state in LIVE],
        past=[row for row in rows if row.state not in LIVE],
        machine=STANDARD,
        tones=TONES,
        units=UNITS,
        funds=FUNDS,
        services=SERVICES,
        may_propose=uow.ctx.may("fees.propose"),
    )


@get("/t/{tenant:str}/desk/fees/new", opt=access("fees.propose"))
async def new(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """A blank proposal."""
    phone = (await service.settings(uow)).complaint_phone
    return await page(request, "fees/form.html", uow, form=Form.blank(StandardForm, {"complaint_phone": phone}))


@post("/t/{tenant:str}/desk/fees", opt=access("fees.propose"), status_code=200)
async def create(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Propose a standard."""
    form = await Form.from_request(StandardForm, request)
    if form:
        async with form.attempt(uow):
            made = await form.once(uow, "fees.propose", lambda: service.propose(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/fees/{made}", flash=_("已提出，等待批准"))
    return await page(request, "fees/form.html", uow, form=form, status=form.status)


@get("/t/{tenant:str}/desk/fees/{standard_id:uuid}", opt=access("fees.read"))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]
) -> Response[str]:
    """One standard, where it stands, and the next step for whoever may take it."""
    return await _shown(request, uow, await uow.get(FeeStandard, standard_id))


async def _shown(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: FeeStandard,
    *,
    form: Form[Any] | None = None,
    status: int = 200,
) -> Response[str]:
    boards = await service.postings(uow, row.id)
    board = next((b for b in boards if b.taken_down_at is None), None)
    days = (await service.settings(uow)).notice_days
    return await page(
        request,
        "fees/show.html",
        uow,
        row=row,
        state=STANDARD.title(row.state),
        tone=TONES.get(row.state, ""),
        steps=_steps(row),
        units=UNITS,
        funds=FUNDS,
        approvers=APPROVERS,
        accounts=COLLECTING,
        grades_line=grades_line,
        boards=boards,
        wrong=service.differences(row, board) if board else [],
        days=days,
        ready=service.ready_on(board, days) if board and row.state == "posted_at_school" else None,
        past=await history(uow, STANDARD, row.id),
        machine=STANDARD,
        form=form if form is not None else _form_for(uow, row),
        may={key: uow.ctx.may(f"fees.{key}") for key in ("approve", "post")},
        status=status,
    )


def _form_for(uow: UnitOfWork, row: FeeStandard) -> Form[Any] | None:
    """The form of the step that comes next, if the reader may take it."""
    wanted: dict[str, tuple[str, type[BaseModel]]] = {
        "proposed": ("fees.approve", ApprovalForm),
        "approved": ("fees.approve", DisclosureForm),
        "disclosed": ("fees.post", PostingForm),
        "blocked": ("fees.post", PostingForm),
    }
    permission, model = wanted.get(row.state, ("", BaseModel))
    return Form.blank(model) if permission and uow.ctx.may(permission) else None


def _steps(row: FeeStandard) -> list[Step]:
    at = WAY.index("posted_at_school" if row.state == "blocked" else row.state) if row.state in LIVE else -1
    steps = [
        Step(
            STANDARD.title(state), "done" if place < at or row.state == "in_force" else "now" if place == at else "todo"
        )
        for place, state in enumerate(WAY)
    ]
    if row.state not in WAY:
        steps.append(Step(STANDARD.title(row.state), "now", tone="bad"))
    return steps


async def _step(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    standard_id: UUID,
    model: type[BaseModel],
    act: Callable[[Any], Awaitable[str]],
) -> Response[Any]:
    """Take one step from a form on the standard's page; refusals come back beside the fields."""
    form = await Form.from_request(model, request)
    if form:
        async with form.attempt(uow):
            said = await act(form.value)
            return redirect(f"/t/{uow.ctx.slug}/desk/fees/{standard_id}", flash=said)
    return await _shown(request, uow, await uow.get(FeeStandard, standard_id, lock=True), form=form, status=422)


@post("/t/{tenant:str}/desk/fees/{standard_id:uuid}/approve", opt=access("fees.approve"), status_code=200)
async def approve(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]
) -> Response[Any]:
    """Record the authority's approval."""

    async def act(value: ApprovalForm) -> str:
        await service.approve(uow, standard_id, value)
        return _("已登记批准")

    return await _step(request, uow, standard_id, ApprovalForm, act)


@post("/t/{tenant:str}/desk/fees/{standard_id:uuid}/return", opt=access("fees.approve"), status_code=200)
async def send_back(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]
) -> Response[Any]:
    """Not approved."""
    sent = await request.form()
    await service.send_back(uow, standard_id, str(sent.get("reason", "")))
    return redirect(f"/t/{uow.ctx.slug}/desk/fees/{standard_id}", flash=_("已退回"))


@post("/t/{tenant:str}/desk/fees/{standard_id:uuid}/disclose", opt=access("fees.approve"), status_code=200)
async def disclose(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]
) -> Response[Any]:
    """Record where it is disclosed."""

    async def act(value: DisclosureForm) -> str:
        await service.disclose(uow, standard_id, value.disclosed_at)
        return _("已登记公开位置")

    return await _step(request, uow, standard_id, DisclosureForm, act)


@post("/t/{tenant:str}/desk/fees/{standard_id:uuid}/post", opt=access("fees.post"), status_code=200)
async def put_up(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]
) -> Response[Any]:
    """Write down what the board says; it is compared item by item."""

    async def act(value: PostingForm) -> str:
        row, wrong = await service.put_up(uow, standard_id, value)
        if wrong:
            return _("公示内容与批准的标准不一致，已停止收费")
        return _("已公示并开始执行") if row.state == "in_force" else _("已公示")

    return await _step(request, uow, standard_id, PostingForm, act)


@post("/t/{tenant:str}/desk/fees/{standard_id:uuid}/down", opt=access("fees.post"), status_code=200)
async def take_down(uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]) -> Response[Any]:
    """The board is gone."""
    await service.take_down(uow, standard_id)
    return redirect(f"/t/{uow.ctx.slug}/desk/fees/{standard_id}", flash=_("已撤下公示，停止收费"), level="warn")


@post("/t/{tenant:str}/desk/fees/{standard_id:uuid}/enforce", opt=access("fees.post"), status_code=200)
async def enforce(uow: NamedDependency[UnitOfWork], standard_id: FromPath[UUID]) -> Response[Any]:
    """Into force, when the posting has stood long enough."""
    here = f"/t/{uow.ctx.slug}/desk/fees/{standard_id}"
    try:
        async with uow.session.begin_nested():
            await service.enforce(uow, standard_id)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已开始执行"))


HANDLERS = (index, new, create, show, approve, send_back, disclose, put_up, take_down, enforce)
